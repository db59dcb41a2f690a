// What the state holds besides the spool, and under which keys:
//
//   stream/<stream>                                 positions, window, epochs: one small record
//   page/<stream>/<name>                            open totals and long streams, 1,024 keys a page
//   segment/<n>, segment-page/<n>/<i>        closed segments that are not yet events
//   unattributed/<window>/<stream>/<epoch>/<length>/<part>/<i>   usage without a project
//   gap/<n>, counter/<name>, number/<name>
//
// Lines that are not billed are in quarantine.ts, what became of all lines in ledger.ts, what a
// recomputation needs in history.ts. Keys that begin with a window's start are in order of time, so
// that old ones are found first. Functions that take a StateStore stage; nothing is durable before
// the commit.

import { MeterFastError } from '../errors.ts'
import type { EngineSnapshot } from '../native.ts'
import {
  type Counts,
  getJson,
  jsonEntries,
  packCounts,
  packRecord,
  putJson,
  unpackCounts,
  unpackRecord,
} from './codec.ts'
import { nameField, numberAt, numberField } from './keys.ts'
import type { StateReader, StateStore } from './state.ts'

/** A place in a stream: a byte of one of its generations. */
export interface Position {
  readonly generation: number
  readonly offset: number
}

/** Names one piece of a segment. */
export interface PieceName {
  readonly stream: string
  readonly windowStartMs: number
  /** Where the length changes, a longer window may begin where a shorter one did. */
  readonly windowMs: number
  readonly epoch: number
  /** `0`, `1`, ... in order of closes; `r1`, `r2`, ... for replay. */
  readonly part: string
}

/** A stream's place and generations, whose shapes are the tail's, and its engine's head. */
export interface StreamRecord<Place, Generation> {
  readonly stream: string
  readonly place: Place
  /** Names of the dimensions that its open totals are kept by, in the order of the columns. */
  readonly lineDimensions: readonly string[]
  readonly generations: readonly Generation[]
  /** Where its computation stands; undefined in states of format 1. */
  readonly history?: StreamHistory
  readonly head: Uint8Array
}

/** What connects a stream with its history (history.ts). */
export interface StreamHistory {
  /** Names the settings that its lines are read with. */
  readonly settings: string
  /** The first byte of the open piece. */
  readonly pieceFrom: Position
  /** Entries so far. */
  readonly entries: number
  /** Generations that were read so far. */
  readonly generationsRead: number
  /** The last entry says that the stream ended. */
  readonly isEnded?: boolean
}

export function gapKey(number: number): string {
  return `gap/${numberField(number)}`
}

export function counterKey(name: string): string {
  return `counter/${nameField(name)}`
}

export function pieceFields(piece: PieceName): string {
  const { stream, windowStartMs, windowMs, epoch, part } = piece
  const clock = `${numberField(windowStartMs)}/${nameField(stream)}/${numberField(epoch)}`
  const [, replay = '', number] = /^(r?)(\d+)$/.exec(part) ?? []
  return `${clock}/${numberField(windowMs)}/${replay}${numberField(Number(number))}`
}

const ENDED_LINES_KEY = 'lines/ended'

/** The next of the numbers 0, 1, 2, ... called `name`; staged, so it is used up by the commit. */
export function takeNumber(store: StateStore, name: string): number {
  const key = `number/${nameField(name)}`
  const number = getJson<number>(store, key) ?? 0
  putJson(store, key, number + 1)
  return number
}

/** Stages where a stream stands; `head` is its engine's. */
export function putStream<Place, Generation>(
  store: StateStore,
  record: Omit<StreamRecord<Place, Generation>, 'head'>,
  head: Uint8Array,
): void {
  store.put(`stream/${nameField(record.stream)}`, packRecord(record, head))
}

/** Stages a page of a stream's snapshot. */
export function putStreamPage(
  store: StateStore,
  stream: string,
  { name, bytes }: EngineSnapshot['pages'][number],
): void {
  const key = `page/${nameField(stream)}/${nameField(name)}`
  if (bytes) store.put(key, bytes)
  else store.remove(key)
}

/** All streams, in order of their keys. */
export function* streams<Place, Generation>(
  store: StateReader,
): Generator<StreamRecord<Place, Generation>> {
  for (const [, packed] of store.entries('stream/')) {
    const { head, body } = unpackRecord<Omit<StreamRecord<Place, Generation>, 'head'>>(packed)
    yield { ...head, head: body }
  }
}

/** The newest page of each name, as `Engine.restore` takes them. */
export function streamPages(store: StateReader, stream: string): Uint8Array[] {
  return values(store, `page/${nameField(stream)}/`)
}

