// The table of `scan` for people: one row per project and route, widths made to fit.

import type { LineCounts } from '../meter.ts'
import { visible } from './command.ts'
import type { TotalsRow } from './scan-report.ts'

const HEAD = ['PROJECT', 'ROUTE', 'REQUESTS', 'EGRESS', 'INGRESS', 'CONNECTED']
const ROWS_SHOWN_MAX = 200

/** Text of at most `columns` columns a line where names allow it. */
export function reportTable(
  bytes: number,
  counts: LineCounts,
  rows: readonly TotalsRow[],
  columns: number,
): string {
  const shown = rows
    .slice(0, ROWS_SHOWN_MAX)
    .map((row) => [
      row.project,
      routeText(row),
      grouped(row.requests),
      bytesText(row.egressBytes),
      bytesText(row.ingressBytes),
      durationText(row.connectionMs),
    ])
  const total = rows.reduce((sum, row) => sum + row.requests, 0n)
  const lines = [HEAD, ...shown]
  const widths = HEAD.map((_, i) => Math.max(...lines.map((line) => width(line[i] ?? ''))))
  shrink(widths, columns)
  const out = lines.map((line) =>
    line.map((cell, i) => pad(cell, widths[i] ?? 0, i > 1)).join('  '),
  )
  if (rows.length > ROWS_SHOWN_MAX) {
    out.push(`... and ${rows.length - ROWS_SHOWN_MAX} more rows: --csv and --json print all`)
  }
  out.push('', `${grouped(total)} requests in ${grouped(counts.metered)} metered lines`)
  out.push(`${grouped(counts.read)} lines read, ${bytesText(BigInt(bytes))}${others(counts)}`)
  return `${out.map((line) => line.trimEnd()).join('\n')}\n`
}

function routeText(row: TotalsRow): string {
  if (row.kind === null) return '-'
  return [row.kind, row.namespace, row.name].filter(Boolean).join('/')
}

function others(counts: LineCounts): string {
  const parts = (['ignored', 'unattributed', 'quarantined'] as const).flatMap((group) =>
    Object.entries(counts[group]).map(([name, count]) => `${grouped(count)} ${group} (${name})`),
  )
  return parts.length > 0 ? `; ${parts.join(', ')}` : ''
}

/** Takes from the two columns of names, widest first, until the line fits. */
function shrink(widths: number[], columns: number): void {
  const narrowest = 12
  const line = () => widths.reduce((sum, each) => sum + each, 2 * (widths.length - 1))
  while (line() > columns) {
    const widest = (widths[0] ?? 0) > (widths[1] ?? 0) ? 0 : 1
    if ((widths[widest] ?? 0) <= narrowest) return
    widths[widest] = (widths[widest] ?? 0) - 1
  }
}

function width(text: string): number {
  return visible(text).length
}

function pad(text: string, columns: number, right: boolean): string {
  const clean = visible(text)
  const cut = clean.length > columns ? `${clean.slice(0, columns - 1)}~` : clean
  return right ? cut.padStart(columns) : cut.padEnd(columns)
}

export function grouped(count: bigint): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1.4 GB`; decimal units, as bills have them. */
export function bytesText(bytes: bigint): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']
  let value = Number(bytes)
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

export function durationText(ms: bigint): string {
  const seconds = Number(ms) / 1000
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}
