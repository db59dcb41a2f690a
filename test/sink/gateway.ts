// A billing gateway on loopback that behaves as the real one does, for tests of whole paths.
//
// It publishes a batch event by event and deduplicates by id; at the first event that it cannot
// publish it answers 429 or 503, and what came before is stored. Rejected events are answered by
// 207.
//
// It remembers ids for `dedupWindowMs`, from the first time that it stored one, as JetStream does:
// 0 is a receiver that does not deduplicate at all. What it bills is `published`; what it would
// bill with a window without end is `stored`.

import {
  jsonAnswer,
  type ReceivedRequest,
  type ReceiverAnswer,
  type ReceiverStep,
  TestReceiver,
  type WireEvent,
} from './receiver.ts'

/** Publishes the first `after` events, never the last one, then answers 429 or 503. */
interface FailStep {
  readonly do: 'fail'
  readonly status: 429 | 503
  readonly after?: number
  readonly retryAfter?: string
}

/** What happens to one request. */
export type GatewayStep = ReceiverStep | FailStep

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
export class TestGateway extends TestReceiver<FailStep> {
  /** Every event that was not dropped as a duplicate, in order; what a bill is made of. */
  readonly published: string[] = []
  /** Events that came again and were dropped. */
  duplicates = 0
  /** How long an id is remembered. */
  dedupWindowMs = Number.POSITIVE_INFINITY
  /** The clock of the window. */
  now: () => number = Date.now
  /** True for an event at which publishing always fails with 503. */
  poison: (event: WireEvent) => boolean = () => false
  /** True for an event that is dropped without a word: not stored, not counted, not rejected. */
  drops: (event: WireEvent) => boolean = () => false
  readonly #publishedAtMs = new Map<string, number>()

  protected take(request: ReceivedRequest, step: GatewayStep | undefined): ReceiverAnswer {
    const { path, method, body } = request
    this.#checkForm(body)
    if (path !== PATH) return { status: 404, body: '404 page not found\n' }
    if (method !== 'POST') return { status: 405, headers: { allow: 'POST' } }
    if (!this.isAuthorized(request)) {
      return jsonAnswer(401, { code: 'UNAUTHENTICATED', message: 'unauthorized' })
    }
    const refusal = this.#refusalOf(eventsOf(body))
    if (refusal !== undefined) return jsonAnswer(refusal, { code: 'INVALID_REQUEST' })
    return this.#ingest(body, step?.do === 'fail' ? step : undefined)
  }

  /** Publishes one event after another until the end or the first failure. */
  #ingest(body: Buffer, failure?: FailStep): ReceiverAnswer {
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
        this.#publish(`${event.id}`, text)
        accepted += 1
      }
    }
    const status = rejected.length > 0 ? 207 : 200
    return jsonAnswer(status, { accepted, ...(rejected.length > 0 && { rejected }) })
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

  #publish(id: string, text: string): void {
    this.store(id, text)
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
  const gateway = new TestGateway()
  await gateway.listen()
  return gateway
}

function failed(status: number, retryAfter?: string): ReceiverAnswer {
  const code = status === 429 ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE'
  const headers: Record<string, string> = {}
  if (status === 429) headers['retry-after'] = retryAfter ?? '1'
  else if (retryAfter !== undefined) headers['retry-after'] = retryAfter
  return jsonAnswer(status, { code }, headers)
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
