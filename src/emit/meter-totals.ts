// Sums rows by what their events will say: one table entry per subject and rendered dimensions.
//
// Keys that render equal must be summed before events are made: their ids would be equal, and the
// sink would drop all but one. Meters that declare the same dimensions share one table.

import { MeterFastError } from '../errors.ts'
import {
  type DimensionReader,
  type DimensionSources,
  dimensionReader,
  renderDimensions,
} from './dimensions.ts'
import { type UsageRow, usageRows } from './usage-page.ts'

/** The sums that a meter can bill. */
export type MeterAmount = 'requests' | 'egressBytes' | 'ingressBytes' | 'connectionSeconds'

/** One meter of the catalog: which sum it bills, and which dimensions it declares. */
export interface MeterRule {
  readonly type: string
  readonly amount: MeterAmount
  readonly dimensions: readonly string[]
}

/** All that turns totals into events. Plain data, so that a segment can be stored with it. */
export interface EventRules extends DimensionSources {
  readonly source: string
  /** Template: `{project}` is replaced, e.g. `projects/{project}`. */
  readonly subject: string
  readonly meters: readonly MeterRule[]
  /** `per_request_floor` bills floor(ms / 1000) of each record, without a carry. */
  readonly connectionSeconds: 'exact' | 'per_request_floor'
}

/** The sums of all keys that render equal. */
export interface MeterTotals {
  readonly project: string
  readonly subject: string
  /** JSON text of an object; empty for none. */
  readonly dimensions: string
  /** The same, as it goes into the id. */
  readonly idFields: string
  requests: bigint
  egressBytes: bigint
  ingressBytes: bigint
  connectionSeconds: bigint
}

/** Meters that declare the same dimensions, and their totals by subject and dimensions. */
export interface MeterGroup {
  readonly meters: readonly MeterRule[]
  readonly reader: DimensionReader
  readonly totals: Map<string, MeterTotals>
}

/**
 * Empty tables for the meters of the rules.
 * @throws MeterFastError METER_CONFIG_INVALID when a meter is named twice.
 */
export function meterGroups(rules: EventRules): MeterGroup[] {
  const groups = new Map<string, MeterGroup & { meters: MeterRule[] }>()
  const types = new Set<string>()
  for (const meter of rules.meters) {
    if (types.has(meter.type)) throw repeatedMeter(meter.type)
    types.add(meter.type)
    const reader = dimensionReader(meter.dimensions, rules)
    const name = JSON.stringify(reader.map(({ key }) => key))
    const group = groups.get(name)
    if (group) group.meters.push(meter)
    else groups.set(name, { meters: [meter], reader, totals: new Map() })
  }
  return [...groups.values()]
}

/**
 * Adds every row of a page to every table.
 * @throws MeterFastError METER_STATE_CORRUPT when the page is damaged or made by other rules.
 */
export function addPage(groups: readonly MeterGroup[], page: Uint8Array, rules: EventRules): void {
  for (const row of usageRows(page)) {
    if (row.dimensions.length !== rules.lineDimensions.length) throw otherRules(row, rules)
    for (const group of groups) addRow(group, row, rules)
  }
}

function addRow(group: MeterGroup, row: UsageRow, rules: EventRules): void {
  const subject = rules.subject.replaceAll('{project}', () => row.project)
  const { json, idFields } = renderDimensions(group.reader, row)
  const name = `${subject}\n${json}`
  let totals = group.totals.get(name)
  if (totals === undefined) {
    totals = newTotals(row.project, subject, json, idFields)
    group.totals.set(name, totals)
  }
  totals.requests += row.requests
  totals.egressBytes += row.egressBytes
  totals.ingressBytes += row.ingressBytes
  totals.connectionSeconds +=
    rules.connectionSeconds === 'exact' ? row.connectionSeconds : row.connectionSecondsFloor
}

function newTotals(
  project: string,
  subject: string,
  dimensions: string,
  idFields: string,
): MeterTotals {
  const zero = { requests: 0n, egressBytes: 0n, ingressBytes: 0n, connectionSeconds: 0n }
  return { project, subject, dimensions, idFields, ...zero }
}

function otherRules(row: UsageRow, rules: EventRules): MeterFastError {
  const [found, named] = [row.dimensions.length, rules.lineDimensions.length]
  return new MeterFastError(
    'METER_STATE_CORRUPT',
    `a usage page has ${found} dimensions read from the line, its rules name ${named}. ` +
      'Render a segment with the rules that were in force when it was closed.',
  )
}

function repeatedMeter(type: string): MeterFastError {
  return new MeterFastError(
    'METER_CONFIG_INVALID',
    `the meter "${type}" is there twice: its events would have equal ids. Name each meter once.`,
  )
}
