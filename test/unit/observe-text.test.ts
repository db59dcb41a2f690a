// Metrics as text: both forms are read by a strict reader of their specifications.

import { describe, expect, test } from 'vitest'
import { CONTENT_TYPES, formFor, metricsText } from '../../src/observe/exposition.ts'
import { METRICS } from '../../src/observe/metric-table.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import type { CommittedSums, Look } from '../../src/observe/picture.ts'
import { SIGNAL_KINDS } from '../../src/observe/signals.ts'
import { readMetrics, sampleOf } from '../reference/metrics-text.ts'

const NOW_MS = Date.UTC(2026, 10, 22, 12)
const FORMS = ['prometheus', 'openmetrics'] as const
const MOMENT = { nowMs: NOW_MS, isReady: true, stateBytes: 8192, cpuSeconds: 1.5, memoryBytes: 1 }
const CONSTANTS = { version: '0.1.0', startedAtMs: NOW_MS - 5_000, spoolBytesMax: 100 }

const COUNTS = {
  gaps: 1,
  gap_bytes: 77,
  closed_by_time: 2,
  closed_by_content: 3,
  events: 9,
  events_held: 0,
  events_released: 0,
  events_accepted: 8,
  events_rejected: 1,
  events_resent: 0,
  events_replayed: 0,
  requests_replayed: 4,
  batches_ambiguous: 0,
  commits_failed: 0,
}
const SUMS: CommittedSums = {
  commits: 12,
  lines: [
    ['metered', 10n],
    ['lenient', 2n],
    ['ignored.stderr', 3n],
  ],
  counts: COUNTS,
  usage: [{ stage: 'made', meter: 'a/egress-bytes', amount: 2n ** 63n + 1n }],
}
const LOOK: Look = {
  streams: 1,
  bytesRead: 100,
  paths: [
    ['matched.batch', 90n],
    ['untried', 3n],
  ],
  unreadBytes: 5,
  oldestOpenMs: NOW_MS - 30_000,
  newestMs: NOW_MS + 60_000,
  spool: { events: 7, held: 3, bytes: 50 },
  oldestUnsentMs: NOW_MS - 90_000,
  hasDisk: true,
  isSpoolFull: false,
}

function full(): Metrics {
  const metrics = new Metrics(CONSTANTS)
  metrics.committed(SUMS)
  metrics.looked(LOOK)
  metrics.sinkAnswered(200, 'accepted', 12)
  metrics.sinkAnswered(0, 'unreachable', 3)
  metrics.note({ kind: 'committed', stageMs: 1, renderMs: 2, commitMs: 30 })
  metrics.loopWasLate(7)
  return metrics
}

const read = (metrics: Metrics, form: (typeof FORMS)[number] = 'prometheus') =>
  readMetrics(metricsText(metrics.samples(MOMENT), form), form)

describe.each(FORMS)('%s', (form) => {
  test('is what its specification says, with all samples and with none', () => {
    expect(read(full(), form)).toHaveLength(Object.keys(METRICS).length)
    expect(read(new Metrics(CONSTANTS), form)).toHaveLength(Object.keys(METRICS).length)
  })

  test('every sample has the labels that the table names, in their order', () => {
    const facts = Object.values(METRICS)
    for (const { name, type, samples } of read(full(), form)) {
      const row = facts.find((one) => one.name === name || one.name === `${name}_total`)
      for (const { labels } of samples) {
        const names = Object.keys(labels).filter((label) => type !== 'histogram' || label !== 'le')
        expect(names, name).toEqual(row?.labels)
      }
    }
  })
})

test('names are one of ours or one of the conventions, and no two metrics share one', () => {
  const names = Object.values(METRICS).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^(meter_fast|process)_[a-z_]+$/)
})

test('amounts above 2^53 are written whole', () => {
  const families = read(full())
  const labels = { meter: 'a/egress-bytes', stage: 'made' }
  expect(sampleOf(families, 'meter_fast_usage_total', labels).text).toBe('9223372036854775809')
})

test('a meter has every stage as soon as it has one, so that a first increase is seen', () => {
  const labels = { meter: 'a/egress-bytes', stage: 'accepted' }
  expect(sampleOf(read(full()), 'meter_fast_usage_total', labels).value).toBe(0)
})

test('before the state is read nothing of it is told, for 0 would be a reset', () => {
  const empty = new Map(read(new Metrics(CONSTANTS)).map((one) => [one.name, one.samples]))
  for (const name of [
    'lines_total',
    'usage_total',
    'events_total',
    'gaps_total',
    'commits_total',
  ]) {
    expect(empty.get(`meter_fast_${name}`)).toEqual([])
  }
})

test('ages and skew are those of the moment of the scrape', () => {
  const families = read(full())
  const worth = (name: string) => sampleOf(families, `meter_fast_${name}`).value
  expect(worth('oldest_unsent_age_seconds')).toBe(90)
  expect(worth('oldest_open_window_age_seconds')).toBe(30)
  expect(worth('clock_skew_seconds')).toBe(60)
})

test('what a run has read is not forgotten by the next run of the process', () => {
  const metrics = full()
  metrics.note({ kind: 'started', resumedStreams: 1, isFirstStart: false })
  const reads = () => {
    const families = read(metrics)
    return [
      sampleOf(families, 'meter_fast_read_bytes_total').value,
      sampleOf(families, 'meter_fast_line_paths_total', { path: 'matched', reason: 'batch' }).value,
      sampleOf(families, 'meter_fast_line_paths_total', { path: 'untried', reason: '' }).value,
    ]
  }
  expect(reads()).toEqual([100, 90, 3])
  metrics.looked({ ...LOOK, bytesRead: 40, paths: [['matched.batch', 5n]] })
  expect(reads()).toEqual([140, 95, 3])
})

test('an answer with any number as its status makes no series of its own', () => {
  const metrics = full()
  for (let status = 600; status < 2_000; status++) metrics.sinkAnswered(status, 'unknown', 1)
  const labels = { code: 'other', result: 'unknown' }
  expect(sampleOf(read(metrics), 'meter_fast_sink_requests_total', labels).value).toBe(1_400)
})

test('an observation at a bound belongs to its bucket', () => {
  const metrics = new Metrics(CONSTANTS)
  for (const ms of [4.9, 5, 5.1]) metrics.sinkAnswered(200, 'accepted', ms)
  const families = read(metrics)
  const bucket = (le: string) =>
    sampleOf(families, 'meter_fast_sink_request_duration_seconds_bucket', { le }).value
  expect([bucket('0.005'), bucket('0.01'), bucket('+Inf')]).toEqual([2, 3, 3])
})

test('every signal is counted from 0 on', () => {
  const families = read(full())
  for (const kind of SIGNAL_KINDS) {
    const { value } = sampleOf(families, 'meter_fast_signals_total', { kind })
    expect(value).toBe(kind === 'committed' ? 1 : 0)
  }
})

test('OpenMetrics is given to who asks for it', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.3,*/*;q=0.1'
  expect(formFor(prometheus)).toBe('openmetrics')
  expect(formFor('text/plain')).toBe('prometheus')
  expect(formFor(undefined)).toBe('prometheus')
  expect(CONTENT_TYPES.prometheus).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(CONTENT_TYPES.openmetrics).toContain('application/openmetrics-text; version=1.0.0')
})
