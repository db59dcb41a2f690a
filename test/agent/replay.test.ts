// What was not billed is billed later, once: usage without a project, quarantined lines, events
// that the sink refused; and events that are held. Whoever holds the state does it.

import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/agent/replay.ts'
import { carryOut } from '../../src/agent/requests.ts'
import { readQuarantine, readStatus, readUnattributedUsage } from '../../src/agent/status.ts'
import type { Config } from '../../src/config/config.ts'
import type { FrozenBatch, SinkAnswer } from '../../src/deliver/sink.ts'
import { ledgerRows } from '../../src/durable/ledger.ts'
import { openStateReader } from '../../src/durable/store.ts'
import { crc32c } from '../../src/native.ts'
import { eventId } from '../reference/slow-events.ts'
import { idOf, line, sumsPerProject, sumsPerWindow } from './bills.ts'
import {
  Clock,
  config,
  fileStream,
  Receiver,
  RunningAgent,
  runOnce,
  scratch,
  until,
} from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const STREAM = 'file/n1/access.log'
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }

async function ask(settings: Config, operation: Operation) {
  const signal = AbortSignal.timeout(20_000)
  return carryOut(settings.state.dir, operation, {
    nowMs: Date.now(),
    signal,
    onWait: () => undefined,
  })
}

async function place(log: string, parts: Parameters<typeof config>[1] = {}) {
  const directory = await scratch()
  const path = join(directory, 'access.log')
  writeFileSync(path, log)
  const settings = config(directory, parts)
  const sink = new Receiver()
  await runOnce(settings, { sink })
  return { directory, path, settings, sink }
}

describe('usage without a project', () => {
  const nobody = (ms: number, more: object = {}) => ({ project: null, ms, ...more })
  const log = [
    line(START_MS, { project: 'p-a', ms: 1_500 }),
    line(START_MS, nobody(700, { route: 'httproute/ns-b/web/rule/0', sent: 10 })),
    line(START_MS + 1, nobody(800, { route: 'httproute/ns-b/web/rule/1', sent: 20 })),
    line(START_MS + 2, nobody(1, { route: 'httproute/ns-c/web', sent: 40 })),
    line(START_MS + 3, { project: 'Not Good', route: 'httproute/ns-b/web', sent: 80 }),
    line(START_MS + 4, nobody(0, { route: null, sent: 160 })),
    line(START_MS + 60_000, nobody(600, { route: 'httproute/ns-b/web', sent: 320 })),
  ].join('')
  const unattributed = (namespaces: Record<string, string>, projects = {}): Operation => ({
    kind: 'unattributed',
    ...ALL,
    map: { namespaces, projects },
  })

  test('is billed to the project of its namespace, in its own window, as part r1', async () => {
    const { settings, sink } = await place(log)
    const before = sink.texts
    expect(await ask(settings, unattributed({ 'ns-b': 'p-b' }))).toEqual({ pieces: 2, requests: 3 })
    await runOnce(settings, { sink })
    const added = sink.texts.filter((text) => !before.includes(text))
    expect(sumsPerProject(added)).toEqual({
      'p-b requests': 3n,
      'p-b egress-bytes': 350n,
      // 700 + 800 ms in the first window; 500 + 600 in the second: the rest is carried over.
      'p-b connection-seconds': 2n,
    })
    const egress = added.filter((text) => text.includes('egress')).map(idOf)
    const ids = [START_MS, START_MS + 60_000].map((windowStartMs) =>
      eventId({
        ...{ stream: STREAM, epoch: 0, windowStartMs, windowMs: 60_000, part: 'r1' },
        ...{ type: 'networking.datumapis.com/gateway/egress-bytes', subject: 'projects/p-b' },
        dimensions: { httproute_name: 'web', httproute_namespace: 'ns-b', project_name: 'p-b' },
      }),
    )
    expect(egress.sort()).toEqual(ids.sort())
  })

  test('is billed once, however often asked for; what the map does not know stays', async () => {
    const { settings, sink } = await place(log)
    await ask(settings, unattributed({ 'ns-b': 'p-b' }))
    expect(await ask(settings, unattributed({ 'ns-b': 'p-b' }))).toEqual({})
    const left = await readUnattributedUsage(settings.state.dir)
    expect(left.map(({ reason, egressBytes }) => [reason, egressBytes]).sort()).toEqual([
      ['bad_project', 80n],
      ['no_project', 40n],
      ['no_route', 160n],
    ])
    expect(await ask(settings, unattributed({ 'ns-c': 'p-c' }, { 'Not Good': 'p-d' }))).toEqual({
      pieces: 1,
      requests: 2,
    })
    await runOnce(settings, { sink })
    expect(sumsPerProject(sink.texts)).toMatchObject({
      'p-a requests': 1n,
      'p-b egress-bytes': 350n,
      'p-c egress-bytes': 40n,
      'p-d egress-bytes': 80n,
    })
  })

  test('gets a ledger row of its own: r1, then r2', async () => {
    const { settings } = await place(log)
    await ask(settings, unattributed({ 'ns-b': 'p-b' }))
    await ask(settings, unattributed({ 'ns-c': 'p-c' }))
    const state = await openStateReader(settings.state.dir, { crc32c })
    const rows = Array.from(ledgerRows(state), ({ windowStartMs, part }) => [windowStartMs, part])
    await state.close()
    const second = START_MS + 60_000
    expect(rows).toEqual([
      ...[
        [START_MS, '0'],
        [START_MS, 'r1'],
        [START_MS, 'r2'],
      ],
      ...[
        [second, '0'],
        [second, 'r1'],
      ],
    ])
  })

  test('is billed by the agent that runs, beside its work', async () => {
    const { path, settings, sink } = await place(log)
    const clock = new Clock(START_MS + 60_000)
    const agent = new RunningAgent(settings, { sink, now: clock.now })
    await until('the agent has the state', () =>
      agent.signals.some(({ kind }) => kind === 'started'),
    )
    appendFileSync(path, line(START_MS + 60_000, { project: 'p-a' }))
    expect(await ask(settings, unattributed({ 'ns-b': 'p-b' }))).toEqual({ pieces: 2, requests: 3 })
    await until('it is delivered', () => sumsPerProject(sink.texts)['p-b requests'] === 3n)
    await agent.stop()
  })
})

