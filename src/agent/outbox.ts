// The spool as the sender sees it: frozen batches whose attempt is durable, and where outcomes go.
//
// A batch that the sender sets back stays where it is in the spool: only here is it known that all
// batches of that moment have their turn before it. So an outage writes nothing, and the oldest
// usage stays the first; after a restart it is tried first again.

import type { BatchOutcome } from '../deliver/bisection.ts'
import type { Outbox } from '../deliver/sender.ts'
import { type FrozenBatch, freezeBatch } from '../deliver/sink.ts'
import type { Spool } from '../durable/spool.ts'
import type { UsageAmount, UsageStage } from '../durable/usage-sums.ts'
import { billedBy } from '../emit/event.ts'
import type { AgentWorld } from './world.ts'

/** Attempts that one commit makes durable: with one commit a second, 25,600 events a second. */
const ATTEMPTS_MAX = 256
/** Between looks for batches whose time has come; every commit is a look of its own. */
const IDLE_MS = 1000

export class SpoolOutbox implements Outbox {
  readonly #spool: Spool
  readonly #commit: () => Promise<void>
  readonly #world: AgentWorld
  readonly #count: ((stage: UsageStage, usage: UsageAmount) => void) | undefined
  /** Batches whose attempt is durable, not handed out yet. */
  readonly #ready: number[] = []
  /** Batches that were set back, each with the number that the next new batch had then. */
  readonly #setBack = new Map<number, number>()
  #closing = false
  #wake: () => void = () => undefined

  /**
   * `commit` resolves when what is staged at the call is durable; `count` is told what the events
   * bill whose outcome is staged.
   */
  constructor(
    spool: Spool,
    commit: () => Promise<void>,
    world: AgentWorld,
    count?: (stage: UsageStage, usage: UsageAmount) => void,
  ) {
    this.#spool = spool
    this.#commit = commit
    this.#world = world
    this.#count = count
  }

  /** Something may have come into the spool. */
  wake(): void {
    this.#wake()
  }

  /** Nothing more will be added: `next` ends when the spool holds nothing that can be sent. */
  close(): void {
    this.#closing = true
    this.#wake()
  }

  async next(signal: AbortSignal): Promise<FrozenBatch | undefined> {
    while (!signal.aborted) {
      const number = this.#ready.shift()
      if (number !== undefined) return freezeBatch(number, this.#spool.events(number))
      if (this.#attempt()) await this.#commit()
      else if (this.#closing) return undefined
      else await this.#pause(signal)
    }
    return undefined
  }

  settled(batch: FrozenBatch, outcome: BatchOutcome): void {
    const { number, ids } = batch
    const settled = outcome.accepted.length + outcome.quarantined.length
    const isUntouched = settled === 0 && ids.length > 0
    const left = isUntouched ? number : this.#spool.settle(number, outcome, this.#world.now())
    if (left !== undefined) this.#setBack.set(left, this.#spool.nextNumber)
    if (isUntouched) return
    this.#countUsage(batch, outcome)
    void this.#commit()
  }

  #countUsage({ ids, texts }: FrozenBatch, { accepted, quarantined }: BatchOutcome): void {
    if (this.#count === undefined) return
    const acceptedIds = new Set(accepted)
    const rejectedIds = new Set(quarantined.map(({ id }) => id))
    for (const [index, id] of ids.entries()) {
      const usage = billedBy(texts[index] ?? '')
      if (acceptedIds.has(id)) this.#count('accepted', usage)
      else if (rejectedIds.has(id)) this.#count('rejected', usage)
    }
  }

  /** Stages attempts of batches that may be sent, the oldest first; false when there is none. */
  #attempt(): boolean {
    const nowMs = this.#world.now()
    const fresh: number[] = []
    const setBack: number[] = []
    for (const { number } of this.#spool.sendable(nowMs)) {
      if (this.#setBack.has(number)) setBack.push(number)
      else if (fresh.push(number) === ATTEMPTS_MAX) break
    }
    const first = fresh[0] ?? Number.POSITIVE_INFINITY
    const due = setBack.filter((number) => (this.#setBack.get(number) ?? 0) <= first)
    this.#ready.push(...[...due, ...fresh].slice(0, ATTEMPTS_MAX))
    for (const number of this.#ready) {
      this.#setBack.delete(number)
      this.#spool.attempt(number, nowMs)
    }
    return this.#ready.length > 0
  }

  /** Until something may be there, or the sender is to end. */
  async #pause(signal: AbortSignal): Promise<void> {
    const pause = new AbortController()
    this.#wake = () => pause.abort()
    signal.addEventListener('abort', this.#wake, { once: true })
    await this.#world.sleep(IDLE_MS, pause.signal)
    signal.removeEventListener('abort', this.#wake)
    this.#wake = () => undefined
  }
}
