// The table of `scan` for people: one row per project and route, and what they sum up to.

import type { LineCounts } from '../meter.ts'
import { wrapped } from './cells.ts'
import type { Display } from './display.ts'
import { bytesText, durationText, grouped } from './quantities.ts'
import type { TotalsRow } from './scan-report.ts'
import { type Column, tableLines } from './table.ts'

const ROWS_SHOWN_MAX = 200

const COLUMNS: readonly Column<TotalsRow>[] = [
  { kind: 'name', head: 'PROJECT', text: ({ project }) => project },
  { kind: 'name', head: 'ROUTE', text: routeText },
  { kind: 'figure', head: 'REQUESTS', text: ({ requests }) => grouped(requests) },
  { kind: 'figure', head: 'EGRESS', text: ({ egressBytes }) => bytesText(egressBytes) },
  { kind: 'figure', head: 'INGRESS', text: ({ ingressBytes }) => bytesText(ingressBytes) },
  { kind: 'figure', head: 'CONNECTED', text: ({ connectionMs }) => durationText(connectionMs) },
]

/** The text of the whole report; it ends with a line end. */
export function reportTable(
  bytes: number,
  counts: LineCounts,
  rows: readonly TotalsRow[],
  display: Display,
): string {
  const shown = rows.slice(0, ROWS_SHOWN_MAX)
  const more = rows.length - shown.length
  const sentences = [
    ...(more > 0 ? [`... and ${grouped(more)} more rows: --csv and --json print all`] : []),
    '',
    totalText(rows, counts),
    `${grouped(counts.read)} lines read, ${bytesText(bytes)}${others(counts)}`,
  ]
  const lines = [
    ...tableLines(COLUMNS, shown, display),
    ...sentences.flatMap((sentence) => wrapped(sentence, display.columns, 2)),
  ]
  return `${lines.join('\n')}\n`
}

function totalText(rows: readonly TotalsRow[], { metered }: LineCounts): string {
  const sum = (amount: (row: TotalsRow) => bigint) =>
    rows.reduce((total, row) => total + amount(row), 0n)
  const [egress, ingress, ms] = [
    sum(({ egressBytes }) => egressBytes),
    sum(({ ingressBytes }) => ingressBytes),
    sum(({ connectionMs }) => connectionMs),
  ]
  const amounts = `${bytesText(egress)} egress, ${bytesText(ingress)} ingress, ${durationText(ms)}`
  const requests = grouped(sum((row) => row.requests))
  return `${requests} requests in ${grouped(metered)} metered lines: ${amounts} connected`
}

function routeText({ kind, namespace, name }: TotalsRow): string {
  return kind === null ? '-' : [kind, namespace, name].filter(Boolean).join('/')
}

function others(counts: LineCounts): string {
  const parts = (['ignored', 'unattributed', 'quarantined'] as const).flatMap((group) =>
    Object.entries(counts[group]).map(([name, count]) => `${grouped(count)} ${group} (${name})`),
  )
  return parts.length > 0 ? `; ${parts.join(', ')}` : ''
}
