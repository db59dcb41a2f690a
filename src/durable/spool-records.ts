// What the spool keeps in the state, and under which keys:
//
//   spool/batch/<n>     a frozen batch: ids, the segments they are of, texts; never changes
//   spool/queue/<n>     that it may be sent, and its attempts
//   spool/held/<n>      that it waits for `release`
//   spool/counts        what is in the spool, and the next batch's number
//
// A batch lies under its number until it is forgotten, also after it was accepted, so that no event
// is written twice.

import { getJson, jsonEntries, packRecord, unpackRecord } from './codec.ts'
import { numberAt, numberField } from './keys.ts'
import type { PieceName } from './records.ts'
import type { StateReader, StateStore } from './state.ts'

/** One usage event, its final JSON text in `text`. */
export interface EventText {
  readonly id: string
  readonly text: string
}

/** Events of a batch that follow each other and are of one piece of a segment. */
export interface BatchPiece extends PieceName {
  readonly events: number
}

/** What is frozen: the events of a batch, in order, and the pieces that they are of, in order. */
export interface BatchContent {
  readonly events: readonly EventText[]
  readonly pieces: readonly BatchPiece[]
}

/** What is known of a batch without reading its events. */
export interface BatchEntry {
  /** Start of the window that its events are of. */
  readonly timeMs: number
  readonly events: number
  /** Bytes of the texts. */
  readonly bytes: number
  readonly attempts: number
  readonly firstAttemptAtMs: number | null
  readonly lastAttemptAtMs: number | null
}

/** A batch that waits: to be sent, or to be released. */
export interface SpoolBatch extends BatchEntry {
  readonly number: number
}

export interface BatchOutcome {
  readonly accepted: readonly string[]
  readonly quarantined: readonly { readonly id: string; readonly reason: string }[]
}

export interface SpoolCounts {
  /** Events in the spool, held ones included. */
  readonly events: number
  /** Bytes of their texts. */
  readonly bytes: number
  readonly held: number
  /** Batches that are not settled. */
  readonly batches: number
}

/** The value of `spool/counts`. */
export type CountsRecord = SpoolCounts & { readonly nextBatch: number }

/** Why a batch waits in the spool. */
export type WaitKind = 'queue' | 'held'

export const COUNTS_KEY = 'spool/counts'

export function batchKey(number: number): string {
  return `spool/batch/${numberField(number)}`
}

/** Field 2 of the key is the number. */
export function waitKey(kind: WaitKind, number: number): string {
  return `spool/${kind}/${numberField(number)}`
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

/** Batches that wait, in order of their numbers. */
export function* waitingBatches(store: StateReader, kind: WaitKind): Generator<SpoolBatch> {
  for (const [key, entry] of jsonEntries<BatchEntry>(store, `spool/${kind}/`)) {
    yield { number: numberAt(key, 2), ...entry }
  }
}

interface ContentHead {
  readonly ids: readonly string[]
  /** Bytes of each text; the texts follow each other in the body. */
  readonly lengths: readonly number[]
  readonly pieces: readonly BatchPiece[]
}

/** Stages the events of a batch; gives the bytes of their texts. */
export function putContent(store: StateStore, number: number, content: BatchContent): number {
  const { events, pieces } = content
  const texts = events.map(({ text }) => Buffer.from(text))
  const lengths = texts.map((text) => text.length)
  const head: ContentHead = { ids: events.map(({ id }) => id), lengths, pieces }
  const body = Buffer.concat(texts)
  store.put(batchKey(number), packRecord(head, body))
  return body.length
}

/** The pieces that the events of a batch are of; undefined when there is none of that number. */
export function readPieces(store: StateReader, number: number): readonly BatchPiece[] | undefined {
  const packed = store.get(batchKey(number))
  return packed && unpackRecord<ContentHead>(packed).head.pieces
}

/** The events of a batch; undefined when there is none of that number. */
export function readContent(store: StateReader, number: number): BatchContent | undefined {
  const packed = store.get(batchKey(number))
  if (!packed) return undefined
  const { head, body } = unpackRecord<ContentHead>(packed)
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
  let at = 0
  const events = head.ids.map((id, index) => {
    const start = at
    at += head.lengths[index] ?? 0
    return { id, text: bytes.toString('utf8', start, at) }
  })
  return { events, pieces: head.pieces }
}

/** Each event of a batch, with the piece of a segment that it is of. */
export function* withPieces(
  content: BatchContent,
): Generator<readonly [EventText, Omit<BatchPiece, 'events'>]> {
  let at = 0
  for (const { events, ...piece } of content.pieces) {
    for (const event of content.events.slice(at, at + events)) yield [event, piece]
    at += events
  }
}

/** The events of a batch whose id `isTaken`, with their pieces. */
export function selectEvents(
  content: BatchContent,
  isTaken: (id: string) => boolean,
): BatchContent {
  const events: EventText[] = []
  const pieces: BatchPiece[] = []
  let at = 0
  for (const piece of content.pieces) {
    const taken = content.events.slice(at, at + piece.events).filter(({ id }) => isTaken(id))
    at += piece.events
    if (taken.length === 0) continue
    events.push(...taken)
    pieces.push({ ...piece, events: taken.length })
  }
  return { events, pieces }
}
