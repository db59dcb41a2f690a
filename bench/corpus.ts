// The logs that contenders read, made by `meter-fast generate`, with the truth beside each.
// They are read right after they were written, so they lie in the page cache.

import { spawn } from 'node:child_process'
import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from './child.ts'

/** The command line that lies beside the built benchmark: dist/cli/main.js. */
export const METER_FAST = fileURLToPath(new URL('../cli/main.js', import.meta.url))

export type Format = 'datum' | 'envoy-gateway'

export interface Corpus {
  readonly format: Format
  readonly path: string
  readonly bytes: number
  readonly lines: number
  /** The object that `scan --json` must print for this log. */
  readonly truth: unknown
}

export interface CorpusSettings {
  readonly directory: string
  readonly name: string
  readonly format: Format
  readonly lines: number
  readonly routes: number
  /** Lines a second of log time; the default is that of `generate`. */
  readonly perSecond?: number
}

export async function makeCorpus(settings: CorpusSettings): Promise<Corpus> {
  const { directory, name, format, lines, routes, perSecond } = settings
  const path = join(directory, `${name}.log`)
  const truthPath = join(directory, `${name}.truth.json`)
  const log = await open(path, 'w')
  try {
    const pace = perSecond === undefined ? {} : { 'per-second': perSecond }
    const flags = { format, lines, routes, truth: truthPath, ...pace }
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)])
    await generate(args, log.fd)
  } finally {
    await log.close()
  }
  const truth: unknown = JSON.parse(await readFile(truthPath, 'utf8'))
  return { format, path, bytes: (await stat(path)).size, lines, truth }
}

async function generate(args: string[], stdoutFd: number): Promise<void> {
  const child = spawn(process.execPath, [METER_FAST, 'generate', ...args], {
    env: childEnvironment(),
    stdio: ['ignore', stdoutFd, 'inherit'],
  })
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (exitCode !== 0) throw new Error(`meter-fast generate ended with ${exitCode}`)
}
