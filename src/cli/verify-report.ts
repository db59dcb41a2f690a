// The report of `verify`: what was covered, and a table of differences; for people, or as JSON.

import type { Difference, StreamCoverage, Uncovered, VerifyReport } from '../verify/verify.ts'
import { wrapped } from './cells.ts'
import { visible } from './command.ts'
import type { Display } from './display.ts'
import { bytesText, counted, grouped as digits } from './quantities.ts'
import { type Column, tableLines } from './table.ts'

const INDENT = '    '
const HANG_CELLS = 2
const DIFFERENCES_SHOWN_MAX = 500

const TITLES: Readonly<Record<Difference['check'], string>> = {
  ledger: 'the ledger differs from the logs',
  open: 'the open totals differ from the logs',
  events: 'the usage events differ from the ledger',
  unattributed: 'the kept unattributed usage differs from the ledger',
  pieces: 'the pieces do not cover the bytes of the stream',
  lines: 'the lines of the pieces are not those of the stream',
  quarantine: 'the kept quarantined lines differ from the logs',
  position: 'two places of the state tell other positions',
  state: 'a value of the state cannot be believed',
}

const REASONS: Readonly<Record<Uncovered, string>> = {
  'log gone': 'no file is it any more',
  gap: 'its file lost what was read of it',
  damaged: 'its .gz cannot be inflated',
  'no checkpoint': 'no log before it, and no checkpoint in the state',
  'end unknown': 'the state does not know how far it was read',
  'history gone': 'the state has forgotten which logs it was read from',
}

export function verifyText(report: VerifyReport, state: string, display: Display): string {
  const { commit, streams, events, altered, strangers, differencesTotal } = report
  const count = streams.length === 1 ? '1 stream' : `${streams.length} streams`
  const lines = [
    `commit ${commit} of ${state}: ${count}`,
    ...coverageText(streams),
    `compared with usage events: ${digits(BigInt(events.checkedPieces))} of ` +
      `${digits(BigInt(events.pieces))} pieces` +
      (events.checkedPieces < events.pieces ? '; events of the others may be forgotten' : ''),
    ...altered.map((path) => `${path} does not begin as it did when it was read`),
  ]
  if (strangers.length > 0) lines.push(strangersText(strangers))
  if (differencesTotal === 0) lines.push('no difference')
  const shown = lines.flatMap((line) => {
    const indent = line.search(/\S|$/)
    return wrapped(visible(line.slice(indent)), display.proseColumns - indent, HANG_CELLS).map(
      (part) => ' '.repeat(indent) + part,
    )
  })
  if (differencesTotal > 0) shown.push('', ...differencesText(report, display))
  return `${shown.join('\n')}\n`
}

/** As one object; counts of lines are numbers, amounts are texts because they pass 2^53. */
export function verifyJson(report: VerifyReport): string {
  const { differences, ...rest } = report
  const listed = differences.map(({ windowStartMs, ...one }) => ({
    ...one,
    window: windowStartMs === undefined ? null : new Date(windowStartMs).toISOString(),
  }))
  const json = JSON.stringify(
    { ok: report.differencesTotal === 0, ...rest, differences: listed },
    (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value),
  )
  return `${json}\n`
}

function coverageText(streams: readonly StreamCoverage[]): string[] {
  const sum = (pick: (one: StreamCoverage) => bigint) =>
    streams.reduce((n, one) => n + pick(one), 0n)
  const all = {
    lines: { covered: sum((one) => one.lines.covered), total: sum((one) => one.lines.total) },
    bytes: {
      covered: sum((one) => BigInt(one.bytes.covered)),
      total: sum((one) => BigInt(one.bytes.total)),
    },
  }
  const lines = [`computed again: ${shareText(all.lines, all.bytes)}`]
  for (const { stream, uncovered, ...one } of streams) {
    if (uncovered.length === 0) continue
    const bytes = { covered: BigInt(one.bytes.covered), total: BigInt(one.bytes.total) }
    lines.push(`  ${stream}: ${shareText(one.lines, bytes)}`)
    for (const why of new Set(uncovered.map((range) => range.why))) {
      const ranges = uncovered.filter((range) => range.why === why)
      lines.push(`    not covered: ${rangesText(ranges)}: ${REASONS[why]}`)
    }
  }
  return lines
}

