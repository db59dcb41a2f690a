// Computes a stream again from its logs, exactly as it was computed the first time: the same
// settings at the same places, closed by the wall clock where it was closed then. What comes of it
// is the same to the byte, as long as the bytes are.
//
//   course (verify/course.ts), logs ──▶ Recomputation ──▶ pieces, and what is open at the end
//
// Where logs are gone, the computation goes on behind them, from the checkpoint that every
// generation begins with. A checkpoint has no totals and no carries: of the piece that is open
// there only the rest is computed, and seconds, which need carries, are right only from the
// beginning.

import type { StreamSettings } from '../agent/sources.ts'
import { type HistoryEntry, readCheckpoint, readSettings } from '../durable/history.ts'
import type { Position } from '../durable/records.ts'
import type { StateReader } from '../durable/state.ts'
import { MeterFastError } from '../errors.ts'
import { type ClosedSegment, createEngine, type Engine } from '../native.ts'
import type { Course, CourseGeneration } from './course.ts'
import type { LogReader } from './log-file.ts'

/** A piece of a segment, computed again. */
export interface RecomputedPiece {
  readonly segment: ClosedSegment
  /** The first byte that is not of it. */
  readonly to: Position
  /** All its lines were computed, not only those behind a checkpoint. */
  readonly isWhole: boolean
}

/** Bytes of the generation that was told to `compute` and that its log does not have. */
export type Shortage = 'none' | 'short' | 'damaged'

export class Recomputation {
  readonly #store: StateReader
  readonly #stream: string
  readonly #onBytes: (bytes: number) => void
  #settings: string
  #engine: Engine
  /** The newest page of each name, for an engine with other settings that goes on. */
  readonly #pages: Map<string, Uint8Array>
  #isWhole: boolean
  /** The carries of all keys are known. */
  readonly hasCarries: boolean

  private constructor(
    store: StateReader,
    course: Course,
    first: CourseGeneration,
    pages: ReadonlyMap<string, Uint8Array>,
    onBytes: (bytes: number) => void,
  ) {
    this.#store = store
    this.#stream = course.stream
    this.#onBytes = onBytes
    this.#settings = first.facts.settings
    this.#engine = createEngine(this.#read(first.facts.settings).engine)
    this.#pages = new Map(pages)
    this.#isWhole = true
    this.hasCarries = first.start === 'made'
  }

  /**
   * Begins with a generation that has a start; `onBytes` is told of bytes as they are computed, and
   * may throw to end it.
   * @throws {MeterFastError} METER_STATE_CORRUPT when the state does not hold what it takes
   */
  static async begin(
    store: StateReader,
    course: Course,
    first: CourseGeneration,
    onBytes: (bytes: number) => void,
  ): Promise<Recomputation> {
    if (first.start === 'made') return new Recomputation(store, course, first, new Map(), onBytes)
    const { generation } = first.facts
    const checkpoint = readCheckpoint(store, course.stream, generation)
    if (checkpoint === undefined) {
      const what = `the checkpoint of generation ${generation} of ${course.stream}`
      throw new MeterFastError('METER_STATE_CORRUPT', `${what} is not in the state`)
    }
    const { head, pages } = checkpoint
    const begun = new Recomputation(store, course, first, pages, onBytes)
    await begun.#engine.restore(head, [...pages.values()])
    begun.#isWhole = !begun.#engine.hasOpenSegment()
    return begun
  }

