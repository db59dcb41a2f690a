// One stream of the agent with its real state, driven step by step instead of by the loop: so a
// test chooses what is read, staged, committed and delivered before the next crash.

import { SegmentRenderer } from '../../src/agent/render.ts'
import { streamSettings } from '../../src/agent/sources.ts'
import { stageStream } from '../../src/agent/staging.ts'
import { AgentStream } from '../../src/agent/stream.ts'
import type { Config } from '../../src/config/config.ts'
import { Counters } from '../../src/durable/counters.ts'
import { putSettings } from '../../src/durable/history.ts'
import { streams } from '../../src/durable/records.ts'
import { Spool } from '../../src/durable/spool.ts'
import { openState, type StateStore } from '../../src/durable/store.ts'
import { lineCounts } from '../../src/meter.ts'
import { stateNative } from '../../src/native.ts'
import type { GapRecord } from '../../src/tail/generation-list.ts'
import type { GenerationRecord } from '../../src/tail/identity.ts'
import type { StreamPlace } from '../../src/tail/listing.ts'
import type { Receiver } from './rig.ts'

/** Later than every clock of a test's log. */
const LATE_MS = Date.UTC(2100, 0, 1)

export class StreamModel {
  readonly gaps: GapRecord[] = []
  readonly #config: Config
  readonly #place: StreamPlace
  readonly #receiver: Receiver
  #stream: AgentStream
  #store: StateStore
  #renderer: SegmentRenderer

  private constructor(config: Config, place: StreamPlace, receiver: Receiver, store: StateStore) {
    this.#config = config
    this.#place = place
    this.#receiver = receiver
    this.#store = store
    this.#stream = this.#fresh()
    this.#renderer = new SegmentRenderer(store, new Spool(store), 0, () => LATE_MS)
  }

  static async open(config: Config, place: StreamPlace, receiver: Receiver): Promise<StreamModel> {
    const model = new StreamModel(config, place, receiver, await openDisk(config))
    await model.#resume()
    return model
  }

  #fresh(): AgentStream {
    const [source] = this.#config.streams
    if (source === undefined) throw new Error('the configuration has no stream')
    const settings = streamSettings(this.#config, source)
    return new AgentStream(this.#place, settings, putSettings(this.#store, settings))
  }

  async #resume(): Promise<void> {
    for (const record of streams<StreamPlace, GenerationRecord>(this.#store)) {
      if (record.stream === this.#place.stream) await this.#stream.resume(record, this.#store)
    }
  }

  async read(bytesMax: number, last = false): Promise<number> {
    return this.#stream.poll(bytesMax, last)
  }

  async closeByTime(): Promise<void> {
    await this.#stream.closeByTime(LATE_MS, 0)
  }

  /** Stages what was read and, unless told not to, renders what closed; nothing is durable. */
  async stage(renders = true): Promise<void> {
    const gaps = await stageStream(this.#stream, {
      store: this.#store,
      counters: new Counters(this.#store),
      historyMs: Number.MAX_SAFE_INTEGER,
      quarantineBytesMax: Number.MAX_SAFE_INTEGER,
      nowMs: LATE_MS,
      turn: () => Promise.resolve(),
    })
    this.gaps.push(...gaps)
    if (!renders) return
    await this.#renderer.render(() => false)
    this.#renderer.flush()
  }

  async commit(renders = true): Promise<void> {
    await this.stage(renders)
    await this.#store.commit()
  }

  /** Sends what is in the spool; the outcome is staged, so a crash makes it come again. */
  async deliver(): Promise<void> {
    const spool = new Spool(this.#store)
    const batches = [...spool.sendable(LATE_MS)]
    for (const { number } of batches) spool.attempt(number, 0)
    await this.#store.commit()
    for (const { number } of batches) {
      const events = spool.events(number)
      for (const { id, text } of events) this.#receiver.take(id, text)
      spool.settle(number, { accepted: events.map(({ id }) => id), quarantined: [] }, 0)
    }
  }

  /** Ends as a crash does, so what is not committed is lost, and begins anew. */
  async crash(): Promise<void> {
    await this.#end()
    this.#store = await openDisk(this.#config)
    this.#stream = this.#fresh()
    await this.#resume()
    this.#renderer = new SegmentRenderer(this.#store, new Spool(this.#store), 0, () => LATE_MS)
  }

  /** Reads to the end, closes what is open and delivers. */
  async finish(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      quiet = (await this.read(Number.MAX_SAFE_INTEGER, true)) > 0 ? 0 : quiet + 1
    }
    await this.#stream.closeNow()
    do await this.commit()
    while (this.#renderer.isBusy)
    const spool = new Spool(this.#store)
    while (spool.counts().events > 0) await this.deliver()
    await this.#store.commit()
  }

  /** Commits so far. */
  get sequence(): number {
    return this.#store.sequence
  }

  get lines(): ReturnType<typeof lineCounts> {
    return lineCounts(this.#stream.counters())
  }

  async close(): Promise<void> {
    await this.#end()
  }

  async #end(): Promise<void> {
    await this.#stream.close()
    await this.#store.close()
  }
}

async function openDisk(config: Config): Promise<StateStore> {
  return openState(config.state.dir, stateNative)
}
