// Logs of a real Envoy that no client counted, and single lines found in the world, through
// `Meter`: every line has an outcome by name.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { FormatMap } from '../../src/config/presets.ts'
import { metered, outcomes, type RuleOptions } from './metering.ts'

const FIXTURES = new URL('../fixtures/', import.meta.url)

function fixture(path: string): Buffer {
  return readFileSync(new URL(path, FIXTURES))
}

describe('lines that no client counted', () => {
  test('bare infinities in what a client chose are lenient, and billed', () => {
    const { lines, scan } = metered([fixture('real-envoy/datum-dynamic-metadata.log')])
    expect(lines).toMatchObject({ read: 10, metered: 10, lenient: 3, quarantined: {} })
    expect(scan.totals).toMatchObject([
      { project: 'alpha', route: { name: 'site' }, requests: '10', egressBytes: '500' },
    ])
  })

  test('a text template: forged and torn lines are quarantined, odd bytes are lenient', () => {
    const log = [fixture('real-envoy/text-template.log')]
    const format: FormatMap = { project: { constant: 'all' }, egressBytes: 'bytes_sent' }
    const { lines, totals } = metered(log, { format }).scan
    expect(lines).toEqual({
      ...{ read: 5, metered: 2, lenient: 1, ignored: {}, unattributed: {} },
      quarantined: { malformed: 2, duplicate_key: 1 },
    })
    expect(totals[0]?.egressBytes).toBe('100')
  })

  test.each([
    [
      'datum-odd',
      { metered: 97, 'ignored.upstream': 87, 'ignored.tcp': 3, 'ignored.not_set': 4 },
      { 'unattributed.no_route': 12 },
      {},
    ],
    [
      'envoy-gateway-odd',
      { metered: 34, 'ignored.tcp': 3, 'ignored.not_set': 2 },
      { 'unattributed.no_route': 8 },
      { format: 'envoy-gateway' },
    ],
  ] as const)(
    '%s: aborts, resets, odd bytes and listeners, none quarantined',
    (log, a, b, options) => {
      const all = outcomes([fixture(`real-envoy/${log}.log`)], options)
      expect(all).toEqual({ ...a, ...b })
    },
  )
})

describe('single lines found in the world', () => {
  const ALL: FormatMap = {
    project: { constant: 'all' },
    route: 'route_name',
    egressBytes: 'bytes_sent',
    ingressBytes: 'bytes_received',
    durationMs: 'duration',
    startTime: 'start_time',
  }
  const of = (name: string, options: RuleOptions = {}) =>
    metered([fixture(`lines/${name}`)], options)
  /** `project route requests egress ingress ms`. */
  const rows = ({ scan }: ReturnType<typeof of>) =>
    scan.totals.map(({ project, route, requests, egressBytes, ingressBytes, connectionMs }) =>
      [project, route?.name, requests, egressBytes, ingressBytes, connectionMs].join(' '),
    )

  test('datum', () => {
    const found = of('datum.jsonl')
    expect(found.lines).toMatchObject({ read: 3, metered: 2, unattributed: { no_project: 1 } })
    expect(rows(found)).toEqual(['p-0 backend 1 466 0 7', 'p-1 backend 1 1178 1554 1122809'])
  })

  test('envoy-gateway', () => {
    expect(rows(of('envoy-gateway.jsonl', { format: 'envoy-gateway' }))).toEqual([
      'consumer2 backend 1 1178 1554 1122809',
      'default backend 1 466 0 7',
      'tdecision tdecision-3decision-api 1 0 0 52457',
    ])
    expect(of('envoy-gateway.jsonl').lines.unattributed).toEqual({ no_project: 3 })
  })

  test('numbers with an exponent', () => {
    expect(rows(of('number-forms.jsonl'))).toEqual(['p-1 backend 2 501000000 0 14'])
  })

  test('an Envoy that wrote all numbers as strings', () => {
    const found = of('before-1.33-strings.jsonl', { format: ALL })
    expect(rows(found)).toEqual(['all  2 557 0 15'])
    expect(of('before-1.33-strings.jsonl').lines.unattributed).toEqual({ no_route: 2 })
  })

  test('an Envoy that wrote keys in any order, and TCP lines', () => {
    expect(rows(of('before-1.33-unordered.jsonl', { format: ALL }))).toEqual([
      'all  3 101343 22313 1343543',
    ])
    expect(of('before-1.33-unordered.jsonl').lines.unattributed).toEqual({ no_route: 3 })
  })

  test('istio: a route of another kind', () => {
    expect(rows(of('istio.jsonl', { format: ALL }))).toEqual(['all default 2 716 0 30'])
    expect(of('istio.jsonl').lines.unattributed).toEqual({ no_project: 2 })
  })

  test('text lines in a CRI envelope are another logger’s', () => {
    expect(of('cri-text.log').lines).toMatchObject({ read: 3, ignored: { not_json: 3 } })
  })
})
