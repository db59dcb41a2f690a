// `run` as people run it, ended by SIGKILL while its sink is in trouble: the next run resolves what
// the first left open. What was sent before comes again with the same bytes, and the state names
// every batch that may come twice.

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { readContent, waitingBatches } from '../../src/durable/spool-records.ts'
import { openStateReader } from '../../src/durable/store.ts'
import { crc32c } from '../../src/native.ts'
import { difference, idOf, SAME } from '../agent/bills.ts'
import { Command, configFile, scratch, until } from '../agent/rig.ts'
import { DiskLog, steadyLog } from '../agent/steady-log.ts'
import { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'
import { type Fault, type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { drawFault, drawStep } from './random-faults.ts'

const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 1e9))
const STREAM = 'file/n1/access.log'
const SPAN_MS = 60_000
const LIVES = 8

const open: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const one of open) await one.close()
})

interface Place {
  readonly gateway: TestGateway
  readonly proxy: FaultProxy
  readonly directory: string
  readonly configPath: string
  /** Every event of the log, as it must arrive. */
  readonly wanted: string[]
}

/** A log that is there, an agent's configuration, and a gateway behind a proxy. */
async function place(seed: number, lines: number): Promise<Place> {
  const gateway = await startGateway()
  const proxy = await startFaultProxy(gateway.port)
  open.push(proxy, gateway)
  const directory = await scratch()
  const configPath = await configFile(directory, {
    sink: { type: 'milo-gateway', url: proxy.url },
    rest: { window: '1s' },
  })
  const log = new DiskLog(directory)
  // Ahead of the clock: then no window is closed by time, and ids are those of the oracle.
  const startMs = Date.now() + SPAN_MS
  log.write(steadyLog(new Dice(seed), { lines, startMs, endMs: startMs + SPAN_MS }))
  const wanted = slowEvents(log.generations, { stream: STREAM, windowMs: 1_000 })
  return { gateway, proxy, directory, configPath, wanted }
}

/** Ids of batches that were sent and of which the state does not know the outcome. */
async function openAttempts(directory: string): Promise<string[]> {
  const reader = await openStateReader(join(directory, 'state'), { crc32c })
  try {
    const batches = [...waitingBatches(reader, 'queue')].filter(({ attempts }) => attempts > 0)
    return batches.flatMap(({ number }) =>
      (readContent(reader, number)?.events ?? []).map(({ id }) => id),
    )
  } finally {
    await reader.close()
  }
}

async function lastRun({ configPath, proxy, gateway, wanted }: Place): Promise<void> {
  proxy.decide = () => ({ do: 'pass' })
  const last = new Command('run', '--once', '-c', configPath)
  expect(await last.ended, last.stderr).toBe(0)
  expect(last.stderr).not.toContain('GAP')
  expect(gateway.changed).toEqual([])
  expect(difference([...gateway.stored.values()], wanted)).toEqual(SAME)
}

describe.concurrent('killed during a fault, the next run resolves it', () => {
  test.each<[string, Fault]>([
    ['a delay', { do: 'delay', ms: 2_000 }],
    ['a request cut within', { do: 'cut-request', share: 0.5 }],
    ['a reset', { do: 'reset' }],
    ['silence, nothing seen', { do: 'black-hole', seen: false }],
    ['silence, all stored', { do: 'black-hole', seen: true }],
    ['a lost answer', { do: 'lose-answer' }],
    ['a doubled request', { do: 'duplicate' }],
    ['an answer cut within', { do: 'cut-answer', share: 0.8 }],
    ['silence within an answer', { do: 'stall', share: 0.8 }],
    ['a slow answer', { do: 'drip', msPerByte: 50 }],
    ['garbage', { do: 'replace', bytes: 'garbage' }],
    ['an answer without end', { do: 'replace', bytes: 'endless' }],
    ['a huge head', { do: 'replace', bytes: 'huge-head' }],
    ['half an answer', { do: 'replace', bytes: 'half-json' }],
  ])('%s', async (_name, fault) => {
    const there = await place(SEED, 300)
    const { proxy, gateway, configPath, directory } = there
    let attempts = 0
    proxy.decide = () => (attempts++ === 0 ? fault : { do: 'pass' })
    const first = new Command('run', '-c', configPath)
    await until('the first request is in trouble', () => attempts > 0 || first.isOver)
    // Within the fault, or just behind it: what is short is over by then.
    await delay(30)
    expect(await first.end('SIGKILL'), first.stderr).toBe('SIGKILL')
    const mayComeAgain = new Set(await openAttempts(directory))
    gateway.dedupWindowMs = 0
    const before = new Set(gateway.published.map(idOf))
    await lastRun(there)
    // What came twice is what the state says was sent and not answered.
    const again = gateway.published.slice(before.size).map(idOf)
    expect(again.filter((id) => before.has(id) && !mayComeAgain.has(id))).toEqual([])
  })
})

/** `run` lives that end by chance while requests go wrong; gives what explains each copy. */
async function troubledLives(there: Place, dice: Dice) {
  const { proxy, gateway, configPath, directory } = there
  proxy.decide = () => {
    gateway.script = dice.chance(0.15) ? [drawStep(dice)] : []
    const fault: Fault = dice.chance(0.4) ? drawFault(dice) : { do: 'pass' }
    // The deadline of a request is a minute at least: the network gives up before.
    return fault.do === 'black-hole' ? { ...fault, forMs: 500 } : fault
  }
  const mayComeAgain: string[] = []
  let told = 0
  for (let life = 0; life < LIVES; life += 1) {
    const agent = new Command('run', '-c', configPath)
    await until('it has begun', () => agent.stderr !== '' || agent.isOver)
    await delay(dice.below(3_000))
    expect(agent.isOver, agent.stderr).toBe(false)
    await agent.end(dice.pick(['SIGKILL', 'SIGKILL', 'SIGTERM']))
    told += agent.stderr.split('\n').filter((text) => text.includes(' sink: ')).length
    mayComeAgain.push(...(await openAttempts(directory)))
  }
  return { mayComeAgain, told }
}

function countOf(ids: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

describe.concurrent(`run, ended at ${LIVES} random places among random faults`, () => {
  test('a gateway that deduplicates receives each unit exactly once', async () => {
    console.log(`METER_FAST_SEED=${SEED}`)
    const there = await place(SEED + 1, 1_200)
    await troubledLives(there, new Dice(SEED + 1))
    await lastRun(there)
    expect(there.gateway.published).toHaveLength(there.wanted.length)
  })

  test('one that does not receives twice only what a run told, or the state names', async () => {
    const there = await place(SEED + 2, 1_200)
    const { gateway, proxy } = there
    gateway.dedupWindowMs = 0
    const { mayComeAgain, told } = await troubledLives(there, new Dice(SEED + 2))
    const spoiled = proxy.exchanges.filter(({ isClean, status }) => !isClean || status !== 200)
    await lastRun(there)
    // At the end of each life at most one attempt was under way, of which nothing was told.
    expect(spoiled.length).toBeLessThanOrEqual(told + LIVES)
    const doubled = proxy.exchanges.filter(({ seen }) => seen === 2)
    const causes = [...spoiled, ...doubled].flatMap(({ ids }) => ids)
    const allowed = countOf([...causes, ...mayComeAgain])
    const copies = countOf(gateway.published.map(idOf))
    expect([...copies].filter(([id, n]) => n - 1 > (allowed.get(id) ?? 0))).toEqual([])
    const extra = gateway.published.length - gateway.stored.size
    console.log(`${extra} copies of ${gateway.stored.size} events, ${told} faults told`)
    expect(extra).toBeGreaterThan(0)
  })
})
