// Usage events that the sink has not accepted yet, as final bytes. All of it lies in the state;
// this class holds nothing between calls, so it cannot disagree with what was committed, and its
// memory does not grow with an outage.
//
//   add ──▶ ready ──freeze──▶ batch ──attempt, attempt, ...──▶ settle ──▶ accepted | rejected
//            held ──release──▶ ready
//
// Every method that changes something only stages: send a batch after the commit that holds its
// attempt, and forget an answer's events in the commit that holds the answer. A method that throws
// METER_BUG may have staged half of its work, which must not be committed.

import { MeterFastError } from '../errors.ts'
import { getJson, jsonEntries, putJson } from './codec.ts'
import { numberAt } from './keys.ts'
import { type EventText, putAccepted, putRejected } from './settled.ts'
import {
  type BatchOutcome,
  type BatchRecord,
  batchKey,
  COUNTS_KEY,
  type CountsRecord,
  eventKey,
  type FreezeLimits,
  pendingBatches,
  readCounts,
  type SpoolBatch,
  type SpoolCounts,
  type SpoolEvent,
  spoolCounts,
  type WaitingEvent,
  waitingKey,
} from './spool-records.ts'
import type { StateStore } from './state.ts'

/** A sink may refuse what lies further ahead of its own clock. */
const FUTURE_MAX_MS = 5 * 60_000

export class Spool {
  readonly #store: StateStore

  constructor(store: StateStore) {
    this.#store = store
  }

