// The oracle of test/reference against results that two other implementations agree on, and against
// what real clients of a real Envoy counted.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Format } from '../reference/format.ts'
import { eventId, slowEvents } from '../reference/slow-events.ts'
import { type ScanReport, slowScan } from '../reference/slow-scan.ts'

function fixture(path: string): Buffer {
  return readFileSync(new URL(`../${path}`, import.meta.url))
}

describe('golden logs', () => {
  for (const name of ['plain', 'mixed', 'stream', 'cri', 'docker']) {
    test(`${name}: the totals are those of the golden result`, () => {
      const expected: unknown = JSON.parse(fixture(`golden/${name}.scan.json`).toString())
      expect(slowScan([fixture(`golden/${name}.log`)])).toEqual(expected)
    })

    test(`${name}: the events are those of the golden result, to the byte`, () => {
      const events = slowEvents([fixture(`golden/${name}.log`)]).map((line) => `${line}\n`)
      expect(events.join('')).toBe(fixture(`golden/${name}.events.ndjson`).toString())
    })
  }
})

interface TruthRow {
  readonly route: string | null
  readonly project: string | null
  readonly requests: number
  readonly responseBodyBytes: number
  readonly requestBodyBytes: number
}

function truthOf(path: string): TruthRow[] {
  return JSON.parse(fixture(`fixtures/real-envoy/${path}`).toString()).rows
}

/** `<project> <namespace>/<name>` to [requests, egress, ingress], sorted. */
type Sums = [string, [number, number, number]][]

function sumsOf(rows: Iterable<[string, [number, number, number]]>): Sums {
  const sums = new Map<string, [number, number, number]>()
  for (const [name, amounts] of rows) {
    const before = sums.get(name) ?? [0, 0, 0]
    sums.set(name, [before[0] + amounts[0], before[1] + amounts[1], before[2] + amounts[2]])
  }
  return [...sums].sort(([one], [other]) => (one < other ? -1 : 1))
}

function counted(truth: TruthRow[], project: (row: TruthRow) => string | null): Sums {
  const billed = truth.filter((row) => project(row) !== null)
  return sumsOf(
    billed.map((row) => [
      `${project(row)} ${row.route?.split('/').slice(1, 3).join('/')}`,
      [row.requests, row.responseBodyBytes, row.requestBodyBytes],
    ]),
  )
}

function metered({ totals }: ScanReport): Sums {
  return sumsOf(
    totals.map(({ project, route, requests, egressBytes, ingressBytes }) => [
      `${project} ${route ? `${route.namespace}/${route.name}` : undefined}`,
      [Number(requests), Number(egressBytes), Number(ingressBytes)],
    ]),
  )
}

function unattributed({ lines }: ScanReport): number {
  return Object.values(lines.unattributed).reduce((sum, count) => sum + count, 0)
}

const ALL: Format = { preset: 'istio', project: { constant: 'all' } }

describe('logs of a real Envoy', () => {
  for (const name of ['datum', 'datum-envoy-1.36.2']) {
    test(`${name}: every request and byte that the clients counted, per project and route`, () => {
      const truth = truthOf(`${name}.truth.json`)
      const report = slowScan([fixture(`fixtures/real-envoy/${name}.log`)])
      expect(metered(report)).toEqual(counted(truth, (row) => row.project))
      const withoutProject = truth.filter(({ project }) => project === null)
      const requests = withoutProject.reduce((sum, row) => sum + row.requests, 0)
      expect(unattributed(report)).toBe(requests)
      expect(report.lines.read).toBe(report.lines.metered + requests)
    })
  }

  test('datum-typed: starts, periodic reports and upstream lines change no sum', () => {
    const truth = truthOf('datum-typed.truth.json')
    const log = [fixture('fixtures/real-envoy/datum-typed.log')] as const
    expect(metered(slowScan(log))).toEqual(counted(truth, (row) => row.project))
    expect(metered(slowScan(log, { format: ALL }))).toEqual(counted(truth, () => 'all'))
    const lines = log[0].toString().trim().split('\n')
    const withoutProject = lines
      .map((line) => JSON.parse(line))
      .filter((line) => line.project_name === null && /^Downstream/.test(line.access_log_type))
    expect(unattributed(slowScan(log))).toBe(withoutProject.length)
  })

  test('envoy-gateway: the namespace of the route is the project', () => {
    const truth = truthOf('formats.truth.json')
    const log = [fixture('fixtures/real-envoy/envoy-gateway.log')]
    const report = slowScan(log, { format: 'envoy-gateway' })
    expect(metered(report)).toEqual(counted(truth, ({ route }) => route?.split('/')[1] ?? null))
    const withoutRoute = truth.filter(({ route }) => route === null)
    const requests = withoutRoute.reduce((sum, row) => sum + row.requests, 0)
    expect(report.lines.unattributed).toEqual({ no_route: requests })
  })

  test('bare infinities in what a client chose are lenient, and billed', () => {
    const log = fixture('fixtures/real-envoy/datum-dynamic-metadata.log')
    const { lines } = slowScan([log])
    expect(lines.lenient).toBe(3)
    expect(lines.quarantined).toEqual({})
    expect(lines.metered).toBe(lines.read)
  })

  test('three requests with one client-chosen id are billed apart', () => {
    const log = fixture('fixtures/real-envoy/datum-client-chosen-id.log')
    expect(metered(slowScan([log]))).toEqual([
      ['alpha ns-alpha/downloads', [2, 250_035, 0]],
      ['alpha ns-alpha/site', [1, 5_000, 0]],
    ])
  })
})

test('the id vector of the contract', () => {
  const id = eventId({
    stream: 'k8s/0a1b2c3d-0000-4000-8000-000000000001/envoy/0',
    epoch: 0,
    windowStartMs: Date.UTC(2026, 10, 22, 12),
    windowMs: 60_000,
    type: 'networking.datumapis.com/gateway/egress-bytes',
    subject: 'projects/p-abc',
    part: '0',
    dimensions: {
      gateway_class: 'datum-downstream-gateway',
      httproute_name: 'web',
      httproute_namespace: 'ns-6f1c',
      project_name: 'p-abc',
      region: 'us-east-1',
    },
  })
  expect(id).toBe('01M81J18G0P50QWNXSREY2CTJ5')
})
