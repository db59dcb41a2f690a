// A real `meter-fast run` under strace, while its log is written: killed in the middle, started
// again, stopped. What it asked of the kernel, what the log held and what the receiver knew, by
// the time of this machine.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll } from 'vitest'
import { steadyLog } from '../agent/steady-log.ts'
import { MAIN } from '../cli/build.ts'
import type { Dice } from '../reference/dice.ts'
import { CONFIG, configText, HERE, LOG, scratch } from './places.ts'
import { type Call, fileCalls } from './strace.ts'

const LINES = 400
/** The log is written in pieces, and in rounds of pieces; each round is seen by a commit. */
const PIECES = 50
const ROUND_PIECES = 5
const PIECE_MS = 100
const WAIT_MS = 30_000
// As in the tests of restarts: no window ends by the clock, no event waits for its time.
const START_AHEAD_MS = 60_000
const END_AHEAD_MS = 80_000

// Nothing of a recording that failed goes on.
const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

const TRACED = [
  ...['openat', 'open', 'creat', 'close', 'lseek', 'mmap', 'fcntl', 'dup', 'dup2', 'dup3'],
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'sendfile', 'copy_file_range'],
  ...['ftruncate', 'truncate', 'fallocate', 'fsync', 'fdatasync', 'sync_file_range', 'msync'],
  ...['mkdir', 'mkdirat', 'rmdir', 'unlink', 'unlinkat', 'link', 'linkat', 'symlink', 'symlinkat'],
  ...['rename', 'renameat', 'renameat2', 'chmod', 'fchmod', 'fchown', 'chown'],
].join(',')

/** A batch as the receiver got it. */
export interface Received {
  readonly arrivedAtMs: number
  readonly answeredAtMs: number
  readonly texts: readonly string[]
}

export interface Recording {
  readonly kind: 'gateway' | 'file'
  readonly directory: string
  /** The calls of each process. */
  readonly lives: readonly (readonly Call[])[]
  readonly log: Buffer
  /** Bytes of the log from the time on when a write began, oldest first. */
  readonly sizes: readonly { readonly atMs: number; readonly bytes: number }[]
  readonly received: readonly Received[]
  /** What the clock of an agent that goes on should say. */
  readonly nowMs: number
}

/** Records a run that delivers to a receiver on loopback, or to a file. */
export async function record(dice: Dice, kind: 'gateway' | 'file'): Promise<Recording> {
  if (spawnSync('strace', ['-V']).error) throw new Error('these tests need strace: install it')
  const directory = scratch()
  const traces = scratch()
  const received: Received[] = []
  const server = createServer()
  if (kind === 'gateway') await listen(server, received)
  const { port } = (server.address() as AddressInfo | null) ?? { port: 0 }
  const sink = { type: 'milo-gateway', url: `http://127.0.0.1:${port}` }
  writeFileSync(join(directory, CONFIG), configText(kind === 'gateway' ? sink : undefined))
  const startMs = Date.now() + START_AHEAD_MS
  const log = steadyLog(dice, { lines: LINES, startMs, endMs: startMs + END_AHEAD_MS })
  const writer = new LogPieces(directory, log)
  const paths = [join(traces, '1'), join(traces, '2')]
  const ends = ['SIGKILL', 'SIGTERM'] as const
  for (const [life, signal] of ends.entries()) {
    const trace = paths[life] ?? ''
    const child = start(directory, trace)
    while (writer.pieces < (PIECES * (life + 1)) / ends.length) {
      const before = commitsIn(trace)
      await writer.write(ROUND_PIECES)
      await until(`a commit in ${trace}`, child, () => commitsIn(trace) > before)
    }
    await endOf(child, signal, trace)
  }
  server.close()
  const lives = paths.map((path) => fileCalls(readFileSync(path, 'latin1'), directory, [HERE]))
  return { kind, directory, lives, log, sizes: writer.sizes, received, nowMs: Date.now() }
}

/** Writes a log in pieces of whole lines. */
class LogPieces {
  readonly sizes: { atMs: number; bytes: number }[] = [{ atMs: 0, bytes: 0 }]
  readonly #path: string
  readonly #log: Buffer

  constructor(directory: string, log: Buffer) {
    this.#path = join(directory, LOG)
    this.#log = log
    writeFileSync(this.#path, '')
  }

  /** How many were written. */
  get pieces(): number {
    return this.sizes.length - 1
  }

  async write(pieces: number): Promise<void> {
    const last = Math.min(PIECES, this.pieces + pieces)
    for (let piece = this.pieces + 1; piece <= last; piece += 1) {
      const from = this.sizes.at(-1)?.bytes ?? 0
      const about = Math.floor((this.#log.length * piece) / PIECES)
      const end = piece === PIECES ? this.#log.length : this.#log.lastIndexOf(0x0a, about - 1) + 1
      this.sizes.push({ atMs: Date.now(), bytes: end })
      appendFileSync(this.#path, this.#log.subarray(from, end))
      await delay(PIECE_MS)
    }
  }
}

function start(directory: string, trace: string): ChildProcess {
  const flags = ['-D', '-f', '-ttt', '-y', '-v', '-xx', '-s', '16777216']
  const command = [process.execPath, MAIN, 'run', '-c', CONFIG]
  // -D: the process that is started is the traced one, so a signal reaches it.
  const child = spawn(
    'strace',
    [...flags, '-e', `trace=${TRACED}`, '-o', trace, '--', ...command],
    {
      cwd: directory,
      env: { PATH: process.env['PATH'], UV_THREADPOOL_SIZE: '1', UV_USE_IO_URING: '0' },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  children.push(child)
  return child
}

/** Ends the process and waits until its trace is whole. */
async function endOf(child: ChildProcess, signal: NodeJS.Signals, trace: string): Promise<void> {
  child.kill(signal)
  const end = new RegExp(`^${child.pid} .*\\+\\+\\+ (exited|killed)`, 'm')
  await until(`the end of ${trace}`, child, () => end.test(textOf(trace)))
}

/** Meta pages that the traced process wrote: 128 bytes each, one for each commit. */
function commitsIn(trace: string): number {
  return [...textOf(trace).matchAll(/, 128, (40|4136)\) = 128$/gm)].length
}

function textOf(trace: string): string {
  return existsSync(trace) ? readFileSync(trace, 'latin1') : ''
}

async function until(what: string, child: ChildProcess, isSo: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS
  while (!isSo()) {
    const isLate = performance.now() > deadlineMs
    if (isLate || (child.exitCode ?? 0) !== 0) {
      const words = isLate || !child.stderr ? '' : await text(child.stderr)
      throw new Error(`waited in vain for ${what}: ${words}`)
    }
    await delay(50)
  }
}

/** Accepts everything, and remembers when. */
async function listen(server: Server, received: Received[]): Promise<void> {
  server.on('request', async (request, response) => {
    const events = JSON.parse(await text(request)) as unknown[]
    const arrivedAtMs = Date.now()
    response.setHeader('content-type', 'application/json')
    const texts = events.map((event) => JSON.stringify(event))
    received.push({ arrivedAtMs, answeredAtMs: Date.now(), texts })
    response.end(JSON.stringify({ accepted: events.length }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
}