  /**
   * Stages events. One whose id is in the spool already, with the same text, changes nothing.
   *
   * @throws {MeterFastError} METER_BUG when the same id comes with another text: one of them would
   * be lost at the sink.
   */
  add(events: Iterable<SpoolEvent>): void {
    const added = { events: 0, bytes: 0, held: 0 }
    for (const event of events) {
      const text = Buffer.from(event.text)
      const known = this.#store.get(eventKey(event.id))
      if (known) {
        if (text.equals(known)) continue
        throw bug(`event ${event.id} was made twice with different bytes`)
      }
      this.#store.put(eventKey(event.id), text)
      const waiting: WaitingEvent = { id: event.id, bytes: text.length }
      const key = waitingKey(event.held ? 'held' : 'ready', event.timeMs, event.id)
      putJson(this.#store, key, waiting)
      added.events += 1
      added.bytes += text.length
      if (event.held) added.held += 1
    }
    this.#count(added)
  }

  /** Stages that up to `eventsMax` held events, oldest first, may be sent; gives how many. */
  release(eventsMax: number): number {
    let released = 0
    for (const [key, waiting] of jsonEntries<WaitingEvent>(this.#store, 'spool/held/')) {
      if (released === eventsMax) break
      this.#store.remove(key)
      putJson(this.#store, waitingKey('ready', numberAt(key, 2), waiting.id), waiting)
      released += 1
    }
    this.#count({ held: -released })
    return released
  }

  /**
   * Stages batches of the events that wait, in order; gives their numbers. Events more than five
   * minutes ahead of `nowMs` wait on.
   */
  freeze(limits: FreezeLimits, nowMs: number): number[] {
    const frozen: number[] = []
    let ids: string[] = []
    let bytes = 1
    for (const [key, waiting] of jsonEntries<WaitingEvent>(this.#store, 'spool/ready/')) {
      if (numberAt(key, 2) > nowMs + FUTURE_MAX_MS) break
      const full = ids.length >= limits.eventsMax || bytes + waiting.bytes + 1 > limits.bytesMax
      if (full && ids.length > 0) {
        frozen.push(this.#putNewBatch(ids, bytes))
        ids = []
        bytes = 1
      }
      if (frozen.length >= limits.batchesMax) break
      this.#store.remove(key)
      ids.push(waiting.id)
      bytes += waiting.bytes + 1
    }
    if (ids.length > 0) frozen.push(this.#putNewBatch(ids, bytes))
    return frozen
  }

  /** Frozen batches that are not settled, in order of their numbers. */
  pending(): Iterable<SpoolBatch> {
    return pendingBatches(this.#store)
  }

  /** The events of a batch, in order. */
  events(batchNumber: number): EventText[] {
    return this.#batch(batchNumber).ids.map((id) => ({ id, text: this.#text(id) }))
  }

  /** Stages that a request with this batch is about to be made. */
  attempt(batchNumber: number, atMs: number): void {
    const batch = this.#batch(batchNumber)
    const attempts = batch.attempts + 1
    const firstAttemptAtMs = batch.firstAttemptAtMs ?? atMs
    const next: BatchRecord = { ...batch, attempts, firstAttemptAtMs, lastAttemptAtMs: atMs }
    putJson(this.#store, batchKey(batchNumber), next)
  }

  /** Stages that the halves of a batch are new batches of the same events; gives their numbers. */
  split(batchNumber: number): [number, number] {
    const { ids } = this.#batch(batchNumber)
    if (ids.length < 2) throw bug(`batch ${batchNumber} of one event cannot be split`)
    this.#removeBatch(batchNumber)
    const middle = Math.ceil(ids.length / 2)
    return [this.#putNewBatch(ids.slice(0, middle)), this.#putNewBatch(ids.slice(middle))]
  }

  /**
   * Stages the sink's answer: named events leave the spool, accepted ones to `accepted/`,
   * quarantined ones to `rejected/`. Events of the batch that the answer does not name become a
   * new frozen batch, whose number is given.
   *
   * @throws {MeterFastError} METER_BUG when the answer names an event twice, or one that is not in
   * the batch.
   */
  settle(batchNumber: number, outcome: BatchOutcome, atMs: number): number | undefined {
    const left = new Set(this.#batch(batchNumber).ids)
    const taken = { events: 0, bytes: 0 }
    const take = (id: string): EventText => {
      if (!left.delete(id)) {
        throw bug(`an answer to batch ${batchNumber} names ${id} twice, or it was not sent`)
      }
      const text = this.#text(id)
      this.#store.remove(eventKey(id))
      taken.events -= 1
      taken.bytes -= Buffer.byteLength(text)
      return { id, text }
    }
    const events = outcome.accepted.map(take)
    if (events.length > 0) {
      putAccepted(this.#store, { acceptedAtMs: atMs, batch: batchNumber, events })
    }
    for (const { id, reason } of outcome.quarantined) {
      putRejected(this.#store, { ...take(id), reason, rejectedAtMs: atMs })
    }
    this.#count(taken)
    this.#removeBatch(batchNumber)
    return left.size > 0 ? this.#putNewBatch([...left]) : undefined
  }

  counts(): SpoolCounts {
    return spoolCounts(this.#store)
  }

  #putNewBatch(ids: readonly string[], bytes = this.#arrayBytes(ids)): number {
    const { nextBatch: number, ...counts } = readCounts(this.#store)
    const batch: BatchRecord = {
      ids,
      bytes,
      attempts: 0,
      firstAttemptAtMs: null,
      lastAttemptAtMs: null,
    }
    putJson(this.#store, batchKey(number), batch)
    const next: CountsRecord = { ...counts, batches: counts.batches + 1, nextBatch: number + 1 }
    putJson(this.#store, COUNTS_KEY, next)
    return number
  }

  /** Texts, a comma or bracket after each, and the first bracket. */
  #arrayBytes(ids: readonly string[]): number {
    return ids.reduce((sum, id) => sum + Buffer.byteLength(this.#text(id)) + 1, 1)
  }

  #removeBatch(batchNumber: number): void {
    this.#store.remove(batchKey(batchNumber))
    this.#count({ batches: -1 })
  }

  #batch(batchNumber: number): BatchRecord {
    const batch = getJson<BatchRecord>(this.#store, batchKey(batchNumber))
    if (!batch) throw bug(`batch ${batchNumber} is not in the spool`)
    return batch
  }

  #text(id: string): string {
    const text = this.#store.get(eventKey(id))
    if (!text) throw bug(`event ${id} is in a batch but not in the spool`)
    return Buffer.from(text.buffer, text.byteOffset, text.length).toString()
  }

  #count(change: Partial<SpoolCounts>): void {
    const counts = readCounts(this.#store)
    const next: CountsRecord = {
      events: counts.events + (change.events ?? 0),
      bytes: counts.bytes + (change.bytes ?? 0),
      held: counts.held + (change.held ?? 0),
      batches: counts.batches + (change.batches ?? 0),
      nextBatch: counts.nextBatch,
    }
    putJson(this.#store, COUNTS_KEY, next)
  }
}

function bug(what: string): MeterFastError {
  return new MeterFastError('METER_BUG', `${what}; please report it`)
}
