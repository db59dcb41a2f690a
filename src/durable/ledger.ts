// The ledger: what became of every line, piece by piece, and where the lines are. Conservation is
// checked with it: `verify` recomputes pieces from the logs, `explain` names the bytes of a number.
//
//   ledger/<window>/<stream>/<epoch>/<length>/<part>    one closed piece: outcomes, sums, bytes
//   ledger-day/<day>/<stream>                 pieces that are older than the retention, summed
//
// A piece holds every line between the end of the piece before it and its own end, billed or not,
// so the pieces of a stream cover its bytes without a hole and without an overlap.

import type { ClosedSegment } from '../native.ts'
import { type Counts, packRecord, unpackRecord } from './codec.ts'
import { numberAt, numberField } from './keys.ts'
import { type PieceName, type Position, pieceFields } from './records.ts'
import { readCounts } from './spool-records.ts'
import type { StateReader, StateStore } from './state.ts'

/** What a ledger row says besides its sums. */
export interface LedgerHead extends PieceName {
  /** Closed by the wall clock; false: by content, or made by a replay. */
  readonly byTime: boolean
  /** Lines by outcome. */
  readonly lines: Counts
  /** The first byte of it, and the first one that is not of it; null for a replay. */
  readonly from: Position | null
  readonly to: Position | null
  /** Names the settings that its lines were read with. */
  readonly settings: string
  /** The wall clock when it was staged: for retention and for people. */
  readonly closedAtMs: number
}

export interface LedgerRow extends LedgerHead {
  /**
   * Number of the first batch that may hold its events: while no batch from here on is forgotten,
   * all of them are in the state.
   */
  readonly firstBatch: number
  /** Usage pages, one row per project: metered usage. */
  readonly projects: readonly Uint8Array[]
  /** A usage page, one row per reason: unattributed usage; empty when there is none. */
  readonly reasons: Uint8Array
}

interface PackedHead extends LedgerHead, Pick<LedgerRow, 'firstBatch'> {
  /** Bytes of each page of `projects`; the rest of the body is `reasons`. */
  readonly lengths: readonly number[]
}

const PREFIX = 'ledger/'

export function ledgerKey(piece: PieceName): string {
  return `${PREFIX}${pieceFields(piece)}`
}

/** Stages the row of a piece. */
export function putLedgerRow(
  store: StateStore,
  head: LedgerHead,
  sums: Pick<ClosedSegment, 'projects' | 'reasons'>,
): void {
  const lengths = sums.projects.map((page) => page.length)
  const { nextBatch: firstBatch } = readCounts(store)
  const packed: PackedHead = { ...head, firstBatch, lengths }
  store.put(ledgerKey(head), packRecord(packed, Buffer.concat([...sums.projects, sums.reasons])))
}

/** The row in a packed value. */
export function readLedgerRow(packed: Uint8Array): LedgerRow {
  const { head, body } = unpackRecord<PackedHead>(packed)
  const { lengths, ...rest } = head
  let at = 0
  const projects = lengths.map((length) => {
    at += length
    return body.slice(at - length, at)
  })
  return { ...rest, projects, reasons: body.slice(at) }
}

/** Keys of all rows, oldest window first. */
export function ledgerKeys(store: StateReader): Iterable<string> {
  return store.keys(PREFIX)
}

/**
 * Keys of rows of windows that start in [fromMs, toMs], oldest window first. When the two are near
 * each other only rows near them are walked, however many there are.
 */
export function* ledgerKeysBetween(
  store: StateReader,
  fromMs: number,
  toMs: number,
): Generator<string> {
  const [from, to] = [numberField(fromMs), numberField(toMs)]
  const common = [...from].findIndex((digit, at) => digit !== to[at])
  const prefix = common < 0 ? from : from.slice(0, common)
  for (const key of store.keys(PREFIX + prefix)) {
    const windowStartMs = numberAt(key, 1)
    if (windowStartMs >= fromMs && windowStartMs <= toMs) yield key
  }
}

/** All rows of windows that start in [fromMs, toMs), oldest window first. */
export function* ledgerRows(
  store: StateReader,
  fromMs = 0,
  toMs = Number.MAX_SAFE_INTEGER,
): Generator<LedgerRow> {
  for (const [key, packed] of store.entries(PREFIX)) {
    const windowStartMs = Number(key.split('/')[1])
    if (windowStartMs >= toMs) return
    if (windowStartMs >= fromMs) yield readLedgerRow(packed)
  }
}

export function ledgerRow(store: StateReader, piece: PieceName): LedgerRow | undefined {
  const packed = store.get(ledgerKey(piece))
  return packed && readLedgerRow(packed)
}

/** The next part for a replay of a segment: `r1`, `r2`, ... */
export function nextReplayPart(store: StateReader, segment: Omit<PieceName, 'part'>): string {
  let next = 1
  const first = ledgerKey({ ...segment, part: 'r0' })
  const prefix = first.slice(0, first.lastIndexOf('/') + 2)
  for (const [key] of store.entries(prefix)) next = Number(key.slice(prefix.length)) + 1
  return `r${next}`
}
