// Usage events that the sink has not accepted yet, as final bytes, frozen into batches when they
// are made. All of it lies in the state; this class holds nothing between calls, so it cannot
// disagree with what was committed, and its memory does not grow with an outage.
//
//   add ──▶ queue ──attempt, attempt, ...──▶ settle ──▶ accepted | rejected
//             ▲│hold
//      release│▼
//            held
//
// Every method that changes something only stages: send a batch after the commit that holds its
// attempt, and forget an answer's events in the commit that holds the answer. A method that throws
// METER_BUG may have staged half of its work, which must not be committed.

import { MeterFastError } from '../errors.ts'
import { getJson, putJson } from './codec.ts'
import { putAccepted, putRejected } from './settled.ts'
import {
  type BatchContent,
  type BatchEntry,
  type BatchOutcome,
  batchKey,
  COUNTS_KEY,
  type CountsRecord,
  type EventText,
  putContent,
  readContent,
  readCounts,
  type SpoolBatch,
  type SpoolCounts,
  selectEvents,
  spoolCounts,
  type WaitKind,
  waitingBatches,
  waitKey,
  withPieces,
} from './spool-records.ts'
import type { StateStore } from './state.ts'

const FUTURE_MAX_MS = 5 * 60_000

/** A sink may refuse a window that lies further ahead of its own clock than five minutes. */
export function isSendable(timeMs: number, nowMs: number): boolean {
  return timeMs <= nowMs + FUTURE_MAX_MS
}

export class Spool {
  readonly #store: StateStore

  constructor(store: StateStore) {
    this.#store = store
  }

  /**
   * Stages a batch of events of windows that start at `timeMs`; gives its number. `held`: it is
   * not sent before `release`.
   */
  add(content: BatchContent, timeMs: number, held = false): number {
    const untried = { attempts: 0, firstAttemptAtMs: null, lastAttemptAtMs: null }
    return this.#put(content, { timeMs, ...untried }, held ? 'held' : 'queue')
  }

  /** Stages that up to `batchesMax` held batches, oldest first, may be sent; gives the events. */
  release(batchesMax: number): number {
    let batches = 0
    let released = 0
    for (const { number, ...entry } of waitingBatches(this.#store, 'held')) {
      if (batches === batchesMax) break
      this.#store.remove(waitKey('held', number))
      putJson(this.#store, waitKey('queue', number), entry)
      batches += 1
      released += entry.events
    }
    this.#count({ held: -released })
    return released
  }

  /** Stages that a batch waits for `release`. */
  hold(number: number): void {
    const entry = this.#entry(number, 'queue')
    this.#store.remove(waitKey('queue', number))
    putJson(this.#store, waitKey('held', number), entry)
    this.#count({ held: entry.events })
  }

  /**
   * Batches that may be sent, in order of their numbers. Those of windows that lie in the future
   * are left out.
   */
  *sendable(nowMs: number): Generator<SpoolBatch> {
    for (const batch of this.queued()) if (isSendable(batch.timeMs, nowMs)) yield batch
  }

  /** Batches that may be sent now or later, in order of their numbers. */
  queued(): Iterable<SpoolBatch> {
    return waitingBatches(this.#store, 'queue')
  }

  /** The events of a batch, in order. */
  events(number: number): readonly EventText[] {
    return this.#content(number).events
  }

  /** Stages that a request with this batch is about to be made. */
  attempt(number: number, atMs: number): void {
    const entry = this.#entry(number, 'queue')
    const attempts = entry.attempts + 1
    const firstAttemptAtMs = entry.firstAttemptAtMs ?? atMs
    const next: BatchEntry = { ...entry, attempts, firstAttemptAtMs, lastAttemptAtMs: atMs }
    putJson(this.#store, waitKey('queue', number), next)
  }

  /**
   * Stages the sink's answer: named events leave the spool, accepted ones to `accepted/`,
   * quarantined ones to `rejected/`. Events of the batch that the answer does not name become a
   * new frozen batch, whose number is given; it keeps the attempts, because the sink may have it.
   *
   * @throws {MeterFastError} METER_BUG when the answer names an event twice, or one that is not in
   * the batch.
   */
  settle(number: number, outcome: BatchOutcome, atMs: number): number | undefined {
    const content = this.#content(number)
    const entry = this.#entry(number, 'queue')
    const reasons = new Map(outcome.quarantined.map(({ id, reason }) => [id, reason]))
    const accepted = new Set(outcome.accepted)
    const named = outcome.accepted.length + outcome.quarantined.length
    const left = content.events.filter(({ id }) => !accepted.has(id) && !reasons.has(id))
    if (left.length + named !== content.events.length) {
      throw bug(`an answer to batch ${number} names an event twice, or one that was not sent`)
    }
    this.#store.remove(waitKey('queue', number))
    this.#count({ events: -entry.events, bytes: -entry.bytes, batches: -1 })
    const rest = selectEvents(content, (id) => !accepted.has(id) && !reasons.has(id))
    const again = left.length > 0 ? this.#put(rest, entry, 'queue') : undefined
    for (const [event, piece] of withPieces(content)) {
      const reason = reasons.get(event.id)
      if (reason === undefined) continue
      putRejected(this.#store, { ...event, reason, rejectedAtMs: atMs, piece })
    }
    if (accepted.size === 0) this.#store.remove(batchKey(number))
    else {
      const without = content.events.filter(({ id }) => !accepted.has(id)).map(({ id }) => id)
      putAccepted(this.#store, number, atMs, without)
    }
    return again
  }

  /** The number that the next new batch gets. */
  get nextNumber(): number {
    return readCounts(this.#store).nextBatch
  }

  counts(): SpoolCounts {
    return spoolCounts(this.#store)
  }

  #put(content: BatchContent, tried: Omit<BatchEntry, 'events' | 'bytes'>, kind: WaitKind): number {
    const { nextBatch: number } = readCounts(this.#store)
    const events = content.events.length
    const bytes = putContent(this.#store, number, content)
    const entry: BatchEntry = { ...tried, events, bytes }
    putJson(this.#store, waitKey(kind, number), entry)
    this.#count({ events, bytes, held: kind === 'held' ? events : 0, batches: 1, nextBatch: 1 })
    return number
  }

  #content(number: number): BatchContent {
    const content = readContent(this.#store, number)
    if (!content) throw bug(`batch ${number} is not in the spool`)
    return content
  }

  #entry(number: number, kind: WaitKind): BatchEntry {
    const entry = getJson<BatchEntry>(this.#store, waitKey(kind, number))
    if (!entry) throw bug(`batch ${number} does not wait in the spool`)
    return entry
  }

  #count(change: Partial<CountsRecord>): void {
    const counts = readCounts(this.#store)
    const next: CountsRecord = {
      events: counts.events + (change.events ?? 0),
      bytes: counts.bytes + (change.bytes ?? 0),
      held: counts.held + (change.held ?? 0),
      batches: counts.batches + (change.batches ?? 0),
      nextBatch: counts.nextBatch + (change.nextBatch ?? 0),
    }
    putJson(this.#store, COUNTS_KEY, next)
  }
}

function bug(what: string): MeterFastError {
  return new MeterFastError('METER_BUG', `${what}; please report it`)
}
