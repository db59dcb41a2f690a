// The object of `scan --json` (DESIGN 9) as the oracle sees it.

import type { SlowOptions } from './options.ts'
import { addUsage, keyName, type Totals } from './segment.ts'
import { SlowMeter } from './slow-meter.ts'

export interface ScanRow {
  readonly project: string
  readonly route: {
    readonly kind: string
    readonly namespace: string
    readonly name: string
  } | null
  readonly requests: string
  readonly egressBytes: string
  readonly ingressBytes: string
  readonly connectionMs: string
  readonly connectionSecondsFloor: string
}

export interface ScanReport {
  readonly bytes: number
  readonly lines: {
    readonly read: number
    readonly metered: number
    readonly lenient: number
    readonly ignored: Readonly<Record<string, number>>
    readonly unattributed: Readonly<Record<string, number>>
    readonly quarantined: Readonly<Record<string, number>>
  }
  readonly totals: readonly ScanRow[]
}

/** Totals of all files as one stream; lines without a clock count. */
export function slowScan(files: readonly Buffer[], options: SlowOptions = {}): ScanReport {
  const { outcomes, segments } = new SlowMeter(options, 'first-segment').read(files)
  const rows = new Map<string, Totals>()
  for (const { key, usage } of segments.flatMap(({ totals }) => [...totals.values()])) {
    // A row shows no dimensions, so keys that differ in nothing else are one row.
    const name = keyName({ ...key, dimensions: {} })
    const before = rows.get(name)
    rows.set(name, { key, usage: before === undefined ? usage : addUsage(before.usage, usage) })
  }
  const metered = outcomes.get('metered') ?? 0
  const lenient = outcomes.get('lenient') ?? 0
  const all = [...outcomes.values()].reduce((sum, count) => sum + count, 0)
  return {
    bytes: files.reduce((sum, file) => sum + file.length, 0),
    lines: {
      read: all - lenient,
      metered,
      lenient,
      ignored: countsOf(outcomes, 'ignored.'),
      unattributed: countsOf(outcomes, 'unattributed.'),
      quarantined: countsOf(outcomes, 'quarantined.'),
    },
    totals: [...rows.values()].map(rowOf).sort(byUtf8),
  }
}

function countsOf(outcomes: ReadonlyMap<string, number>, prefix: string): Record<string, number> {
  const found = [...outcomes].filter(([outcome]) => outcome.startsWith(prefix))
  return Object.fromEntries(found.map(([outcome, count]) => [outcome.slice(prefix.length), count]))
}

function rowOf({ key, usage }: Totals): ScanRow {
  return {
    project: key.project,
    route: key.route,
    requests: String(usage.requests),
    egressBytes: String(usage.egressBytes),
    ingressBytes: String(usage.ingressBytes),
    connectionMs: String(usage.ms),
    connectionSecondsFloor: String(usage.secondsFloor),
  }
}

function byUtf8(one: ScanRow, other: ScanRow): number {
  const fields = (row: ScanRow): string[] => [
    row.project,
    row.route?.kind ?? '',
    row.route?.namespace ?? '',
    row.route?.name ?? '',
  ]
  const others = fields(other)
  const orders = fields(one).map((field, index) =>
    Buffer.compare(Buffer.from(field), Buffer.from(others[index] ?? '')),
  )
  return orders.find((order) => order !== 0) ?? 0
}