describe('quarantined lines', () => {
  const received = (value: unknown) => ({ received_bytes: value })
  const wrong = { format: { ...base(), ingressBytes: 'wrong_key' } }
  const right = { format: { ...base(), ingressBytes: 'received_bytes' } }
  function base() {
    return {
      ...{ project: 'project_name', route: 'route_name', egressBytes: 'bytes_sent' },
      ...{ durationMs: 'duration', startTime: 'start_time', logType: 'access_log_type' },
      ...{ streamId: 'stream_id', connectionId: 'connection_id' },
    }
  }
  const bad = (more: object) => line(START_MS, { more: { wrong_key: -1, ...received(5), ...more } })

  async function mended(log: string) {
    const directory = await scratch()
    writeFileSync(join(directory, 'access.log'), log)
    const settings = (stream: object) =>
      config(directory, { streams: [fileStream(directory, stream)] })
    const sink = new Receiver()
    await runOnce(settings(wrong), { sink })
    // The format is mended: the agent takes it up, then the lines can be read.
    await runOnce(settings(right), { sink })
    return { settings: settings(right), sink }
  }

  test('are billed when the format that broke them is mended, and leave quarantine', async () => {
    const { settings, sink } = await mended(`${bad({}).repeat(2)}{"cut"\n`)
    expect(sink.texts).toEqual([])
    expect(await ask(settings, { kind: 'quarantined' })).toEqual({ lines: 2 })
    await runOnce(settings, { sink })
    expect(sumsPerProject(sink.texts)).toEqual({
      'p-a egress-bytes': 2n,
      'p-a ingress-bytes': 10n,
      'p-a requests': 2n,
    })
    const left = await readQuarantine(settings.state.dir)
    expect(left.map(({ reason, text }) => [reason, text])).toEqual([['malformed', '{"cut"']])
    expect(await ask(settings, { kind: 'quarantined' })).toEqual({})
  })

  test('of one reason leave the others alone', async () => {
    const { settings } = await mended(bad({}))
    expect(await ask(settings, { kind: 'quarantined', reason: 'malformed' })).toEqual({})
    expect(await ask(settings, { kind: 'quarantined', reason: 'bad_number' })).toEqual({ lines: 1 })
  })

  test('of docker with a line end inside stay: read once more, one would be two', async () => {
    const directory = await scratch()
    const log = line(START_MS).repeat(2)
    const record = JSON.stringify({ log, stream: 'stdout', time: new Date(START_MS) })
    writeFileSync(join(directory, 'access.log'), `${record}\n`)
    const sink = new Receiver()
    await runOnce(config(directory), { sink })
    expect(await ask(config(directory), { kind: 'quarantined' })).toEqual({})
    await runOnce(config(directory), { sink })
    expect(sink.texts).toEqual([])
    const left = await readQuarantine(config(directory).state.dir)
    expect(left.map(({ reason, text }) => [reason, text])).toEqual([['malformed', log.trim()]])
  })

  test('that are no request stay: their amounts are part of the one that ended it', async () => {
    const ids = { stream_id: 's', connection_id: 1, bytes_sent: 30 }
    const { settings, sink } = await mended(bad({ ...ids, access_log_type: 'DownstreamPeriodic' }))
    expect(await ask(settings, { kind: 'quarantined' })).toEqual({})
    await runOnce(settings, { sink })
    expect(sink.texts).toEqual([])
  })

  test('the end of a long request bills what was not billed before', async () => {
    const ids = { stream_id: 's', connection_id: 1 }
    const periodic = { ...ids, access_log_type: 'DownstreamPeriodic', bytes_sent: 30 }
    const end = { ...ids, access_log_type: 'DownstreamEnd', bytes_sent: 100 }
    const good = line(START_MS, { more: periodic })
    const { settings, sink } = await mended(good + bad(end))
    await ask(settings, { kind: 'quarantined' })
    await runOnce(settings, { sink })
    expect(sumsPerProject(sink.texts)).toMatchObject({
      'p-a egress-bytes': 100n,
      'p-a requests': 1n,
    })
  })
})

