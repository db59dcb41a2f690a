// Stages usage that is billed later than its lines were read: a replayed piece of a segment, with
// the part `r1`, `r2`, ..., a ledger row and pages of its own. It is rendered like any other.
//
// Seconds are made of milliseconds as for lines, with a carry per stream and key that goes from one
// replay to the next.

import { createHash } from 'node:crypto'
import { getJson, putJson } from '../durable/codec.ts'
import { nameField } from '../durable/keys.ts'
import { nextReplayPart, putLedgerRow } from '../durable/ledger.ts'
import { type PieceName, putSegment, putSegmentPage, takeNumber } from '../durable/records.ts'
import type { StateStore } from '../durable/state.ts'
import type { UsageRow } from '../emit/usage-page.ts'
import { writeUsagePage } from '../emit/usage-page-writer.ts'
import type { SegmentHead } from './staging.ts'
import { keyOf, sumByProject } from './sums.ts'

/** Which segment usage is billed to. */
export interface ReplayedSegment extends Omit<PieceName, 'part'> {
  readonly windowMs: number
  /** Names the settings that its events are made with. */
  readonly settings: string
}

const PAGE_ROWS = 1024
/** Stages a piece of these rows, one per key; their seconds are made here. */
export function stageReplay(
  store: StateStore,
  segment: ReplayedSegment,
  rows: readonly UsageRow[],
  nowMs: number,
): void {
  const { settings, ...name } = segment
  const piece = { ...name, part: nextReplayPart(store, name) }
  const billed = rows.map((row) => withSeconds(store, segment.stream, row))
  const number = takeNumber(store, 'segment')
  const pages = pagesOf(billed)
  const head: SegmentHead = { ...piece, pages: pages.length, settings, rendered: 0 }
  putSegment(store, number, head)
  for (const [index, page] of pages.entries()) putSegmentPage(store, number, index, page)
  const row = { ...piece, byTime: false, lines: {}, from: null, to: null, settings }
  const projects = pagesOf(sumByProject(billed))
  putLedgerRow(store, { ...row, closedAtMs: nowMs }, { projects, reasons: new Uint8Array() })
}

function withSeconds(store: StateStore, stream: string, row: UsageRow): UsageRow {
  const digest = createHash('sha256').update(keyOf(row)).digest('hex').slice(0, 32)
  const key = `replay-carry/${nameField(stream)}/${digest}`
  const ms = BigInt(getJson<number>(store, key) ?? 0) + row.connectionMs
  const carryMs = Number(ms % 1000n)
  if (carryMs === 0) store.remove(key)
  else putJson(store, key, carryMs)
  return { ...row, connectionSeconds: ms / 1000n }
}

function pagesOf(rows: readonly UsageRow[]): Uint8Array[] {
  const pages: Uint8Array[] = []
  for (let at = 0; at < rows.length; at += PAGE_ROWS) {
    pages.push(writeUsagePage(rows.slice(at, at + PAGE_ROWS)))
  }
  return pages
}
