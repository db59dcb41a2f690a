// Requests that Envoy logs more than once: the pipeline bills their first record whole and drops
// the others by their id; we bill differences. That is a cause of its own, with exact amounts.

import { expect, test } from 'vitest'
import { file, meterFast, useCommand } from '../cli/command.ts'
import { vectorFile } from './vector.ts'

useCommand()

const START = '2026-11-22T12:00:00.000000Z'

/** Running totals of one websocket, as they were at the time of each record. */
function record(type: string, seconds: number, bytes: number, changes: object = {}): string {
  return JSON.stringify({
    access_log_type: type,
    bytes_received: 0,
    bytes_sent: bytes,
    connection_id: 7,
    duration: seconds * 1000,
    project_name: 'p-a',
    request_id: 'socket',
    route_name: 'httproute/ns-1/socket/rule/0',
    start_time: START,
    stream_id: 'socket',
    ...changes,
  })
}

const LOG = [
  record('DownstreamStart', 0, 0),
  record('DownstreamPeriodic', 60, 1000),
  record('DownstreamEnd', 90, 1000, { request_id: 'short', stream_id: 'short', connection_id: 8 }),
  record('DownstreamPeriodic', 120, 5000),
  record('DownstreamEnd', 130, 6000),
  record('UpstreamEnd', 130, 6000, { request_id: 'upstream' }),
]
  .map((line) => `${line}\n`)
  .join('')

test('the first record whole, the others not at all: a cause with its amounts', async () => {
  file('access.log', LOG)
  file('vector.ndjson', vectorFile(LOG))
  file('usage.ndjson', (await meterFast(['scan', '--events', 'access.log'])).stdout)
  const args = ['compare', '--json', 'vector.ndjson', 'usage.ndjson', '--logs', 'access.log']
  const { stdout, stderr } = await meterFast(args)
  const { rows } = JSON.parse(stdout) as { rows: { meter: string; causes: object }[] }
  const causes = rows.map(({ meter, causes: found }) => [meter.replace(/.*\//, ''), found])
  // The pipeline bills 1,000 of the socket's 6,000 bytes, 60 of its 130 seconds, and on top the
  // whole record of the upstream side: so do its own requests of it.
  expect(Object.fromEntries(causes), stderr).toEqual({
    requests: { 'partial-records': '-1' },
    'egress-bytes': { 'partial-records': '-1000' },
    'connection-seconds': { 'partial-records': '-60' },
  })
})
