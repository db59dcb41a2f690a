// Closed segments become frozen batches of events in the spool, in slices: the event loop runs in
// between, and a segment's head says how many of its events the spool has, so that a crash goes on
// behind them. Which events a segment makes, and their order, is a pure function of its pages.
//
// Events wait in a draft until it is full or `flush` asks for it. Windows that lie in the future
// get batches of their own: they wait, and must not hold others up.

import { putJson } from '../durable/codec.ts'
import { readSettings } from '../durable/history.ts'
import { removeSegment, segmentKey, segmentPages, waitingSegments } from '../durable/records.ts'
import { isSendable, type Spool } from '../durable/spool.ts'
import type { BatchPiece, EventText } from '../durable/spool-records.ts'
import type { StateStore } from '../durable/state.ts'
import type { UsageAmount } from '../durable/usage-sums.ts'
import { billedBy, type UsageEvent } from '../emit/event.ts'
import { renderSlices } from '../emit/render.ts'
import { MeterFastError } from '../errors.ts'
import type { StreamSettings } from './sources.ts'
import type { SegmentHead } from './staging.ts'

/** What the gateway takes in one request (DESIGN 7). */
const BATCH_EVENTS_MAX = 100
const BATCH_BYTES_MAX = 1024 * 1024
/** Events that wait in memory for a commit: about 25 MB. */
const WAITING_EVENTS_MAX = 32_768

/** A segment that is being rendered. */
interface Rendering {
  readonly number: number
  readonly head: SegmentHead
  readonly slices: AsyncGenerator<UsageEvent[]>
  readonly held: boolean
  /** Events of the next slices that the spool has already. */
  skip: number
  /** Events that are in the spool or in the draft. */
  rendered: number
  isDone: boolean
}

interface Draft {
  /** The latest of its windows. */
  timeMs: number
  readonly held: boolean
  readonly events: EventText[]
  readonly pieces: BatchPiece[]
  bytes: number
}

/** What was rendered between two flushes. */
export interface RenderedEvents {
  readonly events: number
  readonly heldEvents: number
  /** A window that lies in the future, if there was one. */
  readonly futureMs: number | undefined
  /** What the events bill, by meter. */
  readonly usage: readonly UsageAmount[]
}

export class SegmentRenderer {
  readonly #store: StateStore
  readonly #spool: Spool
  readonly #holdBeforeMs: number
  readonly #now: () => number
  #current: Rendering | undefined
  /** Segments up to this number are rendered, if only into the draft. */
  #lastNumber = -1
  #draft: Draft | undefined
  /** Segments that went on since the last flush. */
  readonly #progress = new Set<Rendering>()
  /** Events that were made since the last flush, and held ones among them. */
  #events = 0
  #heldEvents = 0
  #futureMs: number | undefined
  readonly #usage = new Map<string, bigint>()

  /** Windows that ended before `holdBeforeMs` become held events. */
  constructor(store: StateStore, spool: Spool, holdBeforeMs: number, now: () => number) {
    this.#store = store
    this.#spool = spool
    this.#holdBeforeMs = holdBeforeMs
    this.#now = now
  }

  /** There are events that no commit holds yet, or segments to make more of. */
  get isBusy(): boolean {
    return this.#progress.size > 0 || this.#isUnfinished
  }

  /** `render` would go on now. */
  get canRender(): boolean {
    return this.#events < WAITING_EVENTS_MAX && this.#isUnfinished
  }

