// verify of a state that has a past: usage that was billed later, events that were sent again, rows
// that are only kept as sums of days, segments of which not all events are made.

import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Operation, operate } from '../../src/agent/replay.ts'
import { Retention } from '../../src/agent/retention.ts'
import { packRecord, unpackRecord } from '../../src/durable/codec.ts'
import { forgetAccepted } from '../../src/durable/settled.ts'
import { openState, type StateStore } from '../../src/durable/store.ts'
import { stateNative } from '../../src/native.ts'
import { line } from '../agent/bills.ts'
import { config, fileStream, Receiver, runOnce, scratch } from '../agent/rig.ts'
import { StreamModel } from '../agent/stream-model.ts'
import { differencesOf, logsIn, verify } from './rig.ts'
import {
  edit,
  type Fate,
  MINUTE_MS,
  makeScene,
  type Scene,
  START_MS,
  STREAM,
  verifyScene,
} from './scene.ts'

const ALL_TIME = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }
const DAY_MS = 24 * 3_600_000

/** Carries an operation out, as the command does; gives what it did. */
async function replay(scene: Scene, operation: Operation): Promise<object[]> {
  const store = await openState(scene.config.state.dir, stateNative)
  const done: object[] = []
  for await (const step of operate(store, operation, START_MS + DAY_MS)) {
    done.push(step)
    await store.commit()
  }
  await store.close()
  expect(done).not.toEqual([])
  return done
}

describe('usage that is billed later', () => {
  const LINES = [
    line(START_MS, { project: null, route: 'httproute/ns-b/web', sent: 10, ms: 700 }),
    line(START_MS + 1, { project: null, route: 'httproute/ns-c/web', sent: 20, ms: 700 }),
    line(START_MS + 2, { project: 'p-a', sent: 1 }),
    line(START_MS + 3, { project: 'p-a' }).replace('"bytes_sent":1', '"bytes_sent":1.5'),
    line(START_MS + MINUTE_MS, { project: 'p-a' }),
  ]
  const map = { namespaces: { 'ns-b': 'p-b' }, projects: {} }

  test('of no project: its events are those of their rows, the rest is still kept', async () => {
    const scene = await makeScene('accepted', [LINES.join('')])
    await replay(scene, { kind: 'unattributed', ...ALL_TIME, map })
    const report = await verifyScene(scene)
    expect(differencesOf(report)).toEqual([])
    // Two rows: the piece, and the replayed one, whose events are not made yet.
    expect(report.events).toEqual({ pieces: 2, checkedPieces: 2 })
    await runOnce(scene.config, { sink: new Receiver() })
    expect(differencesOf(await verifyScene(scene))).toEqual([])
  })

  test('of no project: a replayed row that is changed is found', async () => {
    const scene = await makeScene('accepted', [LINES.join('')])
    await replay(scene, { kind: 'unattributed', ...ALL_TIME, map })
    await runOnce(scene.config, { sink: new Receiver() })
    await edit(scene, (store) => {
      const key = [...store.keys('ledger/')].find((one) => one.includes('/r')) ?? ''
      const { head, body } = unpackRecord(store.get(key) as Uint8Array)
      const view = Buffer.from(body)
      view.writeBigInt64LE(11n, view.indexOf(Buffer.from(BigInt64Array.of(10n).buffer)))
      store.put(key, packRecord(head, view))
    })
    const { differences } = await verifyScene(scene)
    expect(differences.map((one) => [one.part, one.project, one.meter, one.found])).toEqual([
      ['r1', 'p-b', 'egress-bytes', '10'],
    ])
  })

  test('quarantined lines, which are there no more', async () => {
    const scene = await makeScene('accepted', [LINES.join('')])
    // A version that bills what this one refuses.
    await edit(scene, (store) => {
      const key = [...store.keys('quarantine/')][0] ?? ''
      const { head, body } = unpackRecord(store.get(key) as Uint8Array)
      const text = Buffer.from(body).toString('latin1').replace('1.5', '1.0')
      store.put(key, packRecord(head, Buffer.from(text, 'latin1')))
    })
    await replay(scene, { kind: 'quarantined' })
    expect(differencesOf(await verifyScene(scene))).toEqual([])
    await runOnce(scene.config, { sink: new Receiver() })
    expect(differencesOf(await verifyScene(scene))).toEqual([])
  })
})

describe('events that are sent again', () => {
  test.each([
    ['accepted', { kind: 'accepted', fromMs: 0, toMs: START_MS + DAY_MS }],
    ['refused', { kind: 'rejected' }],
  ] as [Fate, Operation][])('that were %s', async (fate, operation) => {
    const scene = await makeScene(fate)
    await replay(scene, operation)
    expect(differencesOf(await verifyScene(scene))).toEqual([])
    await runOnce(scene.config, { sink: new Receiver() })
    expect(differencesOf(await verifyScene(scene))).toEqual([])
  })
})

