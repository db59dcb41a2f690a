// docs/migration.md runs as it stands: its configurations, a pipeline that is emulated, a gateway.
// At the end every request was billed once: by the pipeline or by meter-fast, never by both.

import { existsSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { until } from '../agent/rig.ts'
import { Traffic } from '../compare/traffic.ts'
import { vectorFile } from '../compare/vector.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'
import { blocksOf, describeDocument, type Place } from './runner.ts'

const DOCUMENT = 'docs/migration.md'

/** What the pipeline reads, with two of its faults. */
const OLD_LOG = new Traffic()
  .add(200, { duration: 1500 })
  .add(20, { route_name: 'grpcroute/ns-6f1c/chat/rule/0', duration: 1000 })
  .log()
/** What Envoy writes after the cut: the same hour goes on. */
const NEW_LOG = new Traffic().add(50, { bytes_sent: 7, request_id: null }).log()

let gateway: TestGateway

async function prepare({ directory, env }: Place): Promise<void> {
  gateway = await startGateway()
  env['BILLING_URL'] = gateway.url
  for (const block of blocksOf(DOCUMENT, 'yaml')) {
    const [, name] = /^# (\S+\.yaml)$/m.exec(block) ?? []
    if (name) writeFileSync(join(directory, name), block)
  }
  writeFileSync(join(directory, 'access.log'), OLD_LOG)
  writeFileSync(join(directory, 'vector.ndjson'), vectorFile(OLD_LOG))
}

/** The events that a whole read of a log makes. */
async function eventsOf({ run }: Place, log: string): Promise<string[]> {
  return (await run(`meter-fast scan --events ${log}`)).split('\n').slice(0, -1)
}

const linesOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []

async function shadowIsDone(place: Place): Promise<void> {
  const wanted = (await eventsOf(place, 'access.log')).length
  const kept = join(place.directory, 'usage.ndjson')
  await until('all events in the file', () => linesOf(kept).length >= wanted)
}

async function cut({ directory }: Place): Promise<void> {
  expect(gateway.published).toEqual([])
  writeFileSync(join(directory, 'billed.log'), NEW_LOG)
}

async function billingIsDone(place: Place): Promise<void> {
  const wanted = (await eventsOf(place, 'billed.log')).length
  await until('all events at the gateway', () => gateway.published.length >= wanted)
  const requests = gateway.published
    .map((text) => JSON.parse(text) as { type: string; data: { value: string } })
    .filter(({ type }) => type.endsWith('/requests'))
  // The fifty of the new log: none of the old one, and none twice.
  expect(requests.reduce((sum, { data }) => sum + Number(data.value), 0)).toBe(50)
}

async function end({ directory }: Place): Promise<void> {
  for (const name of ['shadow.pid', 'billing.pid']) {
    const path = join(directory, name)
    if (!existsSync(path)) continue
    const pid = Number(readFileSync(path, 'utf8'))
    if (worksIn(directory, pid)) process.kill(pid)
    await until(`the end of ${name}`, () => !worksIn(directory, pid))
  }
  await gateway?.close()
}

/** False for a process that is over, and for another one that has its number by now. */
function worksIn(directory: string, pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(directory)
  } catch {
    return false
  }
}

describeDocument({
  path: DOCUMENT,
  prepare,
  end,
  before: [
    ["'access.log*' -c shadow.yaml\n", shadowIsDone],
    ['kill "$(cat shadow.pid)"', cut],
    ['verify', billingIsDone],
  ],
  prints: [
    ['check -c shadow.yaml', /^shadow\.yaml: ok/m],
    [
      "'access.log*' -c shadow.yaml\n",
      /^grpc-routes: .*\+20 requests[\s\S]*^unexplained: nothing$/m,
    ],
    ['check -c billing.yaml', /^billing\.yaml: ok/m],
    ['verify', /^no difference$/m],
  ],
})
