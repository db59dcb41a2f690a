// Clients that count: HTTP/1.1, HTTP/2, and tunnels (websocket, CONNECT). Bytes are body bytes as
// the client's program sees them; a tunnel's are those after the upgrade.

import { type Agent, request as httpRequest } from 'node:http'
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2'
import type { Duplex, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { GREETING } from './upstream.ts'

export interface Ask {
  readonly method?: string
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  /** Request body in bytes; `endless` writes until the client leaves. */
  readonly body?: number | 'endless'
  /** The client leaves at the first response bytes, or after this time without any. */
  readonly leave?: 'at-first-bytes' | { readonly afterMs: number }
}

/** What the client's side counted of one request. */
export interface Got {
  readonly status: number
  readonly readBytes: number
  readonly wroteBytes: number
}

const CHUNK = Buffer.alloc(16_384, 'u')
const SAY_BYTES = 5_000
const SAY_TIMES = 4
const SAY_INTERVAL_MS = 900

/** Sends the body; returns a function that says how many bytes were handed over so far. */
function send(to: Writable, body: Ask['body']): () => number {
  if (body !== 'endless') {
    if (body === undefined) to.end()
    else to.end(Buffer.alloc(body, 'u'))
    return () => body ?? 0
  }
  let wroteBytes = 0
  const pump = () => {
    let room = !to.destroyed
    while (room) {
      wroteBytes += CHUNK.length
      room = to.write(CHUNK)
    }
  }
  to.on('drain', pump)
  pump()
  return () => wroteBytes
}

/** One request on HTTP/1.1. Rejects when the exchange ends otherwise than the client wants. */
export function askHttp1(port: number, ask: Ask, agent: Agent): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { path, headers, method = 'GET' } = ask
    let status = 0
    let readBytes = 0
    let whole = false
    let failure: unknown = new Error(`${method} ${path} was cut short`)
    const request = httpRequest({ host: '127.0.0.1', port, agent, method, path, headers })
    const wroteBytes = send(request, ask.body)
    request.on('response', (response) => {
      status = response.statusCode ?? 0
      response.on('data', (chunk: Buffer) => {
        readBytes += chunk.length
        if (ask.leave === 'at-first-bytes') request.destroy()
      })
      response.on('error', () => request.destroy())
      response.on('end', () => {
        whole = response.complete
      })
    })
    request.on('error', (error) => {
      failure = error
    })
    request.on('close', () => {
      if (whole !== (ask.leave === undefined)) reject(failure)
      else resolve({ status, readBytes, wroteBytes: wroteBytes() })
    })
    if (typeof ask.leave === 'object') setTimeout(() => request.destroy(), ask.leave.afterMs)
  })
}

/** One request on an HTTP/2 session; otherwise as `askHttp1`. */
export function askHttp2(session: ClientHttp2Session, ask: Ask): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { path, headers, method = 'GET' } = ask
    let status = 0
    let readBytes = 0
    let whole = false
    let failure: unknown = new Error(`${method} ${path} was cut short`)
    const stream = session.request({ ...headers, ':method': method, ':path': path })
    const leave = () => stream.close(0x8)
    const wroteBytes = send(stream, ask.body)
    stream.on('response', (response) => {
      status = response[':status'] ?? 0
    })
    stream.on('data', (chunk: Buffer) => {
      readBytes += chunk.length
      if (ask.leave === 'at-first-bytes') leave()
    })
    stream.on('end', () => {
      whole = stream.rstCode === 0
    })
    stream.on('error', (error) => {
      failure = error
    })
    stream.on('close', () => {
      if (ask.leave === undefined && !whole) reject(failure)
      else resolve({ status, readBytes, wroteBytes: wroteBytes() })
    })
    if (typeof ask.leave === 'object') setTimeout(leave, ask.leave.afterMs)
  })
}

/** Says four pieces over 2.7 s, waits until all is echoed, and leaves. */
async function talk(tunnel: Duplex, head: Uint8Array): Promise<Got> {
  const expectedBytes = GREETING.length + SAY_BYTES * SAY_TIMES
  let readBytes = head.length
  const heard = new Promise<void>((resolve, reject) => {
    const look = () => {
      if (readBytes >= expectedBytes) resolve()
    }
    tunnel.on('data', (chunk: Buffer) => {
      readBytes += chunk.length
      look()
    })
    tunnel.on('close', () => reject(new Error(`the tunnel closed after ${readBytes} bytes`)))
    tunnel.on('error', reject)
    look()
  })
  const said = (async () => {
    for (let turn = 0; turn < SAY_TIMES; turn++) {
      if (turn > 0) await sleep(SAY_INTERVAL_MS)
      tunnel.write(Buffer.alloc(SAY_BYTES, 't'))
    }
  })()
  await Promise.all([heard, said])
  tunnel.end()
  tunnel.destroy()
  return { status: 200, readBytes, wroteBytes: SAY_BYTES * SAY_TIMES }
}

/** A tunnel through HTTP/1.1: a websocket (its framing is left out), or CONNECT. */
export function tunnelHttp1(port: number, kind: 'websocket' | 'connect', path: string) {
  const websocket = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  }
  return new Promise<Got>((resolve, reject) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      method: kind === 'connect' ? 'CONNECT' : 'GET',
      path,
      headers: kind === 'connect' ? {} : websocket,
    })
    request.on(kind === 'connect' ? 'connect' : 'upgrade', (_response, socket, head) => {
      talk(socket, head).then(resolve, reject)
    })
    request.on('response', (response) => reject(new Error(`no tunnel: ${response.statusCode}`)))
    request.on('error', reject)
    request.end()
  })
}

/** CONNECT through HTTP/2. */
export function tunnelHttp2(session: ClientHttp2Session, authority: string): Promise<Got> {
  const stream: ClientHttp2Stream = session.request({
    ':method': 'CONNECT',
    ':authority': authority,
  })
  return talk(stream, new Uint8Array())
}
