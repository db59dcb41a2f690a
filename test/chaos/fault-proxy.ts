// A proxy on loopback between a sink and its receiver that breaks requests and answers.
//
// It speaks just enough HTTP: a request is a head and `content-length` bytes, so that each one has
// a fault of its own although the sink keeps its connection. Requests reach the receiver byte for
// byte. It keeps what became of each exchange, so a test can say why an event came twice.

import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** What happens to one exchange. */
export type Fault =
  | { readonly do: 'pass' }
  /** The receiver sees the request later. */
  | { readonly do: 'delay'; readonly ms: number }
  /** The receiver gets this share of the request, then both connections break. */
  | { readonly do: 'cut-request'; readonly share: number }
  /** The connection breaks; the receiver never sees the request. */
  | { readonly do: 'reset' }
  /** Nobody answers, for ever or until a reset; the receiver has seen the request, or not. */
  | { readonly do: 'black-hole'; readonly seen: boolean; readonly forMs?: number }
  /** The receiver has done all of it, then the connection breaks before its answer. */
  | { readonly do: 'lose-answer' }
  /** The receiver gets the request twice; the second answer counts. */
  | { readonly do: 'duplicate' }
  /** The connection ends within the answer, after this share of it. */
  | { readonly do: 'cut-answer'; readonly share: number }
  /** The answer comes twice, the second time after this time, when nobody asked for it. */
  | { readonly do: 'answer-twice'; readonly afterMs: number }
  /** Silence within the answer, after this share of it. */
  | { readonly do: 'stall'; readonly share: number }
  /** The answer comes byte by byte, whole in the end unless the sink loses patience. */
  | { readonly do: 'drip'; readonly msPerByte: number }
  /** The receiver has done all of it; its answer is replaced. */
  | { readonly do: 'replace'; readonly bytes: 'garbage' | 'half-json' | 'huge-head' | 'endless' }

/** One exchange, when it is over. */
export interface Exchange {
  readonly fault: Fault['do']
  /** Ids of the request's events; empty when the request did not arrive whole. */
  readonly ids: readonly string[]
  /** How often the receiver got the whole request. */
  readonly seen: number
  /** The receiver's last status; 0 when it did not answer. */
  readonly status: number
  /** The sink got the receiver's answer as it was. */
  readonly isClean: boolean
}

interface Answer {
  readonly status: number
  readonly bytes: Buffer
}

const HEAD_END = '\r\n\r\n'
const HUGE_HEAD_BYTES = 80 * 1024
const ENDLESS_CHUNK = Buffer.alloc(64 * 1024, ' ')

/** A running proxy. */
export class FaultProxy {
  /** The fault of the next exchange; called once for each request. */
  decide: () => Fault = () => ({ do: 'pass' })
  readonly exchanges: Exchange[] = []
  /** Called when a fault has had its effect, or holds the connection for ever. */
  onFault: (fault: Fault) => void = () => undefined
  readonly #server: Server
  readonly #receiverPort: number
  readonly #sockets = new Set<Socket>()

