// The logs of one stream against its state: every piece that can be computed again against its row
// of the ledger, what is open at the end against the open totals, and quarantined lines against
// those that are kept.
//
// What has no log, no checkpoint or a hole is not covered, and the report says so.

import { type LedgerRow, ledgerKey, readLedgerRow } from '../durable/ledger.ts'
import { isSummed } from '../durable/ledger-days.ts'
import { isDamage, type NotingReader } from '../durable/noting-reader.ts'
import type { PieceName, Position } from '../durable/records.ts'
import { OUTCOMES } from '../native.ts'
import type { Committed, OpenSums } from './committed.ts'
import type { Course, CourseGeneration } from './course.ts'
import { type Differences, notAsWritten } from './difference.ts'
import type { StreamLedger } from './ledger.ts'
import type { FoundLog } from './log-match.ts'
import type { IndexedPiece } from './piece-index.ts'
import { openPlace, placeText } from './pieces.ts'
import { Recomputation, type RecomputedPiece, type Shortage } from './recompute.ts'
import { compareLines, compareSums, countsOf, linesIn, type PieceSums } from './sums.ts'

/** Why bytes that were read were not computed again. */
export type Uncovered =
  /** No file is the generation. */
  | 'log gone'
  /** Its file has lost what was read of it. */
  | 'gap'
  /** Its .gz cannot be inflated to its end. */
  | 'damaged'
  /** The generation before it is not covered, and the state has no checkpoint of its beginning. */
  | 'no checkpoint'
  /** The state does not know how far it was read. */
  | 'end unknown'
  /** The state has forgotten which logs the stream was read from. */
  | 'history gone'

export interface UncoveredRange {
  readonly generation: number
  /** Base name when it was seen last. */
  readonly name: string
  readonly bytes: number
  readonly why: Uncovered
}

/** How much of a stream was computed again. */
export interface StreamCoverage {
  readonly stream: string
  readonly lines: { readonly covered: bigint; readonly total: bigint }
  readonly bytes: { readonly covered: number; readonly total: number }
  readonly uncovered: readonly UncoveredRange[]
}

/** What is compared. */
export interface StreamEvidence {
  readonly state: NotingReader
  readonly differences: Differences
  readonly course: Course
  /** In the order of places. */
  readonly ledger: StreamLedger
  readonly committed: Committed | undefined
  /** Quarantined lines that are kept, by generation, in the order of OUTCOMES. */
  readonly quarantined: ReadonlyMap<number, BigInt64Array>
  logOf(generation: number): FoundLog | undefined
  /** Its log is that of another generation too. */
  isShared(generation: number): boolean
  /** Told of bytes as they are computed; may throw to end it. */
  onBytes(bytes: number): void
}

const NOTHING: PieceSums = { projects: [], reasons: new Uint8Array() }
const NO_LINES = new BigInt64Array(OUTCOMES.length)

export async function checkLogs(evidence: StreamEvidence): Promise<StreamCoverage> {
  const check = new LogCheck(evidence)
  try {
    return await check.run()
  } finally {
    check.close()
  }
}

class LogCheck {
  readonly #with: StreamEvidence
  readonly #places = new Map<string, number>()
  readonly #uncovered: UncoveredRange[] = []
  #computation: Recomputation | undefined
  /** The first piece that the computation has not come to. */
  #next = 0
  /** A place that differs moves all places behind it: one is told. */
  #isMoved = false
  #coveredLines = 0n
  #coveredBytes = 0

  constructor(evidence: StreamEvidence) {
    this.#with = evidence
    const { pieces } = evidence.ledger
    for (let place = 0; place < pieces.count; place += 1) {
      this.#places.set(nameOf(pieces.at(place) as IndexedPiece), place)
    }
  }

