// All streams of an agent: found, taken up from the state, read in turns, let go when they end.

import type { Config } from '../config/config.ts'
import { noteEnded, putSettings } from '../durable/history.ts'
import { endStream, streams as storedStreams } from '../durable/records.ts'
import type { StateStore } from '../durable/state.ts'
import { MeterFastError } from '../errors.ts'
import { LINE_PATHS, OUTCOMES } from '../native.ts'
import { linkedProblem, liveKey } from '../tail/claim.ts'
import { discoverAll, watchedDirectories } from '../tail/discover.ts'
import { releaseHeld } from '../tail/held.ts'
import type { GenerationRecord } from '../tail/identity.ts'
import type { StreamPlace } from '../tail/listing.ts'
import { ProblemLog } from '../tail/problem.ts'
import type { AgentSignal } from './signal.ts'
import { type StreamSettings, sourceOf, streamSettings } from './sources.ts'
import { type Staging, stageStream } from './staging.ts'
import { AgentStream } from './stream.ts'

/** Above the flush interval of Envoy's access log (10 s), so that a close by time is rare. */
export const GRACE_MS = 30_000
/** Bytes of one stream before the others have their turn. */
const TURN_BYTES = 64 * 1024 * 1024

/** What streams tell people. */
export type StreamSignal = Extract<AgentSignal, { kind: 'stream' | 'problem' | 'gap' }>

/** How far reading is. */
export interface StreamsLook {
  readonly streams: number
  readonly unreadBytes: number
  /** Lines by path since the run began. */
  readonly paths: readonly (readonly [string, bigint])[]
  /** Start of the oldest open window, and of the newest one of all. */
  readonly oldestOpenMs: number | undefined
  readonly newestMs: number | undefined
}

export class AgentStreams {
  readonly #config: Config
  readonly #store: StateStore
  readonly #tell: (signal: StreamSignal) => void
  readonly #streams = new Map<string, AgentStream>()
  readonly #problems = new ProblemLog()
  /** Streams whose last read failed. */
  readonly #unreadable = new Set<string>()
  /** Lines by path of streams that are let go. */
  readonly #endedPaths = new BigInt64Array(LINE_PATHS.length)
  bytesRead = 0

  constructor(config: Config, store: StateStore, tell: (signal: StreamSignal) => void) {
    this.#config = config
    this.#store = store
    this.#tell = tell
  }

