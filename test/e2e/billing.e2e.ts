// End to end: clients talk through a real Envoy, and what meter-fast bills from Envoy's logs is
// what the clients counted. One run of the traffic feeds all tests; Envoy has stopped before they
// begin, so the logs are whole.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootstrap } from './bootstrap.ts'
import { CAPTURING, capture, capturedFormats } from './capture.ts'
import { billOfEvents, billOfTotals, OneShotAgent, scan, type UsageEvent } from './command.ts'
import { installEnvoy, startEnvoy } from './envoy.ts'
import { endsRequest, parseLog, sumLog } from './log-sum.ts'
import { FORMATS, type LogFormat } from './routes.ts'
import { drive } from './scenario.ts'
import type { Tally } from './tally.ts'
import { differences, truthOf } from './truth.ts'
import { startUpstream } from './upstream.ts'

const BURST_ROUNDS = CAPTURING ? 0 : 150

let dir: string
let clients: Tally
let upstreamTally: Tally

const fileOf = (format: LogFormat) => join(dir, `${format.id}.log`)
const logOf = (format: LogFormat) => readFile(fileOf(format))
const truth = (format: LogFormat) => truthOf(format, clients, upstreamTally)

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meter-fast-e2e-'))
  const binary = await installEnvoy()
  const upstream = await startUpstream()
  try {
    const envoy = await startEnvoy(binary, dir, bootstrap(upstream.ports, dir))
    try {
      clients = await drive(envoy, BURST_ROUNDS)
    } finally {
      await envoy.stop()
    }
  } finally {
    await upstream.stop()
  }
  upstreamTally = upstream.tally
  if (!CAPTURING) return
  for (const format of capturedFormats()) await capture(format, await logOf(format), truth(format))
})

afterAll(async () => {
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})

describe.each(FORMATS)('the $id log', (format) => {
  test('holds what the clients counted', async () => {
    const sum = sumLog(format, await logOf(format))
    expect(differences(truth(format), sum.totals)).toEqual([])
  })

  test('has one ending line for each request that nobody is billed for', async () => {
    const ends = parseLog(await logOf(format)).filter((line) => !format.typed || endsRequest(line))
    const text = ends.map((line) => `${JSON.stringify(line)}\n`).join('')
    const { lines } = sumLog(format, Buffer.from(text))
    expect(lines.unattributed).toEqual(truth(format).unattributed)
  })

  test('`scan --json` gives the sum of the log, and so what the clients counted', async () => {
    const scanned = await scan(format, fileOf(format))
    const sum = sumLog(format, await logOf(format))
    expect(scanned).toEqual(sum)
    expect(differences(truth(format), scanned.totals)).toEqual([])
  })

  test('`run --once` sends events that sum to the log', async () => {
    const agent = await OneShotAgent.create(join(dir, `${format.id}-whole`), format, fileOf(format))
    const events = await agent.run()
    const { totals } = sumLog(format, await logOf(format))
    expect(billOfEvents(events)).toEqual(billOfTotals(totals))
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length)
  })

  test('`run --once` over a growing log bills nothing twice and loses nothing', async () => {
    const log = await logOf(format)
    const file = join(dir, `${format.id}-growing.log`)
    const agent = await OneShotAgent.create(join(dir, `${format.id}-parts`), format, file)
    // Cut anywhere, as Envoy's flushes do: most cuts are in the middle of a line.
    let events: readonly UsageEvent[] = []
    for (const share of [0.21, 0.22, 0.5, 0.77, 1]) {
      await writeFile(file, log.subarray(0, Math.floor(log.length * share)))
      events = await agent.run()
    }
    // With nothing new to read, a further run sends nothing.
    expect(await agent.run()).toEqual(events)
    expect(billOfEvents(events)).toEqual(billOfTotals(sumLog(format, log).totals))
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length)
  })
})

describe('the traffic', () => {
  const typed = FORMATS.filter((format) => format.typed)

  test.each(typed)('has running totals of every kind in the $id log', async (format) => {
    const lines = parseLog(await logOf(format))
    const count = (type: string) => lines.filter((line) => line.access_log_type === type).length
    const redirected = lines.filter((line) => line.response_code_details === 'internal_redirect')
    // A request that Envoy cannot read has no beginning and no stream id, only an end.
    const unread = lines.filter((line) => line.stream_id === null)
    expect(redirected).toHaveLength(2)
    expect(unread).toHaveLength(1)
    expect(count('DownstreamEnd')).toBe(count('DownstreamStart') + unread.length)
    expect(count('DownstreamTunnelSuccessfullyEstablished')).toBe(3)
    // Eight streams last 2.7 s or more at a flush interval of 1 s.
    expect(count('DownstreamPeriodic')).toBeGreaterThanOrEqual(16)
  })

  test.each(typed)('has running totals that never fall in the $id log', async (format) => {
    const last = new Map<string, readonly number[]>()
    const fallen: unknown[] = []
    for (const line of parseLog(await logOf(format))) {
      const key = JSON.stringify([line.connection_id, line.stream_id, line.start_time])
      const amounts = ['bytes_sent', 'bytes_received', 'duration'].map((name) => Number(line[name]))
      const before = last.get(key) ?? [0, 0, 0]
      if (amounts.some((amount, index) => amount < (before[index] ?? 0))) fallen.push(line)
      last.set(key, amounts)
    }
    expect(fallen).toEqual([])
  })

  test('has transfers of 100,000 and 1,000,000 bytes, also as 1e+05 and 1e+06', async () => {
    for (const format of FORMATS) {
      const sizes = new Set(parseLog(await logOf(format)).map((line) => line.bytes_sent))
      expect(sizes).toContain(100_000)
      expect(sizes).toContain(1_000_000)
    }
  })

  test('has clients that left with less than the upstream had sent', () => {
    expect(clients.of('left').requests).toBe(6)
    expect(clients.of('left').egressBytes).toBeGreaterThan(0)
    expect(upstreamTally.of('left').egressBytes).toBeGreaterThan(clients.of('left').egressBytes)
  })
})
