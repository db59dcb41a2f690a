// An HTTP receiver of usage events on loopback: what the stand-ins of all real ones share.
//
// It keeps every request as it arrived, so a test can compare the bytes of attempts. Answers can be
// scripted, one step for each request; without a step it answers as the real one does.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** What happens to one request. */
export type ReceiverStep =
  /** As it should. */
  | { readonly do: 'answer' }
  /** Breaks the connection; before it stored anything, or after it stored everything. */
  | { readonly do: 'reset'; readonly when: 'before' | 'after' }
  /** Never answers. */
  | { readonly do: 'hang' }
  /** Answers this and stores nothing. */
  | {
      readonly do: 'say'
      readonly status: number
      readonly body?: string
      readonly headers?: Record<string, string>
    }

/** One request, as it arrived. */
export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** An event as a receiver reads it. */
export interface WireEvent {
  readonly id?: unknown
  readonly subject?: unknown
  readonly datacontenttype?: unknown
  readonly data?: { readonly value?: unknown }
  readonly [key: string]: unknown
}

export interface ReceiverAnswer {
  readonly status: number
  readonly body?: string
  readonly headers?: Record<string, string>
}

/** A running receiver; `Fault` are the steps that only one kind of it knows. */
export abstract class TestReceiver<Fault extends { readonly do: string } = never> {
  /** Every request, oldest first. */
  readonly requests: ReceivedRequest[] = []
  /** What is stored: id to the event's JSON, in order of arrival. */
  readonly stored = new Map<string, string>()
  /** Events that came again with other bytes: always a fault of the sender. */
  readonly changed: string[] = []
  /** Bodies of requests are kept; a run of an hour has too many. */
  keepsRequests = true
  /** Steps for the next requests; empty means that it answers as it should. */
  script: (ReceiverStep | Fault)[] = []
  /** The status by which a batch with this event is refused. */
  refuses: (event: WireEvent) => number | undefined = () => undefined
  /** When set, requests need `authorization: Bearer <token>`. */
  token: string | undefined
  readonly #server: Server

  constructor(server = createServer()) {
    this.#server = server
    server.on('request', (request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Stops listening and breaks what is open; `listen` begins again on the same port. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', () => resolve())
    })
  }

  /** Stores what the request brings, and answers it. */
  protected abstract take(
    request: ReceivedRequest,
    fault: ReceiverStep | Fault | undefined,
  ): ReceiverAnswer

  protected isAuthorized({ headers }: ReceivedRequest): boolean {
    return this.token === undefined || headers.authorization === `Bearer ${this.token}`
  }

  /** Stores an event once, by its id; false when it is there already. */
  protected store(id: string, text: string): boolean {
    const known = this.stored.get(id)
    if (known === undefined) this.stored.set(id, text)
    else if (known !== text) this.changed.push(text)
    return known === undefined
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const { method = '', url: path = '', headers } = request
    const received = { method, path, headers, body }
    if (this.keepsRequests) this.requests.push(received)
    const step = this.script.shift()
    if (isStep(step, 'hang')) return
    if (isStep(step, 'reset')) {
      if (step.when === 'after') this.take(received, undefined)
      request.socket.resetAndDestroy()
      return
    }
    const answer = isStep(step, 'say') ? step : this.take(received, step)
    const { status, body: text, headers: fields = {} } = answer
    response.writeHead(status, fields).end(status === 204 ? undefined : text)
  }
}

function isStep<D extends ReceiverStep['do']>(
  step: { readonly do: string } | undefined,
  name: D,
): step is Extract<ReceiverStep, { readonly do: D }> {
  return step?.do === name
}

/** The body as it was before its `content-encoding`, for receivers that know one. */
export function decodedBody({ headers, body }: ReceivedRequest): Buffer {
  return headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
}

/** An answer of JSON. */
export function jsonAnswer(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): ReceiverAnswer {
  const type = { 'content-type': 'application/json' }
  return { status, body: JSON.stringify(body), headers: { ...type, ...headers } }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
