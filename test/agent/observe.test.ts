// What is seen of a running agent from outside: /metrics agrees with the state, with `status` and
// with what the sink got; /healthz and /readyz say what a supervisor should do.

import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readStatus } from '../../src/agent/status.ts'
import type { Config } from '../../src/config/config.ts'
import { readMetrics, sampleOf } from '../reference/metrics-text.ts'
import { startGateway } from '../sink/gateway.ts'
import { line, sumsPerProject } from './bills.ts'
import { Clock, config, Receiver, RunningAgent, runOnce, scratch, until } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const MINUTE_MS = 60_000
const OPEN = { rest: { observe: { listen: '127.0.0.1:0' } } }
const METERS = ['requests', 'egress-bytes', 'ingress-bytes', 'connection-seconds']
const meterOf = (name: string) => `networking.datumapis.com/gateway/${name}`

/** The address that an agent says it is at. */
async function addressOf(agent: RunningAgent): Promise<string> {
  const told = () => agent.signals.find((signal) => signal.kind === 'listening')
  await until('it listens', () => told() !== undefined)
  return told()?.address ?? ''
}

async function scrape(address: string) {
  const response = await fetch(`${address}/metrics`)
  expect(response.status).toBe(200)
  const families = readMetrics(await response.text(), 'prometheus')
  const metric = (name: string, labels: Record<string, string> = {}): number =>
    sampleOf(families, `meter_fast_${name}`, labels).value
  /** Over all its series. */
  const sum = (name: string): number =>
    families
      .flatMap(({ samples }) => samples)
      .filter((sample) => sample.name === `meter_fast_${name}`)
      .reduce((total, { value }) => total + value, 0)
  return Object.assign(metric, { sum })
}

/** Waits until a metric is worth that, and gives that scrape. */
async function metricsWhen(
  agent: RunningAgent,
  isSo: (metric: Awaited<ReturnType<typeof scrape>>) => boolean,
) {
  const address = await addressOf(agent)
  let metric = await scrape(address)
  await until('the metrics say so', async () => {
    metric = await scrape(address)
    try {
      return isSo(metric)
    } catch {
      return false
    }
  })
  return metric
}

async function health(agent: RunningAgent, path: string) {
  const response = await fetch((await addressOf(agent)) + path)
  return { status: response.status, text: await response.text() }
}

async function readyWhen(agent: RunningAgent, pattern: RegExp) {
  let found = await health(agent, '/readyz')
  await until(`ready says ${pattern}`, async () => {
    found = await health(agent, '/readyz')
    return pattern.test(found.text)
  })
  return found
}

/** One line of every sort of outcome, and enough after it to close its window. */
const MIXED = [
  line(START_MS, { sent: 100, received: 10, ms: 2_500 }),
  line(START_MS, { project: 'p-b', sent: 7 }),
  line(START_MS, { project: null, sent: 5 }),
  'not json\n',
  '{"cut":\n',
  '{"start_time":}\n',
  line(START_MS + MINUTE_MS, { sent: 1 }),
].join('')

