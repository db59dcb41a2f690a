// Rules of the gateway sink: what each answer means, what goes over the wire, and credentials.

import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { gatewayAnswer } from '../../src/deliver/gateway-answer.ts'
import { GatewaySink } from '../../src/deliver/gateway-sink.ts'
import { NEVER, testBatch, testId } from '../sink/batches.ts'
import { makeCertificate } from '../sink/certificate.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'

const directory = mkdtempSync(join(tmpdir(), 'meter-fast-gateway-'))
afterAll(() => rmSync(directory, { recursive: true }))
const fileOf = (name: string) => join(directory, name)

describe('an answer to a batch of three', () => {
  const batch = testBatch(1, 3)
  const kindOf = (status: number, body: string | undefined, retryAfter?: string) =>
    gatewayAnswer({ status, body, retryAfter }, batch, 0)
  const rejected = (...ids: string[]) =>
    ids.map((id) => ({ id, reason: 'INVALID_ULID', detail: 'd' }))
  const partly = (accepted: number, ...ids: string[]) =>
    JSON.stringify({ accepted, rejected: rejected(...ids) })

  test.each([
    [200, '{"accepted":3}', 'accepted'],
    [204, '', 'accepted'],
    [201, '{"accepted":3}', 'accepted'],
    [200, '{"accepted":2}', 'ambiguous'],
    [200, '{"accepted":4}', 'ambiguous'],
    [200, '{"accepted":"3"}', 'ambiguous'],
    [200, '<html>', 'ambiguous'],
    [200, 'null', 'ambiguous'],
    [200, undefined, 'ambiguous'],
    [202, '', 'ambiguous'],
    [207, partly(1, testId(0), testId(2)), 'partly'],
    [207, partly(0, testId(0), testId(1), testId(2)), 'partly'],
    [207, partly(2, ''), 'unmatched'],
    [207, partly(2, testId(9)), 'unmatched'],
    [207, partly(1, testId(0), testId(0)), 'unmatched'],
    [207, partly(1, testId(0)), 'unmatched'],
    [207, '{"accepted":3}', 'unmatched'],
    [207, '{"accepted":2,"rejected":[null]}', 'unmatched'],
    [207, undefined, 'unmatched'],
    [400, '{"code":"INVALID_REQUEST"}', 'refused'],
    [422, '', 'refused'],
    [402, '', 'refused'],
    [409, '', 'refused'],
    [413, '', 'tooLarge'],
    [401, '', 'unauthorized'],
    [403, '', 'unauthorized'],
    [404, '404 page not found', 'misconfigured'],
    [405, '', 'misconfigured'],
    [415, '', 'misconfigured'],
    [301, '', 'misconfigured'],
    [304, '', 'misconfigured'],
    [308, '', 'misconfigured'],
    [600, '', 'misconfigured'],
    [408, '', 'unknown'],
    [429, '{"code":"RESOURCE_EXHAUSTED"}', 'unknown'],
    [500, '', 'unknown'],
    [501, '', 'unknown'],
    [503, undefined, 'unknown'],
  ] as const)('%i %s is %s', (status, body, kind) => {
    expect(kindOf(status, body)).toMatchObject({ kind, status })
  })

  test('of 207 names each rejected event with the reason', () => {
    expect(kindOf(207, partly(2, testId(1)))).toMatchObject({
      rejected: [{ id: testId(1), reason: 'INVALID_ULID: d' }],
    })
  })

  test('of 207 to a single event means that event, even without its id', () => {
    const answer = { status: 207, body: partly(0, ''), retryAfter: undefined }
    expect(gatewayAnswer(answer, testBatch(1, 1), 0)).toMatchObject({
      kind: 'partly',
      rejected: [{ id: testId(0), reason: 'INVALID_ULID: d' }],
    })
  })

  test('carries Retry-After for an unknown outcome only', () => {
    expect(kindOf(429, '', '7')).toMatchObject({ retryAfterMs: 7000 })
    expect(kindOf(503, '', 'Thu, 01 Jan 1970 00:00:09 GMT')).toMatchObject({ retryAfterMs: 9000 })
    expect(kindOf(503, '')).not.toHaveProperty('retryAfterMs')
    expect(kindOf(400, '', '7')).not.toHaveProperty('retryAfterMs')
  })

  test('is told in one line of at most 256 characters', () => {
    const { text } = kindOf(400, `a\r\nb\u0000${'x'.repeat(1000)}`)
    expect(text).toMatch(/^a b x+\.\.\.$/)
    expect(text).toHaveLength(256)
  })
})

