// An agent in this process, a gateway that fails, and a network that fails between them, drawn from
// seeds; the gateway remembers ids for ever, for two minutes, or not at all.
// METER_FAST_SEED and METER_FAST_SEEDS (per dedup window) choose what is drawn.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AgentSignal } from '../../src/agent.ts'
import { GatewaySink } from '../../src/deliver/gateway-sink.ts'
import type { FrozenBatch, Sink, SinkAnswer } from '../../src/deliver/sink.ts'
import { idOf, sumsPerWindow } from '../agent/bills.ts'
import { config, scratch, until } from '../agent/rig.ts'
import { DiskLog, pieces, steadyLog } from '../agent/steady-log.ts'
import { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'
import { FastAgent, FastTime, fastWorld } from './fast-world.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { drawFault, drawStep } from './random-faults.ts'

const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 1e9))
const SEEDS = Number(process.env['METER_FAST_SEEDS'] ?? 3)
const SPEED = 100
const MINUTE_MS = 60_000
const WINDOW_MS = 10_000
const TIMEOUT_MS = 80

let gateway: TestGateway
let proxy: FaultProxy
beforeEach(async () => {
  gateway = await startGateway()
  proxy = await startFaultProxy(gateway.port)
})
afterEach(async () => {
  await proxy.close()
  await gateway.close()
})

interface Attempt {
  readonly ids: readonly string[]
  readonly kind: SinkAnswer['kind']
}

/** The gateway sink, and every attempt that it made. */
class RecordedSink implements Sink {
  readonly name = 'recorded'
  readonly #sink = new GatewaySink({ url: proxy.url, timeoutMs: TIMEOUT_MS })
  readonly #attempts: Attempt[]

  constructor(attempts: Attempt[]) {
    this.#attempts = attempts
  }

  async deliver(batch: FrozenBatch, signal: AbortSignal): Promise<SinkAnswer> {
    const answer = await this.#sink.deliver(batch, signal)
    this.#attempts.push({ ids: batch.ids, kind: answer.kind })
    return answer
  }

  close(): Promise<void> {
    return this.#sink.close()
  }
}

/** One agent after another on the same state, in a world of trouble that can be ended. */
class Troubled {
  readonly attempts: Attempt[] = []
  readonly signals: AgentSignal[] = []
  readonly time = new FastTime(Date.UTC(2026, 10, 22, 12), SPEED)
  readonly log: DiskLog
  readonly #directory: string
  readonly #dice: Dice
  #agent: FastAgent | undefined

  constructor(directory: string, dice: Dice) {
    this.#directory = directory
    this.#dice = dice
    this.log = new DiskLog(directory)
    gateway.now = this.time.now
    proxy.decide = () => {
      gateway.script = dice.chance(0.2) ? [drawStep(dice)] : []
      return dice.chance(0.4) ? drawFault(dice) : { do: 'pass' }
    }
  }

  calm(): void {
    proxy.decide = () => ({ do: 'pass' })
    gateway.script = []
  }

