// A log under load that counts what it writes: the truth of the kill storm, to the unit. It is
// written at a steady rate and rotated every second.

import { setTimeout as delay } from 'node:timers/promises'
import { DiskLog } from '../agent/steady-log.ts'
import type { Dice } from '../reference/dice.ts'

const PROJECTS = ['p-a', 'p-b', 'p-c', 'p-d', 'p-e']
const ROUTES_PER_PROJECT = 4
const DURATION_MS_MAX = 3_000
const LINES_PER_SECOND = 2_000
const WRITES_PER_SECOND = 50
const ROTATION_MS = 1_000

interface Written {
  requests: bigint
  egressBytes: bigint
  ingressBytes: bigint
  ms: bigint
}

export class StormLog extends DiskLog {
  readonly #dice: Dice
  /** By project and route. */
  readonly #written = new Map<string, Written>()
  /** The beginning of a line is written already; this is its rest. */
  #rest = Buffer.alloc(0)
  lines = 0

  constructor(directory: string, dice: Dice) {
    super(directory)
    this.#dice = dice
  }

  /** Writes requests that end now; what it writes ends inside of a line, as a buffer does. */
  append(lines: number): void {
    const texts = Array.from({ length: lines }, () => this.#line(Date.now()))
    const bytes = Buffer.concat([this.#rest, Buffer.from(texts.join(''))])
    const cut = bytes.length - this.#dice.below(60)
    this.write(bytes.subarray(0, cut))
    this.#rest = bytes.subarray(cut)
  }

  /** Writes what is left of the last line. */
  finish(): void {
    this.write(this.#rest)
    this.#rest = Buffer.alloc(0)
  }

  /** Sums such as `p-a requests`, as the sink must have them. */
  truth(): Record<string, bigint> {
    const sums: Record<string, bigint> = {}
    for (const [key, written] of this.#written) {
      const [project] = key.split(' ')
      const add = (meter: string, amount: bigint) => {
        const name = `${project} ${meter}`
        sums[name] = (sums[name] ?? 0n) + amount
      }
      add('requests', written.requests)
      add('egress-bytes', written.egressBytes)
      add('ingress-bytes', written.ingressBytes)
      // Milliseconds are carried for each project and route; the last one's rest is never billed.
      add('connection-seconds', written.ms / 1000n)
    }
    return Object.fromEntries(Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  #line(nowMs: number): string {
    const dice = this.#dice
    const project = dice.pick(PROJECTS)
    const route = `r${dice.below(ROUTES_PER_PROJECT)}`
    const [sent, received, ms] = [1_000_000, 2_000, DURATION_MS_MAX].map((max) => dice.below(max))
    this.#count(`${project} ${route}`, sent ?? 0, received ?? 0, ms ?? 0)
    this.lines += 1
    return `${JSON.stringify({
      bytes_received: received,
      bytes_sent: sent,
      duration: ms,
      project_name: project,
      route_name: `httproute/ns-a/${route}/rule/0`,
      start_time: new Date(nowMs - (ms ?? 0)).toISOString(),
    })}\n`
  }

  #count(key: string, sent: number, received: number, ms: number): void {
    const written = this.#written.get(key) ?? emptyUsage()
    written.requests += 1n
    written.egressBytes += BigInt(sent)
    written.ingressBytes += BigInt(received)
    written.ms += BigInt(ms)
    this.#written.set(key, written)
  }
}

function emptyUsage(): Written {
  return { requests: 0n, egressBytes: 0n, ingressBytes: 0n, ms: 0n }
}

/** Writes until it is stopped; between rename and reopen it goes on in the old file. */
export class StormWriter {
  readonly #log: StormLog
  readonly #ended: Promise<void>
  #isStopped = false

  constructor(log: StormLog) {
    this.#log = log
    this.#ended = this.#run()
  }

  /** Resolves when the last line is whole. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#ended
  }

  async #run(): Promise<void> {
    const startedMs = performance.now()
    let rotatesAtMs = startedMs + ROTATION_MS
    while (!this.#isStopped) {
      const nowMs = performance.now()
      const isRotation = nowMs >= rotatesAtMs
      if (isRotation) this.#log.rename()
      const due = Math.floor(((nowMs - startedMs) / 1000) * LINES_PER_SECOND)
      this.#log.append(Math.max(0, due - this.#log.lines))
      if (isRotation) {
        this.#log.finish()
        this.#log.reopen()
        rotatesAtMs += ROTATION_MS
      }
      await delay(1000 / WRITES_PER_SECOND)
    }
    this.#log.finish()
  }
}
