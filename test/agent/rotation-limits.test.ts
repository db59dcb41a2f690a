// Logs go on while an agent may not read: what is rotated and deleted meanwhile is held open, read
// afterwards, and let go only beyond state.held_bytes_max. And files that lose their end, vanish or
// come back are never billed twice.

import {
  appendFileSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { line, sumsPerProject } from './bills.ts'
import { Clock, config, Marker, Receiver, RunningAgent, runOnce, scratch, until } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const MINUTE_MS = 60_000
const KIB = 1024

/** Enough keys that one window fills a small spool. */
const WIDE = Array.from({ length: 100 }, (_, at) =>
  line(START_MS, { project: `p-${at}`, route: 'httproute/n/r' }),
).join('')
const next = (sent: number, more: object = {}) =>
  line(START_MS + MINUTE_MS, { project: 'p-held', sent, more })

/** What this process has open, by the names that the files have now. */
function openPaths(): string[] {
  return readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
}

describe.concurrent('while the spool is full', () => {
  async function paused(heldBytesMax: number) {
    const directory = await scratch()
    const path = join(directory, 'access.log')
    writeFileSync(path, WIDE + next(1))
    const settings = config(directory)
    const state = { ...settings.state, spoolBytesMax: 20 * KIB, heldBytesMax }
    const small = { ...settings, state }
    const sink = new Receiver()
    sink.refusal = { kind: 'unknown', status: 503, text: 'down' }
    const agent = new RunningAgent(small, { sink, now: new Clock(START_MS).now })
    await until('the spool is full', () => agent.signals.some(({ kind }) => kind === 'spool-full'))
    /** A file that lives and dies while nothing is read. */
    const rotate = async (text: string): Promise<void> => {
      renameSync(path, `${path}.1`)
      writeFileSync(path, text)
      await until('the agent has it open', () => openPaths().includes(path))
      unlinkSync(`${path}.1`)
    }
    const gaps = () => agent.signals.flatMap((one) => (one.kind === 'gap' ? [one.gap] : []))
    const finish = async () => {
      await agent.stop()
      sink.refusal = undefined
      await runOnce(small, { sink })
      return sumsPerProject(sink.texts)
    }
    return { sink, small, agent, rotate, gaps, finish, path }
  }

  test('files that are rotated and deleted are held, and read when there is room', async () => {
    const { sink, agent, rotate, gaps } = await paused(1024 * KIB)
    await rotate(next(10))
    await rotate(next(100))
    await rotate(next(1_000))
    sink.refusal = undefined
    const rest = line(START_MS + 2 * MINUTE_MS, { project: 'p-last' })
    await rotate(rest)
    const requests = () => sumsPerProject(sink.texts)['p-held requests']
    await until('all was read', () => requests() === 4n)
    expect(sumsPerProject(sink.texts)['p-held egress-bytes']).toBe(1_111n)
    expect(gaps()).toEqual([])
    await agent.stop()
  })

  test('beyond held_bytes_max the oldest is let go: a gap that says how much', async () => {
    const { rotate, gaps, finish, path } = await paused(100 * KIB)
    const big = next(10, { padding: 'x'.repeat(70 * KIB) })
    await rotate(big)
    const { size } = statSync(path)
    await rotate(next(100, { padding: 'x'.repeat(50 * KIB) }))
    await rotate(next(1_000))
    await until('one was let go', () => gaps().length > 0)
    expect(gaps()).toMatchObject([
      { reason: 'released', generation: 1, offset: 0, bytes: size, bootChanged: false },
    ])
    // The agent ends, and with it all that it held: only what has a name is read then.
    const sums = await finish()
    expect(sums['p-held egress-bytes']).toBe(1_001n)
  })
})

async function following() {
  const directory = await scratch()
  const logs = join(directory, 'logs')
  mkdirSync(logs)
  const path = join(logs, 'access.log')
  const sink = new Receiver()
  const marker = new Marker(directory, sink)
  const streams = [{ files: [marker.path, join(logs, '*.log')], source_id: 'n1' }]
  const settings = config(directory, { streams })
  const start = () => new RunningAgent(settings, { sink, now: new Clock(START_MS).now })
  const sums = async () => {
    await runOnce(settings, { sink })
    return sumsPerProject(sink.usage)
  }
  return { directory, logs, path, sink, marker, start, sums }
}

const gapsOf = ({ signals }: RunningAgent) =>
  signals.flatMap((one) => (one.kind === 'gap' ? [one.gap.reason] : []))
const wanted = (requests: bigint) => ({
  'p-a egress-bytes': requests,
  'p-a requests': requests,
})

describe.concurrent('never twice', () => {
  test.each(['up', 'down'])('a file that lost its end, agent %s', async (way) => {
    const { path, marker, start, sums } = await following()
    writeFileSync(path, line(START_MS).repeat(3) + line(START_MS + 1).repeat(3))
    let agent = start()
    await marker.passed()
    await marker.passed()
    if (way === 'down') await agent.stop()
    truncateSync(path, line(START_MS).length * 4)
    if (way === 'down') agent = start()
    await marker.passed()
    appendFileSync(path, line(START_MS + 2))
    await marker.passed()
    await agent.stop()
    expect(gapsOf(agent)).toEqual(['shrunk'])
    expect(await sums()).toEqual(wanted(7n))
  })

  test('a log directory that is moved away and comes back', async () => {
    const { logs, path, marker, start, sums } = await following()
    writeFileSync(`${path}.1`, line(START_MS))
    writeFileSync(path, line(START_MS))
    const agent = start()
    await marker.passed()
    await marker.passed()
    renameSync(logs, `${logs}.away`)
    for (let look = 0; look < 4; look += 1) await marker.passed()
    renameSync(`${logs}.away`, logs)
    appendFileSync(path, line(START_MS))
    await marker.passed()
    await agent.stop()
    expect(gapsOf(agent)).toEqual([])
    expect(await sums()).toEqual(wanted(3n))
  })

  test('a log directory that is deleted and made anew goes on in the same windows', async () => {
    const { logs, path, sink, marker, start, sums } = await following()
    writeFileSync(path, line(START_MS))
    const agent = start()
    await marker.passed()
    rmSync(logs, { recursive: true })
    for (let look = 0; look < 4; look += 1) await marker.passed()
    mkdirSync(logs)
    writeFileSync(path, line(START_MS, { received: 5 }))
    await marker.passed()
    await agent.stop()
    expect(await sums()).toEqual({ ...wanted(2n), 'p-a ingress-bytes': 5n })
    expect(sink.changed).toEqual([])
  })

  test('a second name of the file, before a start and while it is followed', async () => {
    const { logs, path, marker, start, sums } = await following()
    writeFileSync(path, line(START_MS))
    linkSync(path, join(logs, 'zz-early.log'))
    const agent = start()
    /** The agent has looked for new streams since: it has found one. */
    const discovered = async (name: string): Promise<void> => {
      writeFileSync(join(logs, name), '')
      const isFound = () =>
        agent.signals.some((one) => one.kind === 'stream' && one.stream.endsWith(name))
      await until(`${name} is found`, isFound)
    }
    await marker.passed()
    linkSync(path, join(logs, 'aa-late.log'))
    await discovered('first.log')
    renameSync(path, `${path}.1`)
    writeFileSync(path, line(START_MS))
    await discovered('second.log')
    await marker.passed()
    await agent.stop()
    const told = agent.signals.flatMap((one) => (one.kind === 'problem' ? [one.message] : []))
    expect(told.filter((text) => text.includes('another name')).length).toBeGreaterThan(0)
    expect(await sums()).toEqual(wanted(2n))
  })

  test('copytruncate, and the agent ends between the copy and the truncation', async () => {
    const { path, marker, start, sums } = await following()
    const lines = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => line(START_MS + from + at)).join('')
    writeFileSync(path, lines(0, 20))
    // The copy takes a while: lines are still written, and read, behind what it got.
    copyFileSync(path, `${path}.1`)
    appendFileSync(path, lines(20, 25))
    const agent = start()
    await marker.passed()
    await agent.stop()
    truncateSync(path)
    appendFileSync(path, lines(25, 26))
    expect(await sums()).toEqual(wanted(26n))
  })
})
