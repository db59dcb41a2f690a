// When windows close: by content at once, by the wall clock only after the grace and only when all
// was read, never by a stop. What is split into parts by that keeps its sums.

import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { streamSettings } from '../../src/agent/sources.ts'
import { stageStream } from '../../src/agent/staging.ts'
import { AgentStream } from '../../src/agent/stream.ts'
import type { Config } from '../../src/config/config.ts'
import { Counters } from '../../src/durable/counters.ts'
import { type LedgerRow, ledgerRows } from '../../src/durable/ledger.ts'
import { openMemoryState, openStateReader } from '../../src/durable/store.ts'
import { crc32c } from '../../src/native.ts'
import { eventId, slowEvents } from '../reference/slow-events.ts'
import { idOf, line, sumsPerProject, sumsPerWindow } from './bills.ts'
import { Clock, config, Marker, Receiver, RunningAgent, runOnce, scratch, until } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const END_MS = START_MS + 60_000
const GRACE_MS = 30_000
const STREAM = 'file/n1/access.log'

/** One stream without the loop around it, so that every look and every close is a test's own. */
async function stream(text: string) {
  const directory = await scratch()
  const path = join(directory, 'access.log')
  writeFileSync(path, text)
  const settings: Config = config(directory)
  const source = settings.streams[0]
  if (source === undefined) throw new Error('the configuration has no stream')
  const place = { stream: 's', directory, liveName: 'access.log', attempt: undefined }
  const one = new AgentStream(place, streamSettings(settings, source), 'settings')
  const store = openMemoryState()
  const ledger = async (): Promise<LedgerRow[]> => {
    await stageStream(one, {
      store,
      counters: new Counters(store),
      historyMs: Number.MAX_SAFE_INTEGER,
      quarantineBytesMax: 0,
      nowMs: START_MS,
      turn: () => Promise.resolve(),
    })
    return [...ledgerRows(store)]
  }
  const append = (more: string) => appendFileSync(path, more)
  return { one, ledger, append, store }
}

const ALL = Number.MAX_SAFE_INTEGER

describe('a window closes by time', () => {
  test('only when the clock is past its end and 30 s of grace', async () => {
    const { one, ledger } = await stream(line(START_MS))
    await one.poll(ALL, false)
    await one.closeByTime(END_MS + GRACE_MS, GRACE_MS)
    expect(await ledger()).toEqual([])
    await one.closeByTime(END_MS + GRACE_MS + 1, GRACE_MS)
    expect(await ledger()).toMatchObject([{ windowStartMs: START_MS, part: '0', byTime: true }])
    await one.close()
  })

  test('only when all that the last look saw was read', async () => {
    const { one, ledger } = await stream(line(START_MS).repeat(100))
    await one.poll(1_000, false)
    await one.closeByTime(END_MS + 2 * GRACE_MS, GRACE_MS)
    expect(await ledger()).toEqual([])
    await one.poll(ALL, false)
    await one.closeByTime(END_MS + 2 * GRACE_MS, GRACE_MS)
    expect(await ledger()).toMatchObject([{ byTime: true, lines: { metered: '100' } }])
    await one.close()
  })

  test('once: without another line there is nothing to close again', async () => {
    const { one, ledger } = await stream(line(START_MS))
    await one.poll(ALL, false)
    for (let round = 0; round < 3; round += 1) {
      await one.closeByTime(ALL, GRACE_MS)
      expect(await ledger()).toHaveLength(1)
    }
    await one.close()
  })

  test('and a late line opens it again as the next part', async () => {
    const { one, ledger, append } = await stream(line(START_MS))
    for (let part = 0; part < 3; part += 1) {
      await one.poll(ALL, false)
      await one.closeByTime(ALL, GRACE_MS)
      const rows = await ledger()
      expect(rows.map((row) => row.part)).toEqual(
        Array.from({ length: part + 1 }, (_, at) => `${at}`),
      )
      append(line(START_MS + part))
    }
    await one.close()
  })
})