describe.concurrent('metrics of a running agent', () => {
  test('lines, usage and events agree with status and with what the sink got', async () => {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), MIXED)
    const settings = config(directory, OPEN)
    const sink = new Receiver()
    const agent = new RunningAgent(settings, { sink, now: new Clock(START_MS + MINUTE_MS).now })
    const made = sumOf(await readWhenAccepted(settings, sink))
    const metric = await metricsWhen(agent, (found) => {
      return found('events_total', { stage: 'accepted' }) === sink.texts.length
    })
    const { lines, counts, commits } = await readStatus(settings.state.dir)
    const groups = ['ignored', 'unattributed', 'quarantined'] as const
    for (const outcome of groups) {
      for (const [reason, count] of Object.entries(lines[outcome])) {
        expect(metric('lines_total', { outcome, reason }), reason).toBe(Number(count))
      }
    }
    expect(metric('lines_total', { outcome: 'metered', reason: '' })).toBe(Number(lines.metered))
    expect(lines.read).toBe(7n)
    expect(metric('commits_total')).toBe(commits)
    expect(metric('events_total', { stage: 'made' })).toBe(counts.events)
    // In windows that are over, metered usage is all in events, and all of these are accepted.
    for (const name of METERS) {
      const usage = (stage: string) => metric('usage_total', { meter: meterOf(name), stage })
      const sum = made[name] ?? 0
      expect([usage('closed'), usage('made'), usage('accepted')], name).toEqual([sum, sum, sum])
      expect(usage('rejected')).toBe(0)
    }
    const unattributed = { meter: meterOf('egress-bytes'), stage: 'unattributed' }
    expect(metric('usage_total', unattributed)).toBe(5)
    expect(metric('segments_closed_total', { by: 'content' })).toBe(1)
    expect(metric('read_bytes_total')).toBe(MIXED.length)
    expect(metric('unread_bytes')).toBe(0)
    expect(metric.sum('line_paths_total')).toBe(Number(lines.read))
    expect(metric('streams')).toBe(1)
    expect(metric('oldest_open_window_age_seconds')).toBeGreaterThanOrEqual(0)
    expect(metric('state_bytes')).toBeGreaterThan(4096)
  })

  test('counters of the state go on after a restart, and never go back', async () => {
    const directory = await scratch()
    const path = join(directory, 'access.log')
    writeFileSync(path, MIXED)
    const settings = config(directory, OPEN)
    const sink = new Receiver()
    const options = { sink, now: new Clock(START_MS + MINUTE_MS).now }
    const isRead = (count: number) => (found: Awaited<ReturnType<typeof scrape>>) =>
      found('lines_total', { outcome: 'metered', reason: '' }) === count
    const first = new RunningAgent(settings, options)
    await metricsWhen(first, isRead(3))
    await first.stop()
    const next = new RunningAgent(settings, options)
    await until('it has begun', () => next.signals.some(({ kind }) => kind === 'started'))
    const metric = await scrape(await addressOf(next))
    expect(metric('lines_total', { outcome: 'metered', reason: '' })).toBe(3)
    expect(metric('usage_total', { meter: meterOf('requests'), stage: 'closed' })).toBe(2)
    appendFileSync(path, line(START_MS + MINUTE_MS))
    await metricsWhen(next, isRead(4))
    await next.stop()
  })

  test('a lost file is a gap with its bytes', async () => {
    const directory = await scratch()
    const path = join(directory, 'access.log')
    const text = line(START_MS).repeat(3)
    writeFileSync(path, text)
    const settings = config(directory, OPEN)
    await runOnce(settings, { sink: new Receiver() })
    appendFileSync(path, line(START_MS).repeat(5))
    rmSync(path)
    writeFileSync(path, line(START_MS + MINUTE_MS, { sent: 99 }))
    const agent = new RunningAgent(settings, { sink: new Receiver() })
    const metric = await metricsWhen(agent, (found) => found('gaps_total') > 0)
    const { counts } = await readStatus(settings.state.dir)
    expect(metric('gaps_total')).toBe(counts.gaps)
    expect(metric('lost_bytes_total')).toBe(counts.gap_bytes)
    expect(metric('signals_total', { kind: 'gap' })).toBe(1)
  })

  test('attempts are counted by status and result, and timed', async () => {
    const gateway = await startGateway()
    gateway.script = [{ do: 'fail', status: 503, after: 0, retryAfter: '0' }]
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), MIXED)
    const sink = { type: 'milo-gateway', url: gateway.url }
    const rest = { ...OPEN.rest, on_missing_state: 'backfill' }
    const now = new Clock(START_MS + MINUTE_MS).now
    const agent = new RunningAgent(config(directory, { sink, rest }), { now })
    const metric = await metricsWhen(agent, (found) => {
      return found('sink_requests_total', { code: '200', result: 'accepted' }) > 0
    })
    expect(metric('sink_requests_total', { code: '503', result: 'unknown' })).toBe(1)
    const answered = gateway.requests.length
    expect(metric('sink_request_duration_seconds_count')).toBe(answered)
    expect(metric('sink_request_duration_seconds_sum')).toBeGreaterThan(0)
    expect(metric('commit_duration_seconds_sum', { phase: 'write' })).toBeGreaterThan(0)
    await agent.stop()
    await gateway.close()
  })

  test('what waits is shown by state, in bytes and with its age', async () => {
    const { agent, clock, settings } = await withFullSpool()
    clock.set(START_MS + 90 * MINUTE_MS)
    const metric = await metricsWhen(agent, (found) => {
      return found('unread_bytes') > 0 && found('oldest_unsent_age_seconds') > 0
    })
    expect(metric('oldest_unsent_age_seconds')).toBeGreaterThanOrEqual(90 * 60)
    expect(metric('spool_bytes')).toBeGreaterThanOrEqual(settings.state.spoolBytesMax)
    expect(metric('spool_bytes_max')).toBe(settings.state.spoolBytesMax)
    expect(metric('spool_events', { state: 'queued' })).toBeGreaterThan(0)
    expect(metric('spool_events', { state: 'held' })).toBe(0)
    await agent.stop()
  })

  test('a log whose clock is ahead of ours shows as skew', async () => {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), line(START_MS + 10 * MINUTE_MS))
    const settings = config(directory, OPEN)
    const agent = new RunningAgent(settings, { now: new Clock(START_MS).now })
    const metric = await metricsWhen(agent, (found) => found('clock_skew_seconds') > 0)
    expect(metric('clock_skew_seconds')).toBeGreaterThan(9 * 60)
    expect(metric('clock_skew_seconds')).toBeLessThanOrEqual(10 * 60)
    await agent.stop()
  })

  test('a one-shot run opens nothing, so it can run beside an agent', async () => {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), MIXED)
    const agent = new RunningAgent(config(directory, OPEN), { once: true, sink: new Receiver() })
    await agent.ended
    expect(agent.signals.map(({ kind }) => kind)).not.toContain('listening')
  })
})