/** Stages the end of a stream, whose lines are counted on: `counters` in the order of `names`. */
export function endStream(
  store: StateStore,
  stream: string,
  names: readonly string[],
  counters: BigInt64Array,
): void {
  const sum = endedLines(store, names)
  counters.forEach((count, index) => {
    sum[index] = (sum[index] ?? 0n) + count
  })
  putJson(store, ENDED_LINES_KEY, packCounts(names, sum))
  removeStream(store, stream)
}

/** Lines of the streams that have ended and are forgotten, in the order of `names`. */
export function endedLines(store: StateReader, names: readonly string[]): BigInt64Array {
  return unpackCounts(names, getJson<Counts>(store, ENDED_LINES_KEY) ?? {})
}

export function removeStream(store: StateStore, stream: string): void {
  store.remove(`stream/${nameField(stream)}`)
  store.removePrefix(`page/${nameField(stream)}/`)
}

/** Stages what is known of a closed segment that waits to be rendered, besides its pages. */
export function putSegment<Head extends PieceName>(
  store: StateStore,
  number: number,
  head: Head,
): void {
  putJson(store, segmentKey(number), head)
}

/** Stages the page with this index of a closed segment. */
export function putSegmentPage(
  store: StateStore,
  number: number,
  index: number,
  page: Uint8Array,
): void {
  store.put(segmentPageKey(number, index), page)
}

/** Stages a page of usage without a project. */
export function putUnattributed(
  store: StateStore,
  { stream, windowStartMs, windowMs, epoch, part }: PieceName,
  index: number,
  page: Uint8Array,
): void {
  const piece: PieceName = { stream, windowStartMs, windowMs, epoch, part }
  store.put(`unattributed/${pieceFields(piece)}/${numberField(index)}`, packRecord(piece, page))
}

/** Segments that wait, oldest number first. */
export function* waitingSegments<Head extends PieceName>(
  store: StateReader,
): Generator<{ readonly number: number; readonly head: Head }> {
  for (const [key, head] of jsonEntries<Head>(store, 'segment/')) {
    yield { number: numberAt(key, 1), head }
  }
}

/** The pages of a segment that waits, in the order in which they were closed, read one by one. */
export function* segmentPages(
  store: StateReader,
  number: number,
  count: number,
): Generator<Uint8Array> {
  for (let index = 0; index < count; index += 1) {
    const page = store.get(segmentPageKey(number, index))
    if (!page) {
      const what = `page ${index} of segment ${number} is not in the state`
      throw new MeterFastError('METER_BUG', `${what}; please report it`)
    }
    yield page
  }
}

export function removeSegment(store: StateStore, number: number, pages: number): void {
  store.remove(segmentKey(number))
  for (let index = 0; index < pages; index += 1) store.remove(segmentPageKey(number, index))
}

export function segmentKey(number: number): string {
  return `segment/${numberField(number)}`
}

function segmentPageKey(number: number, index: number): string {
  return `segment-page/${numberField(number)}/${numberField(index)}`
}

/** Keys of unattributed pages of windows that start in [fromMs, toMs), oldest first. */
export function* unattributedKeys(
  store: StateReader,
  fromMs: number,
  toMs: number,
): Generator<string> {
  for (const [key] of store.entries('unattributed/')) {
    if (numberAt(key, 1) >= toMs) return
    if (numberAt(key, 1) >= fromMs) yield key
  }
}

/** An unattributed page, and the piece of a segment that it is of. */
export function readUnattributed(
  store: StateReader,
  key: string,
): { readonly piece: PieceName; readonly page: Uint8Array } | undefined {
  const packed = store.get(key)
  if (packed === undefined) return undefined
  const { head, body } = unpackRecord<PieceName>(packed)
  return { piece: head, page: body }
}

/** Stages that an unattributed page is now `page`, or gone. */
export function replaceUnattributed(
  store: StateStore,
  key: string,
  piece: PieceName,
  page: Uint8Array | undefined,
): void {
  if (page === undefined) store.remove(key)
  else store.put(key, packRecord(piece, page))
}

/** The unattributed pages of one piece. */
export function* unattributedOf(store: StateReader, piece: PieceName): Generator<Uint8Array> {
  for (const [, packed] of store.entries(`unattributed/${pieceFields(piece)}/`)) {
    yield unpackRecord<PieceName>(packed).body
  }
}

function values(store: StateReader, prefix: string): Uint8Array[] {
  return Array.from(store.entries(prefix), ([, bytes]) => bytes)
}
