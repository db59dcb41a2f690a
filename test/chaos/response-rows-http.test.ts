// The response table of DESIGN 7 for the HTTP sinks beside the billing gateway's: any 2xx accepts,
// the other rows are the same. Over real connections, each attempt of a batch with the same bytes.

import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CloudEventsSink } from '../../src/deliver/cloudevents-sink.ts'
import { CollectorSink } from '../../src/deliver/collector-sink.ts'
import { Sender } from '../../src/deliver/sender.ts'
import type { FrozenBatch, Sink } from '../../src/deliver/sink.ts'
import { NEVER, TestOutbox, testBatch, testId, withoutWaits } from '../sink/batches.ts'
import { startCollector, type TestCollector } from '../sink/collector.ts'
import { INGEST_PATH, startOpenMeter, type TestOpenMeter } from '../sink/openmeter.ts'
import type { ReceiverStep } from '../sink/receiver.ts'
import { type Fault, type FaultProxy, startFaultProxy } from './fault-proxy.ts'

const NOW_MS = Date.UTC(2026, 10, 22, 12)
const TIMEOUT_MS = 300

const SINKS = [
  {
    name: 'collector',
    start: startCollector as () => Promise<Receiver>,
    make: (url: string, bearerFile?: string): Sink =>
      new CollectorSink({ url, bearerFile, timeoutMs: TIMEOUT_MS, now: () => NOW_MS }),
  },
  {
    name: 'cloudevents-http',
    start: startOpenMeter as () => Promise<Receiver>,
    make: (base: string, bearerFile?: string): Sink => {
      const url = base + INGEST_PATH
      return new CloudEventsSink({ url, bearerFile, timeoutMs: TIMEOUT_MS, now: () => NOW_MS })
    },
  },
]

type Receiver = TestCollector | TestOpenMeter

let receiver: Receiver
let proxy: FaultProxy
let sink: Sink
let waits: number[]

const say = (status: number, body = '', headers = {}): ReceiverStep => ({
  ...{ do: 'say', status, body, headers },
})

async function send(...batches: FrozenBatch[]): Promise<TestOutbox> {
  const outbox = new TestOutbox(...batches)
  await new Sender(sink, outbox, withoutWaits(waits)).run(NEVER)
  expect(receiver.changed).toEqual([])
  return outbox
}

/** All of the batch is stored by one more request of the same bytes, after these waits. */
async function resentWhole(count: number, expectedWaits: number[]): Promise<void> {
  const batch = testBatch(1, count)
  const outbox = await send(batch)
  expect(outbox.accepted).toEqual(batch.ids)
  expect(outbox.quarantined).toEqual({})
  expect([...receiver.stored.keys()]).toEqual(batch.ids)
  for (const { body } of receiver.requests) expect(body.equals(batch.body)).toBe(true)
  expect(waits).toEqual(expectedWaits)
}

