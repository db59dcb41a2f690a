// `run` as people run it, in a process of its own, on a log that is written and rotated, ended by
// SIGTERM or SIGKILL at random places: in the end the sink has what `scan --events` prints.

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { startGateway } from '../sink/gateway.ts'
import { difference, idOf, SAME } from './bills.ts'
import { Command, configFile, linesOf, Receiver, scratch } from './rig.ts'
import { DiskLog, pieces, type RotationStyle, steadyLog } from './steady-log.ts'

const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 1e9))
const LIVES = 20
const LINES = 6_000
const STREAM = 'file/n1/access.log'

// Far enough ahead that no window ends by the clock during the test, near enough that no event
// waits for its time to come.
const START_AHEAD_MS = 60_000
const END_AHEAD_MS = 280_000

interface Place {
  readonly directory: string
  readonly parts: Parameters<typeof configFile>[1]
  /** Every event that the sink was given, repeated ones too. */
  readonly delivered: () => Promise<string[]>
}

const REST = { window: '1s', dimensions: { region: 'us-east-1' } }

async function fileSink(): Promise<Place> {
  const directory = await scratch()
  const delivered = () => linesOf(join(directory, 'usage.ndjson'))
  return { directory, parts: { rest: REST }, delivered }
}

async function gatewaySink(): Promise<Place> {
  const directory = await scratch()
  const gateway = await startGateway()
  const sink = { type: 'milo-gateway', url: gateway.url }
  const delivered = async () => {
    await gateway.close()
    const batches = gateway.requests.map(({ body }) => JSON.parse(body.toString()) as unknown[])
    return batches.flat().map((event) => JSON.stringify(event))
  }
  return { directory, parts: { sink, rest: REST }, delivered }
}

describe.concurrent('run, ended at 20 random places, delivers what scan prints', () => {
  test.each([
    ['file sink', 'dated', fileSink, SEED],
    ['gateway sink', 'numbered', gatewaySink, SEED + 1],
  ] as const)('%s, %s rotations', async (_name, style, makePlace, seed) => {
    const dice = new Dice(seed)
    const { directory, parts, delivered } = await makePlace()
    const path = await configFile(directory, parts)
    const log = new DiskLog(directory, style as RotationStyle)
    const startMs = Date.now() + START_AHEAD_MS
    const endMs = startMs - START_AHEAD_MS + END_AHEAD_MS
    const bytes = steadyLog(dice, { lines: LINES, startMs, endMs })
    const told = `seed ${seed}, log from ${new Date(startMs).toISOString()}`
    console.log(`restarts with a ${_name}: METER_FAST_SEED=${SEED}, ${told}`)

    const rest = pieces(bytes, dice, 2 * (bytes.length / 300))
    const share = Math.ceil(rest.length / LIVES)
    for (let life = 0; life < LIVES; life += 1) {
      await oneLife(path, log, rest.splice(0, share), dice)
    }
    const last = new Command('run', '--once', '-c', path)
    expect(await last.ended, `${told}\n${last.stderr}`).toBe(0)
    expect(last.stderr).not.toContain('GAP')
    expect(log.isWhole).toBe(true)
    expect(log.generations.length).toBeGreaterThan(5)

    const receiver = new Receiver()
    for (const text of await delivered()) receiver.take(idOf(text), text)
    expect(receiver.changed, told).toEqual([])
    const scan = new Command(
      ...['scan', '--events', '--stream', STREAM, '-c', path, '--format', 'datum', ...log.paths],
    )
    expect(await scan.ended, scan.stderr).toBe(0)
    const printed = scan.stdout.split('\n').slice(0, -1)
    expect(difference(receiver.texts, printed), told).toEqual(SAME)
    const { dimensions } = REST
    const options = { stream: STREAM, windowMs: 1_000, dimensions, envelope: 'raw' } as const
    expect(difference(printed, slowEvents(log.generations, options)), told).toEqual(SAME)
  })
})

/** A process that lives for a random time, while its log is written and rotated. */
async function oneLife(path: string, log: DiskLog, rest: Buffer[], dice: Dice): Promise<void> {
  // Some of it is there before the start: the log goes on while no agent runs.
  for (const piece of rest.splice(0, dice.below(rest.length + 1))) put(piece, log, dice)
  const agent = new Command('run', '-c', path)
  const lifeMs = 150 + dice.below(dice.pick([300, 1_200]))
  const untilMs = performance.now() + lifeMs
  while (performance.now() < untilMs) {
    const piece = rest.shift()
    if (piece !== undefined) put(piece, log, dice)
    await delay(Math.min(dice.below(80), Math.max(0, untilMs - performance.now())))
  }
  const signal = dice.pick(['SIGTERM', 'SIGKILL'] as const)
  expect(agent.isOver, agent.stderr).toBe(false)
  const ended = await agent.end(signal)
  // A signal that comes while the process still loads is not caught yet.
  expect([0, signal], agent.stderr).toContain(ended)
  for (const piece of rest) put(piece, log, dice)
}

function put(piece: Buffer, log: DiskLog, dice: Dice): void {
  const rotates = dice.chance(0.06)
  if (rotates) log.rename()
  // Between rename and reopen the writer goes on in the old file.
  log.write(piece)
  if (rotates) log.reopen()
}
