// Alerts and dashboard ask for metrics and labels that the product exports, and for no other.

import { expect, test } from 'vitest'
import { METRICS } from '../../src/observe/metric-table.ts'
import { alertRules, asSent, dashboardPanels } from './observed.ts'
import { selectorsIn } from './promql.ts'

/** Series that are not ours: of Prometheus itself, and of kube-state-metrics. */
const FOREIGN: Readonly<Record<string, readonly string[]>> = {
  up: [],
  kube_daemonset_status_desired_number_scheduled: ['namespace', 'daemonset'],
  kube_daemonset_status_number_available: ['namespace', 'daemonset'],
}
/** Labels that the PodMonitor gives to every series. */
const TARGET_LABELS = ['job', 'node']

/** What is wrong with the metrics that an expression asks for. */
function unknownIn(expression: string): string[] {
  return selectorsIn(expression).flatMap(({ name, labels }) => {
    const base = name.replace(/_(bucket|sum|count)$/, '')
    const metric = Object.values(METRICS).find((one) => [name, base].includes(one.name))
    const known: readonly string[] | undefined = metric?.labels ?? FOREIGN[name]
    if (known === undefined) return [`${name} is no metric`]
    if (metric?.type === 'histogram' && base === name) return [`${name} is a histogram`]
    return labels
      .filter((label) => ![...known, ...TARGET_LABELS].includes(label))
      .map((label) => `${name} has no label ${label}`)
  })
}

test.each(alertRules().map(({ alert, expr }) => [alert, expr]))('%s', (_, expr) => {
  expect(unknownIn(expr)).toEqual([])
})

test.each(dashboardPanels().map((panel) => [panel.title, panel] as const))(
  'the panel "%s" asks for metrics that are exported, and says what it shows',
  (_, panel) => {
    expect(panel.description).toMatch(/\.$/)
    for (const { expr } of panel.targets) expect(unknownIn(asSent(expr))).toEqual([])
  },
)

test('an unknown metric, an unknown label and a histogram without a part are found', () => {
  expect(unknownIn('rate(meter_fast_line_total[5m])')).toEqual([
    'meter_fast_line_total is no metric',
  ])
  expect(unknownIn('sum(meter_fast_lines_total{job="x",cause="y"})')).toEqual([
    'meter_fast_lines_total has no label cause',
  ])
  expect(unknownIn('meter_fast_commit_duration_seconds')).toEqual([
    'meter_fast_commit_duration_seconds is a histogram',
  ])
})