  async run(): Promise<StreamCoverage> {
    const { course, committed, ledger } = this.#with
    const last = course.generations.at(-1)
    for (const one of course.generations) await this.#check(one, one === last)
    const oldest = ledger.pieces.at(0)
    if (last === undefined && oldest !== undefined) {
      const { generation } = oldest.from
      this.#uncovered.push({ generation, name: '', bytes: 0, why: 'history gone' })
    }
    const open = committed ? linesIn(committed.open.outcomes) : 0n
    const total = course.generations.reduce((sum, one) => sum + bytesOf(one), 0)
    return {
      stream: course.stream,
      lines: { covered: this.#coveredLines, total: linesIn(ledger.lines) + open },
      bytes: { covered: this.#coveredBytes, total },
      uncovered: this.#uncovered,
    }
  }

  close(): void {
    this.#computation?.close()
  }

  async #check(one: CourseGeneration, isLast: boolean): Promise<void> {
    const { generation } = one.facts
    if (!one.followsLast) this.#stop()
    const { end, why } = this.#readable(one)
    if (end === undefined) {
      await this.#compareLast(generation)
      this.#stop()
      this.#leaveOut(one, bytesOf(one), why)
      return
    }
    this.#computation ??= await this.#start(one)
    const computation = this.#computation
    if (computation === undefined) {
      this.#leaveOut(one, bytesOf(one), 'no checkpoint')
      return
    }
    const before = computation.counters()
    const coveredBefore = this.#coveredBytes
    const shortage = await this.#compute(computation, one, end)
    if (end === one.readTo && shortage !== 'damaged') {
      this.#missUpTo({ generation, offset: end }, true)
      this.#compareQuarantine(one, before, computation.counters())
      if (isLast) await this.#compareOpen(computation)
      return
    }
    this.#missUpTo({ generation, offset: computation.offset() }, false)
    this.#stop()
    const covered = this.#coveredBytes - coveredBefore
    this.#leaveOut(one, bytesOf(one) - covered, shortage === 'damaged' ? shortage : why)
  }

  /** How far the generation can be computed; undefined: not at all. */
  #readable(one: CourseGeneration): { readonly end: number | undefined; readonly why: Uncovered } {
    const { facts, readFrom, readTo, lostFrom } = one
    if (readTo === null) return { end: undefined, why: 'end unknown' }
    const isEmpty = readTo <= readFrom
    if (!isEmpty && this.#with.logOf(facts.generation) === undefined) {
      return { end: undefined, why: 'log gone' }
    }
    if (readTo <= lostFrom || isEmpty) return { end: readTo, why: 'gap' }
    return { end: lostFrom > readFrom ? lostFrom : undefined, why: 'gap' }
  }

  async #start(one: CourseGeneration): Promise<Recomputation | undefined> {
    const { state, course, differences, ledger } = this.#with
    if (one.start === undefined) return undefined
    const onBytes = (bytes: number): void => {
      this.#coveredBytes += bytes
      this.#with.onBytes(bytes)
    }
    try {
      const begun = await Recomputation.begin(state, course, one, onBytes)
      const at = { generation: one.facts.generation, offset: begun.offset() }
      const { pieces } = ledger
      const isBehind = (place: number): boolean => {
        const piece = pieces.at(place)
        return piece === undefined || course.compare(piece.to, at) > 0
      }
      this.#next = 0
      if (one.start === 'checkpoint') while (!isBehind(this.#next)) this.#next += 1
      return begun
    } catch (error) {
      if (!isDamage(error)) throw error
      differences.add('state', { stream: course.stream }, notAsWritten(error.message))
      return undefined
    }
  }

  #stop(): void {
    this.#computation?.close()
    this.#computation = undefined
  }

