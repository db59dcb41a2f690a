// Reads an HTTP answer of the Milo billing gateway. A pure function of status, headers and body.
//
// The gateway publishes a batch event by event. So 429 and 503 may come after some events are
// stored; 200 may count fewer events than were sent, when it dropped some without a word; and a
// rejected event that it could not decode has an empty id, so rejections are matched by count too.

import { retryAfterMs } from './retry.ts'
import {
  type AnswerFacts,
  boundedText,
  type FrozenBatch,
  type Rejection,
  type SinkAnswer,
} from './sink.ts'

/** An HTTP answer. */
export interface HttpAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  /** Undefined when it was cut, or too long to read. */
  readonly body: string | undefined
  /** The connection broke, or the time was over, within the body. */
  readonly isCut?: boolean
}

/** What the gateway's answer to `batch` means. */
export function gatewayAnswer(answer: HttpAnswer, batch: FrozenBatch, nowMs: number): SinkAnswer {
  const { status, body } = answer
  const facts: AnswerFacts = { status, text: boundedText(body ?? 'no readable body') }
  if (status === 204) return { kind: 'accepted', ...facts }
  // As much a reset or a timeout as one before the head: it says nothing about the events.
  if (answer.isCut && status >= 200 && status < 300) return { kind: 'unknown', ...facts }
  if (status === 207) return partlyAnswer(body, batch, facts)
  if (status >= 200 && status < 300) {
    const { accepted } = parsed(body) ?? {}
    return { kind: accepted === batch.ids.length ? 'accepted' : 'ambiguous', ...facts }
  }
  const kind = failureKind(status)
  const asked = retryAfterMs(answer.retryAfter, nowMs)
  if (kind === 'unknown' && asked !== undefined) return { kind, ...facts, retryAfterMs: asked }
  return { kind, ...facts }
}

type FailureKind = 'unknown' | 'unauthorized' | 'tooLarge' | 'misconfigured' | 'refused'

const FAILURES: Readonly<Record<number, FailureKind>> = {
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'misconfigured',
  405: 'misconfigured',
  408: 'unknown',
  413: 'tooLarge',
  415: 'misconfigured',
  429: 'unknown',
}

/** What a status outside 200 to 299 means; what HTTP has no name for is ours to mend. */
function failureKind(status: number): FailureKind {
  const named = FAILURES[status]
  if (named) return named
  if (status >= 400 && status < 500) return 'refused'
  return status >= 500 && status < 600 ? 'unknown' : 'misconfigured'
}

function partlyAnswer(
  body: string | undefined,
  batch: FrozenBatch,
  facts: AnswerFacts,
): SinkAnswer {
  const { accepted, rejected } = parsed(body) ?? {}
  const rejections = Array.isArray(rejected) ? rejected.map(rejectionOf) : []
  const adds = accepted === batch.ids.length - rejections.length && rejections.length > 0
  if (!adds) return { kind: 'unmatched', ...facts }
  const [id] = batch.ids
  const [first] = rejections
  // Of a single event it is clear which one was meant, even if the gateway could not read its id.
  if (batch.ids.length === 1 && id !== undefined && first) {
    return { kind: 'partly', ...facts, rejected: [{ id, reason: first.reason }] }
  }
  const known = new Set(batch.ids)
  const distinct = new Set(rejections.map((rejection) => rejection.id))
  const matched = distinct.size === rejections.length && rejections.every((r) => known.has(r.id))
  return matched
    ? { kind: 'partly', ...facts, rejected: rejections }
    : { kind: 'unmatched', ...facts }
}

function rejectionOf(item: unknown): Rejection {
  const { id, reason, detail } = objectOf(item) ?? {}
  const words = [reason, detail].filter((word) => typeof word === 'string' && word !== '')
  const text = boundedText(words.join(': ')) || 'no reason given'
  return { id: typeof id === 'string' ? id : '', reason: text }
}

function parsed(body: string | undefined): Record<string, unknown> | undefined {
  try {
    return objectOf(JSON.parse(body ?? ''))
  } catch {
    return undefined
  }
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : undefined
}
