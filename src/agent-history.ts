// What one stream tells its history (durable/history.ts) while it is read: settings, closes by
// time, jumps, and the generations in the order in which they are read. Everything waits here until
// it is staged together with the position that it belongs to.

import {
  forgetGeneration,
  type GenerationHistory,
  type HistoryEntry,
  putCheckpoint,
  putGeneration,
  putHistory,
} from './durable/history.ts'
import type { Position, StreamHistory } from './durable/records.ts'
import type { StateStore } from './durable/state.ts'
import type { EngineSnapshot } from './native.ts'
import type { GenerationRecord } from './tail/identity.ts'

export class StreamPast {
  readonly #stream: string
  readonly #settings: string
  #entries: number
  #pieceFrom: Position
  #generationsRead: number
  /** Generations that were begun and are kept, in the order in which they were read. */
  readonly #known = new Map<number, { readonly order: number; stagedAtMs: number }>()
  /** What was staged last of each that the tail still knows. */
  #staged = new Map<number, string>()
  #waiting: HistoryEntry[] = []
  readonly #checkpoints = new Map<number, EngineSnapshot>()

  /** `settings` names the present ones; `record` and `generations` are those of the last commit. */
  constructor(
    stream: string,
    settings: string,
    record: StreamHistory | undefined,
    generations: readonly GenerationHistory[],
    at: Position,
  ) {
    this.#stream = stream
    this.#settings = settings
    this.#entries = record?.entries ?? 0
    this.#pieceFrom = record?.pieceFrom ?? at
    this.#generationsRead = record?.generationsRead ?? 0
    for (const { generation, order, atMs } of generations) {
      this.#known.set(generation, { order, stagedAtMs: atMs })
    }
    if (record?.settings !== settings) this.#waiting.push({ kind: 'settings', at, settings })
  }

  get settings(): string {
    return this.#settings
  }

  /** No byte of the stream was read: its engine is as it was made. */
  get isAtStart(): boolean {
    return this.#generationsRead === 0
  }

  /** There is something to stage. */
  get isChanged(): boolean {
    return this.#waiting.length > 0
  }

  /** The generation is read for the first time. */
  isNew(generation: number): boolean {
    return !this.#known.has(generation)
  }

  /** Reading of a generation begins; `checkpoint` is the engine before its first byte. */
  began(generation: number, checkpoint: EngineSnapshot | undefined): void {
    this.#known.set(generation, { order: this.#generationsRead, stagedAtMs: 0 })
    this.#generationsRead += 1
    if (checkpoint !== undefined) this.#checkpoints.set(generation, checkpoint)
  }

  closedByTime(at: Position): void {
    this.#waiting.push({ kind: 'close', at })
  }

  /** Reading went on at `to` of the same generation, not at `at`. */
  skipped(at: Position, to: number): void {
    this.#waiting.push({ kind: 'skip', at, to })
  }

  /** A piece ends at `to`; gives where it began. */
  pieceEnds(to: Position): Position {
    const from = this.#pieceFrom
    this.#pieceFrom = to
    return from
  }

  /**
   * Stages what waits, and the end of generations that ended `keptMs` ago; gives what the stream's
   * record must hold of it. `records` are the generations that the tail knows.
   */
  stage(
    store: StateStore,
    records: readonly GenerationRecord[],
    atMs: number,
    keptMs: number,
  ): StreamHistory {
    for (const entry of this.#waiting) {
      putHistory(store, this.#stream, this.#entries, entry)
      this.#entries += 1
    }
    this.#waiting = []
    for (const [generation, checkpoint] of this.#checkpoints) {
      putCheckpoint(store, this.#stream, generation, checkpoint)
    }
    this.#checkpoints.clear()
    const before = this.#staged
    this.#staged = new Map()
    for (const record of records) this.#stageGeneration(store, record, before, atMs)
    this.#forget(store, atMs - keptMs)
    return {
      settings: this.#settings,
      pieceFrom: this.#pieceFrom,
      entries: this.#entries,
      generationsRead: this.#generationsRead,
    }
  }

  #stageGeneration(
    store: StateStore,
    record: GenerationRecord,
    before: ReadonlyMap<number, string>,
    atMs: number,
  ): void {
    const { generation, name, proof, proofBytes, finished, offset } = record
    const known = this.#known.get(generation)
    if (known === undefined || record.remembered) return
    const endOffset = finished ? offset : null
    const facts = JSON.stringify([name, proof, proofBytes, endOffset])
    this.#staged.set(generation, facts)
    if (before.get(generation) === facts) return
    known.stagedAtMs = atMs
    const { order } = known
    const one = { generation, order, name, proof, proofBytes, endOffset, atMs }
    putGeneration(store, this.#stream, one)
  }

  /** The tail has let go of a generation, and nothing was staged of it since then. */
  #forget(store: StateStore, beforeMs: number): void {
    for (const [generation, { stagedAtMs }] of this.#known) {
      if (this.#staged.has(generation) || stagedAtMs >= beforeMs) return
      this.#known.delete(generation)
      forgetGeneration(store, this.#stream, generation, (one) => this.#known.has(one))
    }
  }
}
