// Events that have left the spool: accepted by the sink, or refused by it for good.
//
//   accepted/<accepted at>/<batch>   its events are still in spool/batch/<batch>
//   number/accepted-forgotten        highest number of a batch that was accepted and is forgotten
//   rejected/<refused at>/<id>       the event with the sink's reason, until somebody decides

import { getJson, jsonEntries, putJson } from './codec.ts'
import { nameField, numberAt, numberField } from './keys.ts'
import {
  type BatchContent,
  type BatchPiece,
  batchKey,
  type EventText,
  readContent,
  selectEvents,
} from './spool-records.ts'
import type { StateReader, StateStore } from './state.ts'

const ACCEPTED_PREFIX = 'accepted/'
const REJECTED_PREFIX = 'rejected/'
const FORGOTTEN_KEY = 'number/accepted-forgotten'

/** What the sink accepted of one batch. */
export interface AcceptedBatch extends BatchContent {
  readonly acceptedAtMs: number
  readonly batch: number
}

export interface RejectedEvent extends EventText {
  readonly reason: string
  readonly rejectedAtMs: number
  /** The piece of a segment that it is of. */
  readonly piece: Omit<BatchPiece, 'events'>
}

/** The value of `accepted/...`: all events of the batch but these. */
interface AcceptedRecord {
  readonly without: readonly string[]
}

/** What is known of an accepted batch without reading its events. */
export interface AcceptedEntry extends AcceptedRecord {
  readonly acceptedAtMs: number
  readonly batch: number
}

/** Stages that the sink accepted all events of a batch but those named `without`. */
export function putAccepted(
  store: StateStore,
  batch: number,
  atMs: number,
  without: readonly string[],
): void {
  const record: AcceptedRecord = { without }
  putJson(store, `${ACCEPTED_PREFIX}${numberField(atMs)}/${numberField(batch)}`, record)
}

/** What the sink accepted in [fromMs, toMs), oldest first. */
export function* acceptedBatches(
  store: StateReader,
  fromMs: number,
  toMs: number,
): Generator<AcceptedBatch> {
  for (const [key, { without }] of jsonEntries<AcceptedRecord>(store, ACCEPTED_PREFIX)) {
    const acceptedAtMs = numberAt(key, 1)
    if (acceptedAtMs >= toMs) return
    if (acceptedAtMs < fromMs) continue
    const batch = numberAt(key, 2)
    const content = readContent(store, batch) ?? { events: [], pieces: [] }
    const refused = new Set(without)
    yield { acceptedAtMs, batch, ...selectEvents(content, (id) => !refused.has(id)) }
  }
}

/** All that the sink accepted and that is not forgotten, oldest first. */
export function* acceptedEntries(store: StateReader): Generator<AcceptedEntry> {
  for (const [key, { without }] of jsonEntries<AcceptedRecord>(store, ACCEPTED_PREFIX)) {
    yield { acceptedAtMs: numberAt(key, 1), batch: numberAt(key, 2), without }
  }
}

/**
 * Stages the end of what was accepted before `beforeMs`, at most `batchesMax` batches; gives how
 * many. Ask again after the commit while it gives `batchesMax`.
 */
export function forgetAccepted(store: StateStore, beforeMs: number, batchesMax: number): number {
  let forgotten = 0
  let highest = highestForgotten(store)
  for (const [key] of store.entries(ACCEPTED_PREFIX)) {
    if (forgotten === batchesMax || numberAt(key, 1) >= beforeMs) break
    const batch = numberAt(key, 2)
    store.remove(key)
    store.remove(batchKey(batch))
    highest = Math.max(highest, batch)
    forgotten += 1
  }
  if (forgotten > 0) putJson(store, FORGOTTEN_KEY, highest)
  return forgotten
}

/** Highest number of a batch whose events were accepted and are forgotten; -1 without one. */
export function highestForgotten(store: StateReader): number {
  return getJson<number>(store, FORGOTTEN_KEY) ?? -1
}

/** Stages an event that the sink will never take; nothing removes it by age. */
export function putRejected(store: StateStore, event: RejectedEvent): void {
  putJson(store, rejectedKey(event), event)
}

/** What the sink refused, oldest first. */
export function* rejectedEvents(store: StateReader): Generator<RejectedEvent> {
  for (const [, event] of jsonEntries<RejectedEvent>(store, REJECTED_PREFIX)) yield event
}

/** Keys of what the sink refused, oldest first. */
export function rejectedKeys(store: StateReader): Iterable<string> {
  return store.keys(REJECTED_PREFIX)
}

export function readRejected(store: StateReader, key: string): RejectedEvent | undefined {
  return getJson<RejectedEvent>(store, key)
}

/** Stages the end of a refused event, once it was sent again or given up by a person. */
export function forgetRejected(store: StateStore, event: RejectedEvent): void {
  store.remove(rejectedKey(event))
}

function rejectedKey(event: Pick<RejectedEvent, 'id' | 'rejectedAtMs'>): string {
  return `${REJECTED_PREFIX}${numberField(event.rejectedAtMs)}/${nameField(event.id)}`
}
