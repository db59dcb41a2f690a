// What a state means to the agent: who may use it, what a start without one holds back, what a full
// spool stops, and what leaves none.

import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { carryOut } from '../../src/agent/requests.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { difference, line, parseEvent, SAME, sumsPerProject } from './bills.ts'
import {
  Clock,
  Command,
  config,
  configFile,
  fileStream,
  linesOf,
  Marker,
  Receiver,
  RunningAgent,
  runOnce,
  scratch,
  until,
} from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const MINUTE_MS = 60_000
const STREAM = 'file/n1/access.log'

function minutes(texts: readonly string[]): number[] {
  const all = texts.map((text) => (Date.parse(parseEvent(text).time) - START_MS) / MINUTE_MS)
  return [...new Set(all)].sort((a, b) => a - b)
}

/** A line in each of six minutes. */
const SIX = Array.from({ length: 6 }, (_, at) => line(START_MS + at * MINUTE_MS)).join('')

describe.concurrent('without a state', () => {
  test('windows that ended more than sink_dedup_window ago are held until released', async () => {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), SIX)
    const settings = config(directory, {
      rest: { on_missing_state: 'hold', sink_dedup_window: '2m' },
    })
    const sink = new Receiver()
    // Windows 0 and 1 ended more than two minutes ago, window 2 exactly two minutes ago.
    const now = () => START_MS + 5 * MINUTE_MS
    const agent = new RunningAgent(settings, { sink, now, once: true })
    const { spool } = await agent.ended
    expect(minutes(sink.texts)).toEqual([2, 3, 4, 5])
    const held = agent.signals.filter(({ kind }) => kind === 'held')
    const wanted = slowEvents([Buffer.from(SIX)], { stream: STREAM })
    const old = wanted.filter((text) => minutes([text]).some((minute) => minute < 2))
    expect(held).toEqual([{ kind: 'held', events: old.length }])
    expect(spool).toMatchObject({ events: old.length, held: old.length })

    // Another run does not send them, and a release does.
    await runOnce(settings, { sink, now })
    expect(minutes(sink.texts)).toEqual([2, 3, 4, 5])
    expect(await releaseHeld(settings.state.dir)).toBe(old.length)
    expect(await releaseHeld(settings.state.dir)).toBe(0)
    await runOnce(settings, { sink, now })
    expect(difference(sink.texts, wanted)).toEqual(SAME)
  })

  test('backfill sends all at once', async () => {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), SIX)
    const sink = new Receiver()
    const agent = new RunningAgent(config(directory, { rest: { on_missing_state: 'backfill' } }), {
      ...{ sink, once: true, now: () => START_MS + 1_000 * MINUTE_MS },
    })
    await agent.ended
    expect(difference(sink.texts, slowEvents([Buffer.from(SIX)], { stream: STREAM }))).toEqual(SAME)
  })
})

describe.concurrent('one writer', () => {
  test('a second agent in the same process is refused and harms nothing', async () => {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), '')
    const sink = new Receiver()
    const marker = new Marker(directory, sink)
    const streams = [{ files: [marker.path], source_id: 'n1' }]
    const settings = config(directory, { streams })
    const agent = new RunningAgent(settings, { sink, now: new Clock(START_MS).now })
    await marker.passed()
    await expect(runOnce(settings, { sink: new Receiver() })).rejects.toMatchObject({
      code: 'METER_STATE_LOCKED',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await marker.passed()
    await agent.stop()
  })

  test('a second process ends with 74 and names the pid of the first', async () => {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), line(START_MS))
    const path = await configFile(directory)
    const first = new Command('run', '-c', path)
    await until('the first one runs', () => first.stderr.includes('following'))
    const second = new Command('run', '--once', '-c', path)
    expect(await second.ended).toBe(74)
    expect(second.stderr).toContain(`is in use by process ${first.pid}`)
    expect(await first.end('SIGTERM')).toBe(0)
    const third = new Command('run', '--once', '-c', path)
    expect(await third.ended, third.stderr).toBe(0)
  })

  test('a second agent waits, says for whom, and starts when the first one is killed', async () => {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), line(START_MS))
    const path = await configFile(directory)
    const first = new Command('run', '-c', path)
    await until('the first one runs', () => first.stderr.includes('following'))
    const second = new Command('run', '-c', path)
    await until('the second one waits', () =>
      second.stderr.includes(`is in use by process ${first.pid}`),
    )
    expect(second.stderr).not.toMatch(/following|going on/)
    await first.end('SIGKILL')
    await until('the second one begins', () => /following|going on/.test(second.stderr))
    expect(await second.end('SIGTERM')).toBe(0)
    const third = new Command('run', '--once', '-c', path)
    expect(await third.ended, third.stderr).toBe(0)
    const events = (await linesOf(join(directory, 'usage.ndjson'))).sort()
    const truth = slowEvents([Buffer.from(line(START_MS))], { stream: STREAM })
    expect(difference(events, truth)).toEqual(SAME)
  })
})

