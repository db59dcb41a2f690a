// Sums of usage rows by what they are asked for.

import { addAmounts, type UnattributedRow, type UsageRow } from '../emit/usage-page.ts'

/** Rows of equal keys as one, in order of first appearance. */
export function sumByKey(rows: Iterable<UsageRow>): UsageRow[] {
  return summed(rows, keyOf, (row) => row)
}

/** One row per project, in the order of projects, without route and dimensions. */
export function sumByProject(rows: Iterable<UsageRow>): UsageRow[] {
  const all = { kind: null, namespace: '', name: '', dimensions: [] }
  const sums = summed(
    rows,
    ({ project }) => project,
    (row) => ({ ...row, ...all }),
  )
  return sums.sort((a, b) => (a.project < b.project ? -1 : 1))
}

/** One row per reason, raw project and raw route. */
export function sumUnattributed(rows: Iterable<UnattributedRow>): UnattributedRow[] {
  return summed(
    rows,
    ({ reason, project, route }) => JSON.stringify([reason, project, route]),
    (row) => row,
  )
}

/** One row per reason. */
export function sumByReason(rows: Iterable<UnattributedRow>): UnattributedRow[] {
  return summed(
    rows,
    ({ reason }) => reason,
    (row) => ({ ...row, project: '', route: '' }),
  )
}

/** What tells keys apart. */
export function keyOf({ project, kind, namespace, name, dimensions }: UsageRow): string {
  return JSON.stringify([project, kind, namespace, name, dimensions.map((text) => text ?? null)])
}

function summed<Row extends UsageRow | UnattributedRow>(
  rows: Iterable<Row>,
  nameOf: (row: Row) => string,
  first: (row: Row) => Row,
): Row[] {
  const sums = new Map<string, Row>()
  for (const row of rows) {
    const name = nameOf(row)
    const before = sums.get(name)
    sums.set(name, before === undefined ? first(row) : { ...before, ...addAmounts(before, row) })
  }
  return [...sums.values()]
}
