// Metrics as text, in the two forms that a Prometheus server asks for: its own (0.0.4), and
// OpenMetrics 1.0. They differ in the family name of a counter, in how whole bounds of buckets are
// written, and in the last line.

import type { Buckets } from './histogram.ts'
import { METRICS, type MetricFacts, type MetricName } from './metric-table.ts'

export type Labels = Readonly<Record<string, string | number>>

export interface Sample {
  readonly labels?: Labels
  readonly value: number | bigint | Buckets
}

/** What every metric of the table is worth now. */
export type Samples = Readonly<Record<MetricName, readonly Sample[]>>

export type TextForm = 'prometheus' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<TextForm, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** The form that an `Accept` header asks for. */
export function formFor(accept: string | undefined): TextForm {
  return accept?.includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus'
}

export function metricsText(samples: Samples, form: TextForm): string {
  const names = Object.keys(METRICS) as MetricName[]
  const families = names.map((name) => familyText(METRICS[name], samples[name], form))
  return `${families.join('')}${form === 'openmetrics' ? '# EOF\n' : ''}`
}

function familyText(facts: MetricFacts, samples: readonly Sample[], form: TextForm): string {
  const { name, type, help } = facts
  const family = form === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name
  const lines = samples.flatMap(({ labels = {}, value }) =>
    typeof value === 'object'
      ? histogramLines(name, labels, value, form)
      : [line(name, labels, value)],
  )
  return `# HELP ${family} ${escaped(help)}\n# TYPE ${family} ${type}\n${lines.join('')}`
}

function histogramLines(name: string, labels: Labels, of: Buckets, form: TextForm): string[] {
  const all = of.counts.at(-1) ?? 0
  const buckets = of.bounds.map((bound, index) =>
    line(`${name}_bucket`, { ...labels, le: boundText(bound, form) }, of.counts[index] ?? 0),
  )
  return [
    ...buckets,
    line(`${name}_bucket`, { ...labels, le: '+Inf' }, all),
    line(`${name}_sum`, labels, of.sum),
    line(`${name}_count`, labels, all),
  ]
}

function boundText(bound: number, form: TextForm): string {
  return form === 'openmetrics' && Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

function line(name: string, labels: Labels, value: number | bigint): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${quoted(text)}"`)
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function quoted(text: string | number): string {
  return escaped(String(text)).replaceAll('"', '\\"')
}