  start(): void {
    this.#agent = new FastAgent(config(this.#directory, { rest: { window: '10s' } }), {
      world: fastWorld(this.time, this.#dice),
      sink: new RecordedSink(this.attempts),
      onSignal: (signal) => this.signals.push(signal),
    })
  }

  async stop() {
    const report = await this.#agent?.stop()
    this.#agent = undefined
    return report
  }

  async #nobodyListens(): Promise<void> {
    const { port } = proxy
    await proxy.close()
    await this.time.sleep(this.#dice.below(30_000))
    await proxy.listen(port)
  }

  /** Writes a log of `minutes` that goes on until now, in pieces, while agents come and go. */
  async writeLog(minutes: number): Promise<void> {
    const endMs = this.time.now() + MINUTE_MS
    const span = { startMs: endMs - minutes * MINUTE_MS, endMs }
    const bytes = steadyLog(this.#dice, { lines: 100 * minutes, ...span })
    for (const piece of pieces(bytes, this.#dice, bytes.length / 20)) {
      if (this.#dice.chance(0.1)) {
        await this.stop()
        this.start()
      }
      if (this.#dice.chance(0.1)) this.log.rotate()
      if (this.#dice.chance(0.05)) await this.#nobodyListens()
      this.log.write(piece)
      await this.time.sleep(this.#dice.below(10_000))
    }
  }
}

async function oneSeed(seed: number, dedupWindowMs: number): Promise<Troubled> {
  const dice = new Dice(seed)
  const told = `seed ${seed}`
  gateway.dedupWindowMs = dedupWindowMs
  const troubled = new Troubled(await scratch(), dice)
  troubled.start()
  await troubled.writeLog(6)
  const windowMs = WINDOW_MS
  const stream = 'file/n1/access.log'
  const wanted = sumsPerWindow(slowEvents(troubled.log.generations, { stream, windowMs }))
  troubled.calm()
  await until(`all arrives, ${told}`, () => {
    const stored = sumsPerWindow(gateway.stored.values())
    return JSON.stringify(stored, text) === JSON.stringify(wanted, text)
  })
  await until(`the backlog is empty, ${told}`, () => settledCount(troubled) >= gateway.stored.size)
  const report = await troubled.stop()
  expect(report?.spool, told).toMatchObject({ events: 0, batches: 0 })
  expect(gateway.changed, told).toEqual([])
  expect(settledCount(troubled), told).toBe(gateway.stored.size)
  return troubled
}

const text = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)

/** Events that the agents say have left the spool. */
function settledCount({ signals }: Troubled): number {
  let count = 0
  for (const signal of signals) {
    if (signal.kind !== 'delivery' || signal.signal.kind !== 'settled') continue
    count += signal.signal.accepted + signal.signal.quarantined.length
  }
  return count
}

function countById(lists: Iterable<readonly string[]>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const ids of lists) for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

/** Attempts that the agents told as not accepted: whatever they sent again has its cause here. */
function toldFailures({ signals }: Troubled): number {
  return signals.filter(
    ({ kind, ...rest }) =>
      kind === 'delivery' &&
      'signal' in rest &&
      rest.signal.kind === 'answered' &&
      rest.signal.answer.kind !== 'accepted' &&
      rest.signal.answer.kind !== 'partly',
  ).length
}

const seeds = (offset: number) =>
  Array.from({ length: SEEDS }, (_, at) => SEED + 1000 * offset + at)

/** What happened in all seeds together: a test of chaos without chaos proves nothing. */
const happened = { events: 0, attempts: 0, failed: 0, copies: 0, faults: new Set<string>() }

function tally({ attempts }: Troubled, failed: number): void {
  happened.events += gateway.stored.size
  happened.attempts += attempts.length
  happened.failed += failed
  happened.copies += gateway.published.length - gateway.stored.size
  for (const { fault } of proxy.exchanges) happened.faults.add(fault)
}

describe('with a gateway that deduplicates for ever', () => {
  test.each(seeds(0))('each unit of usage is received exactly once (seed %i)', async (seed) => {
    await oneSeed(seed, Number.POSITIVE_INFINITY)
    expect(gateway.published).toEqual([...gateway.stored.values()])
  })
})

describe.each([
  ['for 2 minutes', 1, 2 * MINUTE_MS],
  ['not at all', 2, 0],
])('with a gateway that deduplicates %s', (_name, offset, dedupWindowMs) => {
  test.each(seeds(offset))(
    'the only duplicates are events that were sent again, as the agent told (seed %i)',
    async (seed) => {
      const troubled = await oneSeed(seed, dedupWindowMs)
      const { attempts } = troubled
      const failed = attempts.filter(({ kind }) => kind !== 'accepted' && kind !== 'partly')
      expect(toldFailures(troubled)).toBe(failed.length)
      tally(troubled, failed.length)
      // What the network itself sends twice is no doing of the agent.
      const doubled = proxy.exchanges.filter(({ seen }) => seen === 2).map(({ ids }) => ids)
      const allowed = countById([...failed.map(({ ids }) => ids), ...doubled])
      const copies = countById([gateway.published.map(idOf)])
      const unexplained = [...copies].filter(([id, n]) => n - 1 > (allowed.get(id) ?? 0))
      expect(unexplained).toEqual([])
    },
  )
})

test('and there was trouble of every kind', () => {
  console.log(`METER_FAST_SEED=${SEED}`, happened)
  expect(happened.faults.size).toBeGreaterThan(8)
  expect(happened.failed).toBeGreaterThan(happened.attempts / 10)
  expect(happened.copies).toBeGreaterThan(100)
})
