// Rules of spec.charges: which fields belong to which type, and what a rate may say.

import { type Report, shown } from '../config/problems.ts'
import { child, type Tree } from '../config/source.ts'
import { itemsAt, textAt, textsAt, treeAt } from './text-at.ts'

/** The fields of a type: where they stand in the newer shape, and which must be there. */
const TYPES = {
  Usage: { options: 'usage', fields: ['metricRef', 'pricingUnit', 'rates'] },
  OneTime: { options: 'oneTime', fields: ['amount', 'trigger'] },
  Recurring: { options: 'recurring', fields: ['amount', 'interval'] },
} as const

const OPTIONS = Object.values(TYPES).map(({ options }) => options)
const FIELDS = [...new Set(Object.values(TYPES).flatMap(({ fields }) => [...fields]))]

/** Reports what is wrong in the charges of a ServiceConfiguration. */
export function checkCharges(tree: Tree, report: Report): void {
  const declared = treeAt(tree, 'spec', 'metrics')
  const isJudged = declared === undefined || declared.kind === 'list'
  const metrics = new Map(
    itemsAt(tree, 'spec', 'metrics').map((metric) => [textAt(metric, 'name')?.text, metric]),
  )
  for (const charge of itemsAt(tree, 'spec', 'charges')) {
    const type = textAt(charge, 'chargeType')?.text ?? ''
    if (!Object.hasOwn(TYPES, type)) continue
    const { options, fields } = TYPES[type as keyof typeof TYPES]
    // The newer shape, when it is there; else fields beside the name.
    const holder = child(charge, options) ?? charge
    fieldRule(charge, holder, type, { options, fields }, report)
    const name = textAt(holder, 'metricRef')
    const metric = metrics.get(name?.text)
    if (isJudged && name !== undefined && metric === undefined) {
      const what = `${shown(name.text)} is not declared`
      report(name.at, name.path, what, 'declare it in spec.metrics')
    }
    for (const rate of itemsAt(holder, 'rates')) rateRule(rate, metric, report)
  }
}

function fieldRule(
  charge: Tree,
  holder: Tree,
  type: string,
  { options, fields }: { readonly options: string; readonly fields: readonly string[] },
  report: Report,
): void {
  for (const field of fields) {
    if (child(holder, field) !== undefined || holder.kind !== 'map') continue
    report(holder.at, `${holder.path}.${field}`, 'is missing', `a ${type} charge needs it`)
  }
  if (charge.kind !== 'map') return
  for (const { key, keyAt, value } of charge.entries) {
    const isField = (FIELDS as readonly string[]).includes(key)
    const isOptions = (OPTIONS as readonly string[]).includes(key)
    const isForeign = (isField && !fields.includes(key)) || (isOptions && key !== options)
    if (isForeign) report(keyAt, value.path, `a ${type} charge has no ${key}`, 'remove it')
    else if (isField && holder !== charge) {
      report(keyAt, value.path, `${options} is there too`, `write it into ${options}`)
    }
  }
}

function rateRule(rate: Tree, metric: Tree | undefined, report: Report): void {
  if (rate.kind !== 'map') return
  const isFlat = child(rate, 'flat') !== undefined
  if (isFlat === (child(rate, 'tiered') !== undefined)) {
    const what = isFlat ? 'it has flat and tiered' : 'it has neither flat nor tiered'
    report(rate.at, rate.path, what, 'write one of the two')
  }
  const tiers = itemsAt(rate, 'tiered')
  for (const tier of tiers.slice(0, -1)) {
    if (tier.kind !== 'map' || child(tier, 'upTo') !== undefined) continue
    report(tier.at, `${tier.path}.upTo`, 'is missing', 'only the last band may be open')
  }
  const dimension = textAt(rate, 'match', 'dimension')
  const declared = textsAt(metric, 'dimensions').map(({ text }) => text)
  if (metric === undefined || dimension === undefined) return
  if (declared.includes(dimension.text)) return
  const what = `the metric does not declare the dimension ${shown(dimension.text)}`
  const todo = declared.length === 0 ? 'declare it' : `choose ${declared.join(', ')}`
  report(dimension.at, dimension.path, what, todo)
}
