// The spool as the sender sees it: frozen batches whose attempt is durable, and where outcomes go.

import { setTimeout as delay } from 'node:timers/promises'
import type { BatchOutcome } from './deliver/bisection.ts'
import type { Outbox } from './deliver/sender.ts'
import { type FrozenBatch, freezeBatch } from './deliver/sink.ts'
import type { Spool } from './durable/spool.ts'

/** The gateway takes at most 100 events a request (DESIGN 7). */
const BATCH_LIMITS = { eventsMax: 100, bytesMax: 1024 * 1024, batchesMax: 20 } as const
/** Attempts that one commit makes durable: with one commit a second, 25,600 events a second. */
const ATTEMPTS_MAX = 256
const IDLE_MS = 50

export class SpoolOutbox implements Outbox {
  readonly #spool: Spool
  readonly #commit: () => Promise<void>
  readonly #now: () => number
  /** Batches whose attempt is durable, not handed out yet. */
  readonly #ready: number[] = []
  #closing = false

  /** `commit` resolves when what is staged at the call is durable. */
  constructor(spool: Spool, commit: () => Promise<void>, now: () => number) {
    this.#spool = spool
    this.#commit = commit
    this.#now = now
  }

  /** Nothing more will be added: `next` ends when the spool holds nothing that can be sent. */
  close(): void {
    this.#closing = true
  }

  async next(signal: AbortSignal): Promise<FrozenBatch | undefined> {
    while (!signal.aborted) {
      const number = this.#ready.shift()
      if (number !== undefined) return freezeBatch(number, this.#spool.events(number))
      const numbers = await this.#collect(signal)
      if (numbers.length > 0) {
        const nowMs = this.#now()
        for (const each of numbers) this.#spool.attempt(each, nowMs)
        await this.#commit()
        this.#ready.push(...numbers)
      } else if (this.#closing) {
        return undefined
      } else {
        await delay(IDLE_MS, undefined, { signal }).catch(() => undefined)
      }
    }
    return undefined
  }

  settled(batch: FrozenBatch, outcome: BatchOutcome): void {
    this.#spool.settle(batch.number, outcome, this.#now())
  }

  /** Batches that wait, oldest first; events that are in no batch are frozen into new ones. */
  async #collect(signal: AbortSignal): Promise<number[]> {
    const numbers: number[] = []
    for (const { number } of this.#spool.pending()) {
      if (numbers.length === ATTEMPTS_MAX) return numbers
      numbers.push(number)
    }
    while (numbers.length < ATTEMPTS_MAX && !signal.aborted) {
      const frozen = this.#spool.freeze(BATCH_LIMITS, this.#now())
      numbers.push(...frozen)
      if (frozen.length < BATCH_LIMITS.batchesMax) break
      // Freezing a long backlog must not hold the event loop.
      await delay(0)
    }
    return numbers
  }
}
