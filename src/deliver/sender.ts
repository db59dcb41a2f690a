// Takes frozen batches from the outbox and sends each until every event of it is settled.
//
// Promises: one batch at a time; the same bytes on every attempt; it tries for ever, so a sink
// that is down costs time and no usage; a stop ends it promptly, between or within attempts, and
// what is not settled then stays in the outbox. Nothing here is durable: the outbox makes an
// attempt durable before it hands the batch out, and keeps the outcome after.
//
// A batch that is refused five times in a row is set back: it returns into the outbox, behind all
// others, so nothing waits for ever behind events that the sink cannot take, and what the sink does
// with the others tells whether it is down. What is known of a batch by then is remembered, or its
// pieces would begin anew with each turn and the faulty one would never be found.

import { setTimeout as delay } from 'node:timers/promises'
import { type BatchOutcome, Bisection, REFUSALS_MAX } from './bisection.ts'
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
   * Called once for each batch from `next`, before the next one is asked for. The outcome names no
   * id twice. Those that it leaves out, be it all, stay in the outbox: they come again as one
   * batch, in the same order, behind all batches that wait. After a stop it is not called for a
   * batch of which nothing is settled.
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
// At most about 10 KB each. When there are more, those that are remembered come to an end first.
const SET_BACK_MAX = 256

/** Sends batches from an outbox to a sink. */
export class Sender {
  readonly #sink: Sink
  readonly #outbox: Outbox
  readonly #onSignal: (signal: SenderSignal) => void
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly #random: () => number
  /** Answers in a row that called for a retry. */
  #failures = 0
  /** Batches that are set back, each by the first id that is left of it. */
  readonly #setBack = new Map<string, Bisection>()

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
      const known = this.#takeUp(batch)
      const bisection = known ?? new Bisection(batch)
      await this.#takeTurn(batch.number, bisection, signal)
      const outcome = bisection.takeOutcome()
      if (bisection.current === undefined) {
        this.#settled(batch, outcome)
      } else {
        if (signal.aborted && isEmpty(outcome)) return
        this.#setBackBatch(bisection, known === undefined)
        this.#settled(batch, outcome)
      }
    }
  }

  #settled(batch: FrozenBatch, outcome: BatchOutcome): void {
    this.#outbox.settled(batch, outcome)
    if (isEmpty(outcome)) return
    const { accepted, quarantined } = outcome
    const { number } = batch
    this.#onSignal({ kind: 'settled', batch: number, accepted: accepted.length, quarantined })
  }

  /** What is known of a batch that comes again. */
  #takeUp(batch: FrozenBatch): Bisection | undefined {
    const first = batch.ids[0] ?? ''
    const known = this.#setBack.get(first)
    this.#setBack.delete(first)
    return known?.takeUp(batch) ? known : undefined
  }

  #setBackBatch(bisection: Bisection, isNew: boolean): void {
    // The sink refuses what it never saw: then the others are not to blame for being refused.
    if (isNew) for (const other of this.#setBack.values()) other.sinkIsDown()
    const first = bisection.setBack()
    if (this.#setBack.size < SET_BACK_MAX) this.#setBack.set(first, bisection)
  }

  /** Attempts until the batch is settled, or others must have their turn, or it is stopped. */
  async #takeTurn(number: number, bisection: Bisection, signal: AbortSignal): Promise<void> {
    let refusals = 0
    let piece = bisection.current
    while (piece && refusals < REFUSALS_MAX && !signal.aborted) {
      const answer = await this.#sink.deliver(piece, signal)
      bisection.answered(answer)
      for (const other of this.#setBack.values()) other.heard(answer, piece)
      refusals = answer.kind === 'unknown' ? refusals + 1 : 0
      const waitMs = bisection.current ? this.#waitMs(answer) : 0
      const events = piece.ids.length
      this.#onSignal({ kind: 'answered', batch: number, events, answer, waitMs })
      if (waitMs > 0) await this.#sleep(waitMs, signal)
      piece = bisection.current
    }
    if (!piece) this.#failures = 0
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

function isEmpty({ accepted, quarantined }: BatchOutcome): boolean {
  return accepted.length + quarantined.length === 0
}

async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
