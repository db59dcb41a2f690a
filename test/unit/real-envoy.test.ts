// Logs of a real Envoy through `Meter`: the sums are what clients counted on the other side of it,
// per project and route, and every line has an outcome by name.

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { FormatMap } from '../../src/config/presets.ts'
import { differences, type Total, type Truth } from '../e2e/truth.ts'
import type { ScanReport } from '../reference/slow-scan.ts'
import { metered } from './metering.ts'

const FIXTURES = new URL('../fixtures/', import.meta.url)

function fixture(path: string): Buffer {
  return readFileSync(new URL(path, FIXTURES))
}

interface CountedRow {
  readonly route: string | null
  readonly project: string | null
  readonly requests: number
  readonly responseBodyBytes: number
  readonly requestBodyBytes: number
}

function counted(name: string): readonly CountedRow[] {
  return JSON.parse(fixture(`real-envoy/${name}.truth.json`).toString()).rows
}

type Sums = Record<string, readonly [requests: number, egress: number, ingress: number]>

/** Sums by `<project> <kind>route/<namespace>/<name>`. */
function sumsBy(rows: readonly (readonly [string, number, number, number])[]): Sums {
  const sums: Record<string, [number, number, number]> = {}
  for (const [name, requests, egress, ingress] of rows) {
    const [r = 0, e = 0, i = 0] = sums[name] ?? []
    sums[name] = [r + requests, e + egress, i + ingress]
  }
  return sums
}

function expected(
  rows: readonly CountedRow[],
  projectOf: (row: CountedRow) => string | null,
): Sums {
  const billed = rows.filter((row) => projectOf(row) !== null)
  return sumsBy(
    billed.map((row) => {
      const route = row.route?.split('/').slice(0, 3).join('/') ?? 'none'
      const { requests, responseBodyBytes, requestBodyBytes } = row
      return [`${projectOf(row)} ${route}`, requests, responseBodyBytes, requestBodyBytes]
    }),
  )
}

function found({ totals }: ScanReport): Sums {
  return sumsBy(
    totals.map(({ project, route, requests, egressBytes, ingressBytes }) => {
      const text = route ? `${route.kind.toLowerCase()}/${route.namespace}/${route.name}` : 'none'
      return [`${project} ${text}`, Number(requests), Number(egressBytes), Number(ingressBytes)]
    }),
  )
}

function requestsOf(rows: readonly CountedRow[]): number {
  return rows.reduce((sum, { requests }) => sum + requests, 0)
}

