// A receiver that is not what it should be (docs/threats.md): slow, endless, or no HTTP. An attempt
// ends by its deadline, in bounded memory, and its outcome is not known.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { GatewaySink } from '../../src/deliver/gateway-sink.ts'
import { testBatch } from '../sink/batches.ts'

const DEADLINE_MS = 400
const MIB = 1024 * 1024
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** The URL of a server that does this to every connection once it has a request. */
async function receiver(answer: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    closing.push(() => socket.destroy())
    socket.on('error', () => undefined)
    socket.once('data', () => answer(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 20)
  socket.once('close', () => clearInterval(timer))
  closing.push(() => clearInterval(timer))
}

/** Writes as fast as the other end reads. */
function flood(socket: Socket, text: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(text));
    if (!socket.destroyed) socket.once('drain', more)
  }
  more()
}

const LONG = 'x'.repeat(64 * 1024)

test.each<[string, (socket: Socket) => void]>([
  ['says nothing', () => undefined],
  ['says a byte of its headers now and then', (socket) => drip(socket, 'H')],
  [
    'says a byte of its body now and then',
    (socket) => {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`)
      drip(socket, '1\r\nx\r\n')
    },
  ],
  [
    'never ends its headers',
    (socket) => {
      socket.write(HEAD)
      flood(socket, `x-more: ${'x'.repeat(1000)}\r\n`)
    },
  ],
  [
    'never ends its body',
    (socket) => {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`)
      flood(socket, `10000\r\n${LONG}\r\n`)
    },
  ],
  ['speaks no HTTP', (socket) => flood(socket, LONG)],
])('a receiver that %s costs a deadline at most, and no memory', async (_name, answer) => {
  const sink = new GatewaySink({ url: await receiver(answer), timeoutMs: DEADLINE_MS })
  const beforeBytes = process.memoryUsage().rss
  const startMs = performance.now()
  const { kind, text } = await sink.deliver(testBatch(1, 1), new AbortController().signal)
  expect(performance.now() - startMs).toBeLessThan(10 * DEADLINE_MS)
  expect(process.memoryUsage().rss - beforeBytes).toBeLessThan(64 * MIB)
  await sink.close()
  // Sent again with the same bytes in both cases; nothing is taken for accepted.
  expect(['unknown', 'ambiguous']).toContain(kind)
  expect(text.length).toBeLessThanOrEqual(256)
})
