// What the image holds is enough to run, and what the pod may is enough to meter: the files that
// the last stage copies, without development packages, run as the user and group of the DaemonSet
// over logs that the runtime wrote for root only. No container engine is needed; what cannot be
// seen without one is whether the base image has what Node needs.

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { line } from '../agent/bills.ts'
import { DEPLOY } from './manifests.ts'

const ROOT = join(import.meta.dirname, '../..')
const POD = parse(readFileSync(`${DEPLOY}base/daemon-set.yaml`, 'utf8')).spec.template.spec
const { runAsUser, runAsGroup } = POD.securityContext
const START_MS = Date.UTC(2026, 10, 2, 12)
const IS_ROOT = process.geteuid?.() === 0

let directory = ''
let image = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'meter-fast-image-'))
  chmodSync(directory, 0o755)
  image = join(directory, 'app')
  copyImage()
})
afterAll(() => rmSync(directory, { recursive: true }))

/** What .dockerignore lets through, built as the first stage builds it, all but the addon. */
function buildContext(context: string): void {
  const ignore = readFileSync(`${DEPLOY}Dockerfile.dockerignore`, 'utf8')
  const filter = (path: string) => !path.includes('node_modules')
  for (const [, path = ''] of ignore.matchAll(/^!(.*)$/gm)) {
    cpSync(join(ROOT, path), join(context, path), { recursive: true, filter })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(context, 'node_modules'))
  execFileSync('npm', ['run', 'build:ts'], { cwd: context, stdio: 'pipe' })
}

/** The paths of `cp -r ... /image/`, and of packages those that `npm prune --omit=dev` leaves. */
function copyImage(): void {
  const context = join(directory, 'context')
  buildContext(context)
  const dockerfile = readFileSync(`${DEPLOY}Dockerfile`, 'utf8')
  const [, copied = ''] = /cp -r (.*) \/image\//.exec(dockerfile) ?? []
  const paths = copied.split(' ')
  expect(paths).toContain('node_modules')
  for (const path of paths.filter((one) => one !== 'node_modules')) {
    cpSync(join(context, path), join(image, path), { recursive: true })
  }
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  for (const [path, facts] of Object.entries<{ dev?: boolean }>(packages)) {
    const isThere = path !== '' && facts.dev !== true && existsSync(join(ROOT, path))
    if (isThere) cpSync(join(ROOT, path), join(image, path), { recursive: true })
  }
  for (const file of ['build/Release/meter_fast.node', 'native/addon-file.cjs']) {
    expect(dockerfile).toContain(`cp ${file.replace('meter_fast.node', '*.node')} /image/`)
    cpSync(join(ROOT, file), join(image, file))
  }
  mkdirSync(join(image, 'bin'))
  symlinkSync('../dist/cli/main.js', join(image, 'bin/meter-fast'))
}

/** Runs the image's command with nothing of this machine but its Node. */
function meterFast(args: string[], before: readonly string[] = []): string {
  const [program = '', ...rest] = [...before, process.execPath, join(image, 'bin/meter-fast')]
  const env = { METER_FAST_OBSERVE_LOG_FORM: 'text' }
  return execFileSync(program, [...rest, ...args], { cwd: directory, env, encoding: 'utf8' })
}

const ids = [`--reuid=${runAsUser}`, `--regid=${runAsGroup}`, '--clear-groups']
const asAgent = ['setpriv', ...ids, '--bounding-set=-all', '--inh-caps=-all', '--']

test('the files of the image are enough for every command', () => {
  expect(existsSync(join(image, 'node_modules/vitest'))).toBe(false)
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  expect(meterFast(['--version'])).toContain(version)
  expect(lstatSync(join(image, 'bin/meter-fast')).isSymbolicLink()).toBe(true)
  const golden = join(ROOT, 'test/golden/plain.log')
  expect(JSON.parse(meterFast(['scan', '--json', golden])).lines.metered).toBe(200)
})

describe.runIf(IS_ROOT)('as the user of the pod', () => {
  const state = () => join(directory, 'state')

  /** The script of the init container, over the directory of this test, with CHOWN and no more. */
  function ownState(): void {
    const { command, securityContext } = POD.initContainers[0]
    expect(securityContext.capabilities).toEqual({ drop: ['ALL'], add: ['CHOWN'] })
    const [, flag = '', script = ''] = command as string[]
    const here = script.replace("'/var/lib/meter-fast'", JSON.stringify(state()))
    expect(here).not.toBe(script)
    const bound = ['--bounding-set=-all,+chown', '--inh-caps=-all', '--']
    execFileSync('setpriv', [...bound, process.execPath, flag, here])
  }

  test('the init container gives the directory that kubelet made to the agent, once', () => {
    mkdirSync(state(), { mode: 0o755 })
    ownState()
    const { uid, gid, mode } = statSync(state())
    expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: runAsUser, gid: 0, mode: 0o700 })
    ownState()
  })

  test('the agent reads what only root and its group may read, and writes its state alone', () => {
    const pod = 'gateway_envoy-1_0a1b2c3d-0000-4000-8000-000000000001'
    const log = join(directory, 'pods', pod, 'envoy/0.log')
    mkdirSync(dirname(log), { recursive: true })
    const cri = `2026-11-02T12:00:00.5Z stdout F ${line(START_MS, { sent: 42 })}`
    writeFileSync(log, cri, { mode: 0o640 })
    const kubernetes = { namespaces: ['gateway'], containers: ['envoy'] }
    const config = {
      streams: [{ kubernetes, root: join(directory, 'pods'), format: 'datum' }],
      state: { dir: state(), reserve_bytes: '0B' },
      sink: { type: 'file', path: join(state(), 'usage.ndjson') },
    }
    writeFileSync(join(directory, 'meter-fast.yaml'), JSON.stringify(config))
    meterFast(['run', '--once', '-c', 'meter-fast.yaml'], asAgent)
    const usage = readFileSync(join(state(), 'usage.ndjson'), 'utf8')
    expect(usage).toMatch(/egress-bytes".*"value":"42"/)
    // Without group 0 it could not.
    const others = [`--reuid=${runAsUser}`, `--regid=${runAsUser}`, '--clear-groups', '--']
    const read = () => execFileSync('setpriv', [...others, 'cat', log], { stdio: 'pipe' })
    expect(read).toThrow(/denied/)
  })
})
