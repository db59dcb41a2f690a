// docs/metrics.md, made from the tables of metrics and signals: it cannot say anything else.

import { METRICS, type MetricFacts } from './metric-table.ts'
import { SIGNALS } from './signals.ts'

const HEAD = [
  '# Metrics, health and logs',
  '',
  'Made from the tables in `src/observe` by',
  '`npx vitest run test/unit/observe-document.test.ts -u`; the same test keeps it equal.',
  '',
  '## Endpoints',
  '',
  '`observe.listen: 127.0.0.1:9464` opens three addresses while `run` follows logs, not with',
  '`--once` or `--dry-run`. They answer GET and HEAD only. Without that key nothing is opened.',
  '',
  '| path       | answers                                                                  |',
  '| ---------- | ------------------------------------------------------------------------ |',
  '| `/metrics` | the metrics below: Prometheus text or, when asked for it, OpenMetrics 1.0 |',
  '| `/healthz` | 200 while the agent comes round; 503 when it has not for five minutes    |',
  '| `/readyz`  | 200 while the agent takes usage in; else 503, and the reason in words    |',
  '',
  'Ready are: an agent that reads, also while its sink does not answer (the spool is there for',
  'that), and for 60 s one that waits for the state of the process that it replaces. Not ready: a',
  'start that is not over, a full disk, a full spool, a sink that is configured wrong (404, 405,',
  '415, redirects).',
  '',
  '## Metrics',
  '',
  'Counters "of the state" are those of the last durable commit, over all runs: they go on after a',
  'restart, never go back, and are what `meter-fast status` prints. Other counters begin with the',
  'process. No label comes from a line of a log, but those of routes:',
  '',
  '`observe.route_series_max: 1000` counts usage by route too, in at most so many series; what',
  'comes later is one series whose labels are all `unknown`. A part of a reference that is not',
  'known is `unknown`, the others are kept. The route is known from its name; the parent from the',
  'dimensions `gateway` and `gateway_namespace`, constant or read from Envoy Gateway metadata. A',
  'dimension that bears the name of a label gives that label, also one that no meter declares and',
  'no event carries:',
  '',
  '```yaml',
  'dimensions:',
  '  gateway: { from: /gateway/0/name } # %METADATA(VIRTUAL_HOST:envoy-gateway:resources)%',
  '  gateway_namespace: { from: /gateway/0/namespace }',
  '  parent_section_name: { from: /gateway/0/sectionName }',
  'observe: { listen: "127.0.0.1:9464", route_series_max: 1000 }',
  '```',
  '',
  'Dimensions that are read from the line are part of what totals are kept under.',
  '',
].join('\n')

const SIGNALS_HEAD = [
  '',
  '## Signals',
  '',
  'Everything that can happen has a name. On a terminal it is a sentence on stderr; elsewhere,',
  'or with `observe.log_form: json`, it is one JSON object a line: `level`, `time`, `kind`, `msg`',
  'and its values. `observe.log_level` leaves out what is less. A refused event is an error,',
  'another answer of the sink than acceptance a warning.',
  '',
].join('\n')

/** The whole document. */
export function metricsDocument(): string {
  const metrics: readonly MetricFacts[] = Object.values(METRICS)
  const metricRows = metrics.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ])
  const signalRows = Object.entries(SIGNALS).map(([kind, { level, about }]) => [
    `\`${kind}\``,
    level,
    about,
  ])
  return [
    HEAD,
    table(['metric', 'type', 'labels', 'what'], metricRows),
    SIGNALS_HEAD,
    table(['kind', 'level', 'what'], signalRows),
  ].join('\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('')
}
