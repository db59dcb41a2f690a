// A sink that is away for 24 hours of simulated time: what waits is on disk and as large as
// foreseen, memory is flat, nothing leaks, and then all of it arrives, each event once.

import { getEventListeners } from 'node:events'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GatewaySink } from '../../src/deliver/gateway-sink.ts'
import { spoolCounts } from '../../src/durable/spool-records.ts'
import { openStateReader } from '../../src/durable/store.ts'
import { crc32c } from '../../src/native.ts'
import { difference, line, parseEvent, SAME } from '../agent/bills.ts'
import { config, scratch } from '../agent/rig.ts'
import { DiskLog } from '../agent/steady-log.ts'
import { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { type GatewayStep, startGateway, type TestGateway } from '../sink/gateway.ts'
import { FastAgent } from './fast-world.ts'
import { type Fault, type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { SteppedWorld } from './stepped-world.ts'

const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 1e9))
const HOURS = Number(process.env['METER_FAST_OUTAGE_HOURS'] ?? 24)
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const STEP_MS = 30_000
const START_MS = Date.UTC(2026, 10, 22, 12)
const KEYS = 10
const ROTATED_KEPT = 2
const MIB = 1024 * 1024

interface Sample {
  readonly hour: number
  readonly heapMib: number
  readonly anonymousMib: number
  readonly resources: Readonly<Record<string, number>>
  readonly fds: number
}

/** The lines of one step, one of each key. */
function stepOfLog(startMs: number, dice: Dice): string {
  const texts: string[] = []
  for (let key = 0; key < KEYS; key += 1) {
    const clockMs = startMs + Math.floor((STEP_MS * key) / KEYS)
    const route = `httproute/ns-${key >> 1}/route-${key}/rule/0`
    const amounts = { sent: 1 + dice.below(1e6), received: dice.below(5e3), ms: dice.below(1e4) }
    texts.push(line(clockMs, { project: `p-${key >> 1}`, route, ...amounts }))
  }
  return texts.join('')
}

function sample(hour: number): Sample {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  const status = readFileSync('/proc/self/status', 'utf8')
  const resources: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
  return {
    hour,
    heapMib: (heapUsed + external) / MIB,
    anonymousMib: Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]) / 1024,
    resources,
    fds: readdirSync('/proc/self/fd').length,
  }
}

/** How the sink is away, an hour each: what it answers, or that nobody listens. */
const OUTAGES: readonly (Fault | GatewayStep | 'nobody listens')[] = [
  { do: 'reset' },
  { do: 'fail', status: 503 },
  'nobody listens',
  { do: 'fail', status: 429, after: 0, retryAfter: '30' },
  { do: 'say', status: 401 },
  { do: 'cut-request', share: 0.5 },
]

/** A gateway behind a proxy, away in one way or another. */
class AwaySink {
  readonly gateway: TestGateway
  readonly proxy: FaultProxy
  readonly #port: number
  #listens = true
  attempts = 0

  constructor(gateway: TestGateway, proxy: FaultProxy) {
    this.gateway = gateway
    this.proxy = proxy
    this.#port = proxy.port
    gateway.keepsRequests = false
  }

