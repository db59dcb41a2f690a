// Rules that the golden logs do not reach, as literal expectations of the oracle.

import { describe, expect, test } from 'vitest'
import type { SlowOptions } from '../reference/options.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { slowScan } from '../reference/slow-scan.ts'

/** A datum line at 12:00:00 that lasts 1500 ms; a field `undefined` is left out. */
function line(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    bytes_received: 2,
    bytes_sent: 10,
    duration: 1500,
    project_name: 'p-a',
    route_name: 'httproute/ns-a/web/rule/0',
    start_time: '2026-11-02T12:00:00.000Z',
    ...fields,
  })
}

/** A report of the one long-lived request of connection 7. */
function report(type: string, bytesSent: number, fields: Record<string, unknown> = {}): string {
  const id = { connection_id: 7, access_log_type: type }
  return line({ ...id, bytes_sent: bytesSent, bytes_received: 0, ...fields })
}

function file(...lines: string[]): Buffer {
  return Buffer.from(`${lines.join('\n')}\n`, 'latin1')
}

function outcomes(lines: string[], options: SlowOptions = {}): Record<string, unknown> {
  const { read, metered, ignored, unattributed, quarantined } = slowScan(
    [file(...lines)],
    options,
  ).lines
  return { read, metered, ...ignored, ...unattributed, ...quarantined }
}

/** `<meter> <time> <value>` of every event, in order of time, epoch by epoch, then by meter. */
function values(lines: string[], options: SlowOptions = {}): string[] {
  const events = slowEvents([file(...lines)], options).map((text) => JSON.parse(text))
  return events.map(({ type, time, data }) => `${type.split('/')[2]} ${time} ${data.value}`)
}

describe('lines', () => {
  test('a mapped path that occurs twice is no line, whatever its keys are escaped as', () => {
    const twice = line().replace('}', String.raw`,"bytes\u005fsent":1}`)
    const elsewhere = line({ x: { bytes_sent: 1 } })
    const expected = { read: 2, metered: 1, duplicate_key: 1 }
    expect(outcomes([twice, elsewhere])).toEqual(expected)
    const format = { preset: 'datum', project: '/gw/0/na~1me' } as const
    const gateway = (list: string) => line().replace('}', `,"gw":${list}}`)
    const lists = [
      '[{"na/me":"p-b"}]',
      '[{"na/me":"p-b","na/me":"p-b"}]',
      '{"0":{"na/me":"p-b"}}',
      '[]',
    ]
    const found = { read: 4, metered: 2, duplicate_key: 1, no_project: 1 }
    expect(outcomes(lists.map(gateway), { format })).toEqual(found)
  })

  test('mended bytes cost a line only in a key or in a mapped value', () => {
    const lenient = line().replace('}', ',"x":["\xff"]}')
    const key = line().replace('}', ',"x":[{"\xff":1}]}')
    const value = line().replace('p-a', 'p-\xff')
    expect(outcomes([lenient, key, value])).toEqual({ read: 3, metered: 1, malformed: 2 })
    expect(slowScan([file(lenient, key, value)]).lines.lenient).toBe(1)
  })

  test('CRI parts are joined per origin, across files; records that are none are counted', () => {
    const at = '2026-11-02T12:00:00Z'
    const [head, tail] = [line().slice(0, 9), line().slice(9)]
    const one = file(`${at} stdout P:x ${head}`, `${at} stderr P {`, '', `${at} stdout F`)
    const two = file(`${at} stdout F ${tail}`, `${at} stdout P {"x":`)
    const { lines } = slowScan([one, two])
    expect(lines.metered).toBe(1)
    expect(lines.ignored).toEqual({ stderr: 1, blank: 1 })
    expect(lines.quarantined).toEqual({ bad_envelope: 1, cut: 1 })
  })

  test('the longest line is counted without the white space around it', () => {
    const lineBytesMax = line().length
    expect(outcomes([` ${line()} `, `${line().replace(',', ' ,')}`], { lineBytesMax })).toEqual({
      read: 2,
      metered: 1,
      too_long: 1,
    })
  })

  test('an excluded code or flag is ignored, and none is by default', () => {
    const lines = [line({ response_code: 429 }), line({ response_flags: 'UF,URX' }), line()]
    const exclude = { codes: ['429'], flags: ['URX'] }
    expect(outcomes(lines, { exclude })).toEqual({ read: 3, metered: 1, excluded: 2 })
    expect(outcomes(lines)).toEqual({ read: 3, metered: 3 })
  })

  test('the namespace of a route is a project after its prefix is stripped', () => {
    const format = { preset: 'datum', project: { route: 'namespace', strip: 'ns-' } } as const
    const routes = ['httproute/ns-a/web', 'httproute/b/web', 'httproute/ns-/web', 'other', null]
    const lines = routes.map((route_name) => line({ route_name }))
    const { totals } = slowScan([file(...lines)], { format })
    expect(totals.map(({ project }) => project)).toEqual(['a', 'b'])
    expect(outcomes(lines, { format })).toEqual({ read: 5, metered: 2, no_project: 2, no_route: 1 })
  })
})

