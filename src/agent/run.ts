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

import type { AgentOptions } from '../agent.ts'
import type { Config } from '../config/config.ts'
import type { SenderSignal } from '../deliver/sender.ts'
import type { Sink } from '../deliver/sink.ts'
import { getJson, putJson } from '../durable/codec.ts'
import { Counters, type Counts } from '../durable/counters.ts'
import type { DiskReserve } from '../durable/reserve.ts'
import { Spool } from '../durable/spool.ts'
import type { SpoolCounts } from '../durable/spool-records.ts'
import type { StateStore } from '../durable/state.ts'
import { MeterFastError } from '../errors.ts'
import { type LineCounts, lineCounts } from '../meter.ts'
import { IDLE_POLL_MS } from '../tail/watch.ts'
import { SpoolAlarms } from './alarms.ts'
import { Commits } from './commits.ts'
import { Delivery } from './delivery.ts'
import { SpoolOutbox } from './outbox.ts'
import { type RunObserver, RunPictures } from './picture.ts'
import { SegmentRenderer } from './render.ts'
import type { RequestDesk } from './requests.ts'
import { Retention } from './retention.ts'
import type { AgentSignal } from './signal.ts'
import { AgentStreams } from './streams.ts'
import { type AgentWaker, type AgentWorld, realWorld } from './world.ts'

/** Between looks for new streams; rotations of known ones are seen at once. */
const DISCOVER_INTERVAL_MS = 1000
/** Reading pauses while more waits in memory for a commit (DESIGN 6). */
const PENDING_BYTES_MAX = 64 * 1024 * 1024
/** Rounds without a byte after which one-shot input is at its end: a rotation needs two looks. */
const QUIET_ROUNDS = 3
const UNREACHABLE_MAX = 5
/** Events of segments that closed just now, which are rendered before the commit. */
const RENDER_AT_ONCE_EVENTS = 2048

/** What a run did. */
export interface AgentReport {
  /** Uncompressed bytes that this run has read. */
  readonly bytesRead: number
  /** Lines since each stream began, by outcome. */
  readonly lines: LineCounts
  readonly spool: SpoolCounts
  /** Over all runs of the state. */
  readonly counts: Counts
}

/** What a run works with; the caller closes store and sink. */
export interface AgentParts {
  readonly store: StateStore
  readonly sink: Sink
  /** Left out where the state is in memory: that disk is never full. */
  readonly reserve?: DiskReserve
  /** Where other processes ask for something; left out where none can. */
  readonly desk?: RequestDesk
  readonly world?: AgentWorld
  readonly observer?: RunObserver | undefined
}

export class AgentRun {
  readonly #config: Config
  readonly #options: AgentOptions
  readonly #store: StateStore
  readonly #sink: Sink
  readonly #reserve: DiskReserve | undefined
  readonly #desk: RequestDesk | undefined
  readonly #world: AgentWorld
  readonly #waker: AgentWaker
  readonly #spool: Spool
  readonly #counters: Counters
  readonly #commits: Commits
  readonly #outbox: SpoolOutbox
  readonly #streams: AgentStreams
  readonly #alarms: SpoolAlarms
  readonly #delivery: Delivery
  readonly #retention: Retention
  readonly #pictures: RunPictures
  #renderer: SegmentRenderer
  #discoverAtMs = Number.NEGATIVE_INFINITY
  #unreachable = 0
  #failure: unknown
  #spoolFull = false
  /** The last round did not read all streams. */
  #paused = false
  /** Somebody asks for something. */
  #asked = false

