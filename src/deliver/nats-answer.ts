// Reads what JetStream answers to published events. Pure functions.
//
// JetStream acknowledges each event on its own, so a batch may be stored in part; what is not known
// to be stored is sent again under the same message id, and stored once. Only an event that is too
// large for its stream can never be stored. All else, a full stream or one that does not exist, may
// be mended at the far end: those events are tried again, like those without an answer.

import { bodyObject, objectOf } from './http-answer.ts'
import { boundedText, type FrozenBatch, type SinkAnswer } from './sink.ts'

/** What became of one event. */
export type PublishOutcome =
  | { readonly kind: 'stored' }
  /** It will never be stored. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** It may be stored already, or when it is sent again. */
  | { readonly kind: 'unsettled'; readonly text: string }

export const STORED: PublishOutcome = { kind: 'stored' }

const MESSAGE_TOO_LARGE = 10_054

/** The outcome that an acknowledgement tells. */
export function ackOutcome(body: string): PublishOutcome {
  const { stream, error } = bodyObject(body) ?? {}
  // `duplicate` is an acceptance too: the stream has the event from an earlier attempt.
  if (error === undefined && typeof stream === 'string') return STORED
  const { err_code: code, description } = objectOf(error) ?? {}
  if (typeof description !== 'string') {
    return { kind: 'unsettled', text: boundedText(`no acknowledgement: ${body}`) }
  }
  return code === MESSAGE_TOO_LARGE
    ? { kind: 'rejected', reason: boundedText(description) }
    : { kind: 'unsettled', text: boundedText(`${description} (${code})`) }
}

/** The answer to a batch: `outcomes` are in the order of its events. */
export function natsAnswer(batch: FrozenBatch, outcomes: readonly PublishOutcome[]): SinkAnswer {
  const unsettled = outcomes.filter((outcome) => outcome.kind === 'unsettled')
  const [first] = unsettled
  if (first !== undefined) {
    const text = boundedText(`${unsettled.length} events: ${first.text}`)
    return { kind: 'unknown', status: 0, text }
  }
  const rejected = outcomes.flatMap((outcome, index) =>
    outcome.kind === 'rejected' ? [{ id: batch.ids[index] ?? '', reason: outcome.reason }] : [],
  )
  if (rejected.length === 0) return { kind: 'accepted', status: 0, text: '' }
  return { kind: 'partly', status: 0, text: rejected[0]?.reason ?? '', rejected }
}
