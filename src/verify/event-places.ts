// Where the usage events of a state are: waiting to be sent or released, accepted, refused. They
// are given window by window, because a state may hold more of them than memory does.

import { acceptedEntries, readRejected, rejectedKeys } from '../durable/settled.ts'
import {
  type BatchPiece,
  type EventText,
  readContent,
  readPieces,
  waitingBatches,
  withPieces,
} from '../durable/spool-records.ts'
import type { StateReader } from '../durable/state.ts'

export type EventPlace =
  | { readonly kind: 'queued' | 'held' }
  | { readonly kind: 'accepted'; readonly atMs: number }
  | { readonly kind: 'rejected'; readonly atMs: number; readonly reason: string }

export interface PlacedEvent extends EventText {
  readonly piece: Omit<BatchPiece, 'events'>
  readonly place: EventPlace
}

/** A batch, and the first and last window that its events are of. */
interface Batch {
  readonly number: number
  readonly place: EventPlace
  readonly without: readonly string[]
  readonly firstMs: number
  readonly lastMs: number
}

export class EventPlaces {
  readonly #state: StateReader
  readonly #batches: Batch[] = []
  readonly #rejected: { readonly key: string; readonly windowStartMs: number }[] = []
  /** Events by window, each as often as it is there. */
  readonly perWindow = new Map<number, number>()

  /** Batches below `firstBatch` are left out. */
  constructor(state: StateReader, firstBatch = 0) {
    this.#state = state
    for (const kind of ['queue', 'held'] as const) {
      const place = { kind: kind === 'queue' ? ('queued' as const) : kind }
      for (const { number } of waitingBatches(state, kind)) {
        if (number >= firstBatch) this.#add(number, place, [])
      }
    }
    for (const { batch, acceptedAtMs, without } of acceptedEntries(state)) {
      if (batch >= firstBatch) this.#add(batch, { kind: 'accepted', atMs: acceptedAtMs }, without)
    }
    for (const key of rejectedKeys(state)) {
      const windowStartMs = readRejected(state, key)?.piece.windowStartMs
      if (windowStartMs === undefined) continue
      this.#rejected.push({ key, windowStartMs })
      this.#count(windowStartMs, 1)
    }
  }

  /**
   * Events of windows that start in [fromMs, toMs]. One that is in several places, because it was
   * sent again, comes as often.
   */
  *events(fromMs: number, toMs: number): Generator<PlacedEvent> {
    const isWanted = (startMs: number): boolean => startMs >= fromMs && startMs <= toMs
    for (const batch of this.#batches) {
      if (batch.lastMs < fromMs || batch.firstMs > toMs) continue
      for (const event of this.#eventsOf(batch)) {
        if (isWanted(event.piece.windowStartMs)) yield event
      }
    }
    for (const { key, windowStartMs } of this.#rejected) {
      const event = isWanted(windowStartMs) ? readRejected(this.#state, key) : undefined
      if (event === undefined) continue
      const { id, text, piece, reason, rejectedAtMs: atMs } = event
      yield { id, text, piece, place: { kind: 'rejected', atMs, reason } }
    }
  }

  *#eventsOf({ number, place, without }: Batch): Generator<PlacedEvent> {
    const content = readContent(this.#state, number)
    if (content === undefined) return
    const left = new Set(without)
    for (const [event, piece] of withPieces(content)) {
      if (!left.has(event.id)) yield { ...event, piece, place }
    }
  }

  #add(number: number, place: EventPlace, without: readonly string[]): void {
    const pieces = readPieces(this.#state, number) ?? []
    if (pieces.length === 0) return
    const starts = pieces.map(({ windowStartMs }) => windowStartMs)
    for (const { windowStartMs, events } of pieces) this.#count(windowStartMs, events)
    const [firstMs, lastMs] = [Math.min(...starts), Math.max(...starts)]
    this.#batches.push({ number, place, without, firstMs, lastMs })
  }

  #count(windowStartMs: number, events: number): void {
    this.perWindow.set(windowStartMs, (this.perWindow.get(windowStartMs) ?? 0) + events)
  }
}
