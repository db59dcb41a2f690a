// What the state says of a stream must agree with itself: its pieces cover its bytes without a hole
// and without an overlap, their lines are the lines that it counted, and all who say how far it was
// read say the same. No log is needed for that.

import type { Position } from '../durable/records.ts'
import type { Committed } from './committed.ts'
import type { Course } from './course.ts'
import type { Differences, Place } from './difference.ts'
import type { StreamLedger } from './ledger.ts'
import { compareLines } from './sums.ts'

/** The open piece of a stream, or the one that comes next. */
export function openPlace({ record, open }: Committed): Place {
  const { epoch, windowStartMs, windowMs, part } = open
  return { stream: record.stream, epoch, windowStartMs, windowMs, part: String(part) }
}

/** Compares what the state says of a stream with itself; `ledger` is in the order of places. */
export function checkPieces(
  differences: Differences,
  course: Course,
  ledger: StreamLedger,
  committed: Committed | undefined,
): void {
  const isWhole = checkChain(differences, course, ledger)
  if (committed === undefined) return
  const last = ledger.pieces.at(ledger.pieces.count - 1)
  const from = committed.record.history?.pieceFrom
  const place = openPlace(committed)
  if (last !== undefined && from !== undefined) {
    differences.compare('pieces', place, 'first byte', placeText(last.to), placeText(from))
  }
  checkPosition(differences, course, committed)
  if (isWhole) {
    const { lines, summedLines } = ledger
    const sum = committed.open.outcomes.map(
      (count, index) => count + (lines[index] ?? 0n) + (summedLines[index] ?? 0n),
    )
    const stream: Place = { stream: course.stream }
    compareLines(differences, 'lines', stream, sum, committed.counters)
  }
}

/**
 * True when all pieces since the first byte of the stream are there, or in sums of days: pieces
 * that are only kept as sums leave holes.
 */
function checkChain(differences: Differences, course: Course, ledger: StreamLedger): boolean {
  const { pieces, summedPieces } = ledger
  const before = differences.total
  const start = startOf(course)
  let holes = 0
  let last: Position | null = summedPieces > 0 ? null : start
  for (let place = 0; place < pieces.count; place += 1) {
    const piece = pieces.at(place)
    if (piece === undefined) break
    const { from, to } = piece
    const isHole = last !== null && course.compare(last, from) < 0
    if (isHole && holes < summedPieces) holes += 1
    else if (last !== null) {
      differences.compare('pieces', piece, 'first byte', placeText(last), placeText(from))
    }
    if (course.compare(from, to) > 0 && !goesBack(course, to)) {
      const what = { project: null, meter: 'last byte', expected: `behind ${placeText(from)}` }
      differences.add('pieces', piece, { ...what, found: placeText(to) })
    }
    last = to
  }
  return (start !== null || summedPieces > 0) && differences.total === before
}

/** A file that lost what was read of it goes on as another generation, where its end is now. */
function goesBack({ generations }: Course, { generation }: Position): boolean {
  return generations.some(({ facts, readFrom }) => facts.generation === generation && readFrom > 0)
}

/** The first byte of the stream, as far as the state knows it. */
function startOf({ generations: [first] }: Course): Position | null {
  return first?.start === 'made' ? { generation: first.facts.generation, offset: 0 } : null
}

/** The tail says how far a file was read, the engine how much of it is folded. */
function checkPosition(differences: Differences, course: Course, committed: Committed): void {
  const { record, offset } = committed
  const last = course.generations.at(-1)
  if (last === undefined || last.isEnded) return
  const { generation } = last.facts
  const read = record.generations.find((one) => one.generation === generation)
  if (read === undefined) return
  const expected = placeText({ generation, offset })
  const found = placeText({ generation, offset: read.offset })
  differences.compare('position', openPlace(committed), 'position', expected, found)
}

export function placeText({ generation, offset }: Position): string {
  return `generation ${generation}, byte ${offset}`
}
