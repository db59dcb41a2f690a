// Keys that look the same in an event, and writers that write the same: at a receiver that keeps
// one event per id, nothing may be lost and nothing may count twice. Sums are literal: what the
// test wrote.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { slowEvents } from '../reference/slow-events.ts'
import { criWrapped, difference, line, parseEvent, SAME, sumsPerProject } from './bills.ts'
import { config, fileStream, Receiver, runOnce, scratch } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)

/** Routes of every kind; none but the first two has a dimension of its own in the catalog. */
const ROUTES = [
  'httproute/ns-a/web/rule/0',
  'httproute/ns-b/web/rule/0',
  'grpcroute/ns-a/web/rule/0',
  'grpcroute/ns-b/api/rule/0',
  'some-other-route',
  'httproute/only-a-namespace',
  null,
]

/** One line per route and window: 1, 10, 100, ... bytes, so that a sum shows what is in it. */
function lines(project: string, windows: number): string {
  const each = Array.from({ length: windows }, (_, window) =>
    ROUTES.map((route, at) =>
      line(START_MS + window * 60_000, { project, route, sent: 10 ** at, received: 3, ms: 500 }),
    ).join(''),
  )
  return each.join('')
}

test('keys that render equal are one event with their sum', async () => {
  const directory = await scratch()
  const log = lines('p-a', 1)
  writeFileSync(join(directory, 'access.log'), log)
  const sink = new Receiver()
  await runOnce(config(directory), { sink })

  const egress = sink.texts
    .map(parseEvent)
    .filter(({ type }) => type.endsWith('/egress-bytes'))
    .map(({ data }) => [data.dimensions?.['httproute_namespace'] ?? 'none', data.value])
  // Two gRPC routes, two unknown ones and no route at all: 100 + 1,000 + ... + 1,000,000.
  expect(egress.sort()).toEqual([
    ['none', '1111100'],
    ['ns-a', '1'],
    ['ns-b', '10'],
  ])
  const wanted = slowEvents([Buffer.from(log)], { stream: 'file/n1/access.log' })
  expect(difference(sink.texts, wanted)).toEqual(SAME)
})

test('seconds are made per key before keys that render equal are summed', async () => {
  const directory = await scratch()
  const routes = ['grpcroute/ns-a/web', 'grpcroute/ns-b/web', 'unknown']
  const log = routes.map((route) => line(START_MS, { route, ms: 1_900 })).join('')
  writeFileSync(join(directory, 'access.log'), log)
  const sink = new Receiver()
  await runOnce(config(directory), { sink })
  // Three times floor(1.9), not floor(5.7).
  expect(sumsPerProject(sink.texts)).toMatchObject({ 'p-a connection-seconds': 3n })
})

async function runNode(sink: Receiver, sourceId: string, log: string): Promise<void> {
  const directory = await scratch()
  writeFileSync(join(directory, 'access.log'), log)
  const streams = [fileStream(directory, { source_id: sourceId })]
  await runOnce(config(directory, { streams }), { sink })
}

test('two nodes with source_ids of their own: the receiver has the sums of both', async () => {
  const sink = new Receiver()
  for (const node of ['node-a', 'node-b']) await runNode(sink, node, lines('p-a', 3))
  expect(sink.changed).toEqual([])
  expect(sumsPerProject(sink.texts)).toEqual({
    'p-a connection-seconds': 2n * BigInt(ROUTES.length),
    'p-a egress-bytes': 2n * 3n * 1_111_111n,
    'p-a ingress-bytes': 2n * 3n * 3n * BigInt(ROUTES.length),
    'p-a requests': 2n * 3n * BigInt(ROUTES.length),
  })
})

test('two nodes with one source_id make equal ids: that is why they must differ', async () => {
  const sink = new Receiver()
  for (const node of ['node-a', 'node-a']) await runNode(sink, node, lines('p-a', 3))
  expect(sink.changed).toEqual([])
  expect(sumsPerProject(sink.texts)).toMatchObject({ 'p-a egress-bytes': 3n * 1_111_111n })
})

test('live files of one node are streams of their own, so are containers of pods', async () => {
  const directory = await scratch()
  for (const name of ['a.log', 'b.log']) writeFileSync(join(directory, name), lines('p-a', 1))
  for (const uid of ['uid-1', 'uid-2']) {
    const container = join(directory, 'pods', `gateway_envoy-${uid}_${uid}`, 'envoy')
    mkdirSync(container, { recursive: true })
    writeFileSync(join(container, '0.log'), criWrapped(lines('p-a', 1)))
  }
  const streams = [
    { files: [join(directory, '*.log')], source_id: 'n1' },
    {
      kubernetes: { namespaces: ['gateway'], containers: ['envoy'] },
      root: join(directory, 'pods'),
    },
  ]
  const sink = new Receiver()
  const report = await runOnce(config(directory, { streams }), { sink })
  expect(report.lines).toMatchObject({ read: 28n, metered: 28n })
  expect(sumsPerProject(sink.texts)).toMatchObject({ 'p-a egress-bytes': 4n * 1_111_111n })
})
