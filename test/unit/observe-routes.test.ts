// Counters by route: which references a key gives, what is unknown, and how many series there are.

import { describe, expect, test } from 'vitest'
import { referencesOf } from '../../src/agent/route-usage.ts'
import { readRoute } from '../../src/emit/route.ts'
import { ROUTE_LABELS, type RouteReferences, RouteTable } from '../../src/observe/route-series.ts'

const AMOUNTS = { requests: 1n, egressBytes: 20n, ingressBytes: 3n, connectionMs: 1_500n }
const UNKNOWN = Object.fromEntries(ROUTE_LABELS.map((label) => [label, 'unknown']))
const GATEWAY_API = 'gateway.networking.k8s.io'

/** The labels of a table with this one series. */
function labelsOf(references: RouteReferences) {
  return new RouteTable(9).seriesOf(references).labels
}

function referencesIn(route: string | undefined, values: Record<string, string | undefined> = {}) {
  return labelsOf(referencesOf(readRoute(route), values))
}

describe('a route', () => {
  test.each([
    ['httproute/ns-a/web/rule/0/match/0/*', 'HTTPRoute'],
    ['grpcroute/ns-a/web', 'GRPCRoute'],
  ])('%s is known whole from its name', (text, kind) => {
    expect(referencesIn(text)).toEqual({
      ...UNKNOWN,
      ...{ route_group: GATEWAY_API, route_kind: kind },
      ...{ route_namespace: 'ns-a', route_name: 'web' },
    })
  })

  test('with another name has that name, and the rest is unknown', () => {
    expect(referencesIn('original_route')).toEqual({ ...UNKNOWN, route_name: 'original_route' })
  })

  test.each([undefined, '', '-'])('%j is unknown', (text) => {
    expect(referencesIn(text)).toEqual(UNKNOWN)
  })

  test('that metadata name is that one', () => {
    const values = { route_namespace: 'ns-b', route_name: 'api' }
    expect(referencesIn('httproute/ns-a/web', values)).toMatchObject({
      ...{ route_kind: 'HTTPRoute', route_namespace: 'ns-b', route_name: 'api' },
    })
  })
})

describe('a parent and a backend', () => {
  test('are known as far as dimensions say', () => {
    const values = { gateway: 'eg', backend_name: 'web', backend_port: '8080', region: 'r' }
    expect(referencesIn(undefined, values)).toEqual({
      ...UNKNOWN,
      ...{ parent_group: GATEWAY_API, parent_kind: 'Gateway', parent_name: 'eg' },
      ...{ backend_name: 'web', backend_port: '8080' },
    })
  })

  test('a dimension with the name of a label wins', () => {
    const values = { gateway: 'eg', gateway_namespace: 'gw', parent_name: 'other' }
    expect(referencesIn(undefined, values)).toMatchObject({
      parent_namespace: 'gw',
      parent_name: 'other',
    })
  })

  test.each([undefined, '', '-', 'x'.repeat(254)])('%j is no name', (value) => {
    expect(labelsOf({ backend_name: value as string })).toEqual(UNKNOWN)
  })
})

describe('series', () => {
  const named = (name: string): RouteReferences => ({ route_name: name })

  test('beyond the bound are one of unknown, and no usage is dropped', () => {
    const table = new RouteTable(2)
    for (const name of ['a', 'b', 'c', 'd', 'a']) table.seriesOf(named(name)).add(AMOUNTS)
    table.seriesOf({}).add(AMOUNTS)
    const { routeRequests, routeEgress, routeIngress, routeSeconds } = table.samples()
    const sums = routeRequests.map(({ labels, value }) => [labels?.['route_name'], value])
    expect(Object.fromEntries(sums)).toEqual({ a: 2n, b: 1n, unknown: 3n })
    expect(routeRequests.find(({ value }) => value === 3n)?.labels).toEqual(UNKNOWN)
    expect(routeEgress.map(({ value }) => value)).toContain(60n)
    expect(routeIngress.map(({ value }) => value)).toContain(9n)
    expect(routeSeconds.map(({ value }) => value)).toContain(4.5)
  })

  test('of a million routes are as many as the bound, and one', () => {
    const table = new RouteTable(100)
    for (let i = 0; i < 1_000_000; i += 1) table.seriesOf(named(`r-${i}`)).add(AMOUNTS)
    const { routeRequests } = table.samples()
    expect(routeRequests).toHaveLength(101)
    expect(routeRequests.reduce((sum, { value }) => sum + (value as bigint), 0n)).toBe(1_000_000n)
  })
})
