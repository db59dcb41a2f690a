// OpenMeter's ingest API on loopback, as a receiver of batched CloudEvents.
//
// It compares the content type as a whole, answers 204 without a body, tells errors as problem
// documents, and takes a batch event by event: at the first that it refuses, what came before is
// stored. It knows an event again by source and id.

import {
  decodedBody,
  type ReceivedRequest,
  type ReceiverAnswer,
  type ReceiverStep,
  TestReceiver,
  type WireEvent,
} from './receiver.ts'

export const INGEST_PATH = '/api/v1/events'

/** Fails with this status at one event; those before it are stored. */
interface FailAtStep {
  readonly do: 'fail-at'
  readonly event: number
  readonly status: number
}

export class TestOpenMeter extends TestReceiver<FailAtStep> {
  get ingestUrl(): string {
    return this.url + INGEST_PATH
  }

  protected take(
    request: ReceivedRequest,
    step: ReceiverStep | FailAtStep | undefined,
  ): ReceiverAnswer {
    if (request.path !== INGEST_PATH) return problem(404, 'path not found')
    if (request.method !== 'POST') return problem(405, 'method not allowed')
    if (!this.isAuthorized(request)) return problem(401, 'no token of ours')
    if (request.headers['content-type'] !== 'application/cloudevents-batch+json') {
      return problem(400, `invalid content type: ${request.headers['content-type']}`)
    }
    const events = JSON.parse(decodedBody(request).toString()) as WireEvent[]
    for (const [index, event] of events.entries()) {
      const scripted = step?.do === 'fail-at' && step.event === index ? step.status : undefined
      const status = scripted ?? this.refuses(event)
      if (status !== undefined) return problem(status, `event ${event.id}`)
      this.store(`${event.id}`, JSON.stringify(event))
    }
    return { status: 204 }
  }
}

export async function startOpenMeter(): Promise<TestOpenMeter> {
  const receiver = new TestOpenMeter()
  await receiver.listen()
  return receiver
}

function problem(status: number, detail: string): ReceiverAnswer {
  const document = { type: 'about:blank', title: 'Ingest failed', status, detail }
  const headers = { 'content-type': 'application/problem+json' }
  return { status, body: JSON.stringify(document), headers }
}
