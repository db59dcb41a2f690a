// Vector's `http_server` source on loopback, as the usage collector configures it: frames of JSON
// that end with a line, of which each is an object or an array of them.
//
// It answers 200 with an empty body, 400 for a body with a frame that it cannot decode, and
// deduplicates nothing: what it hands on is `forwarded`.

import {
  decodedBody,
  type ReceivedRequest,
  type ReceiverAnswer,
  TestReceiver,
  type WireEvent,
} from './receiver.ts'

export class TestCollector extends TestReceiver {
  /** Every event, as often as it came. */
  readonly forwarded: string[] = []

  protected take(request: ReceivedRequest): ReceiverAnswer {
    if (request.path !== '/cloudevents') return { status: 404 }
    if (request.method !== 'POST') return { status: 405 }
    if (!this.isAuthorized(request)) return { status: 401 }
    const frames = decodedBody(request).toString().split('\n').filter(Boolean)
    const framed = frames.map(eventsOf)
    if (framed.includes(undefined)) return { status: 400, body: 'Failed decoding body' }
    const events = framed.flatMap((some) => some ?? [])
    const refusal = events.map(this.refuses).find((status) => status !== undefined)
    if (refusal !== undefined) return { status: refusal }
    for (const event of events) {
      const text = JSON.stringify(event)
      this.store(`${event.id}`, text)
      this.forwarded.push(text)
    }
    return { status: 200, body: '' }
  }
}

export async function startCollector(): Promise<TestCollector> {
  const collector = new TestCollector()
  await collector.listen()
  return collector
}

/** The events of one frame; undefined when it is no JSON of objects. */
function eventsOf(frame: string): WireEvent[] | undefined {
  try {
    const value = JSON.parse(frame) as unknown
    const events = Array.isArray(value) ? value : [value]
    const areObjects = events.every((event) => typeof event === 'object' && event !== null)
    return areObjects ? (events as WireEvent[]) : undefined
  } catch {
    return undefined
  }
}
