// The port of /metrics, /healthz and /readyz: what it answers, and what it does not let anybody do.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Answers, ObserveServer } from '../../src/observe/server.ts'

const ANSWERS: Answers = {
  metrics: (form) => `# ${form}\n`,
  alive: () => ({ ok: true, lines: ['alive'] }),
  ready: () => ({ ok: false, lines: ['not ready', 'the disk is full'] }),
}
const TEXT = 'text/plain; charset=utf-8'

let server: ObserveServer
const sockets: Socket[] = []
beforeEach(async () => {
  server = await ObserveServer.listen('127.0.0.1:0', ANSWERS)
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.close()
})

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(server.address + path, init)
  const { status, headers } = response
  return { status, type: headers.get('content-type'), headers, body: await response.text() }
}

/** A connection of its own; what it got until it was closed. */
async function raw(text: string): Promise<string> {
  const socket = connect(Number(new URL(server.address).port), '127.0.0.1')
  sockets.push(socket)
  let got = ''
  socket.setEncoding('latin1').on('data', (more: string) => {
    got += more
  })
  socket.on('error', () => undefined)
  socket.write(text)
  await once(socket, 'close')
  return got
}

test('/metrics is Prometheus text, and OpenMetrics for who accepts it', async () => {
  expect(await ask('/metrics')).toMatchObject({
    status: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
    body: '# prometheus\n',
  })
  const headers = { accept: 'application/openmetrics-text; version=1.0.0' }
  expect(await ask('/metrics', { headers })).toMatchObject({
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    body: '# openmetrics\n',
  })
})

test('health is 200 or 503, in words', async () => {
  expect(await ask('/healthz')).toMatchObject({ status: 200, type: TEXT, body: 'alive\n' })
  expect(await ask('/readyz')).toMatchObject({
    status: 503,
    type: TEXT,
    body: 'not ready\nthe disk is full\n',
  })
})

test('a query is not part of a path, and nothing is kept by caches', async () => {
  const { status, headers } = await ask('/healthz?verbose=1')
  expect(status).toBe(200)
  expect(headers.get('cache-control')).toBe('no-store')
})

test('HEAD has the headers of GET and no body', async () => {
  const { status, headers, body } = await ask('/metrics', { method: 'HEAD' })
  expect([status, body]).toEqual([200, ''])
  expect(headers.get('content-length')).toBe('13')
})

test.each(['/', '/metrics/', '/METRICS', '/../etc/passwd', '/favicon.ico', '//metrics'])(
  '%s is not there',
  async (path) => {
    const answer = await raw(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 404 /)
    expect(answer).toContain('there are /metrics, /healthz, /readyz')
    expect(answer).not.toContain('passwd')
  },
)

test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is refused', async (method) => {
  const { status, headers } = await ask('/metrics', { method })
  expect(status).toBe(405)
  expect(headers.get('allow')).toBe('GET, HEAD')
})

test('a body is not read: its connection ends with the answer', async () => {
  const endless = 'GET /healthz HTTP/1.1\r\nhost: a\r\ncontent-length: 999999999\r\n\r\nabc'
  expect(await raw(endless)).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*alive\n$/i)
})

test('a header of 8 KiB is refused, and so is what is not HTTP', async () => {
  const long = `GET /healthz HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`
  expect(await raw(long)).toMatch(/^HTTP\/1\.1 431 /)
  expect(await raw('\x16\x03\x01 hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
  expect((await ask('/healthz')).status).toBe(200)
})

test('a request that does not end is ended', async () => {
  const startedAtMs = performance.now()
  const answer = await raw('GET /healthz HTTP/1.1\r\nhost')
  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(performance.now() - startedAtMs).toBeLessThan(15_000)
}, 20_000)

test('more than 32 connections are closed, and the others are served', async () => {
  const port = Number(new URL(server.address).port)
  const made = Array.from({ length: 40 }, () => connect(port, '127.0.0.1'))
  sockets.push(...made)
  await Promise.all(made.map((socket) => once(socket, 'connect')))
  const closed = made.map((socket) => {
    socket.on('error', () => undefined)
    return new Promise<boolean>((resolve) => {
      socket.once('close', () => resolve(true))
      // Those that stay are asked, and answer.
      socket.once('data', () => resolve(false))
    })
  })
  for (const socket of made) socket.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n')
  const ended = (await Promise.all(closed)).filter(Boolean)
  expect(ended).toHaveLength(8)
})

test('an address that is no address of this machine is refused with what to do', async () => {
  await expect(ObserveServer.listen('192.0.2.1:9464', ANSWERS)).rejects.toMatchObject({
    code: 'METER_CONFIG_INVALID',
    message: expect.stringMatching(/"192\.0\.2\.1:9464": it cannot be had .*EADDRNOTAVAIL/),
  })
})

test('IPv6 is written with brackets', async () => {
  const six = await ObserveServer.listen('[::1]:0', ANSWERS)
  expect(six.address).toMatch(/^http:\/\/\[::1\]:\d+$/)
  expect((await fetch(`${six.address}/healthz`)).status).toBe(200)
  await six.close()
})

test('closing does not wait for connections that stay open', async () => {
  const other = await ObserveServer.listen('127.0.0.1:0', ANSWERS)
  const socket = connect(Number(new URL(other.address).port), '127.0.0.1')
  sockets.push(socket)
  await once(socket, 'connect')
  await other.close()
})
