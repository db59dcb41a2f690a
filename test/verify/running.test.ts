// verify beside real agents: while they run, after kills, over rotations, after the end of a
// container, with logs that are gone.

import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { MeterFastError } from '../../src/errors.ts'
import type { VerifyReport } from '../../src/verify/verify.ts'
import { criWrapped, line } from '../agent/bills.ts'
import {
  Clock,
  Command,
  config,
  configFile,
  fileStream,
  Marker,
  Receiver,
  RunningAgent,
  runOnce,
  scratch,
  until,
} from '../agent/rig.ts'
import { DiskLog, pieces, steadyLog } from '../agent/steady-log.ts'
import { Dice } from '../reference/dice.ts'
import { differencesOf, logsIn, verify } from './rig.ts'

const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 1e9))
const START_MS = Date.UTC(2026, 10, 2, 12)
const MINUTE_MS = 60_000

/** A report without differences; undefined as long as no log was committed. */
async function clean(
  settings: Config,
  logs: () => Promise<string[]>,
): Promise<VerifyReport | undefined> {
  try {
    const report = await verify(settings, logs)
    expect(differencesOf(report), `METER_FAST_SEED=${SEED}`).toEqual([])
    return report
  } catch (error) {
    if (error instanceof MeterFastError && error.code === 'METER_INPUT_MISSING') return undefined
    throw error
  }
}

function shareOf(report: VerifyReport | undefined, stream: string): string {
  const one = report?.streams.find((other) => other.stream === stream)
  return `${one?.lines.covered} of ${one?.lines.total}`
}

test('an agent that is killed again and again, over rotations and compression', async () => {
  const dice = new Dice(SEED)
  const directory = await scratch()
  const rest = { window: '1s' }
  const path = await configFile(directory, { rest })
  const settings = config(directory, { rest })
  const log = new DiskLog(directory, 'dated')
  const logs = logsIn(directory)
  const startMs = Date.now() + 60_000
  const bytes = steadyLog(dice, { lines: 2_000, startMs, endMs: startMs + 200_000 })
  const left = pieces(bytes, dice, bytes.length / 60)
  let verified = 0
  const check = async (): Promise<void> => {
    if ((await clean(settings, logs)) !== undefined) verified += 1
  }
  while (left.length > 0) {
    const agent = new Command('run', '-c', path)
    const untilMs = performance.now() + 400 + dice.below(1_200)
    while (performance.now() < untilMs && left.length > 0) {
      log.write(left.shift() as Buffer)
      if (dice.chance(0.1)) log.rotate()
      if (dice.chance(0.1)) compressOne(log, dice)
      await delay(dice.below(60))
      if (dice.chance(0.15)) await check()
    }
    expect(agent.isOver, agent.stderr).toBe(false)
    await agent.end(dice.pick(['SIGKILL', 'SIGTERM'] as const))
    await check()
  }
  const last = new Command('run', '--once', '-c', path)
  expect(await last.ended, last.stderr).toBe(0)
  const [stream] = (await clean(settings, logs))?.streams ?? []
  expect(stream?.uncovered).toEqual([])
  expect(stream?.lines.covered).toBe(stream?.lines.total)
  expect(stream?.lines.total).toBeGreaterThan(1_999n)
  expect(verified).toBeGreaterThan(2)
})

/** As a kubelet does it: the copy is whole when it gets its name. */
function compressOne(log: DiskLog, dice: Dice): void {
  const rotated = log.paths.slice(0, -1).filter((path) => {
    try {
      return readFileSync(path).length > 0
    } catch {
      return false
    }
  })
  if (rotated.length < 2) return
  // The last rotated one may still be written to.
  const path = dice.pick(rotated.slice(0, -1))
  writeFileSync(`${path}.gz.tmp`, gzipSync(readFileSync(path)))
  renameSync(`${path}.gz.tmp`, `${path}.gz`)
  rmSync(path)
}