  constructor(receiverPort: number) {
    this.#receiverPort = receiverPort
    // A half-closed sink still gets its answer.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async listen(port = 0): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** Stops listening and breaks what is open: nobody is there until `listen` is called again. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let bytes = Buffer.alloc(0)
    let isBusy = false
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      if (isBusy) return
      const length = requestBytes(bytes)
      if (length === undefined || bytes.length < length) return
      const request = bytes.subarray(0, length)
      bytes = bytes.subarray(length)
      isBusy = true
      this.#exchange(socket, request).then(
        () => {
          isBusy = false
        },
        () => socket.destroy(),
      )
    })
    socket.on('end', () => {
      if (!isBusy) socket.end()
    })
  }

  async #exchange(socket: Socket, request: Buffer): Promise<void> {
    const fault = this.decide()
    const note = (seen: number, status = 0, isClean = false) => {
      this.exchanges.push({ fault: fault.do, ids: idsOf(request), seen, status, isClean })
      if (fault.do !== 'pass') this.onFault(fault)
    }
    switch (fault.do) {
      case 'reset':
        socket.resetAndDestroy()
        return note(0)
      case 'cut-request':
        await this.#forwardPart(request.subarray(0, Math.floor(request.length * fault.share)))
        socket.resetAndDestroy()
        return note(0)
      case 'black-hole':
        if (fault.forMs !== undefined) setTimeout(() => socket.resetAndDestroy(), fault.forMs)
        if (!fault.seen) return note(0)
        break
      case 'delay':
        await delay(fault.ms)
        break
      case 'duplicate':
        await this.#forward(request)
        break
    }
    const answer = await this.#forward(request)
    const seen = fault.do === 'duplicate' ? 2 : 1
    if (answer === undefined) {
      socket.resetAndDestroy()
      return note(seen)
    }
    const isClean = await reply(socket, answer, fault)
    note(seen, answer.status, isClean)
  }

  /** Sends the request to the receiver; undefined when it breaks the connection. */
  #forward(request: Buffer): Promise<Answer | undefined> {
    const headBytes = request.indexOf(HEAD_END) + HEAD_END.length
    const [line = '', ...fields] = request.toString('latin1', 0, headBytes).trim().split('\r\n')
    const [method, path] = line.split(' ')
    const headers = Object.fromEntries(
      fields.map((field) => [
        field.slice(0, field.indexOf(':')),
        field.slice(field.indexOf(':') + 1),
      ]),
    )
    const options = { host: '127.0.0.1', port: this.#receiverPort, method, path, agent: false }
    return new Promise((resolve) => {
      const forwarded = httpRequest({ ...options, headers: { ...headers, connection: 'close' } })
      forwarded.on('error', () => resolve(undefined))
      forwarded.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', () => resolve(undefined))
        response.on('end', () => {
          const { statusCode: status = 0, headers: answerHeaders } = response
          const body = Buffer.concat(chunks)
          const retryAfter = answerHeaders['retry-after']
          const more = retryAfter === undefined ? '' : `retry-after: ${retryAfter}\r\n`
          resolve({ status, bytes: answerBytes(status, body, more) })
        })
      })
      forwarded.end(request.subarray(headBytes))
    })
  }

  /** The beginning of a request, and then a broken connection. */
  async #forwardPart(part: Buffer): Promise<void> {
    const receiver = connect(this.#receiverPort, '127.0.0.1')
    receiver.on('error', () => receiver.destroy())
    await new Promise((resolve) => receiver.write(part, resolve))
    receiver.destroy()
  }
}

/** Starts a proxy in front of the receiver at `port`. */
export async function startFaultProxy(port: number): Promise<FaultProxy> {
  const proxy = new FaultProxy(port)
  await proxy.listen()
  return proxy
}

/** The bytes of the whole request; undefined while its head is not there. */
function requestBytes(bytes: Buffer): number | undefined {
  const end = bytes.indexOf(HEAD_END)
  if (end < 0) return undefined
  const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1] ?? '0'
  return end + HEAD_END.length + Number(length)
}

function idsOf(request: Buffer): string[] {
  const body = request.subarray(request.indexOf(HEAD_END) + HEAD_END.length)
  const events = JSON.parse(body.toString('utf8')) as { readonly id: string }[]
  return events.map(({ id }) => id)
}

function answerBytes(status: number, body: Buffer, more = ''): Buffer {
  const head = `HTTP/1.1 ${status} Whatever\r\n${more}content-length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(status === 204 ? `HTTP/1.1 204 Whatever\r\n\r\n` : head), body])
}

/** True when the sink may have got the whole answer. */
async function reply(socket: Socket, { bytes }: Answer, fault: Fault): Promise<boolean> {
  switch (fault.do) {
    case 'black-hole':
      return false
    case 'lose-answer':
      socket.resetAndDestroy()
      return false
    case 'cut-answer':
      socket.end(bytes.subarray(0, Math.floor(bytes.length * fault.share)))
      return false
    case 'answer-twice':
      socket.write(bytes)
      setTimeout(() => socket.write(bytes), fault.afterMs)
      return true
    case 'stall':
      socket.write(bytes.subarray(0, Math.floor(bytes.length * fault.share)))
      return false
    case 'drip':
      return await drip(socket, bytes, fault.msPerByte)
    case 'replace':
      await replace(socket, fault.bytes)
      return false
    default:
      socket.write(bytes)
      return true
  }
}

async function drip(socket: Socket, bytes: Buffer, msPerByte: number): Promise<boolean> {
  for (const byte of bytes) {
    if (socket.destroyed) return false
    socket.write(Buffer.from([byte]))
    await delay(msPerByte)
  }
  return true
}

async function replace(socket: Socket, by: 'garbage' | 'half-json' | 'huge-head' | 'endless') {
  if (by === 'garbage') socket.end('\u0000\u0001 this is no HTTP \r\n\r\n')
  if (by === 'half-json') socket.write(answerBytes(200, Buffer.from('{"accepted":')))
  if (by === 'huge-head') {
    socket.end(answerBytes(200, Buffer.from('{}'), `x-much: ${'y'.repeat(HUGE_HEAD_BYTES)}\r\n`))
  }
  if (by !== 'endless') return
  socket.write('HTTP/1.1 200 OK\r\n\r\n')
  while (!socket.destroyed) {
    if (!socket.write(ENDLESS_CHUNK))
      await Promise.race([once(socket, 'drain'), once(socket, 'close')])
  }
}