  /** Takes up what the last commit says; resolves to how many streams there are. */
  async resume(): Promise<number> {
    for (const record of storedStreams<StreamPlace, GenerationRecord>(this.#store)) {
      const stream = this.#open(record.place)
      if (stream !== undefined) await stream.resume(record, this.#store)
    }
    return this.#streams.size
  }

  /** Finds new streams; forgets ended ones whose files are gone. Gives what to watch. */
  async discover(nowMs: number): Promise<string[]> {
    const { streams, problems } = await discoverAll(this.#config.streams)
    const there = new Set(streams.map(({ stream }) => stream))
    for (const { stream, directory, liveName, attempt } of streams) {
      if (this.#streams.has(stream)) continue
      const place = { stream, directory, liveName, attempt }
      const owner = this.#ownerOf(place)
      if (owner !== undefined) problems.push(linkedProblem(place, owner))
      else {
        this.#open(place)
        this.#tell({ kind: 'stream', stream })
      }
    }
    this.#tellProblems(this.#problems.news(problems))
    for (const [name, stream] of this.#streams) {
      if (there.has(name) || !stream.isEnded || stream.isChanged) continue
      this.#streams.delete(name)
      endStream(this.#store, name, OUTCOMES, stream.counters())
      noteEnded(this.#store, name, nowMs)
      addTo(this.#endedPaths, stream.pathCounters())
      await stream.close()
    }
    const all = [...this.#streams.values()]
    const { heldBytesMax } = this.#config.state
    await releaseHeld(
      all.map(({ files }) => files),
      heldBytesMax,
    )
    const places = all.map(({ place }) => place)
    return watchedDirectories(this.#config.streams, places)
  }

  /**
   * Reads what is new in every stream, several at a time, as long as `mayRead` says so. Resolves to
   * the bytes read, and whether all streams had their turn.
   */
  async poll(
    last: boolean,
    mayRead: () => boolean,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number; readonly isComplete: boolean }> {
    const before = this.bytesRead
    let isComplete = true
    const waiting = this.#streams.values()
    const work = async (): Promise<void> => {
      for (const stream of waiting) {
        isComplete &&= !signal.aborted && mayRead()
        if (signal.aborted) return
        // A pause reads nothing, but it looks: what is rotated and deleted meanwhile is held open.
        const got = await this.#poll(stream, isComplete ? TURN_BYTES : 0, last, signal)
        this.bytesRead += got
        this.#tellProblems(stream.takeProblems())
      }
    }
    const workers = Array.from({ length: this.#config.workersMax }, work)
    // None may still read when one has failed: the engines are closed then.
    for (const end of await Promise.allSettled(workers)) {
      if (end.status === 'rejected') throw end.reason
    }
    return { bytes: this.bytesRead - before, isComplete }
  }

  /** A log that cannot be read is told, and does not stop the others. */
  async #poll(
    stream: AgentStream,
    bytesMax: number,
    last: boolean,
    signal: AbortSignal,
  ): Promise<number> {
    const { stream: name, directory } = stream.place
    try {
      const got = await stream.poll(bytesMax, last, signal)
      this.#unreadable.delete(name)
      return got
    } catch (error) {
      const isDisk = error instanceof MeterFastError && error.code === 'METER_DISK'
      // A one-shot run must not end as if it had read all.
      if (!isDisk || last) throw error
      if (!this.#unreadable.has(name)) {
        this.#tell({ kind: 'problem', message: `${directory}: ${error.message}; trying again` })
      }
      this.#unreadable.add(name)
      return 0
    }
  }

  async closeByTime(nowMs: number): Promise<void> {
    for (const stream of this.#streams.values()) await stream.closeByTime(nowMs, GRACE_MS)
  }

  async closeNow(): Promise<void> {
    for (const stream of this.#streams.values()) await stream.closeNow()
  }

  /** Something happened that the last commit does not hold. */
  get isChanged(): boolean {
    for (const stream of this.#streams.values()) if (stream.isChanged) return true
    return false
  }

  /** Bytes in memory that wait for a commit. */
  get pendingBytes(): number {
    let bytes = 0
    for (const stream of this.#streams.values()) bytes += stream.pendingBytes
    return bytes
  }

  async stage(staging: Staging): Promise<void> {
    for (const stream of this.#streams.values()) {
      if (!stream.isChanged) continue
      for (const gap of await stageStream(stream, staging)) this.#tell({ kind: 'gap', gap })
    }
  }

  /** Lines since each stream began, in the order of OUTCOMES. */
  counters(): BigInt64Array {
    const sum = new BigInt64Array(OUTCOMES.length)
    for (const stream of this.#streams.values()) {
      addTo(sum, stream.counters())
    }
    return sum
  }

  /** While nothing is read. */
  look(): StreamsLook {
    const paths = this.#endedPaths.slice()
    let unreadBytes = 0
    let oldestOpenMs: number | undefined
    let newestMs: number | undefined
    for (const stream of this.#streams.values()) {
      unreadBytes += stream.files.unreadBytes
      addTo(paths, stream.pathCounters())
      const { startMs, isOpen } = stream.window
      if (startMs === undefined) continue
      if (isOpen && startMs < (oldestOpenMs ?? Number.POSITIVE_INFINITY)) oldestOpenMs = startMs
      if (startMs > (newestMs ?? Number.NEGATIVE_INFINITY)) newestMs = startMs
    }
    const named = LINE_PATHS.map((name, index) => [name, paths[index] ?? 0n] as const)
    return { streams: this.#streams.size, unreadBytes, paths: named, oldestOpenMs, newestMs }
  }

  async close(): Promise<void> {
    for (const stream of this.#streams.values()) await stream.close()
  }

  /** The stream that reads the live file of a new one already: files may have several names. */
  #ownerOf(place: StreamPlace): string | undefined {
    const key = place.attempt === undefined ? liveKey(place) : undefined
    if (key === undefined) return undefined
    for (const [name, { files }] of this.#streams) if (files.knows(key)) return name
    return undefined
  }

  #open(place: StreamPlace): AgentStream | undefined {
    const source = sourceOf(place, this.#config.streams)
    if (source === undefined) {
      const message =
        `stream ${place.stream} is in the state, but no entry of "streams" names it any more: ` +
        'it stays there unread'
      this.#tell({ kind: 'problem', message })
      return undefined
    }
    const settings: StreamSettings = streamSettings(this.#config, source)
    const stream = new AgentStream(place, settings, putSettings(this.#store, settings))
    this.#streams.set(place.stream, stream)
    return stream
  }

  #tellProblems(problems: readonly { readonly message: string }[]): void {
    for (const { message } of problems) this.#tell({ kind: 'problem', message })
  }
}

function addTo(sums: BigInt64Array, counts: BigInt64Array): void {
  counts.forEach((count, index) => {
    sums[index] = (sums[index] ?? 0n) + count
  })
}
