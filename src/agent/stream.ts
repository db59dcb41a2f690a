// One stream of the agent: what the tail finds goes through the engine. What comes of it waits here
// until it is staged together with the position (agent/staging.ts), so that one commit holds both
// or neither.

import { type GenerationHistory, generationsOf } from '../durable/history.ts'
import { type Position, type StreamRecord, streamPages } from '../durable/records.ts'
import type { StateReader } from '../durable/state.ts'
import { MeterFastError } from '../errors.ts'
import {
  type ClosedSegment,
  createEngine,
  type Engine,
  type EngineSnapshot,
  OUTCOMES,
} from '../native.ts'
import { type CurrentGeneration, StreamFollower } from '../tail/follow.ts'
import type { GapRecord } from '../tail/generation-list.ts'
import type { GenerationRecord } from '../tail/identity.ts'
import type { StreamPlace } from '../tail/listing.ts'
import type { TailProblem } from '../tail/problem.ts'
import { GUARD_BYTES_MAX, guardOf } from '../tail/proof.ts'
import { StreamPast } from './history.ts'
import type { StreamSettings } from './sources.ts'

/** Bytes of one native read: it bounds how long a stop waits. */
const SLICE_BYTES = 8 * 1024 * 1024

/** A closed piece of a segment and the lines between its two ends. */
export interface ClosedPiece {
  readonly segment: ClosedSegment
  readonly from: Position
  readonly to: Position
}

/** Lines that the core quarantined in one generation, packed. */
export interface QuarantinedLines {
  readonly generation: number
  readonly lines: Uint8Array
}

/** Everything that one commit must hold of a stream. */
export interface StreamChange {
  readonly generations: readonly GenerationRecord[]
  readonly snapshot: EngineSnapshot
  readonly closed: readonly ClosedPiece[]
  readonly quarantine: readonly QuarantinedLines[]
  readonly gaps: readonly GapRecord[]
  readonly past: StreamPast
}

export class AgentStream {
  readonly place: StreamPlace
  readonly settings: StreamSettings
  readonly #engine: Engine
  readonly #follower: StreamFollower
  #past: StreamPast
  /** The one that is read, or was read last. */
  #generation = 0
  /** Where that one ended, while there is none behind it. */
  #endOffset: number | undefined
  /** What was inflated last of a .gz, as much as a guard covers. */
  #inflated: Uint8Array = new Uint8Array()
  #changed = false
  #ended = false
  /** Taken from the engine where a generation ended: a place names its generation. */
  #closed: ClosedPiece[] = []
  #quarantine: QuarantinedLines[] = []
  #takenBytes = 0
  /** As of the last call of the engine that ended: it cannot be asked while one runs. */
  #lines: BigInt64Array = new BigInt64Array(OUTCOMES.length)

  /** `settingsName` names the settings in the state. */
  constructor(place: StreamPlace, settings: StreamSettings, settingsName: string) {
    this.place = place
    this.settings = settings
    this.#engine = createEngine(settings.engine)
    this.#follower = new StreamFollower(place)
    this.#past = StreamPast.fresh(place.stream, settingsName)
  }

  /** Goes on from a commit. */
  async resume(
    record: StreamRecord<StreamPlace, GenerationRecord>,
    store: StateReader,
  ): Promise<void> {
    const { stream, generations } = record
    const wanted = this.settings.rules.lineDimensions
    if (String(record.lineDimensions) !== String(wanted)) {
      throw new MeterFastError(
        'METER_CONFIG_INVALID',
        `the open totals of stream ${stream} are kept by the dimensions ` +
          `[${record.lineDimensions}] of its lines, the configuration now reads [${wanted}]. Run ` +
          'once with the old configuration and --once, which closes and delivers them; then ' +
          'change it.',
      )
    }
    await this.#engine.restore(record.head, streamPages(store, stream))
    this.#follower.resume(generations)
    const known = generationsOf(store, stream)
    this.#standIn(generations, known)
    const { settings } = this.#past
    this.#past = StreamPast.resumed(stream, settings, record.history, known, this.#position)
    this.#changed = this.#past.isChanged
    this.#lines = this.#engine.counters()
  }

