// What the spool keeps in the state, and under which keys:
//
//   spool/event/<id>            the event's text
//   spool/ready/<time>/<id>     waits for a batch; oldest window first
//   spool/held/<time>/<id>      waits for `release`
//   spool/batch/<n>             frozen: ids in order, attempts
//   spool/counts                what is in the spool, and the next batch's number

import { getJson, jsonEntries } from './codec.ts'
import { nameField, numberAt, numberField } from './keys.ts'
import type { EventText } from './settled.ts'
import type { StateReader } from './state.ts'

export interface SpoolEvent extends EventText {
  /** Start of the event's window; decides the order in which events leave. */
  readonly timeMs: number
  /** Not sent before `release`. */
  readonly held?: boolean
}

export interface FreezeLimits {
  /** Events of one batch; 1 or more. */
  readonly eventsMax: number
  /** Bytes of a batch as a JSON array. An event that is larger alone is a batch of its own. */
  readonly bytesMax: number
  /** Batches of one call, so that a long backlog is frozen in slices. */
  readonly batchesMax: number
}

/** A batch as it is sent, the same on every attempt and after every restart. */
export interface SpoolBatch {
  readonly number: number
  readonly ids: readonly string[]
  /** As a JSON array: texts, commas and brackets. */
  readonly bytes: number
  readonly attempts: number
  readonly firstAttemptAtMs: number | null
  readonly lastAttemptAtMs: number | null
}

export interface BatchOutcome {
  readonly accepted: readonly string[]
  readonly quarantined: readonly { readonly id: string; readonly reason: string }[]
}

export interface SpoolCounts {
  /** Events in the spool, held and frozen ones included. */
  readonly events: number
  /** Bytes of their texts. */
  readonly bytes: number
  readonly held: number
  /** Frozen batches that are not settled. */
  readonly batches: number
}

/** The value of an event that waits. */
export interface WaitingEvent {
  readonly id: string
  readonly bytes: number
}

/** The value of a frozen batch; its number is in its key. */
export type BatchRecord = Omit<SpoolBatch, 'number'>

/** The value of `spool/counts`. */
export type CountsRecord = SpoolCounts & { readonly nextBatch: number }

export const COUNTS_KEY = 'spool/counts'
export const BATCH_PREFIX = 'spool/batch/'

export function eventKey(id: string): string {
  return `spool/event/${nameField(id)}`
}

/** Field 2 of the key is the time. */
export function waitingKey(state: 'ready' | 'held', timeMs: number, id: string): string {
  return `spool/${state}/${numberField(timeMs)}/${nameField(id)}`
}

/** Field 2 of the key is the number. */
export function batchKey(number: number): string {
  return BATCH_PREFIX + numberField(number)
}

export function readCounts(store: StateReader): CountsRecord {
  const none: CountsRecord = { events: 0, bytes: 0, held: 0, batches: 0, nextBatch: 0 }
  return getJson<CountsRecord>(store, COUNTS_KEY) ?? none
}

/** What is in the spool; also for readers beside the agent. */
export function spoolCounts(store: StateReader): SpoolCounts {
  const { events, bytes, held, batches } = readCounts(store)
  return { events, bytes, held, batches }
}

/** Frozen batches that are not settled, in order of their numbers. */
export function* pendingBatches(store: StateReader): Generator<SpoolBatch> {
  for (const [key, batch] of jsonEntries<BatchRecord>(store, BATCH_PREFIX)) {
    yield { number: numberAt(key, 2), ...batch }
  }
}