describe.concurrent('the agent', () => {
  const lateLog = () => {
    const before = [1_900, 1_700].map((ms) => line(START_MS + 1_000, { ms, sent: 100 })).join('')
    const late = line(START_MS + 2_000, { ms: 1_600, sent: 7 })
    return { before, late, whole: Buffer.from(before + late) }
  }

  async function place(text: string) {
    const directory = await scratch()
    const path = join(directory, 'access.log')
    writeFileSync(path, text)
    const sink = new Receiver()
    const marker = new Marker(directory, sink)
    const streams = [{ files: [marker.path, path], source_id: 'n1' }]
    return { path, sink, marker, settings: config(directory, { streams }) }
  }

  test('closes after the grace; a late line is part 1, and parts add up', async () => {
    const { before, late, whole } = lateLog()
    const { path, sink, marker, settings } = await place(before)
    const clock = new Clock(END_MS + GRACE_MS - 20_000)
    const agent = new RunningAgent(settings, { sink, now: clock.now })
    // Twice: what the first round closed may be sent after the marker of that round.
    await marker.passed()
    await marker.passed()
    expect(sink.usage).toEqual([])

    clock.set(END_MS + GRACE_MS + 1_000)
    await until('part 0 is delivered', () => sink.usage.length > 0)
    const part0 = sink.usage
    expect(sumsPerProject(part0)).toMatchObject({ 'p-a requests': 2n, 'p-a egress-bytes': 200n })
    appendFileSync(path, late)
    await until('part 1 is delivered', () => sink.usage.length > part0.length)
    await agent.stop()

    const wanted = slowEvents([whole], { stream: STREAM })
    expect(sumsPerWindow(sink.usage)).toEqual(sumsPerWindow(wanted))
    const egress = sink.usage.filter((text) => text.includes('egress'))
    expect(egress.map(idOf).sort()).toEqual(['0', '1'].map(egressId).sort())
    expect(wanted.map(idOf)).toContain(egressId('0'))
  })

  test('a stop closes nothing, and the next run goes on in the same window, part 0', async () => {
    const { before, late, whole } = lateLog()
    const { path, sink, marker, settings } = await place(before)
    for (const more of ['', late, '']) {
      appendFileSync(path, more)
      const agent = new RunningAgent(settings, { sink, now: new Clock(END_MS).now })
      await marker.passed()
      await agent.stop()
      expect(sink.usage).toEqual([])
    }
    await runOnce(settings, { sink, now: () => END_MS })
    expect(sink.usage).toEqual(slowEvents([whole], { stream: STREAM }).sort())
    const state = await openStateReader(settings.state.dir, { crc32c })
    const rows = [...ledgerRows(state)]
    await state.close()
    expect(rows.filter(({ stream }) => stream === STREAM)).toMatchObject([
      { part: '0', byTime: true, lines: { metered: '3' } },
    ])
  })

  test('a stop of a one-shot run that has read closes nothing either', async () => {
    const { before, late, whole } = lateLog()
    const { path, sink, settings } = await place(before)
    const agent: RunningAgent = new RunningAgent(settings, {
      ...{ sink, once: true, now: () => END_MS },
      onSignal: ({ kind }) => kind === 'committed' && void agent.stop(),
    })
    await agent.ended
    expect(sink.usage).toEqual([])
    appendFileSync(path, late)
    await runOnce(settings, { sink, now: () => END_MS })
    expect(sink.usage).toEqual(slowEvents([whole], { stream: STREAM }).sort())
  })

  test('closes by content at once, whatever the wall clock says', async () => {
    const log = line(START_MS) + line(END_MS)
    const { sink, marker, settings } = await place(log)
    const agent = new RunningAgent(settings, { sink, now: new Clock(START_MS).now })
    await until('the first window is delivered', () => sink.usage.length > 0)
    await marker.passed()
    await agent.stop()
    const all = slowEvents([Buffer.from(log)], { stream: STREAM })
    expect(sink.usage).toEqual(all.filter((text) => text.includes('T12:00:00.000Z')).sort())
  })

  test('an event more than 5 min in the future waits for its time', async () => {
    const { sink, marker, settings } = await place(line(START_MS) + line(END_MS))
    const clock = new Clock(START_MS - 5 * 60_000 - 20_000)
    const agent = new RunningAgent(settings, { sink, now: clock.now })
    await marker.passed()
    await marker.passed()
    expect(sink.usage).toEqual([])
    clock.set(START_MS - 5 * 60_000)
    await until('its time has come', () => sink.usage.length > 0)
    expect((await agent.stop()).spool.events).toBe(0)
  })
})

/** The id that the egress of `lateLog` has in a part. */
function egressId(part: string): string {
  const window = { stream: STREAM, epoch: 0, windowStartMs: START_MS, windowMs: 60_000, part }
  const type = 'networking.datumapis.com/gateway/egress-bytes'
  const dimensions = { httproute_name: 'web', httproute_namespace: 'ns-a', project_name: 'p-a' }
  return eventId({ ...window, type, subject: 'projects/p-a', dimensions })
}
