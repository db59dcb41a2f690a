// Compares what two witnesses say of a piece: lines by outcome, and sums by project or by reason.
// Sums are compared in the order in which pages hold them, so nothing is gathered in memory.

import type { Counts } from '../durable/codec.ts'
import { type Amounts, addAmounts, UsagePage, unattributedRows } from '../emit/usage-page.ts'
import { OUTCOMES } from '../native.ts'
import type { Check, Differences, Place } from './difference.ts'

/** What a piece came to: a row of the ledger, a closed segment, or open totals. */
export interface PieceSums {
  /** Usage pages, one row per project. */
  readonly projects: readonly Uint8Array[]
  /** A usage page, one row per reason; empty when there is none. */
  readonly reasons: Uint8Array
}

export interface NamedSum {
  /** A project, or `unattributed` and a reason. */
  readonly name: string
  readonly amounts: Amounts
}

/** Amounts as they are called in a report. */
export const METER_NAMES: readonly (readonly [keyof Amounts, string])[] = [
  ['requests', 'requests'],
  ['egressBytes', 'egress-bytes'],
  ['ingressBytes', 'ingress-bytes'],
  ['connectionMs', 'connection-ms'],
  ['connectionSecondsFloor', 'connection-seconds (floor of each request)'],
  ['connectionSeconds', 'connection-seconds'],
]

/** Sums by project, in the order of the projects' bytes. */
export function* projectSums(pages: Iterable<Uint8Array>): Generator<NamedSum> {
  for (const bytes of pages) {
    const page = new UsagePage(bytes)
    for (let row = 0; row < page.rows; row += 1) {
      yield { name: page.texts(row)[0] ?? '', amounts: page.amounts(row) }
    }
  }
}

/** Sums by reason; a sum that was full goes on in a second row. */
export function reasonSums(pages: Iterable<Uint8Array>): NamedSum[] {
  const sums = new Map<string, Amounts>()
  for (const page of pages) {
    if (page.length === 0) continue
    for (const { reason, project: _project, route: _route, ...amounts } of unattributedRows(page)) {
      const name = `unattributed ${reason}`
      const before = sums.get(name)
      sums.set(name, before === undefined ? amounts : addAmounts(before, amounts))
    }
  }
  const names = [...sums.keys()].sort()
  return names.map((name) => ({ name, amounts: sums.get(name) as Amounts }))
}

/** Compares all that two witnesses say of a piece. `hasCarries`: seconds are known too. */
export function compareSums(
  differences: Differences,
  check: Check,
  place: Place,
  expected: PieceSums,
  found: PieceSums,
  hasCarries: boolean,
): void {
  const compare = (a: Iterable<NamedSum>, b: Iterable<NamedSum>): void => {
    for (const pair of pairsOf(a, b)) comparePair(differences, check, place, pair, hasCarries)
  }
  if (!isSame(expected.projects, found.projects)) {
    compare(projectSums(expected.projects), projectSums(found.projects))
  }
  if (!isSame([expected.reasons], [found.reasons])) {
    compare(reasonSums([expected.reasons]), reasonSums([found.reasons]))
  }
}

/** Compares lines by outcome. */
export function compareLines(
  differences: Differences,
  check: Check,
  place: Place,
  expected: BigInt64Array,
  found: BigInt64Array,
): void {
  for (const [index, outcome] of OUTCOMES.entries()) {
    const [wanted, counted] = [expected[index] ?? 0n, found[index] ?? 0n]
    differences.compare(check, place, `lines ${outcome}`, wanted, counted)
  }
}

/** Counts in the order of OUTCOMES; a name that is none of them is left out. */
export function countsOf(lines: Counts): BigInt64Array {
  return BigInt64Array.from(OUTCOMES, (outcome) => BigInt(lines[outcome] ?? 0))
}

/** All lines, whatever became of them. `lenient` ones are among the others. */
export function linesIn(counts: BigInt64Array): bigint {
  let sum = 0n
  counts.forEach((count, index) => {
    if (OUTCOMES[index] !== 'lenient') sum += count
  })
  return sum
}

interface Pair {
  readonly name: string
  readonly expected: Amounts | undefined
  readonly found: Amounts | undefined
}

/** Sums of two lists that are both in order of names, side by side. */
function* pairsOf(expected: Iterable<NamedSum>, found: Iterable<NamedSum>): Generator<Pair> {
  const [left, right] = [expected[Symbol.iterator](), found[Symbol.iterator]()]
  let [a, b] = [next(left), next(right)]
  while (a !== undefined || b !== undefined) {
    const order = compareNames(a, b)
    const [one, other] = [order <= 0 ? a : undefined, order >= 0 ? b : undefined]
    const name = one?.name ?? other?.name ?? ''
    yield { name, expected: one?.amounts, found: other?.amounts }
    if (one !== undefined) a = next(left)
    if (other !== undefined) b = next(right)
  }
}

/** The end of a list comes behind every name. */
function compareNames(a: NamedSum | undefined, b: NamedSum | undefined): number {
  if (a === undefined) return 1
  if (b === undefined) return -1
  return a.name < b.name ? -1 : Number(a.name > b.name)
}

function next(iterator: Iterator<NamedSum>): NamedSum | undefined {
  const { done, value } = iterator.next()
  return done ? undefined : value
}

function comparePair(
  differences: Differences,
  check: Check,
  place: Place,
  { name, expected, found }: Pair,
  hasCarries: boolean,
): void {
  for (const [amount, meter] of METER_NAMES) {
    if (amount === 'connectionSeconds' && !hasCarries) continue
    const [wanted, counted] = [expected?.[amount] ?? 0n, found?.[amount] ?? 0n]
    differences.compare(check, place, meter, wanted, counted, name)
  }
}

function isSame(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return (
    a.length === b.length && a.every((page, index) => Buffer.compare(page, b[index] ?? page) === 0)
  )
}