describe('what is kept no longer', () => {
  test('accepted events: their pieces are compared with the logs only', async () => {
    const scene = await makeScene()
    await edit(scene, (store) => {
      expect(forgetAccepted(store, Number.MAX_SAFE_INTEGER, 100)).toBeGreaterThan(0)
    })
    await runOnce(scene.config, { sink: new Receiver() })
    const report = await verifyScene(scene)
    expect(differencesOf(report)).toEqual([])
    // The window that was open when they were forgotten has its events.
    expect(report.events).toEqual({ pieces: 6, checkedPieces: 1 })
  })

  /** Two days, a log each; the rows of the first are summed. */
  async function twoDays() {
    const directory = await scratch()
    const path = join(directory, 'access.log')
    const settings = config(directory)
    const day = (startMs: number): string =>
      [0, MINUTE_MS, 2 * MINUTE_MS]
        .flatMap((ms) => [
          line(startMs + ms, { project: 'p-b', sent: 5 }),
          line(startMs + ms, { project: null, sent: 7 }),
        ])
        .join('')
    writeFileSync(path, day(START_MS))
    await runOnce(settings, { sink: new Receiver() })
    renameSync(path, `${path}.1`)
    writeFileSync(path, day(START_MS + DAY_MS))
    await runOnce(settings, { sink: new Receiver() })
    const store = await openState(settings.state.dir, stateNative)
    const retention = new Retention(store, settings.state)
    const sweepAt = async (atMs: number): Promise<void> => {
      retention.sweep(atMs + settings.state.ledgerRetentionMs, 0)
      await store.commit()
    }
    return { directory, settings, store, sweepAt }
  }

  test('ledger rows: the others are compared', async () => {
    const { directory, settings, store, sweepAt } = await twoDays()
    await sweepAt(START_MS + DAY_MS - 1)
    await store.close()
    const report = await verify(settings, logsIn(directory))
    expect(differencesOf(report)).toEqual([])
    expect(report.streams[0]?.lines).toEqual({ covered: 6n, total: 6n })
  })

  test('ledger rows of half a day', async () => {
    const { directory, settings, store, sweepAt } = await twoDays()
    await sweepAt(START_MS + MINUTE_MS + 1)
    await store.close()
    const report = await verify(settings, logsIn(directory))
    expect(differencesOf(report)).toEqual([])
    expect(report.streams[0]?.lines).toEqual({ covered: 8n, total: 8n })
  })

  test('a sum of a day that is changed does not fit the lines of the stream', async () => {
    const { directory, settings, store, sweepAt } = await twoDays()
    await sweepAt(START_MS + DAY_MS - 1)
    const [key = ''] = store.keys('ledger-day/')
    const { head, body } = unpackRecord<{ lines: object }>(store.get(key) as Uint8Array)
    const lines = { ...head.lines, metered: '4' }
    store.put(key, packRecord({ ...head, lines }, body))
    await store.commit()
    await store.close()
    const { differences } = await verify(settings, logsIn(directory))
    expect(differences.map((one) => [one.stream, one.meter, one.expected, one.found])).toEqual([
      [STREAM, 'lines metered', '7', '6'],
    ])
  })
})

describe('segments of which not all events are made', () => {
  test('count with the events that they will make', async () => {
    const directory = await scratch()
    const settings = config(directory)
    const place = { stream: STREAM, directory, liveName: 'access.log', attempt: undefined }
    const lines = Array.from({ length: 20_000 }, (_, at) => line(START_MS, { project: `p-${at}` }))
    const last = line(START_MS + MINUTE_MS)
    writeFileSync(join(directory, 'access.log'), lines.join('') + last)
    const model = await StreamModel.open(settings, place, new Receiver())
    await model.read(Number.MAX_SAFE_INTEGER)
    await model.commit()
    await model.close()
    const store = await openState(settings.state.dir, stateNative)
    const heads = Array.from(store.entries('segment/'), ([, head]) => Buffer.from(head).toString())
    await store.close()
    const { rendered } = JSON.parse(heads[0] ?? '{}') as { rendered: number }
    expect(rendered).toBeGreaterThan(0)
    expect(rendered).toBeLessThan(40_000)
    const report = await verify(settings, logsIn(directory))
    expect(differencesOf(report)).toEqual([])
    expect(report.events).toEqual({ pieces: 1, checkedPieces: 1 })
  })

  test('a page of one that is changed is found', async () => {
    const scene = await makeScene('accepted', [line(START_MS, { sent: 4_711 })])
    const store = await openState(scene.config.state.dir, stateNative)
    await stageUnrendered(scene, store)
    const { differences } = await verifyScene(scene)
    expect(differences.map((one) => [one.check, one.project, one.meter, one.found])).toEqual([
      ['events', 'p-a', 'egress-bytes', '4712'],
    ])
  })
})

/** Closes the open window, and changes the pages of the segment before its events are made. */
async function stageUnrendered({ directory, config: settings }: Scene, store: StateStore) {
  await store.close()
  const place = { stream: STREAM, directory, liveName: 'access.log', attempt: undefined }
  const model = await StreamModel.open(settings, place, new Receiver())
  await model.read(Number.MAX_SAFE_INTEGER)
  await model.closeByTime()
  await model.commit(false)
  await model.close()
  await edit({ directory, config: settings, logs: [] }, (opened) => {
    const [key = ''] = opened.keys('segment-page/')
    const page = Buffer.from(opened.get(key) ?? [])
    page.writeBigInt64LE(4_712n, page.indexOf(Buffer.from(BigInt64Array.of(4_711n).buffer)))
    opened.put(key, page)
  })
}

test('per_request_floor, and a meter that the rules do not have', async () => {
  const directory = await scratch()
  const lines = [0, 1].map((minute) => line(START_MS + minute * MINUTE_MS, { ms: 1_700 }))
  writeFileSync(join(directory, 'access.log'), [...lines, ...lines].sort().join(''))
  const rest = { connection_seconds: 'per_request_floor' }
  const settings = config(directory, { streams: [fileStream(directory)], rest })
  await runOnce(settings, { sink: new Receiver() })
  expect(differencesOf(await verify(settings, logsIn(directory)))).toEqual([])
  rmSync(join(directory, 'access.log'))
  writeFileSync(
    join(directory, 'access.log'),
    [...lines, ...lines].sort().join('').replace('1700', '1600'),
  )
  const { differences } = await verify(settings, logsIn(directory))
  expect(differences.map(({ meter }) => meter)).toContain('connection-ms')
})