describe.concurrent('health of a running agent', () => {
  test('an agent that reads is alive and ready, and gone when it was stopped', async () => {
    const directory = await scratch()
    const agent = new RunningAgent(config(directory, OPEN), { sink: new Receiver() })
    expect(await readyWhen(agent, /^ready$/m)).toEqual({ status: 200, text: 'ready\n' })
    expect(await health(agent, '/healthz')).toEqual({ status: 200, text: 'alive\n' })
    const metric = await scrape(await addressOf(agent))
    expect(metric('ready')).toBe(1)
    await agent.stop()
    await expect(health(agent, '/readyz')).rejects.toThrow()
  })

  test('one that waits for the state of another is ready at first, and says for whom', async () => {
    const directory = await scratch()
    const settings = config(directory, OPEN)
    const first = new RunningAgent(settings, { sink: new Receiver() })
    await readyWhen(first, /^ready$/m)
    const second = new RunningAgent(settings, { sink: new Receiver() })
    const waiting = await readyWhen(second, /waiting for the state/)
    expect(waiting.status).toBe(200)
    expect(waiting.text).toContain(`process ${process.pid}`)
    expect((await health(second, '/healthz')).status).toBe(200)
    await first.stop()
    expect((await readyWhen(second, /^ready\n$/)).status).toBe(200)
    await second.stop()
  })

  test('a sink that is down keeps it ready, and is told', async () => {
    const { agent, sink } = await withRefusal({ kind: 'unreachable', status: 0, text: 'refused' })
    const found = await readyWhen(agent, /unreachable/)
    expect(found).toEqual({
      status: 200,
      text: 'ready\nthe sink: unreachable: refused; usage is kept\n',
    })
    sink.refusal = undefined
    expect((await readyWhen(agent, /^ready\n$/)).status).toBe(200)
    await agent.stop()
  })

  test('a sink that is configured wrong makes it not ready', async () => {
    const { agent } = await withRefusal({
      kind: 'misconfigured',
      status: 404,
      text: 'no such path',
    })
    const found = await readyWhen(agent, /misconfigured/)
    expect(found).toEqual({
      status: 503,
      text: 'not ready\nthe sink: misconfigured: no such path\n',
    })
    expect((await health(agent, '/healthz')).status).toBe(200)
    expect((await scrape(await addressOf(agent)))('ready')).toBe(0)
    await agent.stop()
  })

  test('a full spool makes it not ready until the sink has accepted', async () => {
    const { agent, sink } = await withFullSpool()
    expect((await readyWhen(agent, /the spool is full/)).status).toBe(503)
    sink.refusal = undefined
    expect((await readyWhen(agent, /^ready\n$/)).status).toBe(200)
    expect(agent.signals.map(({ kind }) => kind)).toContain('spool-free')
    await agent.stop()
  })

  test('a full disk makes it not ready, and it stays alive', async () => {
    const directory = await scratch()
    const settings = config(directory, OPEN)
    const state = { ...settings.state, reserveBytes: 2 ** 52 }
    const agent = new RunningAgent({ ...settings, state }, { sink: new Receiver() })
    expect((await readyWhen(agent, /the disk of the state is full/)).status).toBe(503)
    expect((await health(agent, '/healthz')).status).toBe(200)
    await agent.stop()
  })

  test('an address that is in use ends the start, with its name', async () => {
    const first = new RunningAgent(config(await scratch(), OPEN), { sink: new Receiver() })
    const listen = (await addressOf(first)).replace('http://', '')
    const taken = config(await scratch(), { rest: { observe: { listen } } })
    const second = new RunningAgent(taken, { sink: new Receiver() })
    await expect(second.ended).rejects.toMatchObject({
      code: 'METER_CONFIG_INVALID',
      message: expect.stringMatching(`"${listen}": another process listens there`),
    })
    await first.stop()
  })
})

