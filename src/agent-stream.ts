// One stream of the agent: what the tail finds goes through the engine, and what comes of it is
// staged together with the position, so that one commit holds both or neither.

import { packCounts, packRecord, putJson } from './durable/codec.ts'
import {
  gapKey,
  ledgerKey,
  putSegment,
  putStream,
  quarantineKey,
  type StreamRecord,
  streamPages,
  takeNumber,
} from './durable/records.ts'
import type { StateStore } from './durable/state.ts'
import type { EventRules } from './emit/meter-totals.ts'
import { MeterFastError } from './errors.ts'
import {
  type ClosedSegment,
  createEngine,
  type Engine,
  type EngineOptions,
  OUTCOMES,
} from './native.ts'
import { type CurrentGeneration, StreamFollower } from './tail/follow.ts'
import type { GapRecord } from './tail/generation-list.ts'
import type { GenerationRecord } from './tail/identity.ts'
import type { StreamPlace } from './tail/listing.ts'
import type { TailProblem } from './tail/problem.ts'

/** Bytes of one native read: it bounds how long a stop waits. */
const SLICE_BYTES = 8 * 1024 * 1024

/** What the state holds of a closed segment until it is rendered. */
export interface SegmentHead {
  readonly stream: string
  readonly epoch: number
  readonly windowStartMs: number
  readonly windowMs: number
  readonly part: number
  /** In force at the close (DESIGN 5.4). */
  readonly rules: EventRules
  /** Events that are in the spool already, in order of id. */
  readonly rendered: number
}

/** What staging found worth telling. */
export interface StagedNews {
  readonly closed: number
  readonly gaps: readonly GapRecord[]
}

export class AgentStream {
  readonly place: StreamPlace
  readonly #engine: Engine
  readonly #options: EngineOptions
  readonly #rules: EventRules
  readonly #follower: StreamFollower
  /** The one that is read, or was read last. */
  #generation = 0
  #changed = false
  #ended = false
  /** Taken from the engine where a generation ended: a quarantined line's place names its own. */
  #closed: ClosedSegment[] = []
  #quarantine: { readonly generation: number; readonly lines: Uint8Array }[] = []
  #takenBytes = 0

  constructor(place: StreamPlace, options: EngineOptions, rules: EventRules) {
    this.place = place
    this.#engine = createEngine(options)
    this.#options = options
    this.#rules = rules
    this.#follower = new StreamFollower(place)
  }

  /** Goes on from a commit. */
  async resume(
    record: StreamRecord<StreamPlace, GenerationRecord>,
    store: StateStore,
  ): Promise<void> {
    const [kept, wanted] = [record.lineDimensions, this.#rules.lineDimensions].map(String)
    if (kept !== wanted) {
      throw new MeterFastError(
        'METER_CONFIG_INVALID',
        `the open totals of stream ${record.stream} are kept by the dimensions [${kept}] of its ` +
          `lines, the configuration now reads [${wanted}]. Run once with the old configuration ` +
          'and --once, which closes and delivers them; then change it.',
      )
    }
    await this.#engine.restore(record.head, streamPages(store, record.stream))
    this.#follower.resume(record.generations)
    const reading = record.generations.find(({ finished }) => !finished)
    this.#generation = (reading ?? record.generations.at(-1))?.generation ?? 0
  }

  /** Bytes in memory that wait for a commit. */
  get pendingBytes(): number {
    return this.#takenBytes + this.#engine.pendingBytes()
  }

  /** Something happened that the last commit does not hold. */
  get isChanged(): boolean {
    return this.#changed
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
      this.#generation = current?.generation ?? this.#generation
      if (current?.unread) {
        const read = await this.#read(current, Math.min(SLICE_BYTES, bytesMax - got))
        if (read === 0) break
        got += read
      } else if (this.#follower.advance(last)) {
        await this.#engine.endGeneration()
        this.#take()
        this.#changed = true
      } else {
        break
      }
    }
    if (this.#follower.ended) {
      await this.#engine.endStream()
      this.#ended = true
      this.#changed = true
    }
    return got
  }

  async #read(current: CurrentGeneration, bytesMax: number): Promise<number> {
    if (this.#engine.readOffset() !== current.offset) this.#engine.seek(current.offset)
    let got = 0
    if (current.compressed) {
      for await (const chunk of this.#follower.readCompressed()) {
        await this.#engine.feed(chunk)
        this.#progress()
        got += chunk.length
      }
    } else {
      got = await this.#engine.read(current.fd, bytesMax)
      this.#progress()
    }
    if (got > 0) this.#changed = true
    this.#refuseWithoutClock()
    return got
  }

  #progress(): void {
    this.#follower.progress(this.#engine.offset(), this.#engine.readOffset())
  }

  #refuseWithoutClock(): void {
    const { roles } = this.#options.format
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
    const endMs = this.#engine.windowStartMs() + this.#options.windowMs
    if (nowMs > endMs + graceMs) await this.closeNow()
  }

  /** The end of input closes the open segment by time (DESIGN 5.3). */
  async closeNow(): Promise<void> {
    if (!this.#engine.hasOpenSegment()) return
    await this.#engine.closeByTime()
    this.#changed = true
  }

  #take(): void {
    this.#takenBytes += this.#engine.pendingBytes()
    const { closed, quarantine: lines } = this.#engine.take()
    this.#closed.push(...closed)
    if (lines.length > 0) this.#quarantine.push({ generation: this.#generation, lines })
  }

  /**
   * Stages position, totals, closed segments, quarantine and gaps; once it begins to stage, in one
   * step without a pause: whatever commit comes next holds all of them.
   */
  async stage(store: StateStore): Promise<StagedNews> {
    const generations = await this.#follower.records()
    const { stream } = this.place
    this.#take()
    const snapshot = await this.#engine.snapshot()
    const [closed, quarantine] = [this.#closed, this.#quarantine]
    this.#closed = []
    this.#quarantine = []
    this.#takenBytes = 0
    const { lineDimensions } = this.#rules
    const record = { stream, place: this.place, lineDimensions, generations }
    putStream(store, record, snapshot)
    for (const segment of closed) {
      const { epoch, windowStartMs, windowMs, part, byTime } = segment
      const name = { stream, epoch, windowStartMs, windowMs, part }
      const head: SegmentHead = { ...name, rules: this.#rules, rendered: 0 }
      putSegment(store, takeNumber(store, 'segment'), head, segment)
      const lines = packCounts(OUTCOMES, segment.outcomes)
      putJson(store, ledgerKey(name), { ...name, byTime, lines })
    }
    for (const { generation, lines } of quarantine) {
      const packed = packRecord({ stream, generation }, lines)
      store.put(quarantineKey(takeNumber(store, 'quarantine')), packed)
    }
    const gaps = this.#follower.takeGaps()
    for (const gap of gaps) putJson(store, gapKey(takeNumber(store, 'gap')), gap)
    this.#changed = false
    return { closed: closed.length, gaps }
  }

  takeProblems(): TailProblem[] {
    return this.#follower.takeProblems()
  }

  /** Lines so far, in the order of OUTCOMES. */
  counters(): BigInt64Array {
    return this.#engine.counters()
  }

  async close(): Promise<void> {
    await this.#follower.close()
    this.#engine.close()
  }
}
