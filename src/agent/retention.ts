// Lets go of what the state need not keep any longer, a slice a commit, so that the end of a long
// retention makes no long commit:
//
//   accepted events              after state.accepted_retention
//   ledger rows                  after state.ledger_retention, summed per stream and day
//   unattributed usage           the same; billing takes 30 days, so it can be billed no more
//   gaps, ended streams          after state.ledger_retention
//   answers to requests          after a week

import type { Config } from '../config/config.ts'
import { type Counts, jsonEntries } from '../durable/codec.ts'
import { forgetEndedStreams } from '../durable/history.ts'
import { type LedgerRow, ledgerKey, ledgerRows } from '../durable/ledger.ts'
import {
  dayOf,
  putLedgerDay,
  putUnattributedDay,
  readLedgerDay,
  readUnattributedDay,
} from '../durable/ledger-days.ts'
import { readUnattributed, unattributedKeys } from '../durable/records.ts'
import { forgetAnswers } from '../durable/requests.ts'
import { forgetAccepted } from '../durable/settled.ts'
import type { StateStore } from '../durable/state.ts'
import { unattributedRows, usageRows } from '../emit/usage-page.ts'
import { writeUnattributedPage, writeUsagePage } from '../emit/usage-page-writer.ts'
import { sumByProject, sumByReason, sumUnattributed } from './sums.ts'

/** Records of each kind that one commit lets go of. */
const SLICE = 200
/** Between two looks when the last one found nothing. */
const INTERVAL_MS = 60_000
const ANSWERS_KEPT_MS = 7 * 24 * 3_600_000

export class Retention {
  readonly #store: StateStore
  readonly #state: Config['state']
  #nextAtMs = Number.NEGATIVE_INFINITY

  constructor(store: StateStore, state: Config['state']) {
    this.#store = store
    this.#state = state
  }

  /** It is time to look again; both clocks in ms, `elapsedMs` one that is never stepped. */
  isDue(elapsedMs: number): boolean {
    return elapsedMs >= this.#nextAtMs
  }

  /** Stages the end of a slice of what is too old. */
  sweep(nowMs: number, elapsedMs: number): void {
    const store = this.#store
    const acceptedBeforeMs = nowMs - this.#state.acceptedRetentionMs
    const ledgerBeforeMs = nowMs - this.#state.ledgerRetentionMs
    const counts = [
      forgetAccepted(store, acceptedBeforeMs, SLICE),
      sumLedger(store, ledgerBeforeMs),
      sumUsage(store, ledgerBeforeMs),
      forgetEndedStreams(store, ledgerBeforeMs, SLICE),
      forgetGaps(store, ledgerBeforeMs),
    ]
    forgetAnswers(store, nowMs - ANSWERS_KEPT_MS)
    // A full slice of anything: there may be more of it.
    if (!counts.includes(SLICE)) this.#nextAtMs = elapsedMs + INTERVAL_MS
  }
}

function sumLedger(store: StateStore, beforeMs: number): number {
  let rows = 0
  for (const row of ledgerRows(store, 0, beforeMs)) {
    if (rows === SLICE) break
    rows += 1
    addToDay(store, row)
    store.remove(ledgerKey(row))
  }
  return rows
}

function addToDay(store: StateStore, row: LedgerRow): void {
  const { stream } = row
  const dayMs = dayOf(row.windowStartMs)
  const before = readLedgerDay(store, dayMs, stream)
  const projects = [...(before ? [before.projects] : []), ...row.projects]
  const reasons = [before?.reasons, row.reasons].filter((page) => page && page.length > 0)
  putLedgerDay(store, {
    stream,
    dayMs,
    pieces: (before?.pieces ?? 0) + 1,
    lines: addedCounts(before?.lines ?? {}, row.lines),
    projects: writeUsagePage(sumByProject(projects.flatMap((page) => [...usageRows(page)]))),
    reasons: writeUnattributedPage(
      sumByReason(reasons.flatMap((page) => [...unattributedRows(page as Uint8Array)])),
    ),
  })
}

function sumUsage(store: StateStore, beforeMs: number): number {
  let pages = 0
  for (const key of unattributedKeys(store, 0, beforeMs)) {
    if (pages === SLICE) break
    pages += 1
    const found = readUnattributed(store, key)
    if (found === undefined) continue
    const { stream, windowStartMs } = found.piece
    const dayMs = dayOf(windowStartMs)
    const before = readUnattributedDay(store, dayMs, stream)
    const all = [...(before ? [before] : []), found.page]
    const rows = sumUnattributed(all.flatMap((page) => [...unattributedRows(page)]))
    putUnattributedDay(store, dayMs, stream, writeUnattributedPage(rows))
    store.remove(key)
  }
  return pages
}

function forgetGaps(store: StateStore, beforeMs: number): number {
  let gaps = 0
  for (const [key, { atMs = 0 }] of jsonEntries<{ readonly atMs?: number }>(store, 'gap/')) {
    if (gaps === SLICE || atMs >= beforeMs) break
    gaps += 1
    store.remove(key)
  }
  return gaps
}

function addedCounts(a: Counts, b: Counts): Counts {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  const sum = (name: string) => String(BigInt(a[name] ?? 0) + BigInt(b[name] ?? 0))
  return Object.fromEntries([...names].map((name) => [name, sum(name)]))
}
