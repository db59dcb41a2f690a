// A state of format 1 is taken over by the first start of a newer version: nothing is lost, nothing
// is made or sent twice, and ids and bytes stay as they are.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { carryOut } from '../../src/agent/requests.ts'
import { readQuarantine, readStatus, readUnattributedUsage } from '../../src/agent/status.ts'
import { packRecord, unpackRecord } from '../../src/durable/codec.ts'
import { prepareDirectory } from '../../src/durable/directory.ts'
import { LmdbBackend } from '../../src/durable/lmdb-backend.ts'
import { waitingBatches } from '../../src/durable/spool-records.ts'
import { openState, openStateReader } from '../../src/durable/store.ts'
import { crc32c, stateNative } from '../../src/native.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { encodeUsagePage } from '../unit/emit-page.ts'
import { RULES } from '../unit/emit-rules.ts'
import { difference, idOf, line, SAME, sumsPerProject } from './bills.ts'
import { config, Receiver, runOnce, scratch } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const WINDOW_MS = 60_000
const STREAM = 'file/n1/access.log'

interface Fixture {
  readonly directory: string
  readonly accepted: readonly string[]
  readonly entries: readonly (readonly [string, string])[]
}
const FIXTURE = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/state-1/state.json'), 'utf8'),
) as Fixture

/** The lines that the state of the fixture was made from. */
const ROTATED = [
  line(START_MS, { project: 'p-held', sent: 3 }),
  line(START_MS + 9 * WINDOW_MS, { project: 'p-a', sent: 10, ms: 1_700 }),
  line(START_MS + 9 * WINDOW_MS, { project: 'p-poison', sent: 20 }),
  line(START_MS + 9 * WINDOW_MS, { project: null, route: 'httproute/ns-b/web', sent: 30 }),
  '{"project_name":"p-a","bytes_sent":-1}\n',
  line(START_MS + 10 * WINDOW_MS, { project: 'p-a', sent: 40 }),
  line(START_MS + 11 * WINDOW_MS, { project: 'p-a', sent: 50, ms: 600 }),
].join('')
const LIVE = line(START_MS + 11 * WINDOW_MS, { project: 'p-b', sent: 60 })

/** The state of the fixture in a new place, with more entries. */
async function oldState(more: readonly (readonly [string, Uint8Array])[] = []) {
  const directory = await scratch()
  const settings = config(directory)
  writeFileSync(join(directory, 'access.log.1'), ROTATED)
  writeFileSync(join(directory, 'access.log'), LIVE)
  prepareDirectory(settings.state.dir)
  const options = { readOnly: false, afterClose: () => undefined }
  const backend = new LmdbBackend(join(settings.state.dir, 'state.mdb'), stateNative, options)
  const entries = FIXTURE.entries.map(([key, value]) => {
    const bytes = Buffer.from(value, 'base64')
    return [key, key.startsWith('stream/') ? moved(bytes, directory) : bytes] as const
  })
  const meta = [
    ['meta/version', Buffer.from('1')],
    ['meta/sequence', Buffer.from('7')],
  ] as const
  const all = [...entries, ...more, ...meta]
  await backend.write(new Map(all.map(([key, value]) => [key, backend.encode(key, value)])))
  await backend.close()
  const sink = new Receiver()
  for (const text of FIXTURE.accepted) sink.take(idOf(text), text)
  return { settings, sink }
}

/** The place of a stream is a path. */
function moved(packed: Uint8Array, directory: string): Uint8Array {
  const { head, body } = unpackRecord<unknown>(packed)
  const text = JSON.stringify(head).replaceAll(FIXTURE.directory, directory)
  return packRecord(JSON.parse(text), body)
}

describe('a state of format 1', () => {
  test('is taken over: what was open, waiting, held and refused is billed once', async () => {
    const { settings, sink } = await oldState()
    await runOnce(settings, { sink, now: () => START_MS + 20 * WINDOW_MS })
    const ask = (kind: 'release' | 'rejected') =>
      carryOut(
        settings.state.dir,
        { kind },
        { nowMs: Date.now(), signal: AbortSignal.timeout(20_000), onWait: () => undefined },
      )
    expect(await ask('release')).toEqual({ events: 2 })
    expect(await ask('rejected')).toEqual({ events: 2 })
    await runOnce(settings, { sink, now: () => START_MS + 20 * WINDOW_MS })
    expect(sink.changed).toEqual([])
    const wanted = slowEvents([Buffer.from(ROTATED), Buffer.from(LIVE)], { stream: STREAM })
    expect(difference(sink.texts, wanted)).toEqual(SAME)
  })

  test('keeps quarantine and usage without a project, which can be billed', async () => {
    const { settings, sink } = await oldState()
    await runOnce(settings, { sink })
    const { dir } = settings.state
    expect(await readQuarantine(dir)).toMatchObject([{ reason: 'bad_number', generation: 0 }])
    expect(await readUnattributedUsage(dir)).toMatchObject([{ egressBytes: 30n }])
    const map = { namespaces: { 'ns-b': 'p-new' }, projects: {} }
    await carryOut(
      dir,
      { kind: 'unattributed', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, map },
      { nowMs: Date.now(), signal: AbortSignal.timeout(20_000), onWait: () => undefined },
    )
    await runOnce(settings, { sink })
    expect(sumsPerProject(sink.texts)).toMatchObject({ 'p-new egress-bytes': 30n })
  })

  test('renders a segment that waits, behind the events that it had made', async () => {
    const head = {
      ...{ stream: STREAM, epoch: 0, windowStartMs: START_MS + 9 * WINDOW_MS, windowMs: WINDOW_MS },
      ...{ part: 0, rules: RULES, rendered: 1 },
    }
    const amounts = [1n, 7n, 0n, 0n, 0n, 0n] as const
    const page = encodeUsagePage([{ project: 'p-w', kind: 1, namespace: 'n', name: 'r', amounts }])
    const number = '0000000000000009'
    const { settings, sink } = await oldState([
      [`segment/${number}`, Buffer.from(JSON.stringify(head))],
      [`segment-page/${number}/0000000000000000`, page],
    ])
    await runOnce(settings, { sink })
    const made = sink.texts.filter((text) => text.includes('p-w'))
    expect(made).toHaveLength(1)
  })

  test('counts what is in its spool as the upgrade finds it', async () => {
    const { settings } = await oldState()
    await (await openState(settings.state.dir, stateNative)).close()
    const state = await openStateReader(settings.state.dir, { crc32c })
    const queue = [...waitingBatches(state, 'queue')]
    expect(queue).toMatchObject([{ number: 1, events: 2, attempts: 1 }])
    expect([...waitingBatches(state, 'held')]).toMatchObject([{ events: 2, timeMs: START_MS }])
    await state.close()
    const { spool } = await readStatus(settings.state.dir)
    expect(spool).toMatchObject({ events: 4, held: 2, batches: 2 })
  })

  test('is not read by a command beside it, which says what to do', async () => {
    const { settings } = await oldState()
    await expect(readStatus(settings.state.dir)).rejects.toMatchObject({
      code: 'METER_STATE_CORRUPT',
      message: expect.stringContaining('Start the agent'),
    })
  })
})
