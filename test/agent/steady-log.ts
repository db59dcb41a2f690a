// A log that a gateway writes now: its clock runs forward without jumps inside a span that a test
// chooses, so that no window is closed by time and no event waits for its time, while real agents
// read it. And a log on disk that is written in pieces and rotated as logrotate and kubelets do.

import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Dice } from '../reference/dice.ts'

export interface SteadyOptions {
  readonly lines: number
  readonly startMs: number
  readonly endMs: number
}

interface LongRequest {
  readonly id: string
  readonly startMs: number
  sent: number
}

/** Lines of ordinary and long requests, now and then late, faulty or of no project. */
export function steadyLog(dice: Dice, { lines, startMs, endMs }: SteadyOptions): Buffer {
  const running: LongRequest[] = []
  const texts: string[] = []
  for (let index = 0; index < lines; index += 1) {
    const nowMs = startMs + Math.floor(((endMs - startMs) * index) / lines)
    texts.push(dice.chance(0.05) ? dice.pick(FAULTS) : nextLine(dice, nowMs, running))
  }
  return Buffer.from(`${texts.join('\n')}\n`)
}

const FAULTS = [
  ...['', '[info] started', '{', '{"bytes_sent":1', '{"bytes_sent":1,"bytes_sent":1}', '\r'],
  ...['{"access_log_type":"TcpConnectionEnd"}', '{"access_log_type":"Other"}', '{"x":"\\q"}'],
  '{"project_name":"p-a","bytes_sent":-1}',
]

function nextLine(dice: Dice, nowMs: number, running: LongRequest[]): string {
  const lateMs = dice.chance(0.1) ? dice.below(9_000) : 0
  const project = dice.pick(['p-a', 'p-b', 'p-c', 'p-d', 'Not Good', null])
  const route = dice.pick(['httproute/ns-a/web/r', 'httproute/ns-b/api', 'grpcroute/ns-a/web', 'x'])
  const record = {
    bytes_received: dice.below(2_000),
    bytes_sent: dice.below(1_000_000),
    duration: dice.below(3_000),
    path: dice.pick(['/', '/a"b', '/%F0%9F%98%80', '/é']),
    project_name: project,
    route_name: route,
  }
  if (!dice.chance(0.15)) return withStart(record, nowMs - lateMs - record.duration)
  if (running.length === 0 || dice.chance(0.3)) {
    running.push({ id: dice.hex(8), startMs: nowMs - dice.below(2_000), sent: 0 })
  }
  const request = dice.pick(running)
  const isEnd = dice.chance(0.25)
  if (isEnd) running.splice(running.indexOf(request), 1)
  request.sent += dice.below(10_000)
  const report = {
    access_log_type: isEnd ? 'DownstreamEnd' : 'DownstreamPeriodic',
    bytes_sent: request.sent,
    duration: nowMs - request.startMs,
    project_name: 'p-long',
    route_name: 'httproute/ns-a/socket',
    stream_id: request.id,
    connection_id: 7,
  }
  return withStart(report, request.startMs)
}

function withStart(record: object, startMs: number): string {
  return JSON.stringify({ ...record, start_time: new Date(startMs).toISOString() })
}

/** `dated` gives each rotated file a name for ever, `numbered` moves all of them on by one. */
export type RotationStyle = 'dated' | 'numbered'

/** A log file that one writer appends to and that is renamed away from under it. */
export class DiskLog {
  /** Bytes of every generation, oldest first; the last one is live. */
  readonly generations: Buffer[] = [Buffer.alloc(0)]
  readonly path: string
  readonly #style: RotationStyle
  /** Where the writer's open file is: a rotation is not noticed at once. */
  #writing: string
  #rotations = 0

  constructor(directory: string, style: RotationStyle = 'dated') {
    this.path = join(directory, 'access.log')
    this.#writing = this.path
    this.#style = style
    writeFileSync(this.path, '')
  }

  write(bytes: Uint8Array): void {
    appendFileSync(this.#writing, bytes)
    const last = this.generations.length - 1
    this.generations[last] = Buffer.concat([this.generations[last] ?? Buffer.alloc(0), bytes])
  }

  /** Renames the live file; the writer goes on in it until reopen(). */
  rename(): void {
    this.#rotations += 1
    if (this.#style === 'dated') {
      const seconds = String(10_000_000 + this.#rotations)
      this.#writing = `${this.path}-${seconds}`
    } else {
      let last = 1
      while (existsSync(`${this.path}.${last}`)) last += 1
      for (let index = last; index > 1; index -= 1) {
        renameSync(`${this.path}.${index - 1}`, `${this.path}.${index}`)
      }
      this.#writing = `${this.path}.1`
    }
    renameSync(this.path, this.#writing)
  }

  /** The writer begins a new live file. */
  reopen(): void {
    this.#writing = this.path
    writeFileSync(this.path, '')
    this.generations.push(Buffer.alloc(0))
  }

  rotate(): void {
    this.rename()
    this.reopen()
  }

  /** Paths of all generations, oldest first. */
  get paths(): string[] {
    const rotated = Array.from({ length: this.#rotations }, (_, index) =>
      this.#style === 'dated'
        ? `${this.path}-${10_000_001 + index}`
        : `${this.path}.${this.#rotations - index}`,
    )
    return [...rotated, this.path]
  }

  /** True when the files hold what was written to them. */
  get isWhole(): boolean {
    return this.paths.every((path, at) => readFileSync(path).equals(this.generations[at] as Buffer))
  }
}

/** Pieces that together are `bytes`, cut anywhere. */
export function pieces(bytes: Buffer, dice: Dice, sizeMax: number): Buffer[] {
  const cut: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + dice.below(sizeMax)
    cut.push(bytes.subarray(at, at + size))
    at += size
  }
  return cut
}
