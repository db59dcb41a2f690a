// Stages what a stream did since the last commit: position, totals, closed pieces, their ledger
// rows, history, quarantine and gaps. A commit must not begin before this has ended: a million
// keys are a thousand pages, which are staged in slices so that the event loop runs in between.

import { packCounts, putJson } from '../durable/codec.ts'
import type { Counters } from '../durable/counters.ts'
import { putLedgerRow } from '../durable/ledger.ts'
import { putQuarantine } from '../durable/quarantine.ts'
import {
  gapKey,
  putSegment,
  putSegmentPage,
  putStream,
  putStreamPage,
  putUnattributed,
  takeNumber,
} from '../durable/records.ts'
import type { StateStore } from '../durable/state.ts'
import type { UsageStage } from '../durable/usage-sums.ts'
import { type EventRules, meterReaders } from '../emit/meter-rules.ts'
import { addAmounts, UsagePage } from '../emit/usage-page.ts'
import { OUTCOMES } from '../native.ts'
import type { GapRecord } from '../tail/generation-list.ts'
import type { RouteUsage } from './route-usage.ts'
import type { AgentStream, ClosedPiece } from './stream.ts'

/** What the state holds of a closed segment until it is rendered. */
export interface SegmentHead {
  readonly stream: string
  readonly epoch: number
  readonly windowStartMs: number
  readonly windowMs: number
  readonly part: string
  /** Usage pages in the state. */
  readonly pages: number
  /** Names the settings in force at the close (DESIGN 5.4). */
  readonly settings: string
  /** Events that are in the spool already, in order of id. */
  readonly rendered: number
}

/** Bytes of pages between two turns of the event loop: a few ms of checksums. */
const SLICE_BYTES = 4 * 1024 * 1024

export interface Staging {
  readonly store: StateStore
  readonly counters: Counters
  readonly quarantineBytesMax: number
  /** How long the history of a generation is kept after its end. */
  readonly historyMs: number
  readonly nowMs: number
  /** Lets the event loop run. */
  readonly turn: () => Promise<void>
  /** Counts what closes by route. */
  readonly routes?: RouteUsage | undefined
}

/** Resolves to the gaps, which people should hear of. */
export async function stageStream(
  stream: AgentStream,
  staging: Staging,
): Promise<readonly GapRecord[]> {
  const { store, counters, nowMs } = staging
  const { generations, snapshot, closed, quarantine, gaps, past } = await stream.takeChange()
  const { place, settings } = stream
  const { lineDimensions } = settings.rules
  const name = place.stream
  const history = past.stage(store, generations, nowMs, staging.historyMs)
  putStream(store, { stream: name, place, lineDimensions, generations, history }, snapshot.head)
  const slices = new Slices(staging.turn)
  for (const page of snapshot.pages) {
    putStreamPage(store, name, page)
    await slices.did(page.bytes?.length ?? 0)
  }
  for (const piece of closed) {
    await stagePiece(piece, name, past.settings, staging, slices)
    if (staging.routes) await countRoutes(piece, settings.rules, staging.routes, staging.turn)
    const { projects, reasons } = piece.segment
    countUsage(counters, 'closed', projects, settings.rules)
    countUsage(counters, 'unattributed', reasons.length > 0 ? [reasons] : [], settings.rules)
  }
  for (const { generation, lines } of quarantine) {
    const at = { stream: name, generation, settings: past.settings }
    putQuarantine(store, at, lines, staging.quarantineBytesMax)
  }
  for (const gap of gaps) {
    putJson(store, gapKey(takeNumber(store, 'gap')), { ...gap, atMs: nowMs })
    counters.add('gaps', 1)
    counters.add('gap_bytes', gap.bytes)
  }
  return gaps
}

async function stagePiece(
  { segment, from, to }: ClosedPiece,
  stream: string,
  settings: string,
  { store, counters, nowMs }: Staging,
  slices: Slices,
): Promise<void> {
  const { epoch, windowStartMs, windowMs, byTime, pages, unattributed } = segment
  const name = { stream, epoch, windowStartMs, windowMs, part: String(segment.part) }
  const lines = packCounts(OUTCOMES, segment.outcomes)
  putLedgerRow(store, { ...name, byTime, lines, from, to, settings, closedAtMs: nowMs }, segment)
  counters.add(byTime ? 'closed_by_time' : 'closed_by_content', 1)
  const number = takeNumber(store, 'segment')
  const head: SegmentHead = { ...name, pages: pages.length, settings, rendered: 0 }
  putSegment(store, number, head)
  for (const [index, page] of pages.entries()) {
    putSegmentPage(store, number, index, page)
    await slices.did(page.length)
  }
  for (const [index, page] of unattributed.entries()) {
    putUnattributed(store, name, index, page)
    await slices.did(page.length)
  }
}

async function countRoutes(
  { segment }: ClosedPiece,
  rules: EventRules,
  routes: RouteUsage,
  turn: Staging['turn'],
): Promise<void> {
  for (const page of segment.pages) {
    routes.stagePage(page, rules)
    await turn()
  }
  for (const page of segment.unattributed) {
    routes.stageUnattributed(page, rules)
    await turn()
  }
}

function countUsage(
  { usage }: Counters,
  stage: UsageStage,
  pages: readonly Uint8Array[],
  rules: EventRules,
): void {
  if (pages.length === 0) return
  const amounts = pages.map((page) => new UsagePage(page).total()).reduce(addAmounts)
  for (const { type, value } of meterReaders(rules)) {
    usage.add(stage, { meter: type, amount: value(amounts) })
  }
}

/** Counts work, and lets the event loop run after each slice of it. */
class Slices {
  readonly #turn: () => Promise<void>
  #bytes = 0

  constructor(turn: () => Promise<void>) {
    this.#turn = turn
  }

  async did(bytes: number): Promise<void> {
    this.#bytes += bytes
    if (this.#bytes < SLICE_BYTES) return
    this.#bytes = 0
    await this.#turn()
  }
}
