// What one stream tells its history (durable/history.ts) while it is read: settings, closes by
// time, jumps, its end, and the generations in the order in which they are read. Everything waits
// here until it is staged together with the position that it belongs to.

import {
  forgetGeneration,
  type GenerationHistory,
  type HistoryEntry,
  putCheckpoint,
  putGeneration,
  putHistory,
} from '../durable/history.ts'
import type { Position, StreamHistory } from '../durable/records.ts'
import type { StateStore } from '../durable/state.ts'
import type { EngineSnapshot } from '../native.ts'
import type { GenerationRecord } from '../tail/identity.ts'

/** Where a stream stands when it is taken up. */
interface Past extends Omit<StreamHistory, 'settings'> {
  /** No byte of it was read: its engine is as it was made. */
  readonly isFresh: boolean
}

type Facts = Omit<GenerationHistory, 'atMs'>

export class StreamPast {
  readonly #stream: string
  readonly #settings: string
  readonly #isFresh: boolean
  #entries: number
  #pieceFrom: Position
  #generationsRead: number
  #isEnded: boolean
  /** When each generation that is kept was staged last, in the order in which they were read. */
  readonly #stagedAtMs = new Map<number, number>()
  /** Of the one that is read, and of those that the tail still knows. */
  readonly #facts = new Map<number, Facts>()
  /** Those that are not staged as they are. */
  readonly #changed = new Set<number>()
  #waiting: HistoryEntry[] = []
  readonly #checkpoints = new Map<number, EngineSnapshot>()

  private constructor(stream: string, settings: string, past: Past) {
    this.#stream = stream
    this.#settings = settings
    this.#isFresh = past.isFresh
    this.#entries = past.entries
    this.#pieceFrom = past.pieceFrom
    this.#generationsRead = past.generationsRead
    this.#isEnded = past.isEnded === true
  }

  /** Of a stream that nobody has read yet; `settings` names those that it is read with. */
  static fresh(stream: string, settings: string): StreamPast {
    const at = { generation: 0, offset: 0 }
    const empty = { entries: 0, generationsRead: 0, pieceFrom: at, isFresh: true }
    const past = new StreamPast(stream, settings, empty)
    past.#waiting.push({ kind: 'settings', at, settings })
    return past
  }

  /** Of a stream that is taken up at `at`; `record` and `generations` are of the last commit. */
  static resumed(
    stream: string,
    settings: string,
    record: StreamHistory | undefined,
    generations: readonly GenerationHistory[],
    at: Position,
  ): StreamPast {
    const before = record ?? { entries: 0, generationsRead: 0, pieceFrom: at }
    const isFresh = record?.generationsRead === 0
    const past = new StreamPast(stream, settings, { ...before, isFresh })
    for (const { atMs, ...facts } of generations) {
      past.#stagedAtMs.set(facts.generation, atMs)
      past.#facts.set(facts.generation, facts)
    }
    if (record?.settings !== settings) past.#waiting.push({ kind: 'settings', at, settings })
    return past
  }

  get settings(): string {
    return this.#settings
  }

  /** No byte of the stream was read: its engine is as it was made. */
  get isAtStart(): boolean {
    return this.#isFresh && this.#generationsRead === 0
  }

  /** There is something to stage. */
  get isChanged(): boolean {
    return this.#waiting.length > 0
  }

  /** The generation is read for the first time. */
  isNew(generation: number): boolean {
    return !this.#stagedAtMs.has(generation)
  }

  /** Reading of a generation begins; `checkpoint` is the engine before its first byte. */
  began(generation: number, name: string, checkpoint: EngineSnapshot | undefined): void {
    if (this.isAtStart) this.#startIn(generation)
    const [order, settings] = [this.#generationsRead, this.#settings]
    const facts = { name, proof: '', proofBytes: 0, endOffset: null, guard: null }
    this.#facts.set(generation, { generation, order, settings, ...facts })
    this.#stagedAtMs.set(generation, 0)
    this.#changed.add(generation)
    this.#generationsRead += 1
    this.#isEnded = false
    if (checkpoint !== undefined) this.#checkpoints.set(generation, checkpoint)
  }

  /** Which generation is the oldest is known when the first one is read. */
  #startIn(generation: number): void {
    const at = { generation, offset: 0 }
    this.#pieceFrom = at
    this.#waiting = [{ kind: 'settings', at, settings: this.#settings }]
  }

  /** The generation was read to its end; `guard` if somebody but the tail knows it. */
  ended(generation: number, endOffset: number, guard: string | null): void {
    this.#change(generation, { endOffset, guard })
  }

  closedByTime(at: Position): void {
    this.#waiting.push({ kind: 'close', at })
  }

  /** Reading went on at `to` of the same generation, not at `at`. */
  skipped(at: Position, to: number): void {
    this.#waiting.push({ kind: 'skip', at, to })
  }

  /** All of the stream is read; every later run on the same state says so again. */
  streamEnded(at: Position): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#waiting.push({ kind: 'end', at })
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
    // What the tail only remembers is gone, and its history ends in its time.
    const here = records.filter(({ remembered }) => !remembered)
    for (const record of here) this.#learn(record)
    for (const generation of this.#changed) this.#stageGeneration(store, generation, atMs)
    this.#changed.clear()
    const known = new Set(here.map(({ generation }) => generation))
    const [last] = [...this.#facts.keys()].slice(-1)
    for (const [generation, { endOffset }] of this.#facts) {
      // One that goes on as another generation never ends.
      const isOver = endOffset !== null || generation !== last
      if (isOver && !known.has(generation)) this.#facts.delete(generation)
    }
    this.#forget(store, atMs - keptMs)
    return {
      settings: this.#settings,
      pieceFrom: this.#pieceFrom,
      entries: this.#entries,
      generationsRead: this.#generationsRead,
      isEnded: this.#isEnded,
    }
  }

  /** Takes over what the tail says of a generation, but where its end was: the engine knows. */
  #learn({ generation, name, proof, proofBytes, offset, guard }: GenerationRecord): void {
    const isEnd = guard !== null && this.#facts.get(generation)?.endOffset === offset
    this.#change(generation, { name, proof, proofBytes, ...(isEnd && { guard }) })
  }

  #change(generation: number, facts: Partial<Facts>): void {
    const before = this.#facts.get(generation)
    if (before === undefined) return
    const after = { ...before, ...facts }
    this.#facts.set(generation, after)
    if (JSON.stringify(before) !== JSON.stringify(after)) this.#changed.add(generation)
  }

  #stageGeneration(store: StateStore, generation: number, atMs: number): void {
    const facts = this.#facts.get(generation)
    if (facts === undefined) return
    putGeneration(store, this.#stream, { ...facts, atMs })
    this.#stagedAtMs.set(generation, atMs)
  }

  /** The tail has let go of a generation, and nothing was staged of it since then. */
  #forget(store: StateStore, beforeMs: number): void {
    for (const [generation, stagedAtMs] of this.#stagedAtMs) {
      if (this.#facts.has(generation) || stagedAtMs >= beforeMs) return
      this.#stagedAtMs.delete(generation)
      forgetGeneration(store, this.#stream, generation, (one) => this.#stagedAtMs.has(one))
    }
  }
}