describe.each(SINKS)('$name', ({ start, make }) => {
  beforeEach(async () => {
    receiver = await start()
    proxy = await startFaultProxy(receiver.port)
    sink = make(proxy.url)
    waits = []
  })
  afterEach(async () => {
    await sink.close()
    await proxy.close()
    await receiver.close()
  })

  test.each([
    ['200 without a body', say(200)],
    ['200 with any text', say(200, '<html>')],
    ['200 that counts less, which is the gateway’s word only', say(200, '{"accepted":1}')],
    ['201', say(201)],
    ['202', say(202)],
    ['204', say(204)],
    ['207', say(207, '{"accepted":0,"rejected":[{"id":""}]}')],
    ['299', say(299)],
  ])('%s accepts', async (_name, step) => {
    receiver.script = [step]
    const outbox = await send(testBatch(1, 3))
    expect(outbox.accepted).toHaveLength(3)
    expect(receiver.requests).toHaveLength(1)
  })

  test('2xx with a body without end accepts, and is not read to its end', async () => {
    proxy.decide = () => ({ do: 'replace', bytes: 'endless' })
    await resentWhole(3, [])
  })

  test.each([408, 429, 500, 502, 503, 599])('%i is unknown: the same bytes', async (status) => {
    receiver.script = [say(status)]
    await resentWhole(100, [750])
  })

  test.each<[string, Fault]>([
    ['a reset before the receiver saw it', { do: 'reset' }],
    ['a reset within the request', { do: 'cut-request', share: 0.5 }],
    ['a lost answer', { do: 'lose-answer' }],
    ['silence', { do: 'black-hole', seen: true }],
    ['bytes that are no HTTP', { do: 'replace', bytes: 'garbage' }],
    ['a head of more than 16 KiB', { do: 'replace', bytes: 'huge-head' }],
  ])('%s is unknown: the same bytes', async (_name, fault) => {
    let attempts = 0
    proxy.decide = () => (attempts++ === 0 ? fault : { do: 'pass' })
    await resentWhole(100, [750])
  })

  test('Retry-After is honoured', async () => {
    const date = new Date(NOW_MS + 90_000).toUTCString()
    receiver.script = [say(429, '', { 'retry-after': '7' }), say(503, '', { 'retry-after': date })]
    await resentWhole(10, [7_000, 90_000])
  })

  test.each([400, 409, 412, 422])('%i bisects, down to the one event', async (status) => {
    receiver.refuses = ({ id }) => (id === testId(37) ? status : undefined)
    const outbox = await send(testBatch(1, 100))
    expect(Object.keys(outbox.quarantined)).toEqual([testId(37)])
    expect(outbox.accepted).toHaveLength(99)
    expect(waits).toEqual([])
  })

  test('413 halves', async () => {
    receiver.script = [say(413), say(413)]
    const outbox = await send(testBatch(1, 100))
    expect(outbox.accepted.sort()).toEqual(testBatch(1, 100).ids)
    expect(receiver.requests).toHaveLength(5)
    expect(waits).toEqual([])
  })

  test('401 holds, then a rotated token is taken without a restart', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'meter-fast-token-'))
    const bearerFile = join(directory, 'token')
    await writeFile(bearerFile, 'old\n')
    receiver.token = 'new'
    await sink.close()
    sink = make(proxy.url, bearerFile)
    const outbox = new TestOutbox(testBatch(1, 10))
    const sleep = async (ms: number) => {
      waits.push(ms)
      if (waits.length === 2) await writeFile(bearerFile, 'new\n')
    }
    await new Sender(sink, outbox, { sleep }).run(NEVER)
    rmSync(directory, { recursive: true })
    expect(waits).toEqual([60_000, 60_000])
    expect(outbox.accepted).toHaveLength(10)
  })

  test.each([404, 405, 415, 301, 307, 308, 600])('%i holds, no redirect', async (status) => {
    receiver.script = [say(status, '', { location: `${receiver.url}/elsewhere` })]
    await resentWhole(10, [60_000])
    expect(new Set(receiver.requests.map(({ path }) => path)).size).toBe(1)
  })

  test('a receiver that goes away after it stored a batch costs nothing', async () => {
    const { port, url } = receiver
    await sink.close()
    sink = make(url)
    receiver.script = [{ do: 'reset', when: 'after' }]
    const kinds: string[] = []
    const outbox = new TestOutbox(testBatch(1, 10), testBatch(2, 10, 10))
    await new Sender(sink, outbox, {
      sleep: async () => {
        if (kinds.length === 1) await receiver.close()
        if (kinds.length === 3) await receiver.listen(port)
      },
      onSignal: (signal) => {
        if (signal.kind === 'answered') kinds.push(signal.answer.kind)
      },
    }).run(NEVER)
    expect(kinds).toEqual(['unknown', 'unreachable', 'unreachable', 'accepted', 'accepted'])
    expect([...receiver.stored.keys()]).toEqual(testBatch(1, 20).ids)
  })
})
