// A billing gateway on loopback that behaves as the real one does, for tests of whole paths.
//
// It publishes a batch event by event and deduplicates by id; at the first event that it cannot
// publish it answers 429 or 503, and what came before is stored. Rejected events are answered by
// 207. It keeps the raw body of every request, so a test can compare the bytes of attempts.
// Answers can be scripted, one step for each request; without a step it answers as it should.
//
// It remembers ids for `dedupWindowMs`, from the first time that it stored one, as JetStream does:
// 0 is a receiver that does not deduplicate at all. What it bills is `published`; what it would
// bill with a window without end is `stored`.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What happens to one request. */
export type GatewayStep =
  /** As it should. */
  | { readonly do: 'answer' }
  /** Publishes the first `after` events, never the last one, then answers 429 or 503. */
  | {
      readonly do: 'fail'
      readonly status: 429 | 503
      readonly after?: number
      readonly retryAfter?: string
    }
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
export interface GatewayRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

interface GatewayAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Record<string, string>
}

interface PublishFailure {
  readonly status: number
  readonly after?: number
  readonly retryAfter?: string
}

interface WireEvent {
  readonly id?: unknown
  readonly subject?: unknown
  readonly datacontenttype?: unknown
  readonly data?: { readonly value?: unknown }
  readonly [key: string]: unknown
}

interface Rejected {
  readonly id: string
  readonly reason: string
  readonly detail: string
}

const PATH = '/v1/usage/events:batchIngest'
const EVENTS_MAX = 100
/** Above this NATS takes no message; the gateway answers 503 at that event, on every try. */
const MESSAGE_BYTES_MAX = 1024 * 1024
const INT64_MAX = 2n ** 63n - 1n

/** A running gateway. */
export class TestGateway {
  /** Every request, oldest first. */
  readonly requests: GatewayRequest[] = []
  /** What is stored: id to the event's JSON, in order of arrival. */
  readonly stored = new Map<string, string>()
  /** Every event that was not dropped as a duplicate, in order; what a bill is made of. */
  readonly published: string[] = []
  /** Events that came again with other bytes: always a fault of the sender. */
  readonly changed: string[] = []
  /** Events that came again and were dropped. */
  duplicates = 0
  /** How long an id is remembered. */
  dedupWindowMs = Number.POSITIVE_INFINITY
  /** The clock of the window. */
  now: () => number = Date.now
  /** Bodies of requests are kept; a run of an hour has too many. */
  keepsRequests = true
  /** Steps for the next requests; empty means that it answers as it should. */
  script: GatewayStep[] = []
  /** True for an event at which publishing always fails with 503. */
  poison: (event: WireEvent) => boolean = () => false
  /** True for an event that is dropped without a word: not stored, not counted, not rejected. */
  drops: (event: WireEvent) => boolean = () => false
  /** The status by which a batch with this event is refused as a whole. */
  refuses: (event: WireEvent) => number | undefined = () => undefined
  /** When set, requests need `authorization: Bearer <token>`. */
  token: string | undefined
  readonly #publishedAtMs = new Map<string, number>()
  readonly #server: Server

  constructor(server: Server) {
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

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const { method = '', url: path = '', headers } = request
    if (this.keepsRequests) this.requests.push({ method, path, headers, body })
    this.#checkForm(body)
    const step = this.script.shift() ?? { do: 'answer' }
    if (step.do === 'hang') return
    if (step.do === 'say') return respond(response, step.status, step.body ?? '', step.headers)
    if (step.do === 'reset') {
      if (step.when === 'after') this.#ingest(body)
      request.socket.resetAndDestroy()
      return
    }
    if (path !== PATH) return respond(response, 404, '404 page not found\n')
    if (method !== 'POST') return respond(response, 405, 'Method Not Allowed\n', { allow: 'POST' })
    if (this.token !== undefined && headers.authorization !== `Bearer ${this.token}`) {
      return respondJson(response, 401, { code: 'UNAUTHENTICATED', message: 'unauthorized' })
    }
    const refusal = this.#refusalOf(eventsOf(body))
    if (refusal !== undefined) return respondJson(response, refusal, { code: 'INVALID_REQUEST' })
    const answer = this.#ingest(body, step.do === 'fail' ? step : undefined)
    respondJson(response, answer.status, answer.body, answer.headers)
  }

