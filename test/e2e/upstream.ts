// The servers behind the gateway: HTTP/1.1 (with websocket upgrades), gRPC over HTTP/2, and a TCP
// server for CONNECT. They count what they hand over and what they receive, per route.
//
// Paths are /<route>/<operation>/<number>:
//   bytes/N     N bytes; with a content-length on HTTP/1.1
//   chunked/N   N bytes in three pieces without one
//   drip/N      N pieces of 10,000 bytes, 0.8 s apart
//   echo/0      the request body, once all of it is there
//   status/N    that status and no body
//   redirect/N  to /land/bytes/N
//   flood/0     bytes until the client leaves
//   swallow/0   a few bytes before the upload ends, and then nothing until the client leaves
//   silent/0    nothing until the client leaves

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { UpstreamPorts } from './bootstrap.ts'
import { type Count, Tally } from './tally.ts'

const PIECE_BYTES = 10_000
const DRIP_INTERVAL_MS = 800

/** What a tunnel's server says first; after that it echoes. */
export const GREETING = 'welcome'

export interface Upstream {
  readonly ports: UpstreamPorts
  readonly tally: Tally
  stop(): Promise<void>
}

function operation(path: string): { id: string; name: string; amount: number } {
  const [, id = '', name = '', amount = '0'] = (path.split('?')[0] ?? '').split('/')
  return { id, name, amount: Number(amount) }
}

/** The pieces of a response body; each is counted when it is handed over. */
async function* body(request: Readable, to: Writable, name: string, amount: number) {
  switch (name) {
    case 'bytes':
      yield Buffer.alloc(amount, 'x')
      break
    case 'chunked':
      for (const bytes of [1, amount - 2, 1]) yield Buffer.alloc(bytes, 'x')
      break
    case 'drip':
      for (let piece = 0; piece < amount; piece++) {
        yield Buffer.alloc(PIECE_BYTES, 'x')
        await sleep(DRIP_INTERVAL_MS)
      }
      break
    case 'echo':
      yield Buffer.concat(await request.toArray())
      break
    case 'flood':
      for (;;) yield Buffer.alloc(PIECE_BYTES, 'x')
    case 'swallow':
      yield Buffer.from('go\n')
      await once(to, 'close')
      break
    case 'redirect':
      // Time that Envoy's running total has before the redirect and repeats after it.
      await sleep(50)
      break
    case 'silent':
      await once(to, 'close')
      break
  }
}

/** Sends `pieces` and counts both directions. A client that left is no fault of this server. */
function exchange(request: Readable, to: Writable, pieces: AsyncIterable<Buffer>, count: Count) {
  count.requests += 1
  request.on('data', (chunk: Buffer) => {
    count.ingressBytes += chunk.length
  })
  const counted = async function* () {
    for await (const piece of pieces) {
      count.egressBytes += piece.length
      yield piece
    }
  }
  pipeline(counted, to).catch(() => to.destroy())
}

function answer(request: IncomingMessage, response: ServerResponse, tally: Tally) {
  const { id, name, amount } = operation(request.url ?? '')
  if (name === 'bytes') response.setHeader('content-length', amount)
  if (name === 'status') response.statusCode = amount
  if (name === 'redirect') {
    response.writeHead(302, { location: `http://${request.headers.host}/land/bytes/${amount}` })
  }
  const pieces = body(request, response, request.method === 'HEAD' ? 'none' : name, amount)
  exchange(request, response, pieces, tally.of(id))
}

/** Enough of gRPC for a gateway to meter: a stream of messages, and the status as a trailer. */
function answerGrpc(stream: ServerHttp2Stream, path: string, tally: Tally) {
  const { id, name, amount } = operation(path)
  stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  exchange(stream, stream, body(stream, stream, name, amount), tally.of(id))
}

/** Both ends of a tunnel: greets, then echoes until the other side leaves. */
function converse(socket: Duplex, count: Count, head: Uint8Array) {
  const say = (bytes: Uint8Array) => {
    count.egressBytes += bytes.length
    socket.write(bytes)
  }
  const hear = (bytes: Uint8Array) => {
    count.ingressBytes += bytes.length
    say(bytes)
  }
  count.requests += 1
  // A client that is gone is the end of a tunnel, not a fault of this server.
  socket.on('error', () => socket.destroy())
  socket.on('end', () => socket.end())
  say(Buffer.from(GREETING))
  if (head.length > 0) hear(head)
  socket.on('data', hear)
}

function http1Server(tally: Tally): Server {
  const server = createServer((request, response) => answer(request, response, tally))
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const fields = 'connection: Upgrade\r\nupgrade: websocket\r\n'
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`)
    converse(socket, tally.of(operation(request.url ?? '').id), head)
  })
  return server
}

/** Starts all three on loopback, on ports that the kernel picks. */
export async function startUpstream(): Promise<Upstream> {
  const tally = new Tally()
  const http1 = http1Server(tally)
  const grpc = createHttp2Server()
  grpc.on('stream', (stream, headers) => answerGrpc(stream, headers[':path'] ?? '', tally))
  const tcp = createTcpServer((socket) => converse(socket, tally.of('pipe'), Buffer.alloc(0)))

  const sockets = new Set<Socket>()
  const servers = [http1, grpc, tcp]
  for (const server of servers) {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    server.listen(0, '127.0.0.1')
  }
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const port = (server: (typeof servers)[number]) => (server.address() as AddressInfo).port
  return {
    ports: { http1: port(http1), grpc: port(grpc), tcp: port(tcp) },
    tally,
    stop: async () => {
      const closed = servers.map((server) => once(server, 'close'))
      for (const server of servers) server.close()
      for (const socket of sockets) socket.destroy()
      await Promise.all(closed)
    },
  }
}
