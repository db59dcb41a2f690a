// Reads an HTTP answer of the Milo billing gateway. A pure function of status, headers and body.
//
// The gateway publishes a batch event by event. So 429 and 503 may come after some events are
// stored; 200 may count fewer events than were sent, when it dropped some without a word; and a
// rejected event that it could not decode has an empty id, so rejections are matched by count too.

import { bodyObject, failureAnswer, type HttpAnswer, joinedWords, objectOf } from './http-answer.ts'
import {
  type AnswerFacts,
  boundedText,
  type FrozenBatch,
  type Rejection,
  type SinkAnswer,
} from './sink.ts'

/** What the gateway's answer to `batch` means. */
export function gatewayAnswer(answer: HttpAnswer, batch: FrozenBatch, nowMs: number): SinkAnswer {
  const { status, body } = answer
  if (status < 200 || status >= 300) return failureAnswer(answer, nowMs)
  const facts: AnswerFacts = { status, text: boundedText(body ?? 'no readable body') }
  if (status === 204) return { kind: 'accepted', ...facts }
  // As much a reset or a timeout as one before the head: it says nothing about the events.
  if (answer.isCut) return { kind: 'unknown', ...facts }
  if (status === 207) return partlyAnswer(body, batch, facts)
  const { accepted } = bodyObject(body) ?? {}
  return { kind: accepted === batch.ids.length ? 'accepted' : 'ambiguous', ...facts }
}

function partlyAnswer(
  body: string | undefined,
  batch: FrozenBatch,
  facts: AnswerFacts,
): SinkAnswer {
  const { accepted, rejected } = bodyObject(body) ?? {}
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
  const text = joinedWords(reason, detail) || 'no reason given'
  return { id: typeof id === 'string' ? id : '', reason: text }
}
