// One run of the agent: the loop where all stages meet.
//
//   discover ─▶ poll every stream ─▶ close by time ─▶ stage, render, commit ─▶ wait for a change
//                                                       ▲            │
//                          sender (concurrent) ─────────┴── outbox ◀─┘
//
// Everything between two commits is in memory and is read again after a crash. A commit holds
// positions, totals, closed segments and events together, so that they never disagree; only what
// it holds is ever sent. One loop stages and commits; the sender runs beside it and asks the loop
// for commits of its attempts and outcomes.

import { setImmediate } from 'node:timers/promises'
import type { AgentOptions, AgentSignal } from './agent.ts'
import { Commits } from './agent-commits.ts'
import { SpoolOutbox } from './agent-outbox.ts'
import { renderWaiting } from './agent-render.ts'
import { engineOptions, eventRules, sourceOf } from './agent-sources.ts'
import { AgentStream, type SegmentHead } from './agent-stream.ts'
import type { Config } from './config/config.ts'
import { Sender, type SenderSignal } from './deliver/sender.ts'
import type { Sink } from './deliver/sink.ts'
import { getJson, putJson } from './durable/codec.ts'
import { removeStream, streams as storedStreams, waitingSegments } from './durable/records.ts'
import { Spool } from './durable/spool.ts'
import type { SpoolCounts } from './durable/spool-records.ts'
import type { StateStore } from './durable/store.ts'
import { MeterFastError } from './errors.ts'
import { type LineCounts, lineCounts } from './meter.ts'
import { OUTCOMES } from './native.ts'
import { discoverAll, watchedDirectories } from './tail/discover.ts'
import type { GenerationRecord } from './tail/identity.ts'
import type { StreamPlace } from './tail/listing.ts'
import { ProblemLog } from './tail/problem.ts'
import { IDLE_POLL_MS, Waker } from './tail/watch.ts'

/** Above the flush interval of Envoy's access log (10 s), so that a close by time is rare. */
const GRACE_MS = 30_000
/** Between looks for new streams; rotations of known ones are seen at once. */
const DISCOVER_INTERVAL_MS = 1000
/** Bytes of one stream before the others have their turn. */
const TURN_BYTES = 64 * 1024 * 1024
/** Reading pauses while more waits in memory for a commit (DESIGN 6). */
const PENDING_BYTES_MAX = 64 * 1024 * 1024
/** Rounds without a byte after which one-shot input is at its end: a rotation needs two looks. */
const QUIET_ROUNDS = 3
const UNREACHABLE_MAX = 5

/** What a run did. */
export interface AgentReport {
  /** Lines since each stream began, by outcome. */
  readonly lines: LineCounts
  readonly spool: SpoolCounts
}

export class AgentRun {
  readonly #config: Config
  readonly #options: AgentOptions
  readonly #store: StateStore
  readonly #spool: Spool
  readonly #commits: Commits
  readonly #outbox: SpoolOutbox
  readonly #sink: Sink
  readonly #streams = new Map<string, AgentStream>()
  readonly #waker = new Waker()
  readonly #problems = new ProblemLog()
  readonly #now: () => number
  readonly #stopSender = new AbortController()
  #discoverAtMs = 0
  /** Windows that ended before this are held (DESIGN 6); 0: none. */
  #holdBeforeMs = 0
  #unreachable = 0
  #failure: unknown
  #spoolFull = false
  /** The last round did not read all streams. */
  #paused = false

  constructor(config: Config, options: AgentOptions, store: StateStore, sink: Sink) {
    this.#config = config
    this.#options = options
    this.#store = store
    this.#sink = sink
    this.#now = options.now ?? Date.now
    this.#spool = new Spool(store)
    this.#commits = new Commits(store, options.once !== true && !options.dryRun, this.#now)
    this.#commits.onRequest = () => this.#waker.wake()
    this.#outbox = new SpoolOutbox(this.#spool, () => this.#commits.request(), this.#now)
  }

