// The seeded generator of nasty logs: it repeats itself exactly, and it reaches every outcome.

import { describe, expect, test } from 'vitest'
import { type LineMixOptions, lineMix } from '../reference/line-mix.ts'
import type { SlowOptions } from '../reference/options.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { type ScanReport, slowScan } from '../reference/slow-scan.ts'

/** Limits that a short log reaches. */
const SMALL: SlowOptions = { streamStatesMax: 12, lineBytesMax: 1_500, keysMax: 20 }

function countsOf({ lines }: ScanReport): Record<string, number> {
  return {
    metered: lines.metered,
    lenient: lines.lenient,
    ...lines.ignored,
    ...lines.unattributed,
    ...lines.quarantined,
  }
}

describe('line mix', () => {
  test('one seed gives one log', () => {
    for (const envelope of ['raw', 'cri', 'docker'] as const) {
      const log = lineMix(7, 300, { envelope })
      expect(lineMix(7, 300, { envelope }).equals(log)).toBe(true)
      expect(lineMix(8, 300, { envelope }).equals(log)).toBe(false)
    }
  })

  test('without faults every line of Envoy is metered or lacks a stream id', () => {
    const { lines } = slowScan([lineMix(3, 500, { faultShare: 0, isHuge: false })])
    const other = { ...lines.ignored, ...lines.quarantined, ...lines.unattributed }
    expect(Object.keys(other).sort()).toEqual(['blank', 'no_stream_id', 'not_json'])
  })

  test('a few seeds reach every outcome', () => {
    const seen = new Set<string>()
    const logs: [LineMixOptions, SlowOptions][] = [
      [{ envelope: 'raw' }, SMALL],
      [{ envelope: 'cri' }, SMALL],
      [{ envelope: 'cri', faultShare: 1 }, SMALL],
      [{ envelope: 'docker' }, { ...SMALL, exclude: { codes: ['429'], flags: ['UF'] } }],
      [{ isHuge: true, faultShare: 0.01 }, {}],
    ]
    for (const [index, [mix, options]] of logs.entries()) {
      const report = slowScan([lineMix(100 + index, 3_000, mix)], options)
      for (const [outcome, count] of Object.entries(countsOf(report))) {
        if (count > 0) {
          seen.add(outcome)
        }
      }
      const isOverKeysMax = report.totals.some(({ route }) => route?.kind === 'overflow')
      expect(isOverKeysMax).toBe(options.keysMax !== undefined)
    }
    expect([...seen].sort()).toEqual(
      [
        ...['metered', 'lenient', 'stderr', 'blank', 'bad_envelope', 'cut', 'too_long', 'not_json'],
        ...['malformed', 'duplicate_key', 'no_stream_id', 'stream_state_full', 'upstream', 'tcp'],
        ...['udp', 'not_set', 'log_type', 'bad_number', 'excluded', 'no_route', 'no_project'],
        ...['bad_project', 'overflow'],
      ].sort(),
    )
  })

  test('its clocks begin epochs and windows', () => {
    const events = slowEvents([lineMix(11, 2_000, { isHuge: false })])
    const starts = events.map((line) => Date.parse(JSON.parse(line).time))
    const steps = starts.map((startMs, index) => startMs - (starts[index - 1] ?? startMs))
    expect(steps.some((ms) => ms < -3_600_000)).toBe(true)
    expect(steps.some((ms) => ms > 24 * 3_600_000)).toBe(true)
  })
})

describe('files', () => {
  test('a log cut into files at line ends is the same log', () => {
    const log = lineMix(21, 800, { envelope: 'cri', isHuge: false })
    const files: Buffer[] = []
    for (let from = 0; from < log.length; ) {
      const lineEnd = log.indexOf('\n', from + 5_000)
      const to = lineEnd === -1 ? log.length : lineEnd + 1
      files.push(log.subarray(from, to))
      from = to
    }
    expect(files.length).toBeGreaterThan(20)
    expect(slowScan(files)).toEqual(slowScan([log]))
    expect(slowEvents(files)).toEqual(slowEvents([log]))
  })
})
