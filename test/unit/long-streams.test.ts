// Log types and long-lived requests, DESIGN 4.6: what is a request, what is only a report about
// one, and what a report adds. Literal expectations, confirmed by the oracle.

import { describe, expect, test } from 'vitest'
import type { FormatMap } from '../../src/config/presets.ts'
import {
  line,
  lineWith,
  metered,
  onlyRow,
  outcomes,
  type RuleOptions,
  report,
  values,
} from './metering.ts'

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

const REDIRECT = { response_code_details: 'internal_redirect' }

describe('one request', () => {
  test.each([undefined, null, '', '-', 'DownstreamEnd', 'NotSet', 'Downstream\\u0045nd'])(
    'is a line of type %j',
    (type) => {
      const plain = lineWith(`"access_log_type":"${type}"`)
      const text = type?.includes('\\') ? plain : line({ access_log_type: type })
      expect(sums([text, text])).toEqual([2, 20])
    },
  )

  test('is an End with an id that no report announced', () => {
    expect(sums([report('DownstreamEnd', 5), report('DownstreamEnd', 5)])).toEqual([2, 10])
  })
})

describe('a report', () => {
  test('adds what is new since the last one; the End adds the rest and one request', () => {
    const input = [
      report('DownstreamStart', 0, { duration: 0 }),
      report('DownstreamPeriodic', 10, { duration: 1000, bytes_received: 1 }),
      report('DownstreamPeriodic', 10, { duration: 2000, bytes_received: 1 }),
      report('DownstreamTunnelSuccessfullyEstablished', 12, { duration: 2500, bytes_received: 3 }),
      report('DownstreamEnd', 100, { duration: 4900, bytes_received: 7 }),
    ]
    expect(onlyRow(input)).toEqual({
      project: 'p-a',
      route: { kind: 'HTTPRoute', namespace: 'ns-a', name: 'web' },
      requests: '1',
      egressBytes: '100',
      ingressBytes: '7',
      connectionMs: '4900',
      // floor(1) - 0, 2 - 1, 2 - 2, 4 - 2.
      connectionSecondsFloor: '4',
    })
  })

  test('without an End is billed as far as it got, and is no request', () => {
    expect(sums([report('DownstreamStart', 3), report('DownstreamPeriodic', 9)])).toEqual([0, 9])
  })

  test('in another window is billed there; floors per record add up to the whole', () => {
    const at = (type: string, bytes: number, duration: number) => report(type, bytes, { duration })
    const input = [
      at('DownstreamPeriodic', 10, 30_700),
      at('DownstreamPeriodic', 30, 60_700),
      at('DownstreamEnd', 60, 121_000),
    ]
    const meters = ['requests', 'egress-bytes', 'connection-seconds']
    const expected = [
      'connection-seconds 2026-11-02T12:00:00.000Z 30',
      'connection-seconds 2026-11-02T12:01:00.000Z 30',
      'connection-seconds 2026-11-02T12:02:00.000Z 61',
      'egress-bytes 2026-11-02T12:00:00.000Z 10',
      'egress-bytes 2026-11-02T12:01:00.000Z 20',
      'egress-bytes 2026-11-02T12:02:00.000Z 30',
      'requests 2026-11-02T12:02:00.000Z 1',
    ]
    expect(values(meters, input).sort()).toEqual(expected)
    expect(values(meters, input, { connectionSeconds: 'per_request_floor' }).sort()).toEqual(
      expected,
    )
  })

  test('is none of a request with an internal redirect: its second End is the request', () => {
    const first = report('DownstreamEnd', 40, REDIRECT)
    expect(sums([first, report('DownstreamEnd', 100)])).toEqual([1, 100])
    expect(sums([first])).toEqual([0, 40])
    expect(sums([report('NotSet', 40, REDIRECT), report('NotSet', 50)])).toEqual([1, 50])
    const plain = (bytes: number) => line({ connection_id: 7, bytes_sent: bytes })
    const redirected = line({ connection_id: 7, bytes_sent: 40, ...REDIRECT })
    expect(sums([redirected, plain(50)])).toEqual([1, 50])
    expect(outcomes([line(REDIRECT)])).toEqual({ 'ignored.no_stream_id': 1 })
  })

  test('is not told by details that only look like a redirect', () => {
    const details = ['internal_redirect ', 'INTERNAL_REDIRECT', 'via_upstream', 5, null]
    const input = details.map((response_code_details) => line({ response_code_details }))
    expect(sums(input)).toEqual([5, 50])
  })
})

describe('an amount below the last one', () => {
  test.each(['bytes_sent', 'bytes_received', 'duration'])('in %s means another request', (key) => {
    const [more, less] = [{ bytes_sent: 10, bytes_received: 10, duration: 10 }, 9]
    const first = report('DownstreamPeriodic', 10, more)
    const second = report('DownstreamPeriodic', 20, { ...more, bytes_sent: 20, [key]: less })
    const sent = key === 'bytes_sent' ? 9 : 20
    // All its amounts count whole and take the place of what was known.
    const third = report('DownstreamEnd', sent + 1, { ...more, bytes_sent: sent + 1 })
    expect(sums([first, second, third])).toEqual([1, 10 + sent + 1])
  })

  test('in an End counts whole too', () => {
    const input = [report('DownstreamPeriodic', 10), report('DownstreamEnd', 9)]
    expect(sums(input)).toEqual([1, 19])
  })
})

