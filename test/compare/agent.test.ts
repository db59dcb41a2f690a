// Side B as it is in shadow mode: an agent with a file sink over the logs of two pods, rotated and
// compressed. Milliseconds are carried on within each pod and across its rotations, so the seconds
// only add up when `compare` takes the logs apart as the agent does.

import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { at, file, meterFast, useCommand } from '../cli/command.ts'
import { Traffic } from './traffic.ts'
import { vectorFile } from './vector.ts'

useCommand()

const PODS = ['1', '2'].map(
  (digit) => `envoy-${digit}_${digit}a1b2c3d-0000-4000-8000-00000000000${digit}`,
)
const CONFIG = {
  streams: [
    { kubernetes: { namespaces: ['gw'], containers: ['envoy'] }, root: '', format: 'datum' },
  ],
  state: { dir: '', reserve_bytes: '0B' },
  sink: { type: 'file', path: '' },
}

/** A runtime's records of some lines. */
function records(lines: readonly string[]): string {
  return lines.map((line) => `2026-11-22T13:00:00.5Z stdout F ${line}\n`).join('')
}

test('two pods, rotated: nothing is unexplained', async () => {
  const logs = PODS.map((pod, index) => {
    // Other requests in each pod, with fractions of seconds that do not add up in one file.
    const log = new Traffic()
      .add(301 + index, { duration: 1333 })
      .add(20, { request_id: null, duration: 77 })
      .log()
      .replaceAll('request-', `${pod}-`)
    const lines = log.trim().split('\n')
    const path = (name: string): string => `pods/gw_${pod}/envoy/${name}`
    file(path('0.log.20261122-121000.gz'), gzipSync(records(lines.slice(0, 100))))
    file(path('0.log.20261122-122000'), records(lines.slice(100, 200)))
    file(path('0.log'), records(lines.slice(200)))
    return log
  })
  file('vector.ndjson', vectorFile(logs.join('')))
  const [stream] = CONFIG.streams
  const config = {
    ...CONFIG,
    streams: [{ ...stream, root: at('pods') }],
    state: { ...CONFIG.state, dir: at('state') },
    sink: { ...CONFIG.sink, path: at('usage.ndjson') },
  }
  file('shadow.json', JSON.stringify(config))
  const run = await meterFast(['run', '--once', '-c', 'shadow.json'])
  expect(run.code, run.stderr).toBe(0)

  const args = ['vector.ndjson', 'usage.ndjson', '--logs', 'pods/*/envoy/*', '-c', 'shadow.json']
  const { code, stdout, stderr } = await meterFast(['compare', '--json', ...args])
  expect(code, stderr).toBe(0)
  const { rows } = JSON.parse(stdout) as { rows: { meter: string; causes: object }[] }
  const seconds = rows.find(({ meter }) => meter.endsWith('/connection-seconds'))
  // By hand, for each pod: 301 and 302 times 1.333 s and 20 times 0.077 s, less 301 and 302 s.
  const [first, second] = [301 * 1333 + 20 * 77, 302 * 1333 + 20 * 77]
  const exact = Math.floor(first / 1000) + Math.floor(second / 1000)
  expect(seconds?.causes).toEqual({ 'sub-second': String(exact - 301 - 302) })
})

test('streams of several formats are compared one by one', async () => {
  const files = (name: string, format: string) => ({ files: [name], source_id: name, format })
  const streams = [files('a.log', 'datum'), files('b.log', 'envoy-gateway')]
  file('two.json', JSON.stringify({ streams, sink: { type: 'stdout' } }))
  const args = ['vector.ndjson', 'usage.ndjson', '--logs', 'vector.ndjson', '-c', 'two.json']
  const { code, stderr } = await meterFast(['compare', ...args])
  expect({ code, stderr }).toMatchObject({ code: 64 })
  expect(stderr).toContain('several formats: compare logs of one')
})