  async run(signal: AbortSignal): Promise<AgentReport> {
    await this.#resume()
    const sender = new Sender(this.#sink, this.#outbox, { onSignal: (one) => this.#sent(one) })
    let sending = true
    let isBroken = false
    const sent = sender
      .run(this.#stopSender.signal)
      .catch((error: unknown) => {
        isBroken = true
        this.#fail(error)
      })
      .finally(() => {
        sending = false
        this.#waker.wake()
      })
    try {
      if (this.#options.once || this.#options.dryRun) await this.#readToEnd(signal)
      else await this.#follow(signal)
      this.#outbox.close()
      // One-shot: the sender empties the spool. A stop: it ends at once, the spool keeps the rest.
      while (sending && !signal.aborted && this.#failure === undefined) {
        await this.#commit()
        await this.#waker.wait(IDLE_POLL_MS, signal)
      }
    } finally {
      // Whatever ends the run, nobody waits out the hour that a sink may have asked for.
      this.#stopSender.abort()
    }
    // A sender that failed may have staged half a step, which must not become durable.
    if (!isBroken) await this.#finish(sent)
    if (this.#failure !== undefined) throw this.#failure
    return this.#report()
  }

  /** The sender may wait for a commit of an attempt it will not make: commit until it ends. */
  async #finish(sent: Promise<void>): Promise<void> {
    let ended = false
    void sent.finally(() => {
      ended = true
    })
    do {
      await this.#commit()
      await setImmediate()
    } while (!ended)
    await this.#commit()
  }

  async close(): Promise<void> {
    this.#waker.close()
    for (const stream of this.#streams.values()) await stream.close()
  }

  /** Takes up what the last commit says, and knows a first start from any other. */
  async #resume(): Promise<void> {
    const isFirstStart = this.#store.sequence === 0
    const { onMissingState, sinkDedupWindowMs } = this.#config
    if (isFirstStart && onMissingState === 'hold' && !this.#options.dryRun) {
      putJson(this.#store, 'start/hold-before', this.#now() - sinkDedupWindowMs)
    }
    this.#holdBeforeMs = getJson<number>(this.#store, 'start/hold-before') ?? 0
    let resumedStreams = 0
    for (const record of storedStreams<StreamPlace, GenerationRecord>(this.#store)) {
      const stream = this.#open(record.place)
      if (stream === undefined) continue
      await stream.resume(record, this.#store)
      resumedStreams += 1
    }
    this.#tell({ kind: 'started', resumedStreams, isFirstStart })
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
    const rules = eventRules(this.#config)
    const stream = new AgentStream(place, engineOptions(this.#config, source), rules)
    this.#streams.set(place.stream, stream)
    return stream
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#failure === undefined) {
      await this.#discover()
      const got = await this.#poll(signal)
      const nowMs = this.#now()
      // What a pause left unread may belong to a window that is over.
      if (!this.#paused) {
        for (const stream of this.#streams.values()) await stream.closeByTime(nowMs, GRACE_MS)
      }
      const wanted = this.#commits.isRequested || this.#isChanged()
      if (wanted && this.#commits.waitMs() === 0) await this.#commit()
      if (got > 0) await setImmediate()
      else await this.#idle(wanted, signal)
    }
  }

  async #idle(wanted: boolean, signal: AbortSignal): Promise<void> {
    const timeoutMs = wanted ? Math.min(IDLE_POLL_MS, this.#commits.waitMs()) : IDLE_POLL_MS
    await this.#waker.wait(Math.max(1, timeoutMs), signal)
    for (const { message } of this.#waker.takeProblems()) this.#tell({ kind: 'problem', message })
  }

  async #readToEnd(signal: AbortSignal): Promise<void> {
    let quiet = 0
    while (quiet < QUIET_ROUNDS && !signal.aborted && this.#failure === undefined) {
      this.#discoverAtMs = 0
      await this.#discover()
      const got = await this.#poll(signal, true)
      quiet = got > 0 || this.#paused ? 0 : quiet + 1
      if (quiet === 0) await this.#commit()
      if (this.#spoolFull) await this.#waitForRoom(signal)
    }
    if (signal.aborted) return
    for (const stream of this.#streams.values()) await stream.closeNow()
    do await this.#commit()
    while (this.#isChanged() && this.#failure === undefined)
  }

  /** The sender makes room in the spool, unless nothing in it may be sent. */
  async #waitForRoom(signal: AbortSignal): Promise<void> {
    const { events, held, bytes } = this.#spool.counts()
    if (events > held) {
      await this.#waker.wait(IDLE_POLL_MS, signal)
      return
    }
    throw new MeterFastError(
      'METER_DISK',
      `the spool holds ${bytes} bytes of held events, as many as state.spool_bytes_max allows, ` +
        'so no more is read. Run "meter-fast release", or raise the limit; then run again.',
    )
  }

  /** Finds new streams; forgets ended ones whose files are gone. */
  async #discover(): Promise<void> {
    if (this.#now() < this.#discoverAtMs) return
    this.#discoverAtMs = this.#now() + DISCOVER_INTERVAL_MS
    const { streams, problems } = await discoverAll(this.#config.streams)
    for (const { message } of this.#problems.news(problems))
      this.#tell({ kind: 'problem', message })
    const there = new Set(streams.map(({ stream }) => stream))
    for (const place of streams) {
      if (this.#streams.has(place.stream)) continue
      const { stream, directory, liveName, attempt } = place
      this.#open({ stream, directory, liveName, attempt })
      this.#tell({ kind: 'stream', stream })
    }
    for (const [name, stream] of this.#streams) {
      if (there.has(name) || !stream.isEnded || stream.isChanged) continue
      this.#streams.delete(name)
      await stream.close()
      removeStream(this.#store, name)
    }
    const places = [...this.#streams.values()].map(({ place }) => place)
    this.#waker.setDirectories(watchedDirectories(this.#config.streams, places))
  }

  /** Reads what is new in every stream; resolves to the bytes read. */
  async #poll(signal: AbortSignal, last = false): Promise<number> {
    let got = 0
    this.#paused = false
    for (const stream of this.#streams.values()) {
      this.#paused = this.#mustPause()
      if (signal.aborted || this.#paused) break
      got += await stream.poll(TURN_BYTES, last, signal)
      for (const { message } of stream.takeProblems()) this.#tell({ kind: 'problem', message })
    }
    return got
  }

  #mustPause(): boolean {
    let pending = 0
    for (const stream of this.#streams.values()) pending += stream.pendingBytes
    if (pending > PENDING_BYTES_MAX) return true
    const { bytes } = this.#spool.counts()
    const full = bytes >= this.#config.state.spoolBytesMax
    if (full && !this.#spoolFull) this.#tell({ kind: 'spool-full', bytes })
    this.#spoolFull = full
    return full
  }

  #isChanged(): boolean {
    for (const stream of this.#streams.values()) if (stream.isChanged) return true
    return !waitingSegments<SegmentHead>(this.#store)[Symbol.iterator]().next().done
  }

  /** Stages what changed, renders what closed, commits. */
  async #commit(): Promise<void> {
    for (const stream of this.#streams.values()) {
      if (!stream.isChanged) continue
      const { gaps } = await stream.stage(this.#store)
      for (const gap of gaps) this.#tell({ kind: 'gap', gap })
    }
    const held = await renderWaiting(this.#store, this.#spool, this.#holdBeforeMs)
    if (held > 0) this.#tell({ kind: 'held', events: held })
    await this.#commits.commit()
  }

  #sent(signal: SenderSignal): void {
    this.#tell({ kind: 'delivery', signal })
    if (signal.kind !== 'answered') return
    const { kind, text } = signal.answer
    this.#unreachable = kind === 'unreachable' ? this.#unreachable + 1 : 0
    const hopeless = kind === 'unauthorized' || kind === 'misconfigured'
    if (this.#options.once && (hopeless || this.#unreachable >= UNREACHABLE_MAX)) {
      const what = `the sink ${this.#sink.name} cannot be reached (${text})`
      this.#fail(
        new MeterFastError(
          'METER_SINK_UNREACHABLE',
          `${what}. What was not delivered is in the state; run again when the sink is there.`,
        ),
      )
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#stopSender.abort()
    this.#waker.wake()
  }

  #report(): AgentReport {
    const sum = new BigInt64Array(OUTCOMES.length)
    for (const stream of this.#streams.values()) {
      stream.counters().forEach((count, i) => {
        sum[i] = (sum[i] ?? 0n) + count
      })
    }
    return { lines: lineCounts(sum), spool: this.#spool.counts() }
  }

  #tell(signal: AgentSignal): void {
    this.#options.onSignal?.(signal)
  }
}