describe('the gateway sink', () => {
  let gateway: TestGateway
  let sink: GatewaySink
  beforeEach(async () => {
    gateway = await startGateway()
    sink = new GatewaySink({ url: gateway.url })
  })
  afterEach(async () => {
    await sink.close()
    await gateway.close()
  })

  test('posts the batch as plain JSON, without compression', async () => {
    const batch = testBatch(1, 2)
    await sink.deliver(batch, NEVER)
    const [request] = gateway.requests
    expect(request?.method).toBe('POST')
    expect(request?.path).toBe('/v1/usage/events:batchIngest')
    expect(request?.headers['content-type']).toBe('application/json')
    expect(request?.headers['content-length']).toBe(`${batch.body.length}`)
    expect(request?.headers).not.toHaveProperty('content-encoding')
    expect(request?.headers).not.toHaveProperty('authorization')
    expect(request?.body).toEqual(Buffer.from(`[${batch.texts.join(',')}]`))
  })

  test('keeps the path of its address, without a slash at the end', async () => {
    const other = new GatewaySink({ url: `${gateway.url}/billing//` })
    const answer = await other.deliver(testBatch(1, 1), NEVER)
    await other.close()
    expect(answer).toMatchObject({ kind: 'misconfigured', status: 404 })
    expect(gateway.requests[0]?.path).toBe('/billing/v1/usage/events:batchIngest')
  })

  test.each(['ftp://x', 'gateway:8080', '', 'http://u:secret@x', 'http://x?token=secret'])(
    'refuses the address "%s" and does not repeat it',
    (url) => {
      const make = () => new GatewaySink({ url })
      expect(make).toThrowError(expect.objectContaining({ code: 'METER_CONFIG_INVALID' }))
      expect(make).not.toThrowError(/secret/)
    },
  )

  test('does not follow a redirect', async () => {
    const location = `${gateway.url}/elsewhere`
    gateway.script = [{ do: 'say', status: 307, headers: { location } }]
    const answer = await sink.deliver(testBatch(1, 1), NEVER)
    expect(answer).toMatchObject({ kind: 'misconfigured', status: 307 })
    expect(gateway.requests).toHaveLength(1)
  })

  test('does not know the outcome of a reset or of silence', async () => {
    gateway.script = [
      { do: 'reset', when: 'before' },
      { do: 'reset', when: 'after' },
      { do: 'hang' },
    ]
    const brief = new GatewaySink({ url: gateway.url, timeoutMs: 100 })
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await brief.deliver(testBatch(1, 1), NEVER)).toMatchObject({
        kind: 'unknown',
        status: 0,
      })
    }
    await brief.close()
    expect(gateway.requests).toHaveLength(3)
    expect(gateway.stored.size).toBe(1)
  })

  test('knows that nothing was sent when nobody listens', async () => {
    const { url } = gateway
    await gateway.close()
    const other = new GatewaySink({ url })
    expect(await other.deliver(testBatch(1, 1), NEVER)).toMatchObject({ kind: 'unreachable' })
    await other.close()
    await gateway.listen()
  })

  test('ends an attempt at once when it is stopped', async () => {
    gateway.script = [{ do: 'hang' }]
    const stop = new AbortController()
    const answer = sink.deliver(testBatch(1, 1), stop.signal)
    while (gateway.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    const began = performance.now()
    stop.abort()
    expect(await answer).toMatchObject({
      kind: 'unknown',
      text: 'stopped before the sink answered',
    })
    expect(performance.now() - began).toBeLessThan(500)
  })

  test('reads an answer of at most 1 MiB', async () => {
    const padding = ' '.repeat(1024 * 1024 - 14)
    gateway.script = [
      { do: 'say', status: 200, body: `{"accepted":1}${padding}` },
      { do: 'say', status: 200, body: `{"accepted":1}${padding} ` },
      { do: 'answer' },
    ]
    const kinds: string[] = []
    for (let attempt = 0; attempt < 3; attempt++) {
      kinds.push((await sink.deliver(testBatch(1, 1), NEVER)).kind)
    }
    expect(kinds).toEqual(['accepted', 'ambiguous', 'accepted'])
  })

  test('reads the token again for every attempt, so a rotated one is used at once', async () => {
    const bearerFile = fileOf('token')
    const other = new GatewaySink({ url: gateway.url, bearerFile })
    gateway.token = 'new-secret'
    await writeFile(bearerFile, 'old-secret\n')
    const refused = await other.deliver(testBatch(1, 1), NEVER)
    expect(refused).toMatchObject({ kind: 'unauthorized', status: 401 })
    expect(JSON.stringify(refused)).not.toContain('secret')
    await writeFile(bearerFile, 'new-secret\n')
    expect(await other.deliver(testBatch(1, 1), NEVER)).toMatchObject({ kind: 'accepted' })
    await other.close()
  })

  test.each([
    ['missing', undefined],
    ['empty', ' \n'],
    ['of two lines', 'top\nhunter2'],
  ])('sends nothing with a token file that is %s, and tells no content', async (name, content) => {
    const bearerFile = fileOf(`token-${name}`)
    if (content !== undefined) await writeFile(bearerFile, content)
    const other = new GatewaySink({ url: gateway.url, bearerFile })
    const answer = await other.deliver(testBatch(1, 1), NEVER)
    await other.close()
    expect(answer).toMatchObject({ kind: 'unauthorized', status: 0 })
    expect(answer.text).toContain(bearerFile)
    expect(answer.text).not.toContain('hunter2')
    expect(gateway.requests).toHaveLength(0)
  })
})

