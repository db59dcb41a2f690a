// The report of `compare`: one row for each project and meter that differ, what each cause is worth
// below it, and what no cause explains; for people, or as JSON.

import { CAUSES } from '../compare/causes.ts'
import type { ComparedRow, Comparison } from '../compare/compare.ts'
import type { Moved } from '../compare/dimension-use.ts'
import type { EventSet } from '../compare/event-set.ts'
import type { LogEvidence } from '../compare/log-evidence.ts'
import { wrapped } from './cells.ts'
import { visible } from './command.ts'
import type { Display, Style } from './display.ts'
import { counted, grouped } from './quantities.ts'
import { type Column, tableLines } from './table.ts'

const ROWS_SHOWN_MAX = 200

/** What a report is made of. */
export interface CompareFacts {
  readonly comparison: Comparison
  readonly pipeline: EventSet
  readonly ours: EventSet
  /** As the sets were named on the command line: the pipeline's first. */
  readonly names: readonly [pipeline: string, ours: string]
  readonly log: LogEvidence | undefined
}

export function compareText(facts: CompareFacts, display: Display): string {
  const { comparison } = facts
  const blocks = [
    setsText(facts),
    ...rowsText(comparison.rows, display),
    ...movedText(comparison.moved, display),
    [...totalsText(comparison), ...verdictText(facts)],
  ]
  const lines = blocks.flatMap((block, at) => (at === 0 ? block : ['', ...block]))
  return `${lines.flatMap((line) => fitted(line, display)).join('\n')}\n`
}

/** Rows of tables fit already. */
function fitted(line: string | { readonly row: string }, display: Display): string[] {
  return typeof line === 'string' ? wrapped(visible(line), display.proseColumns, 2) : [line.row]
}

type Block = (string | { readonly row: string })[]

function setsText({ names, pipeline, ours, log }: CompareFacts): Block {
  const text = ({ events, repeated }: EventSet): string =>
    counted(events, 'event') +
    (repeated > 0 ? `, ${grouped(repeated)} of them with an id that was there before` : '')
  return [
    `pipeline: ${names[0]}: ${text(pipeline)}`,
    `ours: ${names[1]}: ${text(ours)}`,
    ...(log ? [`logs: ${counted(log.lines, 'line')}`] : []),
  ]
}

/** A line of the table: a row, or one part of its difference. */
interface Line {
  readonly row?: ComparedRow
  readonly part?: string
  readonly amount: bigint
  readonly style?: Style
}

const COLUMNS: readonly Column<Line>[] = [
  { kind: 'name', head: 'PROJECT', text: ({ row }) => row?.project ?? '' },
  {
    kind: 'name',
    head: 'METER',
    text: ({ row, part }) => (row ? meterText(row.meter) : `  ${part}`),
    style: ({ style }) => style,
  },
  figure('PIPELINE', ({ row }) => (row ? grouped(row.pipeline) : '')),
  figure('OURS', ({ row }) => (row ? grouped(row.ours) : '')),
  {
    kind: 'figure',
    head: 'DIFFERENCE',
    text: ({ amount }) => signed(amount),
    style: ({ style }) => style,
  },
]

/** Left out of a narrow display: both are in the JSON, and the difference stays. */
function figure(head: string, text: (line: Line) => string): Column<Line> {
  return { kind: 'figure', head, text, spare: true }
}

const HOUR: Column<Line> = {
  kind: 'name',
  head: 'HOUR',
  text: ({ row }) => (row?.hourMs === undefined ? '' : hourText(row.hourMs)),
}

function rowsText(rows: readonly ComparedRow[], display: Display): Block[] {
  const differing = rows.filter(isOfInterest)
  const equal = rows.length - differing.length
  const blocks: Block[] = []
  if (differing.length > 0) {
    const shown = differing.slice(0, ROWS_SHOWN_MAX)
    const columns = shown[0]?.hourMs === undefined ? COLUMNS : [HOUR, ...COLUMNS]
    const block: Block = tableLines(columns, shown.flatMap(linesOf), display).map((row) => ({
      row,
    }))
    const more = differing.length - shown.length
    if (more > 0) block.push(`... and ${grouped(more)} more rows: --json prints all`)
    blocks.push(block)
  }
  if (equal > 0) blocks.push([`${counted(equal, 'row')} without any difference`])
  return blocks
}

