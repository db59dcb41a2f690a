// `kill -9` every 200 ms under load, with a rotation every second, against a receiver that
// deduplicates by id: in the end the sums are the truth, and every event has the bytes that it must
// have. `npm run test:kill-storm -- --seconds 120`.
//
// An agent needs a good 200 ms to load. So that the kills hit its work and not its loading, the
// next agents load ahead, and wait before they first touch the state (fault.cc has a gate for it).

import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { difference, SAME, sumsPerProject } from '../agent/bills.ts'
import { Command, configFile, Receiver, scratch, until } from '../agent/rig.ts'
import { build } from '../cli/build.ts'
import { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'
import { buildFaults, FaultyAgent } from './faulty-agent.ts'
import { STORM_SECONDS as SECONDS, SEED } from './settings.ts'
import { StormLog } from './storm-log.ts'

const LINES_PER_SECOND = 2_000
const WRITES_PER_SECOND = 50
const ROTATION_MS = 1_000
/** Between 100 and 300 ms, 200 ms on average. */
const LIFE_MS = { least: 100, spread: 200 }
/** Agents that load ahead. */
const WAITING = 3

beforeAll(build)

test(
  `killed every 200 ms for ${SECONDS} s, the agent bills the truth`,
  async () => {
    const [gateway, directory, dice] = [await startGateway(), await scratch(), new Dice(SEED)]
    const sink = { type: 'milo-gateway', url: gateway.url }
    const rest = { window: '1s', on_missing_state: 'backfill' }
    const config = await configFile(directory, { sink, rest })
    const log = new StormLog(directory, dice)
    const writer = new Writer(log)
    const queue = new AgentQueue(directory, config)
    afterAll(() => queue.end())

    const kills = await storm(queue, dice)
    const requestsByThen = gateway.requests.length
    await queue.end()
    await writer.stop()
    const last = new Command('run', '--once', '-c', config)
    expect(await last.ended, last.stderr).toBe(0)
    await gateway.close()

    const received = receivedBy(gateway)
    const [sums, truth] = [sumsPerProject(received.texts), sorted(log.truth())]
    report(`METER_FAST_SEED=${SEED}`, [
      [`${kills} kills`, `one every ${Math.round((SECONDS * 1000) / kills)} ms`],
      [`${log.generations.length - 1} rotations`, `${log.lines} lines`],
      [`${gateway.requests.length} requests`, `${requestsByThen} of them during the storm`],
      [`${received.texts.length} events`, `${gateway.duplicates} came twice and were dropped`],
      ...Object.entries(truth).map(([name, sum]) => [
        name,
        `written ${sum}, received ${sums[name]}`,
      ]),
    ])
    expect(sums).toEqual(truth)
    expect(received.changed).toEqual([])
    const options = { stream: 'file/n1/access.log', windowMs: 1_000, envelope: 'raw' } as const
    expect(difference(received.texts, slowEvents(log.generations, options))).toEqual(SAME)
    expect(requestsByThen, 'work was done between the kills').toBeGreaterThan(kills / 10)
    expect(last.stderr).not.toContain('GAP')
    await verify(directory)
  },
  (SECONDS + 180) * 1000,
)

/** Lets one agent after the other run for a while and kills it; resolves to the kills. */
async function storm(queue: AgentQueue, dice: Dice): Promise<number> {
  const untilMs = performance.now() + SECONDS * 1000
  let kills = 0
  while (performance.now() < untilMs) {
    const agent = await queue.next()
    await delay(LIFE_MS.least + dice.below(LIFE_MS.spread))
    expect(agent.isOver, agent.stderr).toBe(false)
    expect(await agent.end('SIGKILL')).toBe('SIGKILL')
    kills += 1
  }
  return kills
}

/** Agents that have loaded and wait for their turn. */
class AgentQueue {
  readonly #directory: string
  readonly #library: string
  readonly #config: string
  readonly #waiting: { readonly agent: FaultyAgent; readonly gate: string }[] = []
  #started = 0

  constructor(directory: string, config: string) {
    this.#directory = directory
    this.#library = buildFaults(directory)
    this.#config = config
    for (let index = 0; index < WAITING; index += 1) this.#add()
  }

  /** The next agent, at its first touch of the state. */
  async next(): Promise<FaultyAgent> {
    const first = this.#waiting.shift()
    if (first === undefined) throw new Error('the queue has ended')
    const { agent, gate } = first
    await until('an agent has loaded', () => agent.isOver || existsSync(`${gate}.reached`))
    hurry(agent.pid)
    writeFileSync(gate, '')
    this.#add()
    return agent
  }

  async end(): Promise<void> {
    const waiting = this.#waiting.splice(0)
    await Promise.all(waiting.map(({ agent }) => agent.end('SIGKILL')))
  }

  #add(): void {
    this.#started += 1
    const gate = join(this.#directory, `gate-${this.#started}`)
    const agent = new FaultyAgent(['run', '-c', this.#config], {
      library: this.#library,
      directory: this.#directory,
      gate,
      threads: 4,
      // Loading must not take the processor away from the one that works.
      before: ['nice', '-n', '19'],
    })
    this.#waiting.push({ agent, gate })
  }
}

/** Gives a process that has loaded its priority back, where that is allowed. */
function hurry(pid: number): void {
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), 0)
  } catch {
    // It stays slower than it could be, and less happens between two kills.
  }
}

/** Writes at a steady rate and rotates; between rename and reopen it goes on in the old file. */
class Writer {
  readonly #log: StormLog
  readonly #ended: Promise<void>
  #isStopped = false

  constructor(log: StormLog) {
    this.#log = log
    this.#ended = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#ended
    this.#log.finish()
  }

  async #run(): Promise<void> {
    const startedMs = performance.now()
    let rotatesAtMs = startedMs + ROTATION_MS
    while (!this.#isStopped) {
      const isRotation = performance.now() >= rotatesAtMs
      if (isRotation) this.#log.rename()
      const due = ((performance.now() - startedMs) / 1000) * LINES_PER_SECOND
      this.#log.append(Math.max(0, Math.floor(due) - this.#log.lines))
      if (isRotation) {
        this.#log.finish()
        this.#log.reopen()
        rotatesAtMs += ROTATION_MS
      }
      await delay(1000 / WRITES_PER_SECOND)
    }
  }
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

function report(title: string, rows: readonly (readonly string[])[]): void {
  console.log([`kill storm, ${title}`, ...rows.map((row) => `  ${row.join(', ')}`)].join('\n'))
}

function sorted(sums: Readonly<Record<string, bigint>>): Record<string, bigint> {
  return Object.fromEntries(Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1)))
}