  /**
   * Computes one generation, the one behind the last one that was computed, up to `end` at most,
   * and gives its pieces as they close. Of a log that ended, `logEnd` may lie behind what was read
   * of it, when there is no reason why it should.
   */
  async *compute(
    one: CourseGeneration,
    log: LogReader | undefined,
    end: number,
    logEnd = end,
  ): AsyncGenerator<RecomputedPiece, Shortage> {
    const { generation } = one.facts
    const isAll = end === one.readTo
    let isOver = false
    for (const { entry, isHere } of entriesUpTo(one, isAll, end)) {
      if (isHere) yield* this.#feed(log, generation, entry.at.offset)
      if (log?.damage !== undefined) return 'damaged'
      // A tail without LF becomes a line at the end of its generation, before what happened there.
      if (one.isEnded && isAll && !isOver && (!isHere || entry.at.offset >= end)) {
        isOver = true
        yield* this.#feed(log, generation, logEnd)
        yield* this.#end(generation)
      }
      yield* this.#apply(entry)
    }
    if (isOver) return 'none'
    yield* this.#feed(log, generation, logEnd)
    if (log?.damage !== undefined) return 'damaged'
    const isShort = this.#engine.readOffset() < end
    if (one.isEnded && isAll) yield* this.#end(generation)
    return isShort ? 'short' : 'none'
  }

  /** What is open where the computation stands; whole as a piece is. */
  async open(): Promise<Omit<RecomputedPiece, 'to'>> {
    return { segment: await this.#engine.openTotals(), isWhole: this.#isWhole }
  }

  /** Bytes of the generation that are folded. */
  offset(): number {
    return this.#engine.offset()
  }

  /** Lines since the stream began, in the order of OUTCOMES. */
  counters(): BigInt64Array {
    return this.#engine.counters()
  }

  close(): void {
    this.#engine.close()
  }

  async *#feed(
    log: LogReader | undefined,
    generation: number,
    end: number,
  ): AsyncGenerator<RecomputedPiece> {
    if (log === undefined) return
    for await (const bytes of log.feed(this.#engine, end)) {
      this.#onBytes(bytes)
      yield* this.#take(generation)
    }
  }

  async *#end(generation: number): AsyncGenerator<RecomputedPiece> {
    await this.#engine.endGeneration()
    yield* this.#take(generation)
  }

  async *#apply(entry: HistoryEntry): AsyncGenerator<RecomputedPiece> {
    const { at } = entry
    switch (entry.kind) {
      case 'settings':
        await this.#goOnWith(entry.settings)
        break
      case 'skip':
        this.#engine.seek(entry.to)
        break
      case 'close':
        await this.#engine.closeByTime()
        yield* this.#take(at.generation, at)
        break
      case 'end':
        await this.#engine.endStream()
        yield* this.#take(at.generation, at)
    }
  }

  /** As an agent that is started again with another configuration. */
  async #goOnWith(settings: string): Promise<void> {
    if (settings === this.#settings) return
    const { head, pages } = await this.#engine.snapshot()
    for (const { name, bytes } of pages) {
      if (bytes === null) this.#pages.delete(name)
      else this.#pages.set(name, bytes)
    }
    this.#engine.close()
    this.#settings = settings
    this.#engine = createEngine(this.#read(settings).engine)
    await this.#engine.restore(head, [...this.#pages.values()])
  }

  /** What closed since the last call; `to` where it ended, if the engine cannot know. */
  *#take(generation: number, to?: Position): Generator<RecomputedPiece> {
    for (const segment of this.#engine.take().closed) {
      const end = to ?? { generation, offset: segment.endOffset }
      const isWhole = this.#isWhole
      this.#isWhole = true
      yield { segment, to: end, isWhole }
    }
  }

  #read(settings: string): StreamSettings {
    const found = readSettings<StreamSettings>(this.#store, settings)
    if (found !== undefined) return found
    const what = `the settings "${settings}" of ${this.#stream}`
    throw new MeterFastError('METER_STATE_CORRUPT', `${what} are not in the state`)
  }
}

/** What happened in a generation before `end`, and behind it when that is its end. */
function* entriesUpTo(
  { facts, entries }: CourseGeneration,
  isAll: boolean,
  end: number,
): Generator<{ readonly entry: HistoryEntry; readonly isHere: boolean }> {
  for (const entry of entries) {
    const isHere = entry.at.generation === facts.generation
    if (isHere ? entry.at.offset > end : !isAll) return
    yield { entry, isHere }
  }
}
