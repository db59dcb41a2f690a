// Operations on the state that people ask for: release of held events, and replay of usage that was
// not billed, or was billed and lost by the sink. Each is a row of steps; what a step stages is one
// commit, and what it has done it takes out of the state in that commit, so that an operation that
// is interrupted goes on where it was and does nothing twice.

import { Counters } from '../durable/counters.ts'
import {
  type AcceptedBatch,
  acceptedBatches,
  forgetRejected,
  type RejectedEvent,
  rejectedEvents,
} from '../durable/settled.ts'
import { Spool } from '../durable/spool.ts'
import type { StateReader, StateStore } from '../durable/state.ts'
import { replayLines } from './replay-lines.ts'
import { type ProjectMap, replayUsage } from './replay-usage.ts'

/** What a person asks for. Times are in ms, [fromMs, toMs). */
export type Operation =
  /** Held events may be sent. */
  | { readonly kind: 'release' }
  /** Events that the sink accepted then are sent again, with the same ids and bytes. */
  | { readonly kind: 'accepted'; readonly fromMs: number; readonly toMs: number }
  /** Events that the sink refused are sent again; of one project, or all. */
  | { readonly kind: 'rejected'; readonly project?: string }
  /** Usage of windows that start then and has no project is billed to the projects of a map. */
  | {
      readonly kind: 'unattributed'
      readonly fromMs: number
      readonly toMs: number
      readonly map: ProjectMap
    }
  /** Quarantined lines are read again, with the present settings of their streams. */
  | { readonly kind: 'quarantined'; readonly reason?: string }

/** How much was done, by what; the names differ between operations. */
export type Done = Readonly<Record<string, number>>

/** Held batches of one step; they are not read. */
const RELEASE_BATCHES = 1000
/** Accepted batches of one step, at most 100 MiB. */
const ACCEPTED_BATCHES = 100
/** Refused events of one step, and of one batch. */
const REJECTED_EVENTS = 5000
const BATCH_EVENTS = 100

/** Runs an operation; each step stages something and gives what. */
export async function* operate(
  store: StateStore,
  operation: Operation,
  nowMs: number,
): AsyncGenerator<Done> {
  switch (operation.kind) {
    case 'release':
      yield* release(store)
      break
    case 'accepted':
      yield* replayAccepted(store, operation, nowMs)
      break
    case 'rejected':
      yield* replayRejected(store, operation.project)
      break
    case 'unattributed':
      yield* replayUsage(store, operation, nowMs)
      break
    case 'quarantined':
      yield* replayLines(store, operation.reason, nowMs)
  }
}

function* release(store: StateStore): Generator<Done> {
  const spool = new Spool(store)
  const counters = new Counters(store)
  for (let events = spool.release(RELEASE_BATCHES); events > 0; ) {
    counters.add('events_released', events)
    yield { events }
    events = spool.release(RELEASE_BATCHES)
  }
}

/** The events stay where they are. An interrupted replay begins anew: its ids are the same. */
function* replayAccepted(
  store: StateStore,
  { fromMs, toMs }: Extract<Operation, { kind: 'accepted' }>,
  nowMs: number,
): Generator<Done> {
  const spool = new Spool(store)
  const counters = new Counters(store)
  // What is sent again is accepted later than now, so it is not sent for ever.
  const endMs = Math.min(toMs, nowMs)
  let batches = acceptedAfter(store, { acceptedAtMs: fromMs, batch: -1 }, endMs)
  for (let last = batches.at(-1); last !== undefined; last = batches.at(-1)) {
    const all = batches.filter(({ events }) => events.length > 0)
    for (const batch of all) spool.add(batch, latestWindow(batch.pieces))
    const events = all.reduce((sum, batch) => sum + batch.events.length, 0)
    counters.add('events_replayed', events)
    yield { events }
    batches = acceptedAfter(store, last, endMs)
  }
}

/** The next batches after one, at most those of a step. */
function acceptedAfter(
  store: StateReader,
  last: Pick<AcceptedBatch, 'acceptedAtMs' | 'batch'>,
  endMs: number,
): AcceptedBatch[] {
  const batches: AcceptedBatch[] = []
  for (const one of acceptedBatches(store, last.acceptedAtMs, endMs)) {
    if (one.acceptedAtMs === last.acceptedAtMs && one.batch <= last.batch) continue
    batches.push(one)
    if (batches.length === ACCEPTED_BATCHES) break
  }
  return batches
}

function* replayRejected(store: StateStore, project: string | undefined): Generator<Done> {
  const spool = new Spool(store)
  const counters = new Counters(store)
  for (;;) {
    const chosen = rejectedOf(store, project)
    if (chosen.length === 0) return
    for (let at = 0; at < chosen.length; at += BATCH_EVENTS) {
      const batch = chosen.slice(at, at + BATCH_EVENTS)
      const events = batch.map(({ id, text }) => ({ id, text }))
      const pieces = batch.map(({ piece }) => ({ ...piece, events: 1 }))
      spool.add({ events, pieces }, latestWindow(pieces))
    }
    for (const event of chosen) forgetRejected(store, event)
    counters.add('events_replayed', chosen.length)
    yield { events: chosen.length }
  }
}

/** Refused events of a project, or all, at most those of a step. */
function rejectedOf(store: StateReader, project: string | undefined): RejectedEvent[] {
  const chosen: RejectedEvent[] = []
  for (const event of rejectedEvents(store)) {
    if (project !== undefined && projectOf(event.text) !== project) continue
    chosen.push(event)
    if (chosen.length === REJECTED_EVENTS) break
  }
  return chosen
}

function latestWindow(pieces: readonly { readonly windowStartMs: number }[]): number {
  return Math.max(...pieces.map(({ windowStartMs }) => windowStartMs))
}

/** The project in `"subject":"projects/p-abc"`. */
function projectOf(text: string): string {
  const { subject } = JSON.parse(text) as { subject: string }
  return subject.slice(subject.lastIndexOf('/') + 1)
}