  async setOutage(outage: (typeof OUTAGES)[number] | undefined): Promise<void> {
    const listens = outage !== 'nobody listens'
    if (this.#listens && !listens) await this.proxy.close()
    if (!this.#listens && listens) await this.proxy.listen(this.#port)
    this.#listens = listens
    this.proxy.decide = () => {
      this.attempts += 1
      this.proxy.exchanges.length = 0
      this.gateway.script = []
      if (outage === undefined || outage === 'nobody listens') return { do: 'pass' }
      if (outage.do === 'reset' && !('when' in outage)) return outage
      if (outage.do === 'cut-request') return outage
      this.gateway.script = [outage as GatewayStep]
      return { do: 'pass' }
    }
  }
}

/** Deletes what was rotated long ago, as a rotation does, and keeps it for the oracle. */
function deleteOld(log: DiskLog, archive: string): void {
  for (const path of log.paths.slice(0, -1 - ROTATED_KEPT).filter(existsSync)) {
    copyFileSync(path, join(archive, basename(path)))
    rmSync(path)
  }
}

/** Every file that the log ever was, oldest first. */
function wholeLog(log: DiskLog, archive: string): Buffer[] {
  const archived = log.paths.map((path) => join(archive, basename(path))).filter(existsSync)
  return [...archived, ...log.paths.filter(existsSync)].map((path) => readFileSync(path))
}

/** Writes `hours` of log as time goes by, and measures at the end of each of them. */
async function outageOf(
  hours: number,
  away: AwaySink,
  world: SteppedWorld,
  log: DiskLog,
  archive: string,
) {
  const dice = new Dice(SEED)
  const samples: Sample[] = []
  for (let hour = 0; hour < hours; hour += 1) {
    await away.setOutage(OUTAGES[hour % OUTAGES.length])
    for (let step = 0; step < HOUR_MS / STEP_MS; step += 1) {
      appendFileSync(log.path, stepOfLog(world.now(), dice))
      world.advance(STEP_MS)
      await world.quiet()
    }
    for (const signal of world.signals) {
      expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(2)
    }
    samples.push(sample(hour + 1))
    log.rotate()
    deleteOld(log, archive)
  }
  return samples
}

const bytesOf = (events: readonly string[]) =>
  events.reduce((sum, text) => sum + Buffer.byteLength(text), 0)

async function spoolIn(directory: string) {
  const reader = await openStateReader(join(directory, 'state'), { crc32c })
  const counts = spoolCounts(reader)
  await reader.close()
  return { ...counts, fileBytes: statSync(join(directory, 'state', 'state.mdb')).size }
}

describe(`a sink that is away for ${HOURS} hours`, () => {
  test('costs disk as foreseen and no memory, and then all arrives once', async () => {
    const warnings: string[] = []
    process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`))
    const gateway = await startGateway()
    const proxy = await startFaultProxy(gateway.port)
    const away = new AwaySink(gateway, proxy)
    const directory = await scratch()
    const log = new DiskLog(directory)
    const world = new SteppedWorld(START_MS)
    const signals: Record<string, number> = {}
    const agent = new FastAgent(config(directory), {
      world,
      sink: new GatewaySink({ url: proxy.url, timeoutMs: 30_000, now: () => world.now() }),
      onSignal: ({ kind, ...rest }) => {
        const name = kind === 'delivery' && 'signal' in rest ? rest.signal.kind : kind
        signals[name] = (signals[name] ?? 0) + 1
      },
    })
    const beganMs = performance.now()
    const archive = await scratch()
    const samples = await outageOf(HOURS, away, world, log, archive)
    const tookMs = performance.now() - beganMs

    const events = slowEvents(wholeLog(log, archive), { stream: 'file/n1/access.log' })
    // The last window is still open.
    const lastTime = events
      .map((text) => parseEvent(text).time)
      .sort()
      .at(-1)
    const closed = events.filter((text) => parseEvent(text).time !== lastTime)
    const spool = await spoolIn(directory)
    console.log(`METER_FAST_SEED=${SEED}`, { tookMs, attempts: away.attempts, signals, spool })
    console.table(samples.map(({ resources, ...rest }) => ({ ...rest, ...resources })))
    expect(gateway.stored.size).toBe(0)
    expect(spool).toMatchObject({ events: closed.length, bytes: bytesOf(closed), held: 0 })
    expect(spool.fileBytes).toBeLessThan(1.5 * spool.bytes + 4 * MIB)
    expectFlat(samples)

    await away.setOutage(undefined)
    const drainBeganMs = performance.now()
    while (gateway.stored.size < events.length) {
      world.advance(STEP_MS)
      await world.quiet()
    }
    console.log(`drained ${events.length} events in ${performance.now() - drainBeganMs} ms`)
    const report = await agent.stop()
    expect(report.spool).toEqual({ events: 0, bytes: 0, held: 0, batches: 0 })
    expect(difference([...gateway.stored.values()], events)).toEqual(SAME)
    expect(gateway.published).toHaveLength(events.length)
    expect(gateway.changed).toEqual([])
    expect(warnings).toEqual([])
    await proxy.close()
    await gateway.close()
  })
})

/** The first hours warm up; from then on nothing may grow but what a measurement sways. */
function expectFlat(samples: readonly Sample[]): void {
  const [early, late] = [samples[5], samples.at(-1)]
  if (!early || !late) throw new Error('it takes more than six hours to tell')
  expect(late.heapMib - early.heapMib).toBeLessThan(4)
  expect(late.anonymousMib - early.anonymousMib).toBeLessThan(24)
  expect(late.fds - early.fds).toBeLessThanOrEqual(2)
  for (const [name, count] of Object.entries(late.resources)) {
    expect(count, name).toBeLessThanOrEqual((early.resources[name] ?? 0) + 2)
  }
}