describe('over TLS', () => {
  test('the server is verified, the client shows its certificate, both may change', async () => {
    const [server, client, stranger] = ['server', 'client', 'stranger'].map((name) =>
      makeCertificate(directory, name),
    )
    if (!server || !client || !stranger) throw new Error('three certificates were made')
    const options = {
      cert: await readFile(server.certFile),
      key: await readFile(server.keyFile),
      ca: await readFile(client.certFile),
      requestCert: true,
      rejectUnauthorized: true,
    }
    const https = createTlsServer(options, (request, response) => {
      request.resume().on('end', () => response.end('{"accepted":1}'))
    })
    await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
    const url = `https://127.0.0.1:${(https.address() as AddressInfo).port}`
    const caFile = fileOf('ca.crt')
    const certFile = fileOf('ours.crt')
    const keyFile = fileOf('ours.key')
    const use = async (ca: typeof server, ours: typeof server) => {
      await writeFile(caFile, await readFile(ca.certFile))
      await writeFile(certFile, await readFile(ours.certFile))
      await writeFile(keyFile, await readFile(ours.keyFile))
    }
    const sink = new GatewaySink({ url, tls: { caFile, certFile, keyFile } })
    const kinds: string[] = []
    for (const [ca, ours] of [
      [stranger, client],
      [server, stranger],
      [server, client],
    ] as const) {
      await use(ca, ours)
      kinds.push((await sink.deliver(testBatch(1, 1), NEVER)).kind)
    }
    const plain = new GatewaySink({ url })
    kinds.push((await plain.deliver(testBatch(1, 1), NEVER)).kind)
    expect(kinds).toEqual(['unreachable', 'unknown', 'accepted', 'unreachable'])
    await Promise.all([sink.close(), plain.close()])
    https.closeAllConnections()
    await new Promise((resolve) => https.close(resolve))
  })
})
