// The log of a crash story: three windows in three generations, as a plain file or as the file of
// a container, written in parts that a test puts between the lives of an agent.
//
// A part ends in the middle of a line, a rename leaves the writer in the old file for a while, and
// a CRI line has parts, some of which end in the next generation.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { DiskLog, steadyLog } from '../agent/steady-log.ts'
import type { Dice } from '../reference/dice.ts'
import type { SlowOptions } from '../reference/options.ts'

export type LogKind = 'dated' | 'numbered' | 'pod'

export const WINDOW_MS = 1_000
const WINDOWS = 3
const LINES = 48
const SOURCE_ID = 'n1'
const POD = 'edge_gateway-7d4b_0a1b2c3d-0000-4000-8000-000000000001'
const POD_STREAM = 'k8s/0a1b2c3d-0000-4000-8000-000000000001/envoy/0'

/** A log that is renamed away from under its writer. */
interface RotatingLog {
  readonly generations: readonly Buffer[]
  write(bytes: Uint8Array): void
  rename(): void
  reopen(): void
}

export interface StoryLog {
  /** What happens to the log: before the first life, and after it has read what is there. */
  readonly parts: readonly (() => void)[]
  /** Bytes of all generations so far, oldest first. */
  readonly generations: readonly Buffer[]
  /** The entry of `streams`. */
  readonly source: object
  /** What the oracle has to know. */
  readonly reading: Pick<SlowOptions, 'stream' | 'envelope' | 'windowMs'>
}

/** A log of three windows from `startMs`, in `directory`. */
export function storyLog(kind: LogKind, directory: string, startMs: number, dice: Dice): StoryLog {
  const endMs = startMs + WINDOWS * WINDOW_MS
  const raw = steadyLog(dice, { lines: LINES, startMs, endMs })
  const isPod = kind === 'pod'
  const log: RotatingLog = isPod ? new PodLog(directory) : new DiskLog(directory, kind)
  const lines = physicalLines(isPod ? criParts(raw, dice) : raw)
  return {
    parts: partsOf(log, lines),
    generations: log.generations,
    source: isPod
      ? { kubernetes: { namespaces: ['edge'], containers: ['envoy'] }, root: directory }
      : { files: [join(directory, 'access.log')], source_id: SOURCE_ID, format: 'datum' },
    reading: {
      stream: isPod ? POD_STREAM : `file/${SOURCE_ID}/access.log`,
      envelope: isPod ? 'cri' : 'raw',
      windowMs: WINDOW_MS,
    },
  }
}

function physicalLines(bytes: Buffer): Buffer[] {
  const texts = bytes.toString().split('\n').slice(0, -1)
  return texts.map((text) => Buffer.from(`${text}\n`))
}

/** Three parts with two rotations; each but the last ends inside of a line. */
function partsOf(log: RotatingLog, lines: readonly Buffer[]): (() => void)[] {
  const at = (share: number) => Math.floor(lines.length * share)
  const write = (from: number, to: number) => log.write(Buffer.concat(lines.slice(from, to)))
  const half = (line: number) => (lines[line] as Buffer).subarray(0, 20)
  const rest = (line: number) => (lines[line] as Buffer).subarray(20)
  // The first part ends in the second window, the second one in the third.
  const [first, renamed, reopened, second, last] = [0.45, 0.5, 0.55, 0.75, 0.85].map(at) as [
    ...[number, number, number, number, number],
  ]
  return [
    () => {
      write(0, first)
      log.write(half(first))
    },
    () => {
      log.write(rest(first))
      write(first + 1, renamed)
      log.rename()
      write(renamed, reopened)
      log.reopen()
      write(reopened, second)
      log.write(half(second))
    },
    () => {
      log.write(rest(second))
      write(second + 1, last)
      log.rename()
      log.reopen()
      write(last, lines.length)
    },
  ]
}

/** Every line in one to three CRI parts. */
function criParts(raw: Buffer, dice: Dice): Buffer {
  const physical: string[] = []
  const put = (content: string, isLast: boolean) =>
    physical.push(`2026-01-05T12:00:00.5Z stdout ${isLast ? 'F' : 'P'} ${content}\n`)
  for (const line of raw.toString('latin1').split('\n').slice(0, -1)) {
    let rest = line
    while (rest.length > 30 && dice.chance(0.4)) {
      const at = 1 + dice.below(rest.length - 1)
      put(rest.slice(0, at), false)
      rest = rest.slice(at)
    }
    put(rest, true)
  }
  return Buffer.from(physical.join(''), 'latin1')
}

/** `0.log` of a container, rotated by the kubelet's rules: a later rotation compresses. */
class PodLog implements RotatingLog {
  readonly generations: Buffer[] = [Buffer.alloc(0)]
  readonly #path: string
  #writing: string
  #rotated: string | undefined
  #rotations = 0

  constructor(root: string) {
    const directory = join(root, POD, 'envoy')
    mkdirSync(directory, { recursive: true })
    this.#path = join(directory, '0.log')
    this.#writing = this.#path
    writeFileSync(this.#path, '')
  }

  write(bytes: Uint8Array): void {
    writeFileSync(this.#writing, bytes, { flag: 'a' })
    const last = this.generations.length - 1
    this.generations[last] = Buffer.concat([this.generations[last] ?? Buffer.alloc(0), bytes])
  }

  rename(): void {
    const before = this.#rotated
    if (before !== undefined) {
      writeFileSync(`${before}.tmp`, gzipSync(readFileSync(before)))
      renameSync(`${before}.tmp`, `${before}.gz`)
      rmSync(before)
    }
    this.#rotations += 1
    this.#rotated = `${this.#path}.20260105-12000${this.#rotations}`
    renameSync(this.#path, this.#rotated)
    this.#writing = this.#rotated
  }

  reopen(): void {
    this.#writing = this.#path
    writeFileSync(this.#path, '')
    this.generations.push(Buffer.alloc(0))
  }
}