describe('streams and windows', () => {
  test('a segment with more keys than allowed keeps the rest under its project', () => {
    const lines = ['a', 'b', 'c', 'a'].map((name) => line({ route_name: `httproute/ns-a/${name}` }))
    const { totals } = slowScan([file(...lines)], { keysMax: 2 })
    const rows = totals.map(({ route, requests }) => [route?.kind, route?.name, requests])
    expect(rows).toEqual([
      ['HTTPRoute', 'a', '2'],
      ['HTTPRoute', 'b', '1'],
      ['overflow', '', '1'],
    ])
  })

  test('a sum stops before 2^63, and the next window begins at 0', () => {
    const huge = Array.from({ length: 1_025 }, () => line({ bytes_sent: 2 ** 53, duration: 0 }))
    const later = line({ bytes_sent: 2 ** 53, start_time: '2026-11-02T12:01:00Z' })
    expect(outcomes([...huge, later])).toEqual({ read: 1_026, metered: 1_024, overflow: 2 })
  })

  test('a full table admits no new request until one ends', () => {
    const other = { connection_id: 8 }
    const lines = [
      report('DownstreamPeriodic', 10),
      report('DownstreamPeriodic', 10, other),
      report('DownstreamEnd', 30),
      report('DownstreamPeriodic', 40, other),
      report('DownstreamEnd', 45, other),
    ]
    const expected = { read: 5, metered: 4, stream_state_full: 1 }
    expect(outcomes(lines, { streamStatesMax: 1 })).toEqual(expected)
    const [row] = slowScan([file(...lines)], { streamStatesMax: 1 }).totals
    expect(row).toMatchObject({ requests: '2', egressBytes: '75' })
  })

  test('an amount below the last one means another request: all its amounts count whole', () => {
    const lines = [
      report('DownstreamPeriodic', 10),
      report('DownstreamPeriodic', 12, { duration: 1000 }),
      report('DownstreamEnd', 15, { duration: 1200 }),
    ]
    const [row] = slowScan([file(...lines)]).totals
    // 10 + 12 + (15 - 12) bytes, 1500 + 1000 + (1200 - 1000) ms, floors 1 + 1 + 0.
    expect(row).toMatchObject({ requests: '1', egressBytes: '25', connectionMs: '2700' })
    expect(row?.connectionSecondsFloor).toBe('2')
  })

  test('a long request is forgotten after a day, at the next close', () => {
    const dayMs = 86_400_000
    const other = (afterMs: number) => line({ bytes_sent: 0, duration: afterMs })
    const sum = (...closesMs: number[]) => {
      const first = report('DownstreamPeriodic', 10, { duration: 0 })
      const last = report('DownstreamEnd', 15, { duration: closesMs.at(-1) })
      return slowScan([file(first, ...closesMs.map(other), last)]).totals[0]?.egressBytes
    }
    expect(sum(dayMs, dayMs + 60_000)).toBe('15')
    expect(sum(dayMs + 60_000, dayMs + 120_000)).toBe('25')
    expect(sum(dayMs + 120_000)).toBe('15')
  })

  test('seconds are carried from window to window, or floored per record', () => {
    const lines = [line(), line({ start_time: '2026-11-02T12:01:00Z' })]
    const seconds = (options: SlowOptions) =>
      values(lines, options).filter((text) => text.startsWith('connection-seconds'))
    expect(seconds({})).toEqual([
      'connection-seconds 2026-11-02T12:00:00.000Z 1',
      'connection-seconds 2026-11-02T12:01:00.000Z 2',
    ])
    expect(seconds({ connectionSeconds: 'per_request_floor' })).toEqual([
      'connection-seconds 2026-11-02T12:00:00.000Z 1',
      'connection-seconds 2026-11-02T12:01:00.000Z 1',
    ])
  })

  test('a clock more than an hour back begins an epoch, one hour back does not', () => {
    const at = (time: string) => line({ start_time: time, duration: 0 })
    const requests = (...times: string[]) =>
      values(times.map(at)).filter((text) => text.startsWith('requests'))
    const first = 'requests 2026-11-02T12:00:00.000Z'
    expect(requests('2026-11-02T12:00:30Z', '2026-11-02T11:00:00Z')).toEqual([`${first} 2`])
    expect(requests('2026-11-02T12:00:30Z', '2026-11-02T10:59:59.999Z')).toEqual([
      `${first} 1`,
      'requests 2026-11-02T10:59:00.000Z 1',
    ])
  })

  test('the same clock step twice gives two epochs, and so different ids', () => {
    const times = ['12:00:00', '10:00:00', '12:00:00', '09:00:00', '12:00:00', '10:00:00']
    const lines = times.map((time) => line({ start_time: `2026-11-02T${time}Z`, duration: 0 }))
    const ids = slowEvents([file(...lines)]).map((text) => JSON.parse(text).id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toHaveLength(6 * 3)
  })

  test('lines before the first clock count in totals and are quarantined for events', () => {
    const lines = [line({ start_time: null }), line()]
    expect(outcomes(lines)).toEqual({ read: 2, metered: 2 })
    expect(values(lines).filter((text) => text.startsWith('requests'))).toEqual([
      'requests 2026-11-02T12:00:00.000Z 1',
    ])
  })

  test('keys that render equal are one event; long and undeclared dimensions are left out', () => {
    const names = ['grpcroute/ns-a/web', 'grpcroute/ns-a/api', 'other', null]
    const lines = names.map((route_name) => line({ route_name }))
    const options = { dimensions: { region: 'r-1', gateway: 'g'.repeat(257), color: 'red' } }
    const events = slowEvents([file(...lines)], options).map((text) => JSON.parse(text))
    expect(events).toHaveLength(4)
    expect(events.find(({ type }) => type.endsWith('requests')).data).toEqual({
      value: '4',
      dimensions: { project_name: 'p-a', region: 'r-1' },
    })
    // 4 x 1500 ms are 4 seconds, not 6: each key keeps its own rest.
    expect(events.find(({ type }) => type.endsWith('seconds')).data.value).toBe('4')
  })
})
