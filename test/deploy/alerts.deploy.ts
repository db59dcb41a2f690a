// The alert rules as Prometheus evaluates them (promtool test rules). The quiet state is what a
// real agent exports, its counters growing as on a busy node, scanners' 404s included: no alert may
// fire. Each alert has at least one state that differs from it in one series, and must fire.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { line } from '../agent/bills.ts'
import { Clock, config, Receiver, RunningAgent, scratch, until } from '../agent/rig.ts'
import { readMetrics } from '../reference/metrics-text.ts'
import { alertRules, asSent, dashboardPanels, ruleFile } from './observed.ts'
import { outcomeOf, promtool } from './tools.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
/** The labels that the PodMonitor leaves. */
const TARGET = 'job="meter-fast",namespace="meter-fast",node="node-1",instance="node-1"'
/** Series by their text, each with its values in promtool's notation, one a minute. */
type Series = ReadonlyMap<string, string>
const MINUTES = 60

/** What grows on a busy node: the beginnings of its series, and by how much a minute. */
const GROWING: readonly (readonly [string, number])[] = [
  ['meter_fast_lines_total{outcome="metered"', 60_000],
  ['meter_fast_lines_total{outcome="unattributed",reason="no_route"', 900],
  ['meter_fast_lines_total{outcome="ignored",reason="stderr"', 3],
  ['meter_fast_read_bytes_total', 20_000_000],
  ['meter_fast_usage_total{meter="networking.datumapis.com/gateway/requests",stage="made"', 60_000],
  ['meter_fast_events_total{stage="accepted"', 400],
  ['meter_fast_sink_requests_total{code="200",result="accepted"', 4],
  ['meter_fast_commits_total', 60],
]

let quiet: Series
let directory: string

beforeAll(async () => {
  directory = await scratch()
  const text = await scrape()
  quiet = new Map([
    ...readMetrics(text, 'prometheus')
      .flatMap(({ samples }) => samples)
      .map(({ name, labels, value }) => quietSeries(name, labels, value)),
    [`up{${TARGET}}`, constant(1)],
    ...['desired_number_scheduled', 'number_available'].map(
      (name) => [daemonSetSeries(name), constant(3)] as const,
    ),
  ])
})

/** /metrics of an agent that has metered, delivered and committed something. */
async function scrape(): Promise<string> {
  const settings = config(directory, { rest: { observe: { listen: '127.0.0.1:0' } } })
  writeFileSync(join(directory, 'access.log'), line(START_MS) + line(START_MS + 60_000))
  const sink = new Receiver()
  const agent = new RunningAgent(settings, { sink, now: new Clock(START_MS + 60_000).now })
  const told = () => agent.signals.find((signal) => signal.kind === 'listening')
  let text = ''
  await until('something is accepted, and committed', async () => {
    if (told() === undefined || sink.texts.length === 0) return false
    text = await (await fetch(`${told()?.address}/metrics`)).text()
    return /^meter_fast_events_total\{stage="accepted"\} [1-9]/m.test(text)
  })
  await agent.stop()
  return text
}

function daemonSetSeries(name: string): string {
  return `kube_daemonset_status_${name}{namespace="meter-fast",daemonset="meter-fast"}`
}

function constant(value: number): string {
  return `${value}x${MINUTES}`
}

/** A rise of `from` by `step` a minute, from half of the time on. */
function rising(step: number, from = 0): string {
  return `${constant(from).replace(`${MINUTES}`, `${MINUTES / 2}`)} ${from}+${step}x${MINUTES / 2}`
}

/** Nothing for half of the time: a pod that starts then, or a label that is seen then. */
function appearing(values: string): string {
  return `_x${MINUTES / 2} ${values}x${MINUTES / 2}`
}

function seriesText(name: string, labels: Readonly<Record<string, string>>): string {
  const own = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return `${name}{${[...own, TARGET].join(',')}}`
}

function quietSeries(
  name: string,
  labels: Readonly<Record<string, string>>,
  value: number,
): readonly [string, string] {
  const text = seriesText(name, labels)
  const [, step] = GROWING.find(([beginning]) => text.startsWith(beginning)) ?? []
  return [text, step === undefined ? constant(value) : `${value}+${step}x${MINUTES}`]
}