describe.concurrent('long streams over generations', () => {
  const socket = (clockMs: number, sent: number, more: object): string =>
    line(clockMs, {
      project: 'p-long',
      sent,
      ms: clockMs - START_MS,
      more: { stream_id: 's1', connection_id: 7, ...more },
    })
  const periodic = { access_log_type: 'DownstreamPeriodic' }

  /** Four generations of a request that lasts, and of others; read to their end. */
  async function longStream() {
    const directory = await scratch()
    const settings = config(directory)
    const contents = [0, 1, 2, 3].map((at) => {
      const nowMs = START_MS + at * MINUTE_MS
      const isEnd = at === 3
      const report = socket(nowMs + 30_000, 1_000 * (at + 1), isEnd ? {} : periodic)
      return line(nowMs, { project: `p-${at}` }) + report + line(nowMs + 40_000)
    })
    const paths = contents.map((content, at) => {
      const path = join(directory, at === 3 ? 'access.log' : `access.log.${3 - at}`)
      writeFileSync(path, content)
      return path
    })
    await runOnce(settings, { sink: new Receiver() })
    return { directory, settings, paths }
  }

  test('all of them are there: all is computed again', async () => {
    const { directory, settings } = await longStream()
    const report = await clean(settings, logsIn(directory))
    expect(shareOf(report, 'file/n1/access.log')).toBe('12 of 12')
    expect(report?.streams[0]?.uncovered).toEqual([])
  })

  test('the oldest are gone: the rest is computed from a checkpoint', async () => {
    const { directory, settings, paths } = await longStream()
    for (const path of paths.slice(0, 2)) rmSync(path)
    const report = await clean(settings, logsIn(directory))
    // The window that was open at the checkpoint is known only in part.
    expect(shareOf(report, 'file/n1/access.log')).toBe('6 of 12')
    expect(report?.streams[0]?.uncovered).toMatchObject([
      { generation: 0, why: 'log gone' },
      { generation: 1, why: 'log gone' },
    ])
  })

  test('one in the middle is gone: what is behind it is computed too', async () => {
    const { directory, settings, paths } = await longStream()
    rmSync(paths[1] as string)
    const report = await clean(settings, logsIn(directory))
    expect(shareOf(report, 'file/n1/access.log')).toBe('9 of 12')
    expect(report?.streams[0]?.uncovered).toMatchObject([{ generation: 1, why: 'log gone' }])
  })

  test.each([0, 2, 3])('a change in generation %i is found from a checkpoint', async (at) => {
    const { directory, settings, paths } = await longStream()
    rmSync(paths[1] as string)
    const path = paths[at] as string
    writeFileSync(path, readFileSync(path, 'utf8').replace(/("bytes_sent":)(\d+)/g, '$1$20'))
    const report = await verify(settings, logsIn(directory))
    const found = report.differences.map(
      (one) => `${one.windowStartMs} ${one.project} ${one.meter}`,
    )
    expect(found).toContain(`${START_MS + at * MINUTE_MS} p-long egress-bytes`)
  })
})

describe.concurrent('closes by time', () => {
  test('and lines that come after them', async () => {
    const directory = await scratch()
    const sink = new Receiver()
    const marker = new Marker(await scratch(), sink)
    const streams = [{ files: [marker.path], source_id: 'm' }, fileStream(directory)]
    const settings = config(directory, { streams })
    const path = join(directory, 'access.log')
    writeFileSync(path, line(START_MS))
    const clock = new Clock(START_MS)
    const agent = new RunningAgent(settings, { sink, now: clock.now })
    await marker.passed()
    for (const minute of [3, 6]) {
      clock.set(START_MS + minute * MINUTE_MS)
      await until('it is closed', () => sink.usage.length >= (minute / 3) * 2)
      appendFileSync(path, line(START_MS))
      await marker.passed()
    }
    const report = await clean(settings, logsIn(directory))
    expect(shareOf(report, 'file/n1/access.log')).toBe('3 of 3')
    await agent.stop()
  })
})