  /**
   * Renders what waits, oldest segment first, until as much as may is in memory, or until
   * `isEnough` says so, which is asked after every slice with what this call has made. Batches
   * that are full are staged; `flush` stages the rest.
   */
  async render(isEnough: (events: number) => boolean): Promise<void> {
    const before = this.#events
    while (this.#events < WAITING_EVENTS_MAX && !isEnough(this.#events - before)) {
      this.#current ??= this.#begin()
      if (this.#current === undefined) return
      await this.#step(this.#current)
    }
  }

  /** Stages everything that is rendered since the last call; gives what it was. */
  flush(): RenderedEvents {
    this.#close()
    for (const { number, head, rendered, isDone } of this.#progress) {
      if (isDone) removeSegment(this.#store, number, head.pages)
      else putJson(this.#store, segmentKey(number), { ...head, rendered })
    }
    this.#progress.clear()
    const rendered = {
      events: this.#events,
      heldEvents: this.#heldEvents,
      futureMs: this.#futureMs,
      usage: Array.from(this.#usage, ([meter, amount]) => ({ meter, amount })),
    }
    this.#events = 0
    this.#heldEvents = 0
    this.#futureMs = undefined
    this.#usage.clear()
    return rendered
  }

  get #isUnfinished(): boolean {
    return this.#current !== undefined || this.#next() !== undefined
  }

  #next(): { readonly number: number; readonly head: SegmentHead } | undefined {
    for (const waiting of waitingSegments<SegmentHead>(this.#store)) {
      if (waiting.number > this.#lastNumber) return waiting
    }
    return undefined
  }

  #begin(): Rendering | undefined {
    const waiting = this.#next()
    if (waiting === undefined) return undefined
    const { number, head } = waiting
    this.#lastNumber = number
    const pages = segmentPages(this.#store, number, head.pages)
    const settings = readSettings<StreamSettings>(this.#store, head.settings)
    if (settings === undefined) {
      const what = `settings ${head.settings} of segment ${number} are not in the state`
      throw new MeterFastError('METER_BUG', `${what}; please report it`)
    }
    const slices = renderSlices(head, pages, settings.rules)
    // What somebody asked to bill is not held.
    const isReplay = head.part.startsWith('r')
    const held = !isReplay && head.windowStartMs + head.windowMs < this.#holdBeforeMs
    const { rendered } = head
    return { number, head, slices, held, skip: rendered, rendered, isDone: false }
  }

  async #step(current: Rendering): Promise<void> {
    const { done, value } = await current.slices.next()
    this.#progress.add(current)
    if (done) {
      current.isDone = true
      this.#current = undefined
      return
    }
    const fresh = value.slice(current.skip)
    current.skip -= value.length - fresh.length
    for (const event of fresh) this.#add(current, event)
  }

  #add(current: Rendering, { id, text }: UsageEvent): void {
    const { head, held } = current
    const timeMs = head.windowStartMs
    const bytes = Buffer.byteLength(text) + 1
    const before = this.#draft
    const fits =
      before?.held === held &&
      (before.timeMs === timeMs || isSendable(Math.max(before.timeMs, timeMs), this.#now())) &&
      before.events.length < BATCH_EVENTS_MAX &&
      // As a JSON array: a comma or bracket after each text, and the first bracket.
      before.bytes + bytes + 1 <= BATCH_BYTES_MAX
    if (!fits) this.#close()
    const draft = this.#draft ?? { timeMs, held, events: [], pieces: [], bytes: 0 }
    this.#draft = draft
    draft.timeMs = Math.max(draft.timeMs, timeMs)
    draft.events.push({ id, text })
    draft.bytes += bytes
    addToPieces(draft.pieces, head)
    current.rendered += 1
    this.#events += 1
    const { meter, amount } = billedBy(text)
    this.#usage.set(meter, (this.#usage.get(meter) ?? 0n) + amount)
    if (held) this.#heldEvents += 1
    else if (!isSendable(timeMs, this.#now())) this.#futureMs = timeMs
  }

  /** Stages the draft as a batch. */
  #close(): void {
    const draft = this.#draft
    this.#draft = undefined
    if (draft !== undefined) this.#spool.add(draft, draft.timeMs, draft.held)
  }
}

function addToPieces(pieces: BatchPiece[], head: SegmentHead): void {
  const { stream, epoch, windowStartMs, windowMs, part } = head
  const last = pieces.at(-1)
  const isSame =
    last?.stream === stream &&
    last.epoch === epoch &&
    last.windowStartMs === windowStartMs &&
    last.windowMs === windowMs &&
    last.part === part
  const events = isSame ? last.events + 1 : 1
  pieces[isSame ? pieces.length - 1 : pieces.length] = {
    stream,
    epoch,
    windowStartMs,
    windowMs,
    part,
    events,
  }
}