class Refusing extends Receiver {
  /** Projects that the sink does not know. */
  readonly unknown = new Set<string>()

  override async deliver(batch: FrozenBatch): Promise<SinkAnswer> {
    const isUnknown = (text: string) => [...this.unknown].some((project) => text.includes(project))
    const rejected = batch.ids.filter((_, at) => isUnknown(batch.texts[at] ?? ''))
    for (const [at, id] of batch.ids.entries()) {
      if (!rejected.includes(id)) this.take(id, batch.texts[at] ?? '')
    }
    if (rejected.length === 0) return { kind: 'accepted', status: 200, text: '' }
    const reasons = rejected.map((id) => ({ id, reason: 'unbound' }))
    return { kind: 'partly', status: 207, text: '', rejected: reasons }
  }
}

describe('events that the sink refused', () => {
  async function refused() {
    const directory = await scratch()
    const projects = ['p-a', 'p-b', 'p-c']
    const log = projects.map((project) => line(START_MS, { project })).join('')
    writeFileSync(join(directory, 'access.log'), log)
    const settings = config(directory)
    const sink = new Refusing()
    sink.unknown.add('p-b').add('p-c')
    await runOnce(settings, { sink })
    return { settings, sink }
  }

  test('are sent again with the same ids and bytes, of one project if asked', async () => {
    const { settings, sink } = await refused()
    expect((await readStatus(settings.state.dir)).rejected).toEqual({ unbound: 4 })
    sink.unknown.delete('p-b')
    expect(await ask(settings, { kind: 'rejected', project: 'p-b' })).toEqual({ events: 2 })
    await runOnce(settings, { sink })
    expect(Object.keys(sumsPerProject(sink.texts))).toEqual(
      ['p-a', 'p-b'].flatMap((project) => [`${project} egress-bytes`, `${project} requests`]),
    )
    expect((await readStatus(settings.state.dir)).rejected).toEqual({ unbound: 2 })
  })

  test('that are refused again wait again', async () => {
    const { settings, sink } = await refused()
    expect(await ask(settings, { kind: 'rejected' })).toEqual({ events: 4 })
    await runOnce(settings, { sink })
    const { rejected, spool } = await readStatus(settings.state.dir)
    expect(rejected).toEqual({ unbound: 4 })
    expect(spool.events).toBe(0)
  })
})

test('accepted events of a time are sent again to a sink that lost them', async () => {
  const { settings, sink } = await place(line(START_MS) + line(START_MS + 60_000))
  const sums = sumsPerWindow(sink.texts)
  sink.stored.clear()
  const hour = { fromMs: Date.now() - 3_600_000, toMs: Date.now() + 1 }
  expect(await ask(settings, { kind: 'accepted', ...hour })).toEqual({ events: 4 })
  await runOnce(settings, { sink })
  expect(sumsPerWindow(sink.texts)).toEqual(sums)
  const earlier = { fromMs: 0, toMs: hour.fromMs }
  expect(await ask(settings, { kind: 'accepted', ...earlier })).toEqual({})
})

test('a request that nobody could finish is finished by the next run, once', async () => {
  const { settings, sink } = await place(line(START_MS, { project: null }))
  const map = { namespaces: { 'ns-a': 'p-a' }, projects: {} }
  const stopped = AbortSignal.abort()
  const operation: Operation = { kind: 'unattributed', ...ALL, map }
  const agent = new RunningAgent(settings, { sink, now: new Clock(START_MS).now })
  await until('the agent has the state', () => agent.signals.length > 0)
  // Asked and not waited for: the answer of the agent comes later.
  const options = { nowMs: Date.now(), signal: stopped, onWait: () => undefined }
  await expect(carryOut(settings.state.dir, operation, options)).rejects.toMatchObject({
    code: 'METER_STATE_LOCKED',
  })
  await agent.stop()
  await runOnce(settings, { sink })
  expect(await ask(settings, operation)).toEqual({ pieces: 1, requests: 1 })
})