describe.concurrent('a container', () => {
  async function pod() {
    const root = await scratch()
    const directory = join(root, 'gateway_envoy-abc_uid-1', 'envoy')
    mkdirSync(directory, { recursive: true })
    const sink = new Receiver()
    const marker = new Marker(root, sink)
    const streams = [
      { files: [marker.path], source_id: 'n1' },
      { kubernetes: { namespaces: ['gateway'], containers: ['envoy'] }, root },
    ]
    return { directory, marker, settings: config(await scratch(), { streams }), sink }
  }
  const cut = '2026-11-02T12:00:00Z stdout P {"bytes_sent":1\n'

  test('that starts again: its old stream ended, with a part that was cut', async () => {
    const { directory, marker, settings, sink } = await pod()
    const log = criWrapped(line(START_MS, { ms: 1_500 }) + line(START_MS))
    writeFileSync(join(directory, '0.log.20261102-120000'), log)
    const begun = log.slice(0, 50).replace('stdout F', 'stdout P')
    writeFileSync(join(directory, '0.log'), `${begun}\n`)
    appendFileSync(join(directory, '0.log'), log + cut)
    const agent = new RunningAgent(settings, { sink, now: new Clock(START_MS).now })
    await marker.passed()
    writeFileSync(join(directory, '1.log'), criWrapped(line(START_MS)))
    await until('the old stream ended', () => sink.usage.length > 0)
    await marker.passed()
    const report = await clean(settings, logsIn(directory, ''))
    expect(shareOf(report, 'k8s/uid-1/envoy/1')).toBe('1 of 1')
    const [covered, total] = shareOf(report, 'k8s/uid-1/envoy/0').split(' of ')
    expect(covered).toBe(total)
    await agent.stop()
    await runOnce(settings, { sink })
    expect(await clean(settings, logsIn(directory, ''))).toBeDefined()
  })

  test('whose directory is gone: its ledger is compared with copies of its logs', async () => {
    const { directory, marker, settings, sink } = await pod()
    const log = criWrapped(line(START_MS) + line(START_MS + MINUTE_MS))
    writeFileSync(join(directory, '0.log'), log + cut)
    const agent = new RunningAgent(settings, { sink, now: new Clock(START_MS).now })
    await marker.passed()
    const kept = await scratch()
    cpSync(directory, kept, { recursive: true })
    rmSync(directory, { recursive: true })
    await until('the stream ended', () => sink.usage.length >= 4)
    await agent.stop()
    await runOnce(settings, { sink })
    const report = await clean(settings, logsIn(kept, ''))
    expect(shareOf(report, 'k8s/uid-1/envoy/0')).toBe('3 of 3')
    writeFileSync(join(kept, '0.log'), log.replace('"bytes_sent":1', '"bytes_sent":2') + cut)
    const { differences } = await verify(settings, logsIn(kept, ''))
    expect(differences.map((one) => `${one.stream} ${one.project} ${one.meter}`)).toContain(
      'k8s/uid-1/envoy/0 p-a egress-bytes',
    )
  })
})

test('a copy of the state and of the logs is as good as they are', async () => {
  const directory = await scratch()
  writeFileSync(join(directory, 'access.log'), line(START_MS) + line(START_MS + MINUTE_MS))
  const settings = config(directory)
  await runOnce(settings, { sink: new Receiver() })
  const copy = await scratch()
  cpSync(settings.state.dir, join(copy, 'state'), { recursive: true })
  copyFileSync(join(directory, 'access.log'), join(copy, 'log'))
  rmSync(directory, { recursive: true })
  const moved = { ...settings, state: { ...settings.state, dir: join(copy, 'state') } }
  const report = await clean(moved, logsIn(copy, 'log'))
  expect(shareOf(report, 'file/n1/access.log')).toBe('2 of 2')
  expect(basename(moved.state.dir)).toBe('state')
})
