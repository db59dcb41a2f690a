// Files come and go while the agent reads: renamed, unlinked, emptied, compressed; containers
// start again. And lines that arrive in parts, whatever happens between the parts.

import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { jsonEntries } from '../../src/durable/codec.ts'
import { streams as storedStreams } from '../../src/durable/records.ts'
import { openStateReader } from '../../src/durable/store.ts'
import { crc32c } from '../../src/native.ts'
import type { GapRecord } from '../../src/tail/gap.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { criWrapped, difference, line, SAME, sumsPerProject } from './bills.ts'
import { Clock, config, Marker, Receiver, RunningAgent, runOnce, scratch, until } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const STREAM = 'file/n1/access.log'

/** An agent that follows `access.log`, and a marker that tells when it has looked. */
async function following() {
  const directory = await scratch()
  const path = join(directory, 'access.log')
  writeFileSync(path, line(START_MS))
  const sink = new Receiver()
  const marker = new Marker(directory, sink)
  const streams = [{ files: [marker.path, path], source_id: 'n1' }]
  const settings = config(directory, { streams })
  const start = () => new RunningAgent(settings, { sink, now: new Clock(START_MS).now })
  const agent = start()
  await marker.passed()
  const gaps = () => agent.signals.flatMap((one) => (one.kind === 'gap' ? [one.gap] : []))
  /** Ends the agent, reads what is left, and gives what differs from the oracle. */
  const finish = async (...generations: string[]) => {
    await agent.stop()
    await runOnce(settings, { sink })
    const files = generations.map((text) => Buffer.from(text))
    return difference(sink.usage, slowEvents(files, { stream: STREAM }))
  }
  return { directory, path, sink, marker, settings, agent, start, gaps, finish }
}

describe.concurrent('a followed file', () => {
  test('renamed to a name that is no rotation is read to its end', async () => {
    const { directory, path, marker, gaps, finish } = await following()
    renameSync(path, join(directory, 'kept-elsewhere'))
    appendFileSync(join(directory, 'kept-elsewhere'), line(START_MS, { sent: 10 }))
    await marker.passed()
    writeFileSync(path, line(START_MS, { sent: 100 }))
    await marker.passed()
    expect(gaps()).toEqual([])
    const old = line(START_MS) + line(START_MS, { sent: 10 })
    expect(await finish(old, line(START_MS, { sent: 100 }))).toEqual(SAME)
  })

  test('unlinked before its end was read is read to its end', async () => {
    const { path, marker, gaps, finish } = await following()
    appendFileSync(path, line(START_MS, { sent: 10 }))
    unlinkSync(path)
    await marker.passed()
    writeFileSync(path, line(START_MS, { sent: 100 }))
    await marker.passed()
    expect(gaps()).toEqual([])
    const old = line(START_MS) + line(START_MS, { sent: 10 })
    expect(await finish(old, line(START_MS, { sent: 100 }))).toEqual(SAME)
  })

  test('emptied in place after it was read goes on at its beginning', async () => {
    const { path, marker, settings, gaps, finish } = await following()
    truncateSync(path)
    await marker.passed()
    appendFileSync(path, line(START_MS, { sent: 10 }))
    await marker.passed()
    // Nobody can tell whether lines were written between the last look and the truncation.
    expect(gaps().map(({ name, reason }) => [name, reason])).toEqual([['access.log', 'truncated']])
    expect(await finish(line(START_MS), line(START_MS, { sent: 10 }))).toEqual(SAME)
    const state = await openStateReader(settings.state.dir, { crc32c })
    const kept = [...jsonEntries<GapRecord>(state, 'gap/')].map(([, gap]) => gap)
    await state.close()
    expect(kept).toMatchObject(gaps())
    expect(kept).toHaveLength(1)
  })

  test('rotated and compressed while no agent ran goes on where it was', async () => {
    const { path, sink, settings, agent } = await following()
    await agent.stop()
    const old = line(START_MS).repeat(3)
    appendFileSync(path, line(START_MS).repeat(2))
    writeFileSync(`${path}.1.gz`, gzipSync(readFileSync(path)))
    unlinkSync(path)
    writeFileSync(path, line(START_MS, { sent: 100 }))
    await runOnce(settings, { sink })
    const files = [old, line(START_MS, { sent: 100 })].map((text) => Buffer.from(text))
    expect(difference(sink.usage, slowEvents(files, { stream: STREAM }))).toEqual(SAME)
  })

  test('that vanished while no agent ran is a gap, told once, and counts as nothing', async () => {
    const { path, sink, settings, agent } = await following()
    await agent.stop()
    appendFileSync(path, line(START_MS, { sent: 10 }))
    unlinkSync(path)
    writeFileSync(path, line(START_MS, { sent: 100 }))
    const told: unknown[] = []
    for (let run = 0; run < 2; run += 1) {
      const once = new RunningAgent(settings, { sink, once: true })
      await once.ended
      told.push(...once.signals.filter(({ kind }) => kind === 'gap'))
    }
    const place = { stream: STREAM, generation: 0, name: 'access.log', bootChanged: false }
    const range = { offset: line(START_MS).length, end: null, bytes: 0 }
    expect(told).toEqual([{ kind: 'gap', gap: { ...place, ...range, reason: 'vanished' } }])
    const files = [line(START_MS), line(START_MS, { sent: 100 })].map((text) => Buffer.from(text))
    expect(difference(sink.usage, slowEvents(files, { stream: STREAM }))).toEqual(SAME)
  })
})

