// Counters by route of a running agent, from Envoy Gateway's metadata in the line and from the
// route's name; off unless asked for, and no event knows of them.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readMetrics } from '../reference/metrics-text.ts'
import { line } from './bills.ts'
import { config, Receiver, RunningAgent, scratch, until } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const GATEWAY = [{ kind: 'Gateway', namespace: 'gw', name: 'eg', sectionName: 'https' }]
const BACKEND = [{ kind: 'Service', namespace: 'ns-a', name: 'web', sectionName: '8080' }]
const GATEWAY_API = 'gateway.networking.k8s.io'

const DIMENSIONS = {
  gateway: { from: '/gateway/0/name' },
  gateway_namespace: { from: '/gateway/0/namespace' },
  parent_section_name: { from: '/gateway/0/sectionName' },
  backend_kind: { from: '/backend/0/kind' },
  backend_namespace: { from: '/backend/0/namespace' },
  backend_name: { from: '/backend/0/name' },
  backend_port: { from: '/backend/0/sectionName' },
}

/** Runs until all is delivered; what /metrics says of routes by then. */
async function routesOf(observe: object, dimensions: object, log: string) {
  const directory = await scratch()
  writeFileSync(join(directory, 'access.log'), log)
  const rest = { observe: { listen: '127.0.0.1:0', ...observe }, dimensions }
  const settings = config(directory, { rest: { ...rest, on_missing_state: 'backfill' } })
  const sink = new Receiver()
  const agent = new RunningAgent(settings, { sink })
  const told = () => agent.signals.find((signal) => signal.kind === 'listening')
  await until('events are there', () => sink.texts.length > 0 && told() !== undefined)
  await until(
    'the commit is durable',
    async () => (await samples()).length > 0 || !('route_series_max' in observe),
  )
  const found = await samples()
  await agent.stop()
  return { found, texts: sink.texts }

  async function samples() {
    const text = await (await fetch(`${told()?.address}/metrics`)).text()
    return readMetrics(text, 'prometheus')
      .flatMap((family) => family.samples)
      .filter(({ name }) => name.startsWith('meter_fast_route_'))
  }
}

// The last line closes the window of the others.
const log = [
  line(START_MS, { ms: 1_500, sent: 10, more: { gateway: GATEWAY, backend: BACKEND } }),
  line(START_MS, { ms: 1_000, sent: 30, more: { gateway: GATEWAY, backend: BACKEND } }),
  line(START_MS, { ms: 0, sent: 5, route: 'original_route' }),
  line(START_MS, { ms: 0, sent: 7, project: null, route: null }),
  line(START_MS + 60_000),
].join('')

test('what is known of a reference is kept, only the missing part is unknown', async () => {
  const { found, texts } = await routesOf({ route_series_max: 10 }, DIMENSIONS, log)
  const egress = found.filter(({ name }) => name === 'meter_fast_route_egress_bytes_total')
  const unknown = Object.fromEntries(
    Object.keys(egress[0]?.labels ?? {}).map((k) => [k, 'unknown']),
  )
  expect(Object.keys(unknown)).toHaveLength(14)
  const whole = egress.find(({ labels }) => labels['backend_name'] === 'web')
  expect(whole).toMatchObject({
    value: 40,
    labels: {
      ...{ parent_group: GATEWAY_API, parent_kind: 'Gateway', parent_namespace: 'gw' },
      ...{ parent_name: 'eg', parent_section_name: 'https' },
      ...{ route_group: GATEWAY_API, route_kind: 'HTTPRoute' },
      ...{ backend_group: 'unknown', backend_kind: 'Service', backend_namespace: 'ns-a' },
      backend_port: '8080',
    },
  })
  expect(egress).toContainEqual(
    expect.objectContaining({ value: 5, labels: { ...unknown, route_name: 'original_route' } }),
  )
  expect(egress).toContainEqual(expect.objectContaining({ value: 7, labels: unknown }))
  const seconds = found.find(
    ({ name, labels }) => name.includes('connection_seconds') && labels['backend_name'] === 'web',
  )
  expect(seconds?.value).toBe(2.5)
  // Labels that the catalog does not declare are in no event.
  expect(texts.join('')).toContain('"gateway":"eg"')
  expect(texts.join('')).not.toMatch(/backend|https/)
})

test('nothing is counted by route unless it is asked for', async () => {
  const { gateway, gateway_namespace } = DIMENSIONS
  expect((await routesOf({}, { gateway, gateway_namespace }, log)).found).toEqual([])
})