interface Unit {
  readonly name: string
  readonly series: Series
  /** PromQL, and the samples that it must give at the end: labels and value. */
  readonly expected: readonly (readonly [string, readonly (readonly [string, number])[]])[]
}

/** Runs promtool's unit tests; gives what it says of those that fail. */
async function failuresOf(units: readonly Unit[]): Promise<string> {
  const rules = join(directory, 'rules.json')
  const tests = join(directory, 'tests.json')
  // JSON is YAML.
  writeFileSync(rules, JSON.stringify(ruleFile()))
  const text = {
    rule_files: [rules],
    evaluation_interval: '1m',
    tests: units.map(({ name, series, expected }) => ({
      name,
      interval: '1m',
      input_series: Array.from(series, ([one, values]) => ({ series: one, values })),
      promql_expr_test: expected.map(([expr, samples]) => ({
        expr,
        eval_time: `${MINUTES}m`,
        exp_samples: samples.map(([labels, value]) => ({ labels, value })),
      })),
    })),
  }
  writeFileSync(tests, JSON.stringify(text))
  const { code, stdout, stderr } = await outcomeOf(await promtool(), ['test', 'rules', tests])
  return code === 0 ? '' : stdout + stderr
}

/** The alerts that fire. */
const FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})'

/** What differs from the quiet state, and the alerts that must fire then, and only these. */
const CASES: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[]])[] = [
  ['an agent does not answer', { up: constant(0) }, ['MeterFastAgentDown']],
  [
    'a node has no agent that works',
    { [daemonSetSeries('number_available')]: constant(2) },
    ['MeterFastAgentMissing'],
  ],
  [
    'it starts again and again',
    { process_start_time_seconds: rising(300, 1e9) },
    ['MeterFastRestarting'],
  ],
  ['it is not ready', { meter_fast_ready: constant(0) }, ['MeterFastNotReady']],
  ['it follows no log', { meter_fast_streams: constant(0) }, ['MeterFastReadsNothing']],
  [
    'a log is in the future',
    { meter_fast_clock_skew_seconds: constant(90) },
    ['MeterFastClockSkew'],
  ],
  [
    'routed requests have no project',
    { 'meter_fast_lines_total{outcome="unattributed",reason="no_project"': rising(1) },
    ['MeterFastNoProject'],
  ],
  [
    'a project is no name',
    { 'meter_fast_lines_total{outcome="unattributed",reason="bad_project"': rising(1) },
    ['MeterFastNoProject'],
  ],
  ...['malformed', 'cut', 'bad_number'].map(
    (reason) =>
      [
        `a line is quarantined: ${reason}`,
        { [`meter_fast_lines_total{outcome="quarantined",reason="${reason}"`]: rising(1) },
        ['MeterFastLinesQuarantined'],
      ] as const,
  ),
  ['a range was not read', { meter_fast_gaps_total: rising(1) }, ['MeterFastGap']],
  [
    'a new pod found a gap before it was scraped, after an outage of hours',
    {
      meter_fast_gaps_total: appearing('1'),
      'meter_fast_signals_total{kind="gap"': appearing('1'),
      process_start_time_seconds: appearing('1790'),
    },
    ['MeterFastGap'],
  ],
  ['it reads too slowly', { meter_fast_unread_bytes: constant(5e8) }, ['MeterFastReadingBehind']],
  [
    'the sink is away',
    { meter_fast_oldest_unsent_age_seconds: rising(60) },
    ['MeterFastUsageUnsent'],
  ],
  [
    'the sink is away for a night',
    { meter_fast_oldest_unsent_age_seconds: constant(30_000) },
    ['MeterFastUsageUnsent', 'MeterFastUsageUnsentLong'],
  ],
  ...['misconfigured', 'unauthorized'].map(
    (result) =>
      [
        `the sink answers that the agent is ${result}`,
        { [`meter_fast_sink_requests_total{code="401",result="${result}"`]: appearing('1+1') },
        ['MeterFastSinkMisconfigured'],
      ] as const,
  ),
  [
    'the sink refuses events',
    { 'meter_fast_events_total{stage="rejected"': rising(4) },
    ['MeterFastUsageRejected'],
  ],
  [
    'events are held',
    { 'meter_fast_spool_events{state="held"': constant(12) },
    ['MeterFastEventsHeld'],
  ],
  ['the spool fills', { meter_fast_spool_bytes: constant(6e9) }, ['MeterFastSpoolFilling']],
  [
    'the disk was full',
    { 'meter_fast_signals_total{kind="disk-full"': rising(0.05) },
    ['MeterFastDiskFull'],
  ],
  ['commits fail', { meter_fast_commit_failures_total: rising(1) }, ['MeterFastCommitsFailing']],
]

