// What is left of ledger rows and unattributed usage when their time is over: sums per stream and
// day.
//
//   ledger-day/<day>/<stream>           outcomes, sums per project and per reason
//   unattributed-day/<day>/<stream>     a usage page: reason, raw project, raw route

import { type Counts, packRecord, unpackRecord } from './codec.ts'
import { nameField, numberAt, numberField } from './keys.ts'
import type { PieceName } from './records.ts'
import type { StateReader, StateStore } from './state.ts'

const DAY_MS = 24 * 3_600_000

/** Start of the day (UTC) of a time. */
export function dayOf(timeMs: number): number {
  return timeMs - (timeMs % DAY_MS)
}

interface DayHead {
  readonly stream: string
  readonly pieces: number
  readonly lines: Counts
}

/** All pieces of one stream that began on one day. */
export interface LedgerDay extends DayHead {
  readonly dayMs: number
  /** A usage page, one row per project. */
  readonly projects: Uint8Array
  /** A usage page, one row per reason. */
  readonly reasons: Uint8Array
}

export function readLedgerDay(
  store: StateReader,
  dayMs: number,
  stream: string,
): LedgerDay | undefined {
  const packed = store.get(dayKey('ledger-day', dayMs, stream))
  return packed && unpackDay(dayMs, packed)
}

/** Every day of every stream, oldest first. */
export function* ledgerDays(store: StateReader): Generator<LedgerDay> {
  for (const [key, packed] of store.entries('ledger-day/'))
    yield unpackDay(numberAt(key, 1), packed)
}

export function putLedgerDay(store: StateStore, day: LedgerDay): void {
  const { dayMs, projects, reasons, ...head } = day
  const packed = packRecord(
    { ...head, projectsBytes: projects.length },
    Buffer.concat([projects, reasons]),
  )
  store.put(dayKey('ledger-day', dayMs, day.stream), packed)
}

/** Unattributed usage of one stream and day: a usage page. */
export function readUnattributedDay(
  store: StateReader,
  dayMs: number,
  stream: string,
): Uint8Array | undefined {
  return store.get(dayKey('unattributed-day', dayMs, stream))
}

export function putUnattributedDay(
  store: StateStore,
  dayMs: number,
  stream: string,
  page: Uint8Array,
): void {
  store.put(dayKey('unattributed-day', dayMs, stream), page)
}

function unpackDay(dayMs: number, packed: Uint8Array): LedgerDay {
  const { head, body } = unpackRecord<DayHead & { readonly projectsBytes: number }>(packed)
  const { projectsBytes, ...rest } = head
  return {
    ...rest,
    dayMs,
    projects: body.slice(0, projectsBytes),
    reasons: body.slice(projectsBytes),
  }
}

function dayKey(kind: string, dayMs: number, stream: string): string {
  return `${kind}/${numberField(dayMs)}/${nameField(stream)}`
}

/** The row of a piece may be gone, because rows of its day are kept as sums only. */
export function isSummed(store: StateReader, { stream, windowStartMs }: PieceName): boolean {
  return store.get(dayKey('ledger-day', dayOf(windowStartMs), stream)) !== undefined
}

/** Its unattributed usage may be gone for the same reason. */
export function isUsageSummed(store: StateReader, { stream, windowStartMs }: PieceName): boolean {
  return readUnattributedDay(store, dayOf(windowStartMs), stream) !== undefined
}