  #leaveOut({ facts }: CourseGeneration, bytes: number, why: Uncovered): void {
    const { generation, name } = facts
    this.#uncovered.push({ generation, name, bytes, why })
  }

  async #compute(
    computation: Recomputation,
    one: CourseGeneration,
    end: number,
  ): Promise<Shortage> {
    const { generation } = one.facts
    const log = this.#with.logOf(generation)?.file.reader()
    const mayBeLonger = !one.isEnded || one.hasGap || this.#with.isShared(generation)
    const logEnd = mayBeLonger || end !== one.readTo ? end : Number.MAX_SAFE_INTEGER
    const pieces = computation.compute(one, log, end, logEnd)
    for (;;) {
      const { done, value } = await pieces.next()
      if (done) return value
      this.#comparePiece(value, computation.hasCarries)
    }
  }

  #comparePiece(piece: RecomputedPiece, hasCarries: boolean): void {
    const { differences } = this.#with
    const { segment } = piece
    const { windowStartMs, windowMs, epoch } = segment
    const stream = this.#with.course.stream
    const name = { stream, windowStartMs, windowMs, epoch, part: String(segment.part) }
    const place = this.#places.get(nameOf(name))
    if (!piece.isWhole) {
      this.#next = Math.max(this.#next, (place ?? -1) + 1)
      return
    }
    const row = place === undefined ? undefined : this.#row(name)
    if (row === undefined && isSummed(this.#with.state, name)) return
    this.#coveredLines += linesIn(segment.outcomes)
    if (place !== undefined) {
      while (this.#next < place) this.#miss()
      this.#next = Math.max(this.#next, place + 1)
    }
    if (row !== undefined) {
      this.#comparePlaces(piece, row)
      compareLines(differences, 'ledger', row, segment.outcomes, countsOf(row.lines))
      compareSums(differences, 'ledger', row, segment, row, hasCarries)
      return
    }
    if (this.#with.state.damaged.has(ledgerKey(name))) return
    const what = { project: null, meter: 'row of the ledger', expected: 'one', found: 'none' }
    differences.add('ledger', name, what)
    compareSums(differences, 'ledger', name, segment, NOTHING, hasCarries)
  }

  #comparePlaces({ segment, to }: RecomputedPiece, row: LedgerRow): void {
    const { differences } = this.#with
    const closed = (byTime: boolean): string => (byTime ? 'by time' : 'by content')
    differences.compare('ledger', row, 'closed', closed(segment.byTime), closed(row.byTime))
    if (this.#isMoved || row.to === null) return
    differences.compare('ledger', row, 'last byte', placeText(to), placeText(row.to))
    this.#isMoved = placeText(to) !== placeText(row.to)
  }

  /** Pieces that end before a place, and that did not come of the logs, are told. */
  #missUpTo(end: Position, isIncluded: boolean): void {
    const { course, ledger } = this.#with
    for (;;) {
      const piece = ledger.pieces.at(this.#next)
      if (piece === undefined) return
      const beside = course.compare(piece.to, end)
      if (beside > 0 || (beside === 0 && !isIncluded)) return
      this.#miss()
    }
  }

  /** The next piece is in the ledger only. */
  #miss(): void {
    const { differences, ledger } = this.#with
    const piece = ledger.pieces.at(this.#next)
    this.#next += 1
    const row = piece && this.#row(piece)
    if (row === undefined) return
    compareLines(differences, 'ledger', row, NO_LINES, countsOf(row.lines))
    compareSums(differences, 'ledger', row, NOTHING, row, true)
  }

  #row(piece: PieceName): LedgerRow | undefined {
    const { state } = this.#with
    const key = ledgerKey(piece)
    return state.reading(key, () => {
      const packed = state.get(key)
      return packed && readLedgerRow(packed)
    })
  }

  /**
   * Before a generation that cannot be computed: a piece that its first line closed is known whole.
   */
  async #compareLast(next: number): Promise<void> {
    const { course, ledger } = this.#with
    const piece = ledger.pieces.at(this.#next)
    if (this.#computation === undefined || piece === undefined) return
    if (course.compare(piece.to, { generation: next, offset: 0 }) > 0) return
    const { segment, isWhole } = await this.#computation.open()
    // Who closed it is not known here.
    const closed = { ...segment, byTime: this.#row(piece)?.byTime === true }
    this.#comparePiece({ segment: closed, to: piece.to, isWhole }, this.#computation.hasCarries)
  }

  async #compareOpen(computation: Recomputation): Promise<void> {
    const { committed, differences } = this.#with
    if (committed === undefined) return
    const { segment, isWhole } = await computation.open()
    if (!isWhole) return
    const place = openPlace(committed)
    this.#coveredLines += linesIn(segment.outcomes)
    const wanted = openName(segment)
    differences.compare('open', place, 'open window', wanted, openName(committed.open))
    compareLines(differences, 'open', place, segment.outcomes, committed.open.outcomes)
    compareSums(differences, 'open', place, segment, committed.open, computation.hasCarries)
  }

  /** Quarantined lines are kept by generation; a replay takes out those that it bills. */
  #compareQuarantine(one: CourseGeneration, before: BigInt64Array, after: BigInt64Array): void {
    const { course, differences, ledger, quarantined } = this.#with
    const { generation } = one.facts
    const kept = quarantined.get(generation) ?? NO_LINES
    for (const [index, outcome] of OUTCOMES.entries()) {
      if (!outcome.startsWith('quarantined.')) continue
      const expected = (after[index] ?? 0n) - (before[index] ?? 0n)
      const found = kept[index] ?? 0n
      if (found < expected && ledger.hasReplays) continue
      const meter = `generation ${generation}, lines ${outcome}`
      differences.compare('quarantine', { stream: course.stream }, meter, expected, found)
    }
  }
}

function bytesOf({ readFrom, readTo }: CourseGeneration): number {
  return readTo === null ? 0 : Math.max(0, readTo - readFrom)
}

function nameOf({ windowStartMs, windowMs, epoch, part }: Omit<PieceName, 'stream'>): string {
  return `${windowStartMs}/${windowMs}/${epoch}/${part}`
}

function openName({ windowStartMs, windowMs, epoch, part }: OpenSums): string {
  return `window ${windowStartMs} of ${windowMs} ms, epoch ${epoch}, part ${part}`
}