/** The quiet state with other values of the one series that begins so, or with one more series. */
function differing(changes: Readonly<Record<string, string>>): Series {
  const series = new Map(quiet)
  for (const [beginning, values] of Object.entries(changes)) {
    const whole = beginning.includes('{') ? beginning : `${beginning}{`
    const known = [...quiet.keys()].filter((text) => text.startsWith(whole))
    if (known.length > 1) throw new Error(`${beginning} begins ${known.length} series`)
    const [text = `${beginning},${TARGET}}`] = known
    series.set(text, values)
  }
  return series
}

describe('the alerts', () => {
  test('are rules that Prometheus takes', async () => {
    writeFileSync(join(directory, 'rules.json'), JSON.stringify(ruleFile()))
    const args = ['check', 'rules', join(directory, 'rules.json')]
    const { code, stdout, stderr } = await outcomeOf(await promtool(), args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`${alertRules().length} rules found`)
  })

  test('are silent while all is well, whatever scanners do', async () => {
    expect(quiet.size).toBeGreaterThan(150)
    for (const [beginning] of GROWING) {
      expect([...quiet.keys()].filter((text) => text.startsWith(beginning))).toHaveLength(1)
    }
    expect(await failuresOf([{ name: 'quiet', series: quiet, expected: [[FIRING, []]] }])).toBe('')
  })

  test('are silent an hour after a gap was told, while its process runs on', async () => {
    const series = differing({
      meter_fast_gaps_total: constant(1),
      'meter_fast_signals_total{kind="gap"': constant(1),
      process_start_time_seconds: constant(-7200),
    })
    expect(await failuresOf([{ name: 'an old gap', series, expected: [[FIRING, []]] }])).toBe('')
  })

  test('each fires in a state of its own, and no other with it', async () => {
    const units = CASES.map(([name, changes, alerts]) => {
      const samples = alerts.map((alert) => [`{alertname="${alert}"}`, 1] as const)
      return { name, series: differing(changes), expected: [[FIRING, samples] as const] }
    })
    expect(await failuresOf(units)).toBe('')
    const fired = new Set(CASES.flatMap(([, , alerts]) => alerts))
    expect(
      alertRules()
        .map(({ alert }) => alert)
        .sort(),
    ).toEqual([...fired].sort())
  })

  test('have the labels that their texts name', async () => {
    const units = CASES.map(([name, changes, [alert = '']]) => {
      const rule = alertRules().find((one) => one.alert === alert)
      const named = [...(rule?.annotations.summary ?? '').matchAll(/\$labels\.(\w+)/g)]
      const labels = named.map(([, label]) => `${label}!=""`).join(',')
      const expr = `count(ALERTS{alertname="${alert}",${labels}}) > bool 0`
      return { name, series: differing(changes), expected: [[expr, [['{}', 1]]] as const] } as const
    })
    expect(await failuresOf(units)).toBe('')
  })
})

test('an alert that fires where none is expected is found', async () => {
  const series = differing({ meter_fast_ready: constant(0) })
  const failures = await failuresOf([{ name: 'not ready', series, expected: [[FIRING, []]] }])
  expect(failures).toContain('MeterFastNotReady')
})

describe('every panel shows something in the quiet state', () => {
  test('as Prometheus evaluates it', async () => {
    const units = dashboardPanels().map(({ title, targets }) => ({
      name: title,
      series: quiet,
      expected: targets.map(
        ({ expr }) => [`count(${asSent(expr)}) > bool 0`, [['{}', 1] as const]] as const,
      ),
    }))
    expect(await failuresOf(units)).toBe('')
  })
})