describe('what the clients counted', () => {
  for (const name of ['datum', 'datum-envoy-1.36.2']) {
    test(`${name}: every request and byte, per project and route`, () => {
      const rows = counted(name)
      const { scan } = metered([fixture(`real-envoy/${name}.log`)])
      expect(found(scan)).toEqual(expected(rows, ({ project }) => project))
      const free = rows.filter(({ project }) => project === null)
      expect(scan.lines).toMatchObject({
        read: requestsOf(rows),
        metered: requestsOf(rows) - requestsOf(free),
        ignored: {},
        unattributed: {
          no_route: requestsOf(free.filter(({ route }) => route === null)),
          no_project: requestsOf(free.filter(({ route }) => route !== null)),
        },
        quarantined: {},
      })
    })
  }

  test('datum-typed: starts, periodic reports, tunnels and upstream lines change no sum', () => {
    const rows = counted('datum-typed')
    const log = [fixture('real-envoy/datum-typed.log')]
    const { lines } = metered(log)
    expect(found(metered(log).scan)).toEqual(expected(rows, ({ project }) => project))
    const { read, metered: billed, ignored, unattributed } = lines
    expect({ read, billed, ignored, unattributed }).toEqual({
      read: 99,
      billed: 45,
      ignored: { upstream: 48 },
      unattributed: { no_project: 6 },
    })
  })

  test('envoy-gateway: the namespace of the route is the project', () => {
    const rows = counted('formats')
    const log = [fixture('real-envoy/envoy-gateway.log')]
    const { scan } = metered(log, { format: 'envoy-gateway' })
    expect(found(scan)).toEqual(expected(rows, ({ route }) => route?.split('/')[1] ?? null))
    expect(scan.lines).toMatchObject({ read: 19, metered: 18, unattributed: { no_route: 1 } })
  })

  const ALL: FormatMap = {
    project: { constant: 'all' },
    route: 'route_name',
    egressBytes: 'bytes_sent',
    ingressBytes: 'bytes_received',
    durationMs: 'duration',
    startTime: 'start_time',
    logType: 'access_log_type',
    streamId: 'stream_id',
    connectionId: 'connection_id',
  }

  test.each([
    ['istio', 'formats', ALL],
    ['envoy-gateway', 'formats', ALL],
    ['datum-typed', 'datum-typed', ALL],
  ] as const)(
    '%s: with one project for all, every request of the clients',
    (log, truth, format) => {
      const { scan } = metered([fixture(`real-envoy/${log}.log`)], { format })
      expect(found(scan)).toEqual(expected(counted(truth), () => 'all'))
    },
  )

  test('istio: the preset, with a project from the route', () => {
    const format = { preset: 'istio', project: { route: 'namespace', strip: 'ns-' } } as const
    const { scan } = metered([fixture('real-envoy/istio.log')], { format })
    const namespaceOf = ({ route }: CountedRow) => route?.split('/')[1]?.slice('ns-'.length) ?? null
    expect(found(scan)).toEqual(expected(counted('formats'), namespaceOf))
    expect(scan.lines).toMatchObject({ read: 19, metered: 18, unattributed: { no_route: 1 } })
  })

  test('istio: the preset, with one project for all', () => {
    const format = { preset: 'istio', project: { constant: 'all' } } as const
    const { scan } = metered([fixture('real-envoy/istio.log')], { format })
    expect(found(scan)).toEqual(expected(counted('formats'), () => 'all'))
  })

  test('contour: keys of its own, no route', () => {
    const format = { preset: 'contour', project: { constant: 'all' } } as const
    const { scan, segments } = metered([fixture('real-envoy/contour.log')], { format })
    const { total } = JSON.parse(fixture('real-envoy/formats.truth.json').toString())
    expect(found(scan)).toEqual({
      'all none': [total.requests, total.responseBodyBytes, total.requestBodyBytes],
    })
    expect(segments.map(({ windowStartMs }) => new Date(windowStartMs).toISOString())).toEqual([
      '2026-11-22T05:18:00.000Z',
    ])
  })

  test('three streams at once with one id that a client chose are billed apart', () => {
    const { scan } = metered([fixture('real-envoy/datum-client-chosen-id.log')])
    expect(found(scan)).toEqual({
      'alpha httproute/ns-alpha/downloads': [2, 250_035, 0],
      'alpha httproute/ns-alpha/site': [1, 5_000, 0],
    })
  })
})

interface Captured {
  readonly format: 'datum' | 'envoy-gateway'
  readonly clients: Truth
  readonly scan: ScanReport
}

const CAPTURED = readdirSync(new URL('e2e/', FIXTURES)).filter((name) => name.endsWith('.log'))

describe('captured end-to-end runs', () => {
  test('there are four: three formats, and two versions of Envoy', () => {
    expect(CAPTURED.sort()).toEqual([
      'datum-1.36.2.log',
      'datum-1.40.0.log',
      'datum-typed-1.40.0.log',
      'envoy-gateway-1.40.0.log',
    ])
  })

  test.each(CAPTURED)(
    '%s: the whole report is the truth, within what the clients counted',
    (name) => {
      const truth: Captured = JSON.parse(
        fixture(`e2e/${name.replace('.log', '.truth.json')}`).toString(),
      )
      const { scan, lines } = metered([fixture(`e2e/${name}`)], { format: truth.format })
      expect(scan).toEqual(truth.scan)
      expect(lines).toEqual(truth.scan.lines)
      expect(differences(truth.clients, scan.totals as readonly Total[])).toEqual([])
    },
  )
})
