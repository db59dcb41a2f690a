// The logs that contenders read, made by `meter-fast generate`, with the truth beside each.
// They are read right after they were written, so they lie in the page cache.

import { spawn } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from './child.ts'

/** The command line that lies beside the built benchmark: dist/cli/main.js. */
export const METER_FAST = fileURLToPath(new URL('../cli/main.js', import.meta.url))

/** Written together. */
const LINES_AT_ONCE = 4096

export type Format = 'datum' | 'envoy-gateway'
export type Envelope = 'raw' | 'cri'

export interface Corpus {
  readonly format: Format
  readonly path: string
  readonly bytes: number
  readonly lines: number
  readonly envelope: Envelope
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
  /** Time of the first line, in ms; the default is that of `generate`. */
  readonly startMs?: number
  readonly envelope?: Envelope
  /** Made of every line before it is written; the truth stays what it is. */
  readonly change?: (line: string) => string
}

export async function makeCorpus(settings: CorpusSettings): Promise<Corpus> {
  const { directory, name, format, lines, routes, perSecond, startMs, change } = settings
  const { envelope = 'raw' } = settings
  const path = join(directory, `${name}.log`)
  const truthPath = join(directory, `${name}.truth.json`)
  const log = await open(path, 'w')
  try {
    const pace = perSecond === undefined ? {} : { 'per-second': perSecond }
    const start = startMs === undefined ? {} : { start: new Date(startMs).toISOString() }
    const flags = { format, lines, routes, envelope, truth: truthPath, ...pace, ...start }
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)])
    await generate(args, log.fd)
  } finally {
    await log.close()
  }
  if (change !== undefined) await changeLines(path, change)
  const truth: unknown = JSON.parse(await readFile(truthPath, 'utf8'))
  return { format, path, bytes: (await stat(path)).size, lines, envelope, truth }
}

async function changeLines(path: string, change: (line: string) => string): Promise<void> {
  const changedPath = `${path}.changed`
  const from = createReadStream(path)
  const changed = async function* (): AsyncGenerator<string> {
    let texts: string[] = []
    for await (const line of createInterface({ input: from })) {
      texts.push(change(line), '\n')
      if (texts.length < LINES_AT_ONCE) continue
      yield texts.join('')
      texts = []
    }
    yield texts.join('')
  }
  await pipeline(changed, createWriteStream(changedPath))
  await rename(changedPath, path)
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