function isOfInterest({ difference, unexplained, causes }: ComparedRow): boolean {
  return difference !== 0n || unexplained !== 0n || Object.keys(causes).length > 0
}

/** The parts add up to the difference, the one that no cause explains among them. */
function linesOf(row: ComparedRow): Line[] {
  const { causes, against, unexplained } = row
  const lines: Line[] = [{ row, amount: row.difference }]
  for (const [part, amount] of Object.entries(causes)) lines.push({ part, amount, style: 'dim' })
  if (unexplained === 0n) return lines
  lines.push({ part: 'unexplained', amount: unexplained, style: 'red' })
  for (const side of ['pipeline', 'ours'] as const) {
    const amount = against?.[side] ?? 0n
    if (amount !== 0n) lines.push({ part: `  ${side} beyond logs`, amount, style: 'dim' })
  }
  return lines
}

const UNDER = {
  hardCoded: 'Billed by both, but by the pipeline under a hard-coded',
  unexplained: 'Billed by both, and no cause explains that the pipeline has another',
} as const

function movedText(moved: readonly Moved[], display: Display): Block[] {
  return (['unexplained', 'hardCoded'] as const).flatMap((part) => {
    const rows = moved.filter((one) => one[part] !== 0n)
    if (rows.length === 0) return []
    const keys = [...new Set(rows.flatMap((one) => one.keys))].sort()
    const columns: Column<Moved>[] = [
      { kind: 'name', head: 'PROJECT', text: ({ project }) => project },
      { kind: 'name', head: 'METER', text: ({ meter }) => meterText(meter) },
      { kind: 'figure', head: 'AMOUNT', text: (one) => grouped(one[part]) },
    ]
    const lines = tableLines(columns, rows.slice(0, ROWS_SHOWN_MAX), display)
    return [[`${UNDER[part]} ${keys.join(', ')}:`, ...lines.map((row) => ({ row }))]]
  })
}

function totalsText({ totals, moved }: Comparison): string[] {
  const causes = [...new Set(totals.map(({ cause }) => cause))]
  const lines = causes.map((cause) => {
    const amounts = totals
      .filter((one) => one.cause === cause && one.amount !== 0n)
      .map(({ meter, amount }) => `${signed(amount)} ${meterText(meter)}`)
    return `${cause}: ${amounts.join(', ') || 'nothing in all'}. The pipeline ${CAUSES[cause]}.`
  })
  if (moved.every(({ hardCoded }) => hardCoded === 0n)) return lines
  return [...lines, `hard-coded-dimensions: The pipeline ${CAUSES['hard-coded-dimensions']}.`]
}

function verdictText({ comparison, log }: CompareFacts): string[] {
  const { rows, moved, needLogs, isExplained } = comparison
  const notComputed =
    needLogs.length === 0 || log
      ? []
      : [`not computed, because only the logs tell (--logs): ${needLogs.join(', ')}`]
  if (isExplained) return [...notComputed, 'unexplained: nothing']
  const open = [...rows, ...moved].filter(({ unexplained }) => unexplained !== 0n).length
  return [...notComputed, `unexplained: ${counted(open, 'row')}`]
}

/** As one object; amounts are texts because they pass 2^53. */
export function compareJson({ comparison, pipeline, ours, names, log }: CompareFacts): string {
  const set = (path: string, { events, repeated }: EventSet) => ({ path, events, repeated })
  const { isExplained, rows, moved, totals, needLogs } = comparison
  const report = {
    ok: isExplained,
    pipeline: set(names[0], pipeline),
    ours: set(names[1], ours),
    logs: log ? { lines: log.lines } : null,
    rows: rows.map(({ hourMs, against, ...row }) => ({
      ...row,
      ...(hourMs !== undefined && { hour: hourText(hourMs) }),
      ...(against && { beyondLogs: against }),
    })),
    moved,
    totals,
    needLogs,
  }
  const json = JSON.stringify(report, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  return `${json}\n`
}

/** `requests`: all meters that differ are of one service. */
function meterText(type: string): string {
  return type.replace(/^networking\.datumapis\.com\/gateway\//, '')
}

function signed(amount: bigint): string {
  if (amount === 0n) return '0'
  return amount > 0n ? `+${grouped(amount)}` : `-${grouped(-amount)}`
}

/** `2026-11-22T12:00Z` */
function hourText(hourMs: number): string {
  return new Date(hourMs).toISOString().replace(':00.000Z', 'Z')
}