/** Enough keys that one window fills a small spool; the line behind them stays unread. */
async function withFullSpool() {
  const directory = await scratch()
  const path = join(directory, 'access.log')
  const wide = Array.from({ length: 100 }, (_, at) => line(START_MS, { project: `p-${at}` }))
  writeFileSync(path, wide.join('') + line(START_MS + MINUTE_MS))
  const settings = config(directory, OPEN)
  const small = { ...settings, state: { ...settings.state, spoolBytesMax: 20 * 1024 } }
  const sink = new Receiver()
  sink.refusal = { kind: 'unknown', status: 503, text: 'down' }
  const clock = new Clock(START_MS)
  const agent = new RunningAgent(small, { sink, now: clock.now })
  await until('the spool is full', () => agent.signals.some(({ kind }) => kind === 'spool-full'))
  appendFileSync(path, line(START_MS + MINUTE_MS))
  return { agent, sink, clock, settings: small }
}

async function withRefusal(refusal: Receiver['refusal']) {
  const directory = await scratch()
  writeFileSync(join(directory, 'access.log'), MIXED)
  const sink = new Receiver()
  sink.refusal = refusal
  const now = new Clock(START_MS + MINUTE_MS).now
  const agent = new RunningAgent(config(directory, OPEN), { sink, now })
  return { agent, sink }
}

/** Events of the first window, once the sink has them all. */
async function readWhenAccepted(settings: Config, sink: Receiver): Promise<readonly string[]> {
  await until('all is accepted', async () => {
    if (sink.texts.length === 0) return false
    const { counts, spool } = await readStatus(settings.state.dir)
    return spool.events === 0 && counts.events_accepted === sink.texts.length
  })
  return sink.texts
}

/** Sums by the last word of the meter. */
function sumOf(texts: readonly string[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [name, sum] of Object.entries(sumsPerProject(texts))) {
    const meter = name.split(' ')[1] ?? ''
    sums[meter] = (sums[meter] ?? 0) + Number(sum)
  }
  return sums
}
