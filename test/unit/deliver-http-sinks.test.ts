// What the HTTP sinks beside the gateway's send and how they read an answer. The response table is
// in test/chaos/response-rows-http.test.ts.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { HTTP } from 'cloudevents'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CloudEventsSink } from '../../src/deliver/cloudevents-sink.ts'
import { CollectorSink } from '../../src/deliver/collector-sink.ts'
import { NEVER, testBatch, testId } from '../sink/batches.ts'
import { startCollector, type TestCollector } from '../sink/collector.ts'
import { startOpenMeter, type TestOpenMeter } from '../sink/openmeter.ts'

let openMeter: TestOpenMeter
let collector: TestCollector
beforeEach(async () => {
  openMeter = await startOpenMeter()
  collector = await startCollector()
})
afterEach(async () => {
  await openMeter.close()
  await collector.close()
})

describe('the cloudevents-http sink', () => {
  test('posts a batch of the CloudEvents HTTP binding, of the exact type', async () => {
    const sink = new CloudEventsSink({ url: openMeter.ingestUrl })
    const batch = testBatch(1, 3)
    expect(await sink.deliver(batch, NEVER)).toEqual({ kind: 'accepted', status: 204, text: '' })
    await sink.close()
    const [request] = openMeter.requests
    expect(request?.headers['content-type']).toBe('application/cloudevents-batch+json')
    expect(request?.headers).not.toHaveProperty('content-encoding')
    expect(request?.body.equals(batch.body)).toBe(true)
    // An SDK that is not ours reads the same events.
    const { headers, body } = request ?? { headers: {}, body: '' }
    const events = HTTP.toEvent({ headers, body: `${body}` }) as { id: string }[]
    expect(events.map(({ id }) => id)).toEqual(batch.ids)
  })

  test.each(['/api/v1/events', '/', '/a//b/', '/%7Etenant:events'])(
    'posts to the path %s as it is written',
    async (path) => {
      const sink = new CloudEventsSink({ url: openMeter.url + path })
      await sink.deliver(testBatch(1, 1), NEVER)
      await sink.close()
      expect(openMeter.requests.map((request) => request.path)).toEqual([path])
    },
  )

  test('resends a batch that was stored up to the event at which the receiver failed', async () => {
    openMeter.script = [{ do: 'fail-at', event: 2, status: 500 }]
    const sink = new CloudEventsSink({ url: openMeter.ingestUrl })
    const batch = testBatch(1, 4)
    expect(await sink.deliver(batch, NEVER)).toMatchObject({ kind: 'unknown', status: 500 })
    expect([...openMeter.stored.keys()]).toEqual(batch.ids.slice(0, 2))
    expect(await sink.deliver(batch, NEVER)).toMatchObject({ kind: 'accepted' })
    await sink.close()
    expect([...openMeter.stored.values()]).toEqual(batch.texts)
    expect(openMeter.changed).toEqual([])
  })

  test('tells the title and the detail of a problem document, in one bounded line', async () => {
    openMeter.refuses = ({ id }) => (id === testId(1) ? 400 : undefined)
    const sink = new CloudEventsSink({ url: openMeter.ingestUrl })
    expect(await sink.deliver(testBatch(1, 2), NEVER)).toEqual({
      kind: 'refused',
      status: 400,
      text: `Ingest failed: event ${testId(1)}`,
    })
    const headers = { 'content-type': 'application/problem+json; charset=utf-8' }
    const detail = `a\r\n${'x'.repeat(5000)}`
    const documents = [{ title: 'T', detail }, { detail: 7 }, 'text', null]
    openMeter.script = documents.map((document) => ({
      ...{ do: 'say', status: 422, headers, body: JSON.stringify(document) },
    }))
    const texts: string[] = []
    for (const _ of documents) texts.push((await sink.deliver(testBatch(1, 1), NEVER)).text)
    await sink.close()
    expect(texts[0]).toMatch(/^T: a x+\.\.\.$/)
    expect(texts[0]).toHaveLength(256)
    expect(texts.slice(1)).toEqual(['{"detail":7}', '"text"', 'null'])
  })
})

describe('the collector sink', () => {
  test('posts one JSON array on one line to /cloudevents below its address', async () => {
    for (const url of [collector.url, `${collector.url}/`]) {
      const sink = new CollectorSink({ url })
      const batch = testBatch(1, 3)
      expect(await sink.deliver(batch, NEVER)).toEqual({ kind: 'accepted', status: 200, text: '' })
      await sink.close()
      const request = collector.requests.at(-1)
      expect(request?.path).toBe('/cloudevents')
      expect(request?.headers['content-type']).toBe('application/json')
      expect(request?.body.equals(batch.body)).toBe(true)
      expect(request?.body.includes('\n')).toBe(false)
    }
  })
})

describe('compression', () => {
  test.each([
    ['collector', () => collector, () => collector.url, CollectorSink],
    ['cloudevents-http', () => openMeter, () => openMeter.ingestUrl, CloudEventsSink],
  ] as const)('of %s is gzip when it is told to', async (_name, receiver, url, Kind) => {
    const sink = new Kind({ url: url(), compression: 'gzip' })
    const batch = testBatch(1, 100)
    expect(await sink.deliver(batch, NEVER)).toMatchObject({ kind: 'accepted' })
    expect(await sink.deliver(batch, NEVER)).toMatchObject({ kind: 'accepted' })
    await sink.close()
    const [first, second] = receiver().requests
    expect(first?.headers['content-encoding']).toBe('gzip')
    expect(first?.body.length).toBeLessThan(batch.body.length / 4)
    expect(gunzipSync(first?.body ?? '').equals(batch.body)).toBe(true)
    expect(second?.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true)
  })
})

describe('proxies', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('that are configured tunnel to the receiver, anew for each attempt', async () => {
    const asked: string[] = []
    const proxy = createServer()
    proxy.on('connect', (request, socket: Duplex) => {
      asked.push(`${request.url}`)
      const onward = connect(collector.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        socket.pipe(onward).pipe(socket)
      })
      for (const end of [socket, onward]) end.on('error', () => undefined)
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const sink = new CollectorSink({ url: 'http://collector.invalid:9880', proxy: address })
    for (const number of [1, 2]) {
      const answer = await sink.deliver(testBatch(number, 1, number), NEVER)
      expect(answer).toMatchObject({ kind: 'accepted' })
    }
    await sink.close()
    proxy.close()
    expect(asked).toEqual(['collector.invalid:9880', 'collector.invalid:9880'])
    expect(collector.forwarded).toHaveLength(2)
  })

  test('that are away are no connection', async () => {
    const sink = new CollectorSink({ url: collector.url, proxy: 'http://127.0.0.1:1' })
    expect(await sink.deliver(testBatch(1, 1), NEVER)).toMatchObject({ kind: 'unreachable' })
    await sink.close()
    expect(collector.requests).toEqual([])
  })

  test('of the environment are ignored', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY']) {
      vi.stubEnv(name, 'http://127.0.0.1:1')
    }
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    const sink = new CollectorSink({ url: collector.url })
    expect(await sink.deliver(testBatch(1, 1), NEVER)).toMatchObject({ kind: 'accepted' })
    await sink.close()
  })
})
