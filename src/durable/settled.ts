// Events that have left the spool: accepted by the sink, or refused by it for good.
//
//   accepted/<accepted at>/<batch>   kept for a while, to be sent again if the sink lost them
//   rejected/<refused at>/<id>       kept with the sink's reason until somebody decides

import { jsonEntries, packRecord, putJson, unpackRecord } from './codec.ts'
import { nameField, numberAt, numberField } from './keys.ts'
import type { StateReader, StateStore } from './state.ts'

const ACCEPTED_PREFIX = 'accepted/'
const REJECTED_PREFIX = 'rejected/'

/** One usage event, its final JSON text in `text`. */
export interface EventText {
  readonly id: string
  readonly text: string
}

export interface AcceptedBatch {
  readonly acceptedAtMs: number
  readonly batch: number
  readonly events: readonly EventText[]
}

export interface RejectedEvent extends EventText {
  readonly reason: string
  readonly rejectedAtMs: number
}

interface AcceptedHead {
  readonly ids: readonly string[]
  /** Bytes of each text; the texts follow each other in the body. */
  readonly lengths: readonly number[]
}

/** Stages what the sink accepted of one batch. */
export function putAccepted(store: StateStore, accepted: AcceptedBatch): void {
  const texts = accepted.events.map(({ text }) => Buffer.from(text))
  const ids = accepted.events.map(({ id }) => id)
  const head: AcceptedHead = { ids, lengths: texts.map((text) => text.length) }
  const key = `${numberField(accepted.acceptedAtMs)}/${numberField(accepted.batch)}`
  store.put(ACCEPTED_PREFIX + key, packRecord(head, Buffer.concat(texts)))
}

/** What the sink accepted in [fromMs, toMs), oldest first. */
export function* acceptedBatches(
  store: StateReader,
  fromMs: number,
  toMs: number,
): Generator<AcceptedBatch> {
  for (const [key, packed] of store.entries(ACCEPTED_PREFIX)) {
    const acceptedAtMs = numberAt(key, 1)
    if (acceptedAtMs >= toMs) return
    if (acceptedAtMs < fromMs) continue
    const { head, body } = unpackRecord<AcceptedHead>(packed)
    const bytes = Buffer.from(body.buffer)
    let at = 0
    const events = head.ids.map((id, index) => {
      const start = at
      at += head.lengths[index] ?? 0
      return { id, text: bytes.toString('utf8', start, at) }
    })
    yield { acceptedAtMs, batch: numberAt(key, 2), events }
  }
}

/**
 * Stages the end of what was accepted before `beforeMs`, at most `batchesMax` batches; gives how
 * many. Ask again after the commit while it gives `batchesMax`.
 */
export function forgetAccepted(store: StateStore, beforeMs: number, batchesMax: number): number {
  let forgotten = 0
  for (const [key] of store.entries(ACCEPTED_PREFIX)) {
    if (forgotten === batchesMax || numberAt(key, 1) >= beforeMs) break
    store.remove(key)
    forgotten += 1
  }
  return forgotten
}

/** Stages an event that the sink will never take; nothing removes it by age. */
export function putRejected(store: StateStore, event: RejectedEvent): void {
  putJson(store, rejectedKey(event), event)
}

/** What the sink refused, oldest first. */
export function* rejectedEvents(store: StateReader): Generator<RejectedEvent> {
  for (const [, event] of jsonEntries<RejectedEvent>(store, REJECTED_PREFIX)) yield event
}

/** Stages the end of a refused event, once it was billed in another way or given up by a person. */
export function forgetRejected(store: StateStore, event: RejectedEvent): void {
  store.remove(rejectedKey(event))
}

function rejectedKey(event: RejectedEvent): string {
  return `${REJECTED_PREFIX}${numberField(event.rejectedAtMs)}/${nameField(event.id)}`
}
