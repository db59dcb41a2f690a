// Totals of a scan: rows per key over all segments, and their three forms (DESIGN 9).

import type { LineCounts, Segment } from '../meter.ts'

/** One key with a metered line. Amounts are exact: BigInt, in bytes and ms. */
export interface TotalsRow {
  readonly project: string
  readonly kind: string | null
  readonly namespace: string
  readonly name: string
  requests: bigint
  egressBytes: bigint
  ingressBytes: bigint
  connectionMs: bigint
  connectionSecondsFloor: bigint
}

export class ScanTotals {
  readonly #rows = new Map<string, TotalsRow>()

  add(segment: Segment): void {
    for (const usage of segment.rows()) {
      const { project, kind, namespace, name } = usage
      const key = JSON.stringify([project, kind, namespace, name])
      let row = this.#rows.get(key)
      if (!row) {
        row = {
          project,
          kind,
          namespace,
          name,
          requests: 0n,
          egressBytes: 0n,
          ingressBytes: 0n,
          connectionMs: 0n,
          connectionSecondsFloor: 0n,
        }
        this.#rows.set(key, row)
      }
      row.requests += usage.requests
      row.egressBytes += usage.egressBytes
      row.ingressBytes += usage.ingressBytes
      row.connectionMs += usage.connectionMs
      row.connectionSecondsFloor += usage.connectionSecondsFloor
    }
  }

  /** Rows by the UTF-8 bytes of project, kind, namespace and name; no route comes first. */
  rows(): TotalsRow[] {
    return [...this.#rows.values()].sort(
      (a, b) =>
        compareUtf8(a.project, b.project) ||
        compareUtf8(a.kind ?? '', b.kind ?? '') ||
        compareUtf8(a.namespace, b.namespace) ||
        compareUtf8(a.name, b.name),
    )
  }
}

/** Order of the texts' UTF-8 bytes: that of UTF-16, but surrogates come after all else. */
function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x === y) continue
    const [isHigh, isOtherHigh] = [isSurrogate(x), isSurrogate(y)]
    if (isHigh === isOtherHigh) return x - y
    return isHigh ? 1 : -1
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}

/** Adds the counts of several streams. */
export function sumCounts(all: readonly LineCounts[]): LineCounts {
  const sum = (pick: (counts: LineCounts) => bigint) => all.reduce((n, one) => n + pick(one), 0n)
  const group = (name: 'ignored' | 'unattributed' | 'quarantined') => {
    const total: Record<string, bigint> = {}
    for (const counts of all) {
      for (const [key, count] of Object.entries(counts[name])) {
        total[key] = (total[key] ?? 0n) + count
      }
    }
    return total
  }
  return {
    read: sum((counts) => counts.read),
    metered: sum((counts) => counts.metered),
    lenient: sum((counts) => counts.lenient),
    ignored: group('ignored'),
    unattributed: group('unattributed'),
    quarantined: group('quarantined'),
  }
}

/** The object of `scan --json`; counts are numbers, amounts decimal strings. */
export function reportJson(bytes: number, counts: LineCounts, rows: readonly TotalsRow[]): string {
  const lines = JSON.stringify(counts, (_key, value) =>
    typeof value === 'bigint' ? Number(value) : value,
  )
  const totals = rows.map((row) => {
    const { project, kind, namespace, name } = row
    const route = kind === null ? null : { kind, namespace, name }
    const key = `"project":${JSON.stringify(project)},"route":${JSON.stringify(route)}`
    const bytesOf = `"egressBytes":"${row.egressBytes}","ingressBytes":"${row.ingressBytes}"`
    const floor = `"connectionSecondsFloor":"${row.connectionSecondsFloor}"`
    const amounts = `"requests":"${row.requests}",${bytesOf},"connectionMs":"${row.connectionMs}"`
    return `{${key},${amounts},${floor}}`
  })
  return `{"bytes":${bytes},"lines":${lines},"totals":[${totals.join(',')}]}\n`
}

const CSV_COLUMNS = [
  'project',
  'kind',
  'namespace',
  'name',
  'requests',
  'egress_bytes',
  'ingress_bytes',
  'connection_ms',
  'connection_seconds_floor',
]

/** RFC 4180; a line without a route has an empty kind. */
export function reportCsv(rows: readonly TotalsRow[]): string {
  const quoted = (text: string) =>
    /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  const lines = rows.map((row) => Object.values(row).map((value) => quoted(String(value ?? ''))))
  return `${[CSV_COLUMNS, ...lines].map((line) => line.join(',')).join('\r\n')}\r\n`
}
