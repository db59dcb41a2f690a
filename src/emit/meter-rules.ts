// What turns totals into events: the meters of the catalog and where dimensions come from.

import { MeterFastError } from '../errors.ts'
import { type DimensionReader, type DimensionSources, dimensionReader } from './dimensions.ts'
import type { Amounts } from './usage-page.ts'

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

/** A meter as it reads a row. */
export interface MeterReader {
  readonly type: string
  /** Which of the readers of `meterReaders` this is. */
  readonly index: number
  readonly value: (amounts: Amounts) => bigint
  readonly dimensions: DimensionReader
}

/**
 * The meters of the rules, in their order; those with equal dimensions share one reader object.
 * @throws MeterFastError METER_CONFIG_INVALID when a meter is named twice.
 */
export function meterReaders(rules: EventRules): MeterReader[] {
  const readers = new Map<string, DimensionReader>()
  const types = new Set<string>()
  return rules.meters.map(({ type, amount, dimensions }, index) => {
    if (types.has(type)) throw repeatedMeter(type)
    types.add(type)
    const made = dimensionReader(dimensions, rules)
    const name = JSON.stringify(made.map(({ key }) => key))
    const reader = readers.get(name) ?? made
    readers.set(name, reader)
    return { type, index, value: amountReader(amount, rules), dimensions: reader }
  })
}

/** The subject of a project's events. */
export function subjectOf(rules: EventRules, project: string): string {
  return rules.subject.replaceAll('{project}', () => project)
}

function amountReader(amount: MeterAmount, rules: EventRules): (amounts: Amounts) => bigint {
  if (amount !== 'connectionSeconds') return (amounts) => amounts[amount]
  return rules.connectionSeconds === 'exact'
    ? (amounts) => amounts.connectionSeconds
    : (amounts) => amounts.connectionSecondsFloor
}

function repeatedMeter(type: string): MeterFastError {
  return new MeterFastError(
    'METER_CONFIG_INVALID',
    `the meter "${type}" is there twice: its events would have equal ids. Name each meter once.`,
  )
}
