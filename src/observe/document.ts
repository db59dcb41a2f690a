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
  'process. No label comes from a line of a log.',
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