describe('a request that ended', () => {
  test('is forgotten: the same id begins at 0', () => {
    const [part, end] = [report('DownstreamPeriodic', 10), report('DownstreamEnd', 15)]
    expect(sums([part, end, part, end, end])).toEqual([3, 45])
  })

  test('is forgotten also when its End is another stream by its amounts', () => {
    const input = [10, 5, 12].map((bytes, i) =>
      report(i === 1 ? 'DownstreamEnd' : 'DownstreamPeriodic', bytes),
    )
    expect(sums(input)).toEqual([1, 27])
  })
})

describe('who a report is about', () => {
  const pair = (fields: Record<string, unknown>, others: Record<string, unknown>) => [
    report('DownstreamPeriodic', 10, fields),
    report('DownstreamEnd', 15, others),
  ]
  const SAME: [number, number] = [1, 15]
  const OTHER: [number, number] = [1, 25]

  test.each([
    ['connection_id', 7, 8],
    ['connection_id', 7, '7'],
    ['connection_id', 7, null],
    ['stream_id', 'a', 'b'],
    ['stream_id', 'a', undefined],
    ['stream_id', null, 0],
    ['start_time', '2026-11-02T12:00:00.000Z', '2026-11-02T12:00:00.001Z'],
    ['start_time', '2026-11-02T12:00:00.000Z', '2026-11-02T12:00:00.0000Z'],
    ['start_time', '2026-11-02T12:00:00.000Z', '2026-11-02T12:00:00.000+00:00'],
    ['project_name', 'p-a', 'p-b'],
    ['route_name', 'httproute/ns-a/web', 'httproute/ns-a/web/rule/0'],
  ])('%s: %j and %j are two', (key, one, other) => {
    const stream = key === 'connection_id' ? { stream_id: 's' } : {}
    expect(allSums(pair({ ...stream, [key]: one }, { ...stream, [key]: other }))).toEqual(OTHER)
  })

  test('raw bytes are compared: another escape is another stream', () => {
    const one = lineWith('"connection_id":"a","access_log_type":"DownstreamPeriodic"')
    const other = lineWith('"connection_id":"\\u0061"', { bytes_sent: 15 })
    expect(allSums([one, other])).toEqual(OTHER)
    const same = lineWith('"connection_id":"a"', { bytes_sent: 15 })
    expect(allSums([one, same])).toEqual(SAME)
  })

  test.each(['request_id', 'response_code', 'response_flags', 'path', 'bytes_received'])(
    '%s tells nobody apart',
    (key) => {
      expect(allSums(pair({ [key]: 1 }, { [key]: 2 }))).toEqual(SAME)
    },
  )

  test('one of connection_id and stream_id is enough', () => {
    const only = { connection_id: null, stream_id: 'a' }
    expect(allSums(pair(only, only))).toEqual(SAME)
    expect(allSums(pair({ stream_id: null }, { stream_id: null }))).toEqual(SAME)
  })

  test('ids that say nothing are ids: only null and a missing key are none', () => {
    for (const id of ['', '-', 0, false, {}]) {
      expect(allSums(pair({ connection_id: id }, { connection_id: id }))).toEqual(SAME)
    }
  })

  test('without both there is no identity: reports are ignored and the End bills all', () => {
    for (const none of [null, undefined]) {
      const ids = { connection_id: none, stream_id: null }
      expect(outcomes(pair(ids, ids))).toEqual({ metered: 1, 'ignored.no_stream_id': 1 })
      expect(allSums(pair(ids, ids))).toEqual([1, 15])
    }
  })

  test('ids that the format does not map are none', () => {
    const format: FormatMap = {
      project: 'project_name',
      egressBytes: 'bytes_sent',
      durationMs: 'duration',
      startTime: 'start_time',
      logType: 'access_log_type',
    }
    expect(outcomes(pair({}, {}), { format })).toEqual({ metered: 1, 'ignored.no_stream_id': 1 })
    // Without a route in the format, NotSet never has one; with an id mapped, routes do not tell.
    const withId = { format: { ...format, connectionId: 'connection_id' } }
    expect(allSums(pair({ route_name: 'a' }, { route_name: 'b' }), withId)).toEqual(SAME)
  })

  test('a format without log types has requests only', () => {
    const format: FormatMap = {
      project: 'project_name',
      egressBytes: 'bytes_sent',
      startTime: 'start_time',
    }
    expect(allSums(pair({}, {}), { format })).toEqual([2, 25])
    expect(allSums([line({ access_log_type: 'X' })], { format })).toEqual([1, 10])
  })
})