interface Share {
  readonly covered: bigint
  readonly total: bigint
}

function shareText(lines: Share, bytes: Share): string {
  const of = `${digits(lines.covered)} of ${digits(lines.total)} lines`
  return `${of} (${percentText(lines)}), ${bytesText(bytes.covered)} of ${bytesText(bytes.total)}`
}

/** 100 % only when it is all. */
function percentText({ covered, total }: Share): string {
  if (covered === total) return '100 %'
  const tenths = Number((covered * 1000n) / total) / 10
  return `${Math.min(tenths, 99.9).toFixed(1)} %`
}

function rangesText(ranges: StreamCoverage['uncovered']): string {
  const bytes = bytesText(BigInt(ranges.reduce((sum, range) => sum + range.bytes, 0)))
  const [first, last] = [ranges[0], ranges.at(-1)]
  const name = (range = first) => `generation ${range?.generation} (${range?.name || 'no name'})`
  if (ranges.length === 1) return `${name()}, ${bytes}`
  return `${ranges.length} generations from ${name()} to ${name(last)}, ${bytes}`
}

function strangersText(strangers: readonly string[]): string {
  const [first] = strangers
  const more = strangers.length > 1 ? ` and ${strangers.length - 1} more` : ''
  return `not read by this agent, or not yet: ${first}${more}`
}

function differencesText(
  { differences, differencesTotal }: VerifyReport,
  display: Display,
): string[] {
  const shown = differences.slice(0, DIFFERENCES_SHOWN_MAX)
  const below = { ...display, columns: display.columns - INDENT.length }
  const wrap = (text: string, indent: string): string[] =>
    wrapped(visible(text), display.proseColumns - indent.length, HANG_CELLS).map(
      (row) => indent + row,
    )
  const lines = [display.paint('red', counted(differencesTotal, 'difference'))]
  for (const [stream, ofStream] of grouped(shown, ({ stream: name }) => name)) {
    lines.push('', ...wrap(stream === '' ? 'the state' : stream, ''))
    for (const [title, ones] of grouped(ofStream, titleOf)) {
      const isText = ones[0]?.check === 'state'
      lines.push(...wrap(title, '  '))
      if (isText) lines.push(...ones.flatMap(({ found }) => wrap(found, INDENT)))
      else lines.push(...tableLines(COLUMNS, ones, below).map((row) => INDENT + row))
    }
  }
  if (differencesTotal > shown.length) {
    const more = differencesTotal - shown.length
    lines.push('', ...wrap(`... and ${more} more: --json prints more of them`, ''))
  }
  return lines
}

const COLUMNS: readonly Column<Difference>[] = [
  { kind: 'name', head: 'PROJECT', text: ({ project }) => project ?? '-' },
  { kind: 'name', head: 'METER', text: ({ meter }) => meter },
  { kind: 'figure', head: 'EXPECTED', text: ({ expected }) => expected },
  { kind: 'figure', head: 'FOUND', text: ({ found }) => found },
]

function grouped(
  differences: readonly Difference[],
  nameOf: (one: Difference) => string,
): Map<string, Difference[]> {
  const groups = new Map<string, Difference[]>()
  for (const one of differences) {
    const name = nameOf(one)
    groups.set(name, [...(groups.get(name) ?? []), one])
  }
  return groups
}

function titleOf({ check, windowStartMs, windowMs, epoch, part }: Difference): string {
  if (windowStartMs === undefined) return TITLES[check]
  const length = windowMs === undefined ? '' : ` (${windowMs / 1000} s)`
  const epochText = epoch ? `, epoch ${epoch}` : ''
  const partText = part === undefined || part === '0' ? '' : `, part ${part}`
  const window = `window ${new Date(windowStartMs).toISOString()}${length}`
  return `${window}${epochText}${partText}: ${TITLES[check]}`
}
