// Takes frozen batches from the outbox and sends each until every event of it is settled.
//
// Promises: one batch at a time; the same bytes on every attempt; it tries for ever, so a sink
// that is down costs time and no usage; a stop ends it promptly, between or within attempts, and
// what is not settled then stays in the outbox. Nothing here is durable: the outbox makes an
// attempt durable before it hands the batch out, and keeps the outcome after.

import { setTimeout as delay } from 'node:timers/promises'
import { type BatchOutcome, Bisection } from './bisection.ts'
import { askedWaitMs, jitterMs } from './retry.ts'
import type { FrozenBatch, Rejection, Sink, SinkAnswer } from './sink.ts'

/** Where batches come from and where their outcome goes. */
export interface Outbox {
  /**
   * The next batch, its attempt already durable; waits while there is none. Undefined ends the
   * sender: the signal has aborted, or nothing more will come.
   */
  next(signal: AbortSignal): Promise<FrozenBatch | undefined>
  /**
   * Called once for each batch from `next`, before the next one is asked for. The outcome names
   * every id of it exactly once; only after a stop it may leave some out, which then stay in the
   * outbox, and it is not called at all for a batch of which nothing is settled.
   */
  settled(batch: FrozenBatch, outcome: BatchOutcome): void
}

/** What the sender tells about its work. */
export type SenderSignal =
  | {
      readonly kind: 'answered'
      readonly batch: number
      /** Events in this attempt: all of the batch, or those of a piece of it. */
      readonly events: number
      readonly answer: SinkAnswer
      /** Until the next attempt. */
      readonly waitMs: number
    }
  | {
      readonly kind: 'settled'
      readonly batch: number
      readonly accepted: number
      readonly quarantined: readonly Rejection[]
    }

/** All optional: for tests, and for whoever watches. */
export interface SenderOptions {
  readonly onSignal?: (signal: SenderSignal) => void
  /** Waits; resolves early, without an error, when the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
  /** In [0, 1). */
  readonly random?: () => number
}

// Nothing but a person or a new credential ends a hold, so there is no hurry.
const HOLD_MS = 60_000

/** Sends batches from an outbox to a sink. */
export class Sender {
  readonly #sink: Sink
  readonly #outbox: Outbox
  readonly #onSignal: (signal: SenderSignal) => void
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly #random: () => number
  /** Answers in a row that called for a retry. */
  #failures = 0

  constructor(sink: Sink, outbox: Outbox, options: SenderOptions = {}) {
    this.#sink = sink
    this.#outbox = outbox
    this.#onSignal = options.onSignal ?? (() => undefined)
    this.#sleep = options.sleep ?? sleepUnlessAborted
    this.#random = options.random ?? Math.random
  }

  /** Runs until the signal aborts or the outbox ends. Rejects only if outbox or sink do. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const batch = await this.#outbox.next(signal)
      if (batch === undefined) return
      const outcome = await this.#finish(batch, signal)
      const { accepted, quarantined } = outcome
      if (accepted.length + quarantined.length === 0 && batch.ids.length > 0) return
      this.#outbox.settled(batch, outcome)
      const { number } = batch
      this.#onSignal({ kind: 'settled', batch: number, accepted: accepted.length, quarantined })
    }
  }

  /** Attempts until every event of the batch is settled, or until it is stopped. */
  async #finish(batch: FrozenBatch, signal: AbortSignal): Promise<BatchOutcome> {
    const bisection = new Bisection(batch)
    let piece = bisection.current
    while (piece && !signal.aborted) {
      const answer = await this.#sink.deliver(piece, signal)
      bisection.answered(answer)
      const waitMs = bisection.current ? this.#waitMs(answer) : 0
      const events = piece.ids.length
      this.#onSignal({ kind: 'answered', batch: batch.number, events, answer, waitMs })
      if (waitMs > 0) await this.#sleep(waitMs, signal)
      piece = bisection.current
    }
    if (!piece) this.#failures = 0
    return bisection.outcome
  }

  #waitMs(answer: SinkAnswer): number {
    switch (answer.kind) {
      case 'unknown':
      case 'unreachable':
      case 'ambiguous': {
        this.#failures += 1
        const asked = answer.kind === 'unknown' ? answer.retryAfterMs : undefined
        return asked === undefined ? jitterMs(this.#failures, this.#random()) : askedWaitMs(asked)
      }
      case 'unauthorized':
      case 'misconfigured':
        return HOLD_MS
      default:
        this.#failures = 0
        return 0
    }
  }
}

async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
