// What the state holds besides the spool, and under which keys:
//
//   stream/<stream>                                 positions, window, epochs: one small record
//   page/<stream>/<name>                            open totals and long streams, 1,024 keys a page
//   segment/<n>, segment-page/<n>/<i>        closed segments that are not yet events
//   unattributed/<window>/<stream>/<epoch>/<part>/<i>   usage without a project
//   ledger/<window>/<stream>/<epoch>/<part>         outcomes, sums, byte ranges
//   quarantine/<n>, gap/<n>, counter/<name>, number/<name>
//
// Keys that begin with a window's start are in order of time, so that old ones are found first.
// Functions that take a StateStore stage; nothing is durable before the commit.

import { MeterFastError } from '../errors.ts'
import type { ClosedSegment, EngineSnapshot } from '../native.ts'
import { getJson, jsonEntries, packRecord, putJson, unpackRecord } from './codec.ts'
import { nameField, numberAt, numberField } from './keys.ts'
import type { StateReader, StateStore } from './state.ts'

/** Names one piece of a segment. */
export interface PieceName {
  readonly stream: string
  readonly windowStartMs: number
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
  readonly head: Uint8Array
}

export function ledgerKey(piece: PieceName): string {
  return `ledger/${pieceFields(piece)}`
}

export function gapKey(number: number): string {
  return `gap/${numberField(number)}`
}

export function quarantineKey(number: number): string {
  return `quarantine/${numberField(number)}`
}

export function counterKey(name: string): string {
  return `counter/${nameField(name)}`
}

function pieceFields(piece: PieceName): string {
  const { stream, windowStartMs, epoch, part } = piece
  const clock = `${numberField(windowStartMs)}/${nameField(stream)}/${numberField(epoch)}`
  const [, replay = '', number] = /^(r?)(\d+)$/.exec(part) ?? []
  return `${clock}/${replay}${numberField(Number(number))}`
}

/** The next of the numbers 0, 1, 2, ... called `name`; staged, so it is used up by the commit. */
export function takeNumber(store: StateStore, name: string): number {
  const key = `number/${nameField(name)}`
  const number = getJson<number>(store, key) ?? 0
  putJson(store, key, number + 1)
  return number
}

/** Stages where a stream stands, with the pages of `snapshot` that changed. */
export function putStream<Place, Generation>(
  store: StateStore,
  record: Omit<StreamRecord<Place, Generation>, 'head'>,
  snapshot: EngineSnapshot,
): void {
  const field = nameField(record.stream)
  store.put(`stream/${field}`, packRecord(record, snapshot.head))
  for (const { name, bytes } of snapshot.pages) {
    const key = `page/${field}/${nameField(name)}`
    if (bytes) store.put(key, bytes)
    else store.remove(key)
  }
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

export function removeStream(store: StateStore, stream: string): void {
  store.remove(`stream/${nameField(stream)}`)
  store.removePrefix(`page/${nameField(stream)}/`)
}

/**
 * Stages a closed segment that waits to be rendered. `head` is what rendering needs besides the
 * pages, as JSON: the piece's name and the rules that were in force at the close.
 */
export function putSegment<Head extends PieceName>(
  store: StateStore,
  number: number,
  head: Head,
  closed: Pick<ClosedSegment, 'pages' | 'unattributed'>,
): void {
  putJson(store, segmentKey(number), head)
  closed.pages.forEach((page, index) => {
    store.put(segmentPageKey(number, index), page)
  })
  const { stream, windowStartMs, epoch, part } = head
  const piece: PieceName = { stream, windowStartMs, epoch, part }
  closed.unattributed.forEach((page, index) => {
    const key = `unattributed/${pieceFields(piece)}/${numberField(index)}`
    store.put(key, packRecord(piece, page))
  })
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

/** Unattributed pages of windows that start in [fromMs, toMs), oldest first. */
export function* unattributedPages(
  store: StateReader,
  fromMs: number,
  toMs: number,
): Generator<{ readonly key: string; readonly piece: PieceName; readonly page: Uint8Array }> {
  for (const [key, packed] of store.entries('unattributed/')) {
    if (numberAt(key, 1) >= toMs) return
    if (numberAt(key, 1) < fromMs) continue
    const { head, body } = unpackRecord<PieceName>(packed)
    yield { key, piece: head, page: body }
  }
}

function values(store: StateReader, prefix: string): Uint8Array[] {
  return Array.from(store.entries(prefix), ([, bytes]) => bytes)
}