  /** Publishes one event after another until the end or the first failure. */
  #ingest(body: Buffer, failure?: PublishFailure): GatewayAnswer {
    const events = eventsOf(body) ?? []
    const rejected: Rejected[] = []
    let accepted = 0
    const failAt = Math.min(failure?.after ?? 0, events.length - 1)
    for (const [index, event] of events.entries()) {
      if (failure && index >= failAt) return failed(failure.status, failure.retryAfter)
      const rejection = rejectionOf(event)
      const text = JSON.stringify(event)
      if (rejection) rejected.push(rejection)
      else if (this.poison(event) || text.length > MESSAGE_BYTES_MAX) return failed(503)
      else if (!this.drops(event)) {
        this.#store(`${event.id}`, text)
        accepted += 1
      }
    }
    const status = rejected.length > 0 ? 207 : 200
    return { status, body: { accepted, ...(rejected.length > 0 && { rejected }) } }
  }

  /** The status of a batch that is refused as a whole. */
  #refusalOf(events: readonly WireEvent[] | undefined): number | undefined {
    if (events === undefined) return 400
    return events.map(this.refuses).find((status) => status !== undefined)
  }

  /** Texts are compared after parsing, which must hide nothing. */
  #checkForm(body: Buffer): void {
    const text = body.toString('utf8')
    const events = eventsOf(body)
    if (events !== undefined && JSON.stringify(events) !== text) this.changed.push(text)
  }

  #store(id: string, text: string): void {
    const known = this.stored.get(id)
    if (known === undefined) this.stored.set(id, text)
    else if (known !== text) this.changed.push(text)
    const ageMs = this.now() - (this.#publishedAtMs.get(id) ?? Number.NEGATIVE_INFINITY)
    if (ageMs < this.dedupWindowMs) {
      this.duplicates += 1
      return
    }
    this.#publishedAtMs.set(id, this.now())
    this.published.push(text)
  }
}

/** Starts a gateway on a free port of loopback. */
export async function startGateway(): Promise<TestGateway> {
  const gateway = new TestGateway(createServer())
  await gateway.listen()
  return gateway
}

function failed(status: number, retryAfter?: string): GatewayAnswer {
  const code = status === 429 ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE'
  const headers: Record<string, string> = {}
  if (status === 429) headers['retry-after'] = retryAfter ?? '1'
  else if (retryAfter !== undefined) headers['retry-after'] = retryAfter
  return { status, body: { code }, headers }
}

/** Undefined for what the gateway refuses as a whole. */
function eventsOf(body: Buffer): WireEvent[] | undefined {
  try {
    const events = JSON.parse(body.toString('utf8')) as unknown
    return Array.isArray(events) && events.length <= EVENTS_MAX ? events : undefined
  } catch {
    return undefined
  }
}

/** The gateway's checks, in its order; the first that fails wins. */
function rejectionOf(event: WireEvent | null): Rejected | undefined {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    return { id: '', reason: 'MISSING_REQUIRED_FIELD', detail: 'not an object' }
  }
  const reason = faultOf(event)
  const id = typeof event.id === 'string' ? event.id : ''
  return reason === undefined ? undefined : { id, reason, detail: 'see the contract' }
}

function faultOf(event: WireEvent): string | undefined {
  const { id, subject, datacontenttype, data } = event
  if (typeof id !== 'string' || id.length !== 26 || id.charAt(0) > '7') return 'INVALID_ULID'
  for (const key of ['specversion', 'type', 'source', 'subject']) {
    if (typeof event[key] !== 'string' || event[key] === '') return 'MISSING_REQUIRED_FIELD'
  }
  if (!/^projects\/./.test(`${subject}`)) return 'INVALID_SUBJECT'
  if (datacontenttype !== 'application/json') return 'INVALID_DATACONTENTTYPE'
  const value = data?.value
  // The gateway reads a prefix; the digits after it are the next stage's affair.
  const digits = typeof value === 'string' ? /^[+-]?\d+/.exec(value)?.[0] : undefined
  return digits === undefined || BigInt(digits) > INT64_MAX ? 'INVALID_VALUE_TYPE' : undefined
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function respondJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const type = { 'content-type': 'application/json' }
  respond(response, status, JSON.stringify(body), { ...headers, ...type })
}

function respond(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, headers).end(status === 204 ? undefined : body)
}
