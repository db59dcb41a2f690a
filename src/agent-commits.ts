// When the agent commits, and who waits for it.

import { nextCommitAtMs } from './durable/pacing.ts'
import type { StateStore } from './durable/state.ts'

export class Commits {
  readonly #store: StateStore
  readonly #paced: boolean
  readonly #now: () => number
  #waiters: (() => void)[] = []
  #nextAtMs = 0

  /** `paced`: at most one commit a second (DESIGN 6); a one-shot run need not spare the disk. */
  constructor(store: StateStore, paced: boolean, now: () => number) {
    this.#store = store
    this.#paced = paced
    this.#now = now
  }

  /** Called when somebody asks for a commit, so that the loop wakes up. */
  onRequest: () => void = () => undefined

  /** Resolves when everything that is staged now is durable. */
  request(): Promise<void> {
    const durable = new Promise<void>((resolve) => this.#waiters.push(resolve))
    this.onRequest()
    return durable
  }

  get isRequested(): boolean {
    return this.#waiters.length > 0
  }

  /** Until the next commit may start. */
  waitMs(): number {
    return Math.max(0, this.#nextAtMs - this.#now())
  }

  /** Commits all that is staged. @throws {MeterFastError} METER_DISK, and then for ever. */
  async commit(): Promise<void> {
    const waiters = this.#waiters
    this.#waiters = []
    const startedAtMs = this.#now()
    await this.#store.commit()
    if (this.#paced) this.#nextAtMs = nextCommitAtMs(startedAtMs, this.#now())
    for (const resolve of waiters) resolve()
  }
}
