// `kill -9` every 200 ms under load, with a rotation every second, against a receiver that
// deduplicates by id: in the end the sums are the truth, and every event has the bytes that it must
// have. `npm run test:kill-storm -- --seconds 120`.
//
// An agent needs a good 200 ms to load. So that the kills hit its work and not its loading, the
// next agents load ahead; where the machine is too slow for that, kills are further apart. Every
// fourth agent lives until it sends, so that kills also hit what comes after a request.

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { difference, SAME, sumsPerProject } from '../agent/bills.ts'
import { Command, configFile, Receiver, scratch, until } from '../agent/rig.ts'
import { build } from '../cli/build.ts'
import { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'
import { AgentQueue } from './agent-queue.ts'
import { SEED, STORM_SECONDS } from './settings.ts'
import { StormLog, StormWriter } from './storm-log.ts'

/** Between 100 and 300 ms, 200 ms on average. */
const LIFE_MS = { least: 100, spread: 200 }
/** After it has sent. */
const SENDER_LIFE_MS = 100
const SENDER_EVERY = 4

beforeAll(build)

const NAME = `killed again and again for ${STORM_SECONDS} s, the agent bills the truth`
/** The oracle reads all of the log, on a machine that may be busy. */
const TIMEOUT_MS = (4 * STORM_SECONDS + 180) * 1000

test(NAME, { timeout: TIMEOUT_MS }, async () => {
  const [gateway, directory, dice] = [await startGateway(), await scratch(), new Dice(SEED)]
  const sink = { type: 'milo-gateway', url: gateway.url }
  const rest = { window: '1s', on_missing_state: 'backfill' }
  const config = await configFile(directory, { sink, rest })
  const log = new StormLog(directory, dice)
  const writer = new StormWriter(log)
  const queue = new AgentQueue(directory, config)
  afterAll(() => Promise.all([queue.end(), writer.stop()]))

  const lives = await storm(queue, dice, () => gateway.requests.length)
  const requestsByThen = gateway.requests.length
  await Promise.all([queue.end(), writer.stop()])
  const last = new Command('run', '--once', '-c', config)
  expect(await last.ended, last.stderr).toBe(0)
  await gateway.close()

  const received = receivedBy(gateway)
  const [sums, truth] = [sumsPerProject(received.texts), log.truth()]
  report([
    `${lives.length} kills, one every ${Math.round((STORM_SECONDS * 1000) / lives.length)} ms`,
    `  after ${Math.round(mean(lives))} ms of work on average`,
    `${log.generations.length - 1} rotations, ${log.lines} lines`,
    `${gateway.requests.length} requests, ${requestsByThen} of them between the kills`,
    `${received.texts.length} events, ${gateway.duplicates} came twice and were dropped`,
    ...Object.entries(truth).map(([key, sum]) => `${key}: written ${sum}, received ${sums[key]}`),
  ])
  expect(sums).toEqual(truth)
  expect(received.changed).toEqual([])
  const options = { stream: 'file/n1/access.log', windowMs: 1_000, envelope: 'raw' } as const
  expect(difference(received.texts, slowEvents(log.generations, options))).toEqual(SAME)
  expect(requestsByThen).toBeGreaterThanOrEqual(Math.floor(lives.length / SENDER_EVERY))
  expect(last.stderr).not.toContain('GAP')
  await verify(directory)
})

/** Lets one agent after the other work for a while and kills it; gives how long each worked. */
async function storm(queue: AgentQueue, dice: Dice, requests: () => number): Promise<number[]> {
  const untilMs = performance.now() + STORM_SECONDS * 1000
  const lives: number[] = []
  while (performance.now() < untilMs) {
    const agent = await queue.next()
    const [startedMs, before] = [performance.now(), requests()]
    if (lives.length % SENDER_EVERY === SENDER_EVERY - 1) {
      await until('it sends', () => agent.isOver || requests() > before)
      await delay(dice.below(SENDER_LIFE_MS))
    } else {
      await delay(LIFE_MS.least + dice.below(LIFE_MS.spread))
    }
    expect(agent.isOver, agent.stderr).toBe(false)
    expect(await agent.end('SIGKILL')).toBe('SIGKILL')
    lives.push(performance.now() - startedMs)
  }
  return lives
}

function receivedBy(gateway: TestGateway): Receiver {
  const receiver = new Receiver()
  for (const { body } of gateway.requests) {
    for (const event of JSON.parse(`${body}`) as { id: string }[]) {
      receiver.take(event.id, JSON.stringify(event))
    }
  }
  return receiver
}

/** The product's own proof, in versions that have it. */
async function verify(directory: string): Promise<void> {
  const help = new Command('verify', '--help')
  if ((await help.ended) !== 0) return console.log('this version has no "verify"')
  const logs = join(directory, 'access.log*')
  const command = new Command('verify', '--state', join(directory, 'state'), '--logs', logs)
  expect(await command.ended, command.stdout + command.stderr).toBe(0)
  console.log(command.stdout)
}

function report(rows: readonly string[]): void {
  console.log([`kill storm, METER_FAST_SEED=${SEED}`, ...rows].join('\n  '))
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length
}
