// Lines for the tests of DESIGN 4 and 5, and what `Meter` says about them. Every call also asks the
// oracle and expects the same answer, so that a test need only state what is right.

import { expect } from 'vitest'
import { reportJson, ScanTotals } from '../../src/cli/scan-report.ts'
import type { FormatMap, PresetName } from '../../src/config/presets.ts'
import { Meter, type MeterOptions } from '../../src/meter.ts'
import type { Envelope } from '../../src/native.ts'
import { formatOf } from '../reference/format.ts'
import type { SlowOptions } from '../reference/options.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { SlowMeter } from '../reference/slow-meter.ts'
import { type ScanReport, type ScanRow, slowScan } from '../reference/slow-scan.ts'

/** 12:00:00, when a line of `line()` begins. */
export const NOON_MS = Date.UTC(2026, 10, 2, 12)

/** A datum line of 12:00:00 that ends a request; a field `undefined` is left out. */
export function line(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    bytes_received: 2,
    bytes_sent: 10,
    duration: 1500,
    project_name: 'p-a',
    route_name: 'httproute/ns-a/web/rule/0',
    start_time: '2026-11-02T12:00:00.000Z',
    ...fields,
  })
}

/** The same with more text before its last brace, as it stands. */
export function lineWith(text: string, fields: Record<string, unknown> = {}): string {
  return line(fields).replace(/\}$/, `,${text}}`)
}

/** A report about the one long-lived request of connection 7. */
export function report(
  type: string,
  bytesSent: number,
  fields: Record<string, unknown> = {},
): string {
  const id = { connection_id: 7, access_log_type: type }
  return line({ ...id, bytes_sent: bytesSent, bytes_received: 0, ...fields })
}

/** A CRI record around `content`. */
export function cri(content: string, head = 'stdout F', time = '2026-11-02T12:00:01Z'): string {
  return `${time} ${head} ${content}`
}

/** Bytes of a file: each line and an LF. A character above U+007F stands for that one byte. */
export function file(...lines: string[]): Buffer {
  return Buffer.from(lines.map((text) => `${text}\n`).join(''), 'latin1')
}

/** What both the product and the oracle may be told. */
export type RuleOptions = Omit<SlowOptions, 'format' | 'envelope' | 'declared' | 'stream'> & {
  readonly format?: PresetName | FormatMap
  readonly envelope?: Envelope
  /** Dimensions read from the line: name to key. */
  readonly lineDimensions?: Readonly<Record<string, string>>
}

/** One segment: what is in its events is in `events`. */
export interface SegmentPlace {
  readonly epoch: number
  readonly windowStartMs: number
  readonly part: number
}

export interface Metered {
  /** As `scan` without `--events`: lines before the first clock count. */
  readonly scan: ScanReport
  /** Counts of `scan --events` and of `run`: lines before the first clock are quarantined. */
  readonly lines: ScanReport['lines']
  /** Texts of the events, as closed. */
  readonly events: readonly string[]
  readonly segments: readonly SegmentPlace[]
}

/** Meters the lines as one file, or files as one stream. */
export function metered(input: readonly (string | Buffer)[], options: RuleOptions = {}): Metered {
  const texts = input.filter((one) => typeof one === 'string')
  const files = input.filter((one) => typeof one !== 'string')
  const all = texts.length > 0 ? [file(...texts), ...files] : files
  const slow = slowOptions(options)
  const totals = run(all, options, true)
  const windows = run(all, options, false)
  expect(totals.report, 'totals: product and oracle').toEqual(slowScan(all, slow))
  expect(windows.events, 'events: product and oracle').toEqual(slowEvents(all, slow))
  const { lines } = windows.report
  const { outcomes } = new SlowMeter(slow, 'quarantine').read(all)
  expect(flat(lines), 'outcomes: product and oracle').toEqual(Object.fromEntries(outcomes))
  return { scan: totals.report, lines, events: windows.events, segments: windows.segments }
}

/** Counts by name, e.g. `{ metered: 2, 'ignored.tcp': 1 }`; names that no line has are left out. */
export function outcomes(
  input: readonly (string | Buffer)[],
  options: RuleOptions = {},
): Record<string, number> {
  const { lines } = metered(input, options)
  const { lenient: _, ...counted } = flat(lines)
  const sum = Object.values(counted).reduce((all, count) => all + count, 0)
  expect(sum, 'read is the sum of all outcomes').toBe(lines.read)
  return flat(lines)
}

/** The one row of totals; an error when there are more or none. */
export function onlyRow(
  input: readonly (string | Buffer)[],
  options: RuleOptions = {},
): ScanRow | undefined {
  const { totals } = metered(input, options).scan
  expect(totals).toHaveLength(1)
  return totals[0]
}

/** `<meter> <time> <value>` of the events of these meters, in the order of the windows. */
export function values(
  meters: readonly string[],
  input: readonly (string | Buffer)[],
  options: RuleOptions = {},
): string[] {
  const events = metered(input, options).events.map((text) => JSON.parse(text))
  const found = events.map(({ type, time, data }) => [type.split('/')[2], time, data.value])
  return found.filter(([meter]) => meters.includes(meter)).map((fields) => fields.join(' '))
}

function flat({ metered, lenient, ...groups }: ScanReport['lines']): Record<string, number> {
  const counts = Object.entries({ metered, lenient }).filter(([, count]) => count > 0)
  for (const group of ['ignored', 'unattributed', 'quarantined'] as const) {
    for (const [name, count] of Object.entries(groups[group]))
      counts.push([`${group}.${name}`, count])
  }
  return Object.fromEntries(counts)
}

function run(files: readonly Buffer[], options: RuleOptions, totalsOnly: boolean) {
  const { lineDimensions = {}, ...rest } = options
  const dimensions = Object.entries(lineDimensions).map(([name, from]) => ({ name, from }))
  using meter = new Meter({
    ...(rest as Omit<MeterOptions, 'stream'>),
    lineDimensions: dimensions,
    stream: 'scan',
    totalsOnly,
  })
  for (const bytes of files) {
    meter.feed(bytes)
    meter.endFile()
  }
  meter.end()
  const segments = meter.take()
  const totals = new ScanTotals()
  for (const segment of segments) totals.add(segment)
  const size = files.reduce((sum, bytes) => sum + bytes.length, 0)
  return {
    report: JSON.parse(reportJson(size, meter.counters(), totals.rows())) as ScanReport,
    events: totalsOnly ? [] : segments.flatMap((one) => one.events().map(({ text }) => text)),
    segments: segments.map(({ epoch, windowStartMs, part }) => ({ epoch, windowStartMs, part })),
  }
}

function slowOptions({ format, lineDimensions, ...rest }: RuleOptions): SlowOptions {
  return { ...rest, format: { ...formatOf(format ?? 'datum'), dimensions: lineDimensions ?? {} } }
}
