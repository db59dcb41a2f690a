// Writes usage pages (usage-page.ts says their form), as the core does for lines: for usage that is
// billed later than its lines were read.

import {
  ABSENT,
  type Amounts,
  KINDS,
  MAGIC,
  REASON_BASE,
  REASONS,
  type UnattributedRow,
  type UsageRow,
} from './usage-page.ts'

/** A row as it lies in a page. */
interface PageRow extends Amounts {
  readonly kindCode: number
  readonly project: string
  readonly namespace: string
  readonly name: string
  readonly dimensions: readonly (string | undefined)[]
}

/** One page of metered usage; all rows have as many dimensions as the first. */
export function writeUsagePage(rows: readonly UsageRow[]): Uint8Array {
  return writePage(rows.map((row) => ({ ...row, kindCode: KINDS.indexOf(row.kind) })))
}

/** One page of unattributed usage. */
export function writeUnattributedPage(rows: readonly UnattributedRow[]): Uint8Array {
  return writePage(
    rows.map(({ reason, route, ...row }) => ({
      ...row,
      kindCode: REASON_BASE + REASONS.indexOf(reason),
      namespace: '',
      name: route,
      dimensions: [],
    })),
  )
}

function writePage(rows: readonly PageRow[]): Uint8Array {
  const dimensions = rows[0]?.dimensions.length ?? 0
  const amounts: bigint[] = []
  const columns: number[] = []
  const texts: Buffer[] = []
  const addText = (text: string | undefined) => {
    const bytes = Buffer.from(text ?? '')
    texts.push(bytes)
    columns.push(text === undefined ? ABSENT : bytes.length)
  }
  for (const row of rows) {
    amounts.push(row.requests, row.egressBytes, row.ingressBytes)
    amounts.push(row.connectionMs, row.connectionSecondsFloor, row.connectionSeconds)
    addText(row.project)
    columns.push(row.kindCode)
    addText(row.namespace)
    addText(row.name)
    for (const text of row.dimensions) addText(text)
  }
  const text = Buffer.concat(texts)
  const head = Uint32Array.of(MAGIC, rows.length, dimensions, text.length)
  const parts = [head, BigInt64Array.from(amounts), Uint32Array.from(columns)]
  return new Uint8Array(Buffer.concat([...parts.map((part) => new Uint8Array(part.buffer)), text]))
}
