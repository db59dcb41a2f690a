// Joins what the catalog declares with what the configuration says: which meters are billed, by
// which amount, with which source and subject.
//
// Without `meters.amounts` the last part of a meter's name says what it bills: requests,
// egress-bytes, ingress-bytes, connection-seconds. With it, exactly the meters that it names are
// billed; so a service may call its meters what it likes, and bill an amount twice or not at all.

import { type Place, type ProblemList, type Report, shown, suggestion } from '../config/problems.ts'
import {
  AMOUNT_NAMES,
  AMOUNTS,
  type Catalog,
  DEFAULT_SUBJECT,
  defaultSource,
  type Meter,
  type MeterAmount,
} from './catalog.ts'
import type { DeclaredCatalog, DeclaredMetric } from './declared.ts'

/** What the configuration says about meters. */
export interface MeterChoice {
  /** Amounts by meter; undefined: names tell. */
  readonly amounts: ReadonlyMap<string, MeterAmount> | undefined
  readonly source: string | undefined
  readonly subject: string | undefined
  /** Where a key is written. */
  readonly at: (key: string) => Place
}

/** The catalog that events are made with; `problems` is told where the two disagree. */
export function chooseMeters(
  declared: DeclaredCatalog,
  choice: MeterChoice,
  problems: ProblemList,
): Catalog {
  return {
    serviceName: declared.serviceName,
    source: choice.source ?? defaultSource(declared.serviceName),
    subject: choice.subject ?? DEFAULT_SUBJECT,
    meters:
      choice.amounts === undefined
        ? metersByName(declared, choice, problems)
        : namedMeters(declared, choice.amounts, choice, problems.error),
  }
}

function namedMeters(
  declared: DeclaredCatalog,
  amounts: ReadonlyMap<string, MeterAmount>,
  { at }: MeterChoice,
  report: Report,
): Meter[] {
  return [...amounts].flatMap(([name, amount]) => {
    const key = `meters.amounts.${name}`
    const metric = declared.metrics.find((one) => one.name === name)
    if (metric !== undefined) return meterOf(metric, amount, at(key), key, report)
    const known = declared.metrics.map((one) => one.name)
    report(at(key), key, 'the catalog has no such meter', suggestion(name, known))
    return []
  })
}

function metersByName(
  declared: DeclaredCatalog,
  choice: MeterChoice,
  problems: ProblemList,
): Meter[] {
  const meters: Meter[] = []
  for (const metric of declared.metrics) {
    const last = metric.name.slice(metric.name.lastIndexOf('/') + 1)
    const amount = AMOUNT_NAMES.find((name) => AMOUNTS[name].meterName === last)
    const { at = choice.at('catalog'), path = 'catalog' } = metric
    if (amount !== undefined && metric.isRouted) {
      meters.push(meterOf(metric, amount, at, path, problems.error))
    } else if (amount !== undefined || metric.isRouted) {
      const why = metric.isRouted ? 'its name tells no amount' : 'no consumer destination has it'
      const what = `${metric.name} is not metered: ${why}`
      problems.warning(at, path, what, 'name all meters in meters.amounts, or leave it to others')
    }
  }
  if (meters.length === 0) {
    const names = AMOUNT_NAMES.map((name) => AMOUNTS[name].meterName).join(', ')
    const what = `no meter of the catalog ends with ${names}`
    const todo = 'say in meters.amounts what each meter bills'
    problems.error(choice.at('catalog'), 'catalog', what, todo)
  }
  return meters
}

function meterOf(
  metric: DeclaredMetric,
  amount: MeterAmount,
  at: Place,
  key: string,
  report: Report,
): Meter {
  const { name, unit, kind, dimensions } = metric
  const { unit: fitting, units } = AMOUNTS[amount]
  if (!fitting.test(unit)) {
    const what = `${name} has the unit ${shown(unit)}, but ${amount} is counted in ${units}`
    report(at, key, what, `declare a meter in ${units}, or bill another amount with it`)
  }
  if (kind === 'Gauge') {
    const what = `${name} is a Gauge: billing would keep its last value, not the sum`
    report(at, key, what, 'declare it as Delta')
  }
  if (!metric.isRouted) {
    const what = `billing makes no meter of ${name}: no consumer destination has it`
    report(at, key, what, 'add it to spec.billing.consumerDestinations of the catalog')
  }
  return { type: name, unit, amount, dimensions }
}
