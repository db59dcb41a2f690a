// What is remembered of long-lived requests, DESIGN 4.6: who writes it, how much fits, and when it
// is forgotten. Literal expectations, confirmed by the oracle.

import { describe, expect, test } from 'vitest'
import { line, metered, onlyRow, outcomes, type RuleOptions, report } from './metering.ts'

/** [requests, egress bytes] of the one key. */
function sums(input: readonly string[], options: RuleOptions = {}): [number, number] {
  const row = onlyRow(input, options)
  return [Number(row?.requests), Number(row?.egressBytes)]
}

/** Requests and egress bytes of all keys. */
function allSums(input: readonly string[], options: RuleOptions = {}): [number, number] {
  const { totals } = metered(input, options).scan
  const sum = (of: 'requests' | 'egressBytes') => totals.reduce((n, row) => n + Number(row[of]), 0)
  return [sum('requests'), sum('egressBytes')]
}

describe('only metered and unattributed lines read or write what is known', () => {
  test('an excluded, a broken and a full-table line leave it as it is', () => {
    const input = [
      report('DownstreamPeriodic', 10),
      report('DownstreamPeriodic', 50, { response_code: 503 }),
      report('DownstreamEnd', 60, { response_code: 503 }),
      report('DownstreamEnd', 60, { duration: -1 }),
      report('DownstreamPeriodic', 50, { bytes_received: 0.5 }),
      report('DownstreamEnd', 15),
    ]
    expect(sums(input, { exclude: { codes: ['503'] } })).toEqual([1, 15])
  })

  test('a line that overflows does not write, nor forget', () => {
    const huge = Array.from({ length: 1023 }, () => line({ bytes_sent: 2 ** 53, duration: 0 }))
    const input = [
      ...huge,
      report('DownstreamPeriodic', 10, { duration: 0 }),
      report('DownstreamPeriodic', 2 ** 53, { duration: 0 }),
      report('DownstreamEnd', 2 ** 53, { duration: 0 }),
      report('DownstreamEnd', 15, { duration: 0 }),
    ]
    expect(outcomes(input)).toEqual({ metered: 1025, 'quarantined.overflow': 2 })
    const row = onlyRow(input)
    expect(row?.egressBytes).toBe(String(1023n * 2n ** 53n + 15n))
  })

  test('an unattributed report takes a place in the table', () => {
    const nobody = { project_name: null }
    const input = [
      report('DownstreamPeriodic', 10, nobody),
      report('DownstreamPeriodic', 10, { connection_id: 8 }),
      report('DownstreamEnd', 10, nobody),
      report('DownstreamPeriodic', 10, { connection_id: 8 }),
    ]
    expect(outcomes(input, { streamStatesMax: 1 })).toEqual({
      metered: 1,
      'unattributed.no_project': 2,
      'ignored.stream_state_full': 1,
    })
  })

  test('an excluded report takes none', () => {
    const input = [
      report('DownstreamPeriodic', 10, { response_code: 503 }),
      report('DownstreamPeriodic', 10, { connection_id: 8 }),
    ]
    const exclude = { codes: ['503'] }
    expect(outcomes(input, { streamStatesMax: 1, exclude })).toEqual({
      metered: 1,
      'ignored.excluded': 1,
    })
  })
})

describe('a full table', () => {
  const other = { connection_id: 8 }

  test('follows the streams that it has and bills the others at their End', () => {
    const input = [
      report('DownstreamPeriodic', 10),
      report('DownstreamPeriodic', 10, other),
      report('DownstreamPeriodic', 20),
      report('DownstreamEnd', 30, other),
      report('DownstreamEnd', 25),
    ]
    expect(allSums(input, { streamStatesMax: 1 })).toEqual([2, 55])
  })

  test('has room again when a stream ended', () => {
    const input = [
      report('DownstreamPeriodic', 10),
      report('DownstreamEnd', 25),
      report('DownstreamPeriodic', 10, other),
      report('DownstreamEnd', 30, other),
    ]
    expect(outcomes(input, { streamStatesMax: 1 })).toEqual({ metered: 4 })
    expect(allSums(input, { streamStatesMax: 1 })).toEqual([2, 55])
  })
})

describe('a stream that is silent', () => {
  const DAY_MS = 86_400_000
  const first = report('DownstreamPeriodic', 10, { duration: 0 })
  const tick = (afterMs: number) => line({ bytes_sent: 0, duration: afterMs })
  const end = (afterMs: number) => report('DownstreamEnd', 15, { duration: afterMs })
  const egress = (...ticks: number[]) =>
    allSums([first, ...ticks.map(tick), end(ticks.at(-1) ?? 0)])[1]

  test('is forgotten when a window more than 24 h after its last report closes', () => {
    expect(egress(DAY_MS, DAY_MS + 60_000)).toBe(15)
    expect(egress(DAY_MS + 60_000, DAY_MS + 120_000)).toBe(25)
  })

  test('is known to the line that closes the last window before', () => {
    expect(egress(DAY_MS + 120_000)).toBe(15)
    expect(allSums([first, end(3 * DAY_MS)])[1]).toBe(15)
  })

  test('is forgotten before the closing line is added', () => {
    expect(allSums([first, tick(DAY_MS + 60_000), end(DAY_MS + 120_000)])[1]).toBe(25)
  })

  test('is not silent while it reports, and gives its place away when it is', () => {
    const still = report('DownstreamPeriodic', 12, { duration: DAY_MS })
    expect(allSums([first, still, tick(DAY_MS + 60_000), end(DAY_MS + 120_000)])[1]).toBe(15)
    const late = { connection_id: 8, duration: DAY_MS + 120_000 }
    const input = [first, ...[DAY_MS + 60_000, DAY_MS + 120_000].map(tick)]
    const other = report('DownstreamPeriodic', 1, late)
    expect(outcomes([...input, other], { streamStatesMax: 1 })).toEqual({ metered: 4 })
    // A report that the table refuses closes nothing, so it makes no room for itself.
    expect(outcomes([...input.slice(0, 2), other], { streamStatesMax: 1 })).toEqual({
      metered: 2,
      'ignored.stream_state_full': 1,
    })
  })
})
