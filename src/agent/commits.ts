// When the agent commits, and who waits for it.

import { nextCommitAtMs } from '../durable/pacing.ts'
import type { StateStore } from '../durable/state.ts'

export class Commits {
  readonly #store: StateStore
  readonly #paced: boolean
  readonly #elapsed: () => number
  #waiters: (() => void)[] = []
  #nextAtMs = Number.NEGATIVE_INFINITY

  /**
   * `paced`: at most one commit a second (DESIGN 6); a one-shot run need not spare the disk.
   * `elapsed` is a clock in ms that is never stepped: a wall clock that is set back must not stop
   * commits.
   */
  constructor(store: StateStore, paced: boolean, elapsed: () => number) {
    this.#store = store
    this.#paced = paced
    this.#elapsed = elapsed
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
    return Math.max(0, this.#nextAtMs - this.#elapsed())
  }

  /** Commits all that is staged. @throws {MeterFastError} METER_DISK, and then for ever. */
  async commit(): Promise<void> {
    const waiters = this.#waiters
    this.#waiters = []
    const startedAtMs = this.#elapsed()
    await this.#store.commit()
    if (this.#paced) this.#nextAtMs = nextCommitAtMs(startedAtMs, this.#elapsed())
    for (const resolve of waiters) resolve()
  }
}
