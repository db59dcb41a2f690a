// Writes packed usage pages, as the core does: for tests only.

export interface PageRow {
  readonly project: string
  /** 0 no route, 1 HTTPRoute, 2 GRPCRoute, 3 unknown, 4 overflow; 16 to 18 unattributed. */
  readonly kind: number
  readonly namespace?: string
  readonly name?: string
  readonly dimensions?: readonly (string | undefined)[]
  /** Requests, egress bytes, ingress bytes, ms, seconds floored per record, whole seconds. */
  readonly amounts: readonly [bigint, bigint, bigint, bigint, bigint, bigint]
}

/** Encodes rows as one page; all rows must have as many dimensions as the first. */
export function encodeUsagePage(rows: readonly PageRow[]): Uint8Array {
  const dimensions = rows[0]?.dimensions?.length ?? 0
  const amounts: bigint[] = []
  const columns: number[] = []
  const texts: Buffer[] = []
  const column = (text: string | undefined) => {
    const bytes = Buffer.from(text ?? '')
    texts.push(bytes)
    columns.push(text === undefined ? 0xffffffff : bytes.length)
  }
  for (const row of rows) {
    amounts.push(...row.amounts)
    column(row.project)
    columns.push(row.kind)
    column(row.namespace ?? '')
    column(row.name ?? '')
    for (let index = 0; index < dimensions; index++) column(row.dimensions?.[index])
  }
  const text = Buffer.concat(texts)
  const head = Uint32Array.of(0x3155464d, rows.length, dimensions, text.length)
  const parts = [head, BigInt64Array.from(amounts), Uint32Array.from(columns)]
  return new Uint8Array(Buffer.concat([...parts.map((part) => new Uint8Array(part.buffer)), text]))
}