describe.concurrent('--dry-run', () => {
  test('prints the events and leaves nothing behind', async () => {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), SIX)
    const path = await configFile(directory)
    const before = readdirSync(directory)
    const command = new Command('run', '--dry-run', '-c', path)
    expect(await command.ended, command.stderr).toBe(0)
    const printed = command.stdout.split('\n').slice(0, -1)
    expect(difference(printed, slowEvents([Buffer.from(SIX)], { stream: STREAM }))).toEqual(SAME)
    expect(readdirSync(directory)).toEqual(before)
  })

  test('does not touch the state of an agent that runs, nor its sink', async () => {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), SIX)
    const settings = config(directory)
    const agent = new RunningAgent(settings, {
      ...{ sink: new Receiver(), now: new Clock(START_MS).now },
    })
    await until('it runs', () => agent.signals.some(({ kind }) => kind === 'stream'))
    const stdout = new PassThrough()
    const report = await runOnce(settings, { dryRun: true, stdout })
    expect(report.lines.metered).toBe(6n)
    const printed = String(stdout.read()).split('\n').slice(0, -1)
    expect(difference(printed, slowEvents([Buffer.from(SIX)], { stream: STREAM }))).toEqual(SAME)
    expect(existsSync(join(directory, 'usage.ndjson'))).toBe(false)
    await agent.stop()
  })
})

async function releaseHeld(directory: string): Promise<number> {
  const signal = AbortSignal.timeout(20_000)
  const options = { nowMs: Date.now(), signal, onWait: () => undefined }
  return (await carryOut(directory, { kind: 'release' }, options))['events'] ?? 0
}

describe.concurrent('a full spool', () => {
  /** Enough keys that one window makes more than the least spool_bytes_max. */
  const wide = (minute: number) =>
    Array.from({ length: 4_000 }, (_, at) =>
      line(START_MS + minute * MINUTE_MS, { project: `p-${at}` }),
    ).join('')

  async function fullSpool() {
    const directory = await scratch()
    const path = join(directory, 'access.log')
    writeFileSync(path, wide(0) + line(START_MS + MINUTE_MS))
    const settings = config(directory)
    const small = { ...settings, state: { ...settings.state, spoolBytesMax: 1024 * 1024 } }
    const sink = new Receiver()
    sink.refusal = { kind: 'unknown', status: 503, text: 'down' }
    const clock = new Clock(START_MS)
    const agent = new RunningAgent(small, { sink, now: clock.now })
    await until('the spool is full', () => agent.signals.some(({ kind }) => kind === 'spool-full'))
    return { path, small, sink, clock, agent }
  }

  test('stops the reading, and closes no window of which lines are unread', async () => {
    const { path, small, sink, clock, agent } = await fullSpool()
    writeFileSync(path, line(START_MS + MINUTE_MS), { flag: 'a' })
    clock.set(START_MS + 10 * MINUTE_MS)
    // Several looks at the clock, each of which would close the second window.
    await delay(1_500)
    expect((await agent.stop()).lines.metered).toBe(4_001n)
    sink.refusal = undefined
    await runOnce(small, { sink })
    const log = wide(0) + line(START_MS + MINUTE_MS).repeat(2)
    expect(difference(sink.texts, slowEvents([Buffer.from(log)], { stream: STREAM }))).toEqual(SAME)
  })

  test('--once does not wait for room when all of it is held', async () => {
    const directory = await scratch()
    const path = join(directory, 'access.log')
    writeFileSync(path, wide(0))
    const settings = config(directory, { rest: { on_missing_state: 'hold' } })
    const small = { ...settings, state: { ...settings.state, spoolBytesMax: 1024 * 1024 } }
    const once = () => runOnce(small, { sink: new Receiver() })
    await once()
    writeFileSync(path, line(START_MS + MINUTE_MS), { flag: 'a' })
    await expect(once()).rejects.toMatchObject({ code: 'METER_DISK' })
    await expect(once()).rejects.toThrow('Run "meter-fast release"')
    expect(await releaseHeld(small.state.dir)).toBe(8_000)
    // The second window is as old as the first.
    expect((await once()).spool).toMatchObject({ events: 2, held: 2 })
  })

  test('--once goes on reading when the sink has made room', async () => {
    const { path, small, sink, agent } = await fullSpool()
    await agent.stop()
    sink.refusal = undefined
    writeFileSync(path, wide(1), { flag: 'a' })
    const report = await runOnce(small, { sink })
    expect(report.lines.metered).toBe(8_001n)
    expect(report.spool.events).toBe(0)
    expect(sumsPerProject(sink.texts)).toMatchObject({ 'p-a requests': 1n, 'p-7 requests': 2n })
  })
})

test('a stream that no entry of the configuration names any more is told and left', async () => {
  const directory = await scratch()
  writeFileSync(join(directory, 'access.log'), line(START_MS))
  const sink = new Receiver()
  const marker = new Marker(directory, sink)
  const named = (sourceId: string) => {
    const markers = { files: [marker.path], source_id: 'n1' }
    return config(directory, { streams: [markers, fileStream(directory, { source_id: sourceId })] })
  }
  const first = new RunningAgent(named('n1'), { sink, now: new Clock(START_MS).now })
  await marker.passed()
  await first.stop()
  const second = new RunningAgent(named('n2'), { sink, once: true })
  await second.ended
  const told = second.signals.flatMap((one) => (one.kind === 'problem' ? [one.message] : []))
  expect(told).toEqual([expect.stringContaining(`stream ${STREAM} is in the state`)])
})