  /**
   * Where the engine stands: in the generation that is read, or, while nobody has begun to read
   * that one, in the one that was begun last.
   */
  #standIn(records: readonly GenerationRecord[], known: readonly GenerationHistory[]): void {
    const reading = records.find(({ finished }) => !finished)
    const begun = known.at(-1)
    if (begun === undefined || known.some((one) => one.generation === reading?.generation)) {
      const last = reading ?? records.at(-1)
      this.#generation = last?.generation ?? 0
      this.#endOffset = reading === undefined ? last?.offset : undefined
      return
    }
    this.#generation = begun.generation
    this.#endOffset = begun.endOffset ?? undefined
  }

  /** Which files are its own, and which of them are held open although they were deleted. */
  get files(): Pick<StreamFollower, 'knows' | 'held' | 'release' | 'unreadBytes'> {
    return this.#follower
  }

  /** The window that lines belong to now; not while bytes are read. */
  get window(): { readonly startMs: number | undefined; readonly isOpen: boolean } {
    const startMs = this.#engine.windowStartMs()
    return { startMs: startMs < 0 ? undefined : startMs, isOpen: this.#engine.hasOpenSegment() }
  }

  /** Bytes in memory that wait for a commit. */
  get pendingBytes(): number {
    return this.#takenBytes + this.#engine.pendingBytes()
  }

  /** Something happened that the last commit does not hold. */
  get isChanged(): boolean {
    return this.#changed || this.#follower.hasGaps
  }

  /** All is read, and no more can come. */
  get isEnded(): boolean {
    return this.#ended
  }

  /**
   * Looks at the files and reads at most `bytesMax` of what is new. Resolves to the bytes read.
   * `last`: no more will be written, so a newer file without bytes counts as one.
   */
  async poll(bytesMax: number, last: boolean, signal?: AbortSignal): Promise<number> {
    if (this.#ended) return 0
    await this.#follower.refresh()
    let got = 0
    while (got < bytesMax && signal?.aborted !== true) {
      const current = this.#follower.current()
      if (current?.unread) {
        await this.#begin(current)
        const read = await this.#read(current, Math.min(SLICE_BYTES, bytesMax - got))
        if (read === 0) break
        got += read
      } else if (this.#follower.advance(last)) {
        if (current !== undefined) await this.#begin(current)
        await this.#endGeneration()
      } else {
        break
      }
    }
    if (this.#follower.ended) await this.#end()
    return got
  }

  /** The generation is the one that is read from now on. */
  async #begin({ generation, name, offset }: CurrentGeneration): Promise<void> {
    if (this.#generation !== generation) this.#inflated = new Uint8Array()
    this.#generation = generation
    this.#endOffset = undefined
    if (this.#past.isNew(generation)) {
      const checkpoint = this.#past.isAtStart ? undefined : await this.#engine.checkpoint()
      this.#past.began(generation, name, checkpoint)
      this.#changed = true
    }
    // A file goes on as another generation where it lost what was read of it.
    if (this.#engine.readOffset() === offset) return
    this.#past.skipped(this.#position, offset)
    this.#engine.seek(offset)
    this.#changed = true
  }

  async #read(current: CurrentGeneration, bytesMax: number): Promise<number> {
    let got = 0
    if (current.compressed) {
      for await (const chunk of this.#follower.readCompressed()) {
        await this.#engine.feed(chunk)
        this.#progress()
        this.#inflated = lastBytes(this.#inflated, chunk)
        got += chunk.length
        if (got >= bytesMax) break
      }
    } else {
      try {
        got = await this.#engine.read(current.fd, bytesMax)
      } finally {
        // What was read before a read failed is folded.
        this.#changed ||= this.#engine.readOffset() > current.offset
        this.#progress()
      }
    }
    if (got > 0) this.#changed = true
    this.#refuseWithoutClock()
    return got
  }

  #progress(): void {
    this.#follower.progress(this.#engine.offset(), this.#engine.readOffset())
    this.#lines = this.#engine.counters()
  }

  async #endGeneration(): Promise<void> {
    this.#changed = true
    // One that was lost before a byte of it was read ends nothing.
    if (this.#endOffset !== undefined) return
    const endOffset = this.#engine.readOffset()
    await this.#engine.endGeneration()
    this.#take()
    this.#endOffset = endOffset
    // The tail does not look into a .gz once more to know how it ends.
    const isKnown = this.#inflated.length === Math.min(GUARD_BYTES_MAX, endOffset)
    this.#past.ended(this.#generation, endOffset, isKnown ? guardOf(this.#inflated) : null)
  }

  async #end(): Promise<void> {
    this.#take()
    await this.#engine.endStream()
    this.#past.streamEnded(this.#position)
    this.#take(this.#position)
    this.#ended = true
    this.#changed = true
  }

  #refuseWithoutClock(): void {
    const { roles } = this.settings.engine.format
    if (roles.startTime === undefined && this.#engine.envelope() === 'raw') {
      throw new MeterFastError(
        'METER_CONFIG_INVALID',
        `stream ${this.place.stream} has no times: its format maps no startTime and its lines ` +
          'have no envelope. Map startTime in its format.',
      )
    }
  }

  /** Closes the open segment when its window is over for longer than the grace and all is read. */
  async closeByTime(nowMs: number, graceMs: number): Promise<void> {
    if (this.#ended || !this.#engine.hasOpenSegment() || !this.#follower.caughtUp) return
    const endMs = this.#engine.windowStartMs() + this.#engine.windowMs()
    if (nowMs > endMs + graceMs) await this.closeNow()
  }

  /** The end of input closes the open segment by time (DESIGN 5.3). */
  async closeNow(): Promise<void> {
    if (!this.#engine.hasOpenSegment()) return
    this.#take()
    await this.#engine.closeByTime()
    this.#past.closedByTime(this.#position)
    this.#take(this.#position)
    this.#changed = true
  }

  /** Everything since the last call; what is staged of it must be in the next commit. */
  async takeChange(): Promise<StreamChange> {
    const generations = await this.#follower.records()
    this.#take()
    const snapshot = await this.#engine.snapshot()
    const [closed, quarantine] = [this.#closed, this.#quarantine]
    this.#closed = []
    this.#quarantine = []
    this.#takenBytes = 0
    this.#changed = false
    const gaps = this.#follower.takeGaps()
    return { generations, snapshot, closed, quarantine, gaps, past: this.#past }
  }

  takeProblems(): TailProblem[] {
    return this.#follower.takeProblems()
  }

  /** Lines by path, in the order of LINE_PATHS; not while bytes are read. */
  pathCounters(): BigInt64Array {
    return this.#engine.pathCounters()
  }

  /** Lines so far, in the order of OUTCOMES. */
  counters(): BigInt64Array {
    return this.#lines
  }

  async close(): Promise<void> {
    await this.#follower.close()
    this.#engine.close()
  }

  /** The first byte that is not folded. */
  get #position(): Position {
    const offset = this.#endOffset ?? this.#engine.offset()
    return { generation: this.#generation, offset }
  }

  /** Takes what closed in the generation that is read; `to` where all of it ends, if known. */
  #take(to?: Position): void {
    this.#takenBytes += this.#engine.pendingBytes()
    this.#lines = this.#engine.counters()
    const { closed, quarantine: lines } = this.#engine.take()
    const generation = this.#generation
    for (const segment of closed) {
      const end = to ?? { generation, offset: segment.endOffset }
      this.#closed.push({ segment, from: this.#past.pieceEnds(end), to: end })
    }
    if (lines.length > 0) this.#quarantine.push({ generation, lines })
  }
}

function lastBytes(before: Uint8Array, chunk: Uint8Array): Uint8Array {
  const all = chunk.length < GUARD_BYTES_MAX ? Buffer.concat([before, chunk]) : chunk
  return new Uint8Array(all.subarray(-GUARD_BYTES_MAX))
}
