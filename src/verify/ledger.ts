// One walk over the ledger: every row against what the state itself has of its piece, and for each
// stream which pieces there are, so that they can be asked for in the order of their places.

import type { Counts } from '../durable/codec.ts'
import { type LedgerRow, ledgerKey, ledgerKeys, readLedgerRow } from '../durable/ledger.ts'
import { isUsageSummed, ledgerDays } from '../durable/ledger-days.ts'
import { isDamage, type NotingReader } from '../durable/noting-reader.ts'
import { unattributedOf } from '../durable/records.ts'
import { OUTCOMES } from '../native.ts'
import { type Differences, notAsWritten } from './difference.ts'
import { EventCheck } from './events.ts'
import { PieceIndex } from './piece-index.ts'
import { countsOf, METER_NAMES, reasonSums } from './sums.ts'

/** What the ledger has of a stream. */
export interface StreamLedger {
  readonly pieces: PieceIndex
  /** Lines of all its pieces, in the order of OUTCOMES. */
  readonly lines: BigInt64Array
  /** Lines of pieces that are only kept as sums of days, and how many these are. */
  readonly summedLines: BigInt64Array
  summedPieces: number
  /** Usage of it was billed later by a replay, which takes it from where it was kept. */
  hasReplays: boolean
}

export interface LedgerSurvey {
  readonly streams: ReadonlyMap<string, StreamLedger>
  /** Rows, and those of which all events were compared. */
  readonly events: { readonly pieces: number; readonly checkedPieces: number }
}

export function emptyLedger(stream: string): StreamLedger {
  return {
    pieces: new PieceIndex(stream),
    lines: new BigInt64Array(OUTCOMES.length),
    summedLines: new BigInt64Array(OUTCOMES.length),
    summedPieces: 0,
    hasReplays: false,
  }
}

/** Compares every row; `goesOn` is asked often, and may throw to end it. */
export async function surveyLedger(
  state: NotingReader,
  differences: Differences,
  goesOn: () => void,
): Promise<LedgerSurvey> {
  const streams = new Map<string, StreamLedger>()
  const ledgerOf = (stream: string): StreamLedger => {
    const ledger = streams.get(stream) ?? emptyLedger(stream)
    streams.set(stream, ledger)
    return ledger
  }
  for (const { stream, lines, pieces } of ledgerDays(state)) {
    const ledger = ledgerOf(stream)
    ledger.summedPieces += pieces
    addLines(ledger.summedLines, lines)
  }
  const events = new EventCheck(state, differences, goesOn)
  for (const key of ledgerKeys(state)) {
    goesOn()
    const row = readRow(state, key)
    if (row === undefined) continue
    addRow(ledgerOf(row.stream), row)
    compareUnattributed(state, differences, row)
    await events.add(row)
  }
  await events.end()
  return { streams, events }
}

function addRow(ledger: StreamLedger, row: LedgerRow): void {
  // A replayed piece has no lines of its own: those that it bills were counted when they were read.
  if (row.from === null) {
    ledger.hasReplays = true
    return
  }
  ledger.pieces.add(row)
  addLines(ledger.lines, row.lines)
}

function addLines(sum: BigInt64Array, lines: Counts): void {
  countsOf(lines).forEach((count, index) => {
    sum[index] = (sum[index] ?? 0n) + count
  })
}

function readRow(state: NotingReader, key: string): LedgerRow | undefined {
  return state.reading(key, () => {
    const packed = state.get(key)
    return packed && readLedgerRow(packed)
  })
}

/** What is kept of a piece's usage without a project; a replay takes from it what it bills. */
function compareUnattributed(state: NotingReader, differences: Differences, row: LedgerRow): void {
  try {
    const kept = new Map(reasonSums(unattributedOf(state, row)).map((sum) => [sum.name, sum]))
    const counted = new Map(reasonSums([row.reasons]).map((sum) => [sum.name, sum]))
    for (const name of new Set([...kept.keys(), ...counted.keys()])) {
      for (const [amount, meter] of METER_NAMES) {
        const expected = counted.get(name)?.amounts[amount] ?? 0n
        const found = kept.get(name)?.amounts[amount] ?? 0n
        if (found < expected && (hasReplay(state, row) || isUsageSummed(state, row))) continue
        differences.compare('unattributed', row, meter, expected, found, name)
      }
    }
  } catch (error) {
    if (!isDamage(error)) throw error
    differences.add('state', row, notAsWritten(error.message))
  }
}

/** Some usage of the segment was billed by a replay. */
function hasReplay(state: NotingReader, row: LedgerRow): boolean {
  const first = ledgerKey({ ...row, part: 'r0' })
  const [replayed] = state.keys(first.slice(0, first.lastIndexOf('/') + 2))
  return replayed !== undefined
}
