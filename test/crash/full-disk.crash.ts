// The disk of the state fills up to the last byte while the sink is down and the log grows. The
// agent stops reading, says so and stays alive; when the sink comes back it delivers and commits
// what was accepted, though the disk is still full; when there is room it reads on. In the end
// nothing is lost and nothing doubled.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { line, sumsPerWindow } from '../agent/bills.ts'
import { Command, configFile, fileStream, scratch, until } from '../agent/rig.ts'
import { DiskLog } from '../agent/steady-log.ts'
import { build } from '../cli/build.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'
import { SmallDisk } from './small-disk.ts'

const WINDOW_MS = 1_000
/** No window ends by the clock while the test runs, and no event waits for its time. */
const AHEAD_MS = 120_000
const ROUTES = 40
/** Of each line, so that a log of few lines is long. */
const PATH = `/${'x'.repeat(2_000)}`
const QUIET_MS = 3_000
/** A commit of what was accepted may wait for the pacing rule. */
const SETTLED_MS = 4_000
/** In its own words, not in those of a library. */
const SAYS_FULL = /^meter-fast: .*\b(full|space|room)\b/m
const MIB = 1024 * 1024

const disk = await SmallDisk.mount(24)
if (!disk) console.log('nothing may be mounted here: the full disk is not tested')
beforeAll(build)
afterAll(() => disk?.unmount())

test.runIf(disk)(
  'a full disk stops reading, and nothing else',
  async () => {
    const [gateway, directory] = [await startGateway(), await scratch()]
    const state = { dir: join(disk?.directory ?? '', 'state'), ...(await reserve()) }
    const sink = { type: 'milo-gateway', url: gateway.url }
    const source = fileStream(directory, { envelope: 'raw' })
    const rest = { window: '1s', on_missing_state: 'backfill', state }
    const path = await configFile(directory, { streams: [source], sink, rest })
    const log = new GrowingLog(directory)

    // The sink is down; the first windows fill the spool.
    isDown(gateway)
    const agent = new Command('run', '-c', path)
    log.grow(10)
    await until('the agent sends', () => gateway.requests.length > 0)
    disk?.fill()
    log.grow(10)
    await until('it says that the disk is full', () => SAYS_FULL.test(agent.stderr))
    log.rotate()
    const readBefore = bytesRead(agent)
    log.grow(100)
    await delay(QUIET_MS)
    expect(agent.isOver, agent.stderr).toBe(false)
    expect(log.written).toBeGreaterThan(8 * MIB)
    expect(bytesRead(agent) - readBefore, 'bytes read from a full disk').toBeLessThan(2 * MIB)
    expect(gateway.stored.size).toBe(0)

    // It comes back; what it accepts is not sent again, not even after a kill.
    isUp(gateway)
    await untilQuiet(gateway)
    expect(gateway.stored.size).toBeGreaterThan(0)
    expect(await agent.end('SIGKILL')).toBe('SIGKILL')
    const { duplicates } = gateway
    const next = new Command('run', '-c', path)
    await delay(QUIET_MS)
    expect(next.isOver, next.stderr).toBe(false)
    expect(gateway.duplicates, 'events that were accepted and came again').toBe(duplicates)

    // There is room again.
    const stored = gateway.stored.size
    disk?.free()
    await until('reading goes on', () => gateway.stored.size > stored)
    expect(await next.end('SIGTERM'), next.stderr).toBe(0)
    const last = new Command('run', '--once', '-c', path)
    expect(await last.ended, last.stderr).toBe(0)
    expect([agent, next, last].map(({ stderr }) => stderr).join()).not.toContain('GAP')
    const options = { stream: 'file/n1/access.log', windowMs: WINDOW_MS, envelope: 'raw' } as const
    const truth = slowEvents(log.generations, options)
    expect(sumsPerWindow(gateway.stored.values())).toEqual(sumsPerWindow(truth))
    await gateway.close()
  },
  180_000,
)

/** The setting of a small reserve, where this version has one. */
async function reserve(): Promise<object> {
  const schema = new Command('check', '--schema')
  expect(await schema.ended).toBe(0)
  return schema.stdout.includes('reserve_bytes') ? { reserve_bytes: '2MiB' } : {}
}

function isDown(gateway: TestGateway): void {
  const refusal = { do: 'say', status: 503, headers: { 'retry-after': '1' } } as const
  gateway.script = Array.from({ length: 10_000 }, () => refusal)
}

function isUp(gateway: TestGateway): void {
  gateway.script = []
}

/** Waits until it has taken something, and then nothing for a while. */
async function untilQuiet(gateway: TestGateway): Promise<void> {
  await until('the sink takes something', () => gateway.stored.size > 0)
  for (let before = -1; before !== gateway.requests.length; await delay(SETTLED_MS)) {
    before = gateway.requests.length
  }
}

/** All that a process has read from files until now. */
function bytesRead({ pid }: Command): number {
  const [, bytes] = /^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8')) ?? []
  return Number(bytes)
}

/** A log that gets one window after another. */
class GrowingLog extends DiskLog {
  #nextMs = Date.now() + AHEAD_MS - (Date.now() % WINDOW_MS)

  grow(windows: number): void {
    const texts: string[] = []
    for (let window = 0; window < windows; window += 1) {
      for (let route = 0; route < ROUTES; route += 1) {
        const project = `p-${'abc'[route % 3]}`
        const parts = { project, route: `httproute/ns-a/r${route}/rule/0`, sent: route + window }
        texts.push(line(this.#nextMs, { ...parts, ms: 700, more: { path: PATH } }))
      }
      this.#nextMs += WINDOW_MS
    }
    this.write(Buffer.from(texts.join('')))
  }

  get written(): number {
    return this.generations.reduce((sum, { length }) => sum + length, 0)
  }
}