describe.concurrent('a line in parts', () => {
  const text = line(START_MS, { sent: 1_234 }).trimEnd()
  const part = (tag: string, content: string) => `2026-11-02T12:00:00Z stdout ${tag} ${content}\n`

  test.each([
    ['between its parts', part('P', text.slice(0, 40))],
    ['inside a part', part('P', text.slice(0, 40)).slice(0, 60)],
    ['inside the time of a part', part('P', text.slice(0, 40)).slice(0, 5)],
  ])('goes on after a restart %s', async (_name, first) => {
    const whole = part('P', text.slice(0, 40)) + part('F', text.slice(40))
    const { path, marker, agent, start, sink, settings } = await following()
    await agent.stop()
    // Not the stream that following() began: another writer, another envelope.
    rmSync(settings.state.dir, { recursive: true })
    writeFileSync(path, criWrapped(line(START_MS)) + first)
    for (const _run of ['one', 'two']) {
      const again = start()
      await marker.passed()
      await again.stop()
    }
    appendFileSync(path, whole.slice(first.length))
    const { lines } = await runOnce(settings, { sink })
    expect(lines).toMatchObject({ quarantined: {}, ignored: {} })
    const wanted = { 'p-a requests': 2n, 'p-a egress-bytes': 1_235n }
    expect(sumsPerProject(sink.usage)).toEqual(wanted)
  })

  test('goes on in the next generation, after a restart between them', async () => {
    const { path, marker, agent, start, sink, settings } = await following()
    await agent.stop()
    rmSync(settings.state.dir, { recursive: true })
    writeFileSync(path, criWrapped(line(START_MS)) + part('P', text.slice(0, 40)))
    const again = start()
    await marker.passed()
    await again.stop()
    renameSync(path, `${path}.1`)
    writeFileSync(path, part('F', text.slice(40)))
    await runOnce(settings, { sink })
    const wanted = { 'p-a requests': 2n, 'p-a egress-bytes': 1_235n }
    expect(sumsPerProject(sink.usage)).toEqual(wanted)
  })
})

describe.concurrent('a container', () => {
  async function pod() {
    const root = await scratch()
    const directory = join(root, 'gateway_envoy-abc_uid-1', 'envoy')
    mkdirSync(directory, { recursive: true })
    const log = (attempt: number) => join(directory, `${attempt}.log`)
    const sink = new Receiver()
    const marker = new Marker(root, sink)
    const streams = [
      { files: [marker.path], source_id: 'n1' },
      { kubernetes: { namespaces: ['gateway'], containers: ['envoy'] }, root },
    ]
    return { directory, log, marker, settings: config(await scratch(), { streams }), sink }
  }
  const events = (attempt: number, text: string) =>
    slowEvents([Buffer.from(text)], { stream: `k8s/uid-1/envoy/${attempt}` })

  test('that starts again ends its old stream: its windows close by content', async () => {
    const { log, marker, settings, sink } = await pod()
    const old = criWrapped(line(START_MS, { ms: 1_500 }))
    writeFileSync(log(0), old)
    const agent = new RunningAgent(settings, { sink, now: new Clock(START_MS).now })
    await marker.passed()
    await marker.passed()
    expect(sink.usage).toEqual([])
    writeFileSync(log(1), criWrapped(line(START_MS)))
    await until('the old stream ended', () => sink.usage.length > 0)
    await agent.stop()
    // The window of the new attempt is still open: the clock stands at its beginning.
    expect(difference(sink.usage, events(0, old))).toEqual(SAME)

    // The ended stream stays ended over a restart, and its events do not come again as a part.
    await runOnce(settings, { sink })
    const both = [...events(0, old), ...events(1, criWrapped(line(START_MS)))]
    expect(difference(sink.usage, both)).toEqual(SAME)
  })

  test('whose directory is gone is read to its end, then forgotten by the state', async () => {
    const { directory, log, marker, settings, sink } = await pod()
    writeFileSync(log(0), criWrapped(line(START_MS)))
    const agent = new RunningAgent(settings, { sink, now: new Clock(START_MS).now })
    await marker.passed()
    rmSync(directory, { recursive: true })
    await until('the stream ended', () => sink.usage.length > 0)
    await agent.stop()
    expect(difference(sink.usage, events(0, criWrapped(line(START_MS))))).toEqual(SAME)
    await runOnce(settings, { sink })
    const state = await openStateReader(settings.state.dir, { crc32c })
    const left = [...storedStreams(state)].map(({ stream }) => stream)
    await state.close()
    expect(left).toEqual(['file/n1/a-marker.log'])
  })
})