  constructor(config: Config, options: AgentOptions, parts: AgentParts) {
    const { store, sink, world = realWorld(options.now) } = parts
    this.#config = config
    this.#options = options
    this.#store = store
    this.#sink = sink
    this.#reserve = parts.reserve
    this.#desk = parts.desk
    this.#world = world
    this.#waker = world.makeWaker()
    this.#spool = new Spool(store)
    this.#counters = new Counters(store)
    this.#renderer = this.#makeRenderer(0)
    const paced = options.once !== true && !options.dryRun
    this.#commits = new Commits(store, paced, () => world.elapsed())
    this.#commits.onRequest = () => this.#waker.wake()
    this.#outbox = new SpoolOutbox(
      this.#spool,
      () => this.#commits.request(),
      world,
      (...usage) => this.#counters.usage.add(...usage),
    )
    this.#streams = new AgentStreams(config, store, (signal) => this.#tell(signal))
    this.#pictures = new RunPictures(parts.observer, store, this.#streams, {
      spool: this.#spool,
      counters: this.#counters,
    })
    this.#retention = new Retention(store, config.state)
    this.#alarms = new SpoolAlarms(config.state.spoolBytesMax)
    this.#delivery = new Delivery(sink, this.#outbox, world, {
      onSignal: (signal) => this.#sent(signal),
      onEnd: () => this.#waker.wake(),
    })
  }

  async run(signal: AbortSignal): Promise<AgentReport> {
    await this.#resume()
    this.#delivery.start()
    try {
      if (this.#options.once || this.#options.dryRun) await this.#readToEnd(signal)
      else await this.#follow(signal)
      this.#outbox.close()
      // One-shot: the sender empties the spool. A stop: it ends at once, the spool keeps the rest.
      while (this.#delivery.isRunning && this.#goesOn(signal)) {
        await this.#commit()
        await this.#waker.wait(IDLE_POLL_MS, signal)
      }
    } finally {
      this.#delivery.stop()
    }
    await this.#finish()
    if (this.#failure !== undefined) throw this.#failure
    return this.report()
  }

  /** The sender may wait for a commit of an attempt it will not make: commit until it ends. */
  async #finish(): Promise<void> {
    while (this.#delivery.isRunning) {
      await this.#commit()
      await this.#world.turn()
    }
    if (this.#delivery.failure !== undefined) throw this.#delivery.failure
    await this.#commit()
  }

  async close(): Promise<void> {
    this.#waker.close()
    await this.#streams.close()
  }

  #goesOn(signal: AbortSignal): boolean {
    if (this.#delivery.failure !== undefined) throw this.#delivery.failure
    return !signal.aborted && this.#failure === undefined
  }

  /** Takes up what the last commit says, and knows a first start from any other. */
  async #resume(): Promise<void> {
    const isFirstStart = this.#store.sequence === 0
    const { onMissingState, sinkDedupWindowMs } = this.#config
    if (isFirstStart && onMissingState === 'hold' && !this.#options.dryRun) {
      putJson(this.#store, 'start/hold-before', this.#world.now() - sinkDedupWindowMs)
    }
    this.#renderer = this.#makeRenderer(getJson<number>(this.#store, 'start/hold-before') ?? 0)
    const resumedStreams = await this.#streams.resume()
    this.#pictures.beforeCommit()()
    this.#tell({ kind: 'started', resumedStreams, isFirstStart })
    this.#judgeAmbiguous()
    this.#reserve?.take()
  }

  #makeRenderer(holdBeforeMs: number): SegmentRenderer {
    const now = (): number => this.#world.now()
    return new SegmentRenderer(this.#store, this.#spool, holdBeforeMs, now)
  }

  /** Batches whose attempt is durable and whose answer is not: the sink may have them. */
  #judgeAmbiguous(): void {
    const { ambiguousPolicy, sinkDedupWindowMs } = this.#config
    const rememberedMs = this.#world.now() - sinkDedupWindowMs
    let batches = 0
    let resentEvents = 0
    let heldEvents = 0
    for (const { number, events, lastAttemptAtMs } of [...this.#spool.queued()]) {
      if (lastAttemptAtMs === null) continue
      batches += 1
      const mayResend = ambiguousPolicy !== 'hold' || lastAttemptAtMs >= rememberedMs
      if (mayResend) resentEvents += events
      else {
        this.#spool.hold(number)
        heldEvents += events
      }
    }
    if (batches === 0) return
    this.#counters.add('events_resent', resentEvents)
    this.#counters.add('batches_ambiguous', batches)
    this.#counters.add('events_held', heldEvents)
    this.#tell({ kind: 'ambiguous', batches, heldEvents })
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (this.#goesOn(signal)) {
      await this.#discover()
      const bytes = await this.#pollAndRender(signal)
      // What a pause left unread may belong to a window that is over.
      if (!this.#paused) await this.#streams.closeByTime(this.#world.now())
      const wanted = this.#commits.isRequested || this.#isChanged
      if (wanted && this.#commits.waitMs() === 0) await this.#commit()
      if (bytes > 0 || (this.#renderer.canRender && this.#hasDisk)) await this.#world.turn()
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
    while (quiet < QUIET_ROUNDS && this.#goesOn(signal)) {
      this.#discoverAtMs = Number.NEGATIVE_INFINITY
      await this.#discover()
      const bytes = await this.#pollAndRender(signal, true)
      // A generation that ended without a byte may have stood before others.
      const goesOn = bytes > 0 || this.#paused || this.#streams.isChanged
      quiet = goesOn ? 0 : quiet + 1
      if (quiet === 0) await this.#commit()
      if (this.#paused) await this.#waitForRoom(signal)
    }
    if (signal.aborted) return
    await this.#streams.closeNow()
    do {
      await this.#commit()
      await this.#renderer.render(() => signal.aborted)
    } while (this.#isChanged && this.#goesOn(signal))
  }

  /** The sender makes room in the spool, unless nothing in it may be sent. */
  async #waitForRoom(signal: AbortSignal): Promise<void> {
    const { events, held, bytes } = this.#spool.counts()
    if (this.#spoolFull && events > 0 && events === held) {
      throw new MeterFastError(
        'METER_DISK',
        `the spool holds ${bytes} bytes of held events, as many as state.spool_bytes_max allows, ` +
          'so no more is read. Run "meter-fast release", or raise the limit; then run again.',
      )
    }
    if (this.#spoolFull || !this.#hasDisk) await this.#waker.wait(IDLE_POLL_MS, signal)
  }

  async #discover(): Promise<void> {
    if (this.#world.elapsed() < this.#discoverAtMs) return
    this.#discoverAtMs = this.#world.elapsed() + DISCOVER_INTERVAL_MS
    if (!this.#hasDisk && this.#reserve?.take()) this.#tell({ kind: 'disk-free' })
    this.#waker.setDirectories(await this.#streams.discover(this.#world.now()))
    this.#asked = this.#desk?.isAsked ?? false
    const [oldest] = this.#spool.queued()
    const { bytes } = this.#spool.counts()
    for (const alarm of this.#alarms.news(bytes, oldest?.timeMs, this.#world.now())) {
      this.#tell(alarm)
    }
    const isSpoolFull = this.#spoolFull
    this.#pictures.look(oldest?.timeMs, { hasDisk: this.#hasDisk, isSpoolFull })
  }

  /** Reads, and renders what closed before as long as reads are waited for. */
  async #pollAndRender(signal: AbortSignal, last = false): Promise<number> {
    let isRead = false
    const reading = this.#streams
      .poll(last, () => this.#mayRead(), signal)
      .finally(() => {
        isRead = true
      })
    const rendering = this.#renderer.render(
      (events) => !this.#hasDisk || signal.aborted || (isRead && events > 0),
    )
    const [{ bytes, isComplete }] = await Promise.all([reading, rendering])
    this.#paused = !isComplete
    return bytes
  }

  /** On a full disk the logs are the buffer: nothing is read or rendered, all else goes on. */
  get #hasDisk(): boolean {
    return this.#reserve?.isHeld ?? true
  }

  #mayRead(): boolean {
    if (this.#streams.pendingBytes > PENDING_BYTES_MAX || !this.#hasDisk) return false
    const { bytes } = this.#spool.counts()
    const full = bytes >= this.#config.state.spoolBytesMax
    if (full !== this.#spoolFull) this.#tell({ kind: full ? 'spool-full' : 'spool-free', bytes })
    this.#spoolFull = full
    return !full
  }

  get #isChanged(): boolean {
    return this.#streams.isChanged || this.#asked || (this.#hasDisk && this.#renderer.isBusy)
  }

  /** Stages what changed, renders what closed, commits. */
  async #commit(): Promise<void> {
    const startedAtMs = this.#world.elapsed()
    await this.#streams.stage({
      store: this.#store,
      counters: this.#counters,
      quarantineBytesMax: this.#config.state.quarantineBytesMax,
      historyMs: this.#config.state.ledgerRetentionMs,
      nowMs: this.#world.now(),
      turn: () => this.#world.turn(),
      routes: this.#pictures.routes,
    })
    const stagedAtMs = this.#world.elapsed()
    if (this.#asked) this.#asked = (await this.#desk?.step()) ?? false
    if (this.#retention.isDue(startedAtMs)) this.#retention.sweep(this.#world.now(), startedAtMs)
    // What closed just now is rendered at once when it is little: then its pages are not written.
    if (this.#hasDisk) await this.#renderer.render((events) => events >= RENDER_AT_ONCE_EVENTS)
    const { events, heldEvents, futureMs, usage } = this.#renderer.flush()
    this.#counters.add('events', events)
    this.#counters.add('events_held', heldEvents)
    for (const amount of usage) this.#counters.usage.add('made', amount)
    this.#counters.usage.stage()
    if (heldEvents > 0) this.#tell({ kind: 'held', events: heldEvents })
    if (futureMs !== undefined) this.#tell({ kind: 'future', timeMs: futureMs })
    const renderedAtMs = this.#world.elapsed()
    const isDurable = this.#pictures.beforeCommit()
    await this.#commits.commit()
    isDurable()
    this.#desk?.committed()
    this.#outbox.wake()
    this.#tell({
      kind: 'committed',
      stageMs: stagedAtMs - startedAtMs,
      renderMs: renderedAtMs - stagedAtMs,
      commitMs: this.#world.elapsed() - renderedAtMs,
    })
  }

  #sent(signal: SenderSignal): void {
    this.#tell({ kind: 'delivery', signal })
    if (signal.kind === 'settled') {
      this.#counters.add('events_accepted', signal.accepted)
      this.#counters.add('events_rejected', signal.quarantined.length)
      return
    }
    const { kind, text } = signal.answer
    const isOpen = kind === 'unknown' || kind === 'ambiguous'
    if (isOpen && !this.#delivery.isStopping) this.#counters.add('events_resent', signal.events)
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
    this.#delivery.stop()
    this.#waker.wake()
  }

  /** What was done so far; committed or not. */
  report(): AgentReport {
    return {
      bytesRead: this.#streams.bytesRead,
      lines: lineCounts(this.#streams.counters()),
      spool: this.#spool.counts(),
      counts: this.#counters.all(),
    }
  }

  #tell(signal: AgentSignal): void {
    this.#options.onSignal?.(signal)
  }
}
