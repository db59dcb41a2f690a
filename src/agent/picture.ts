// What a run tells whoever observes it: sums as they are committed, and how things stand.

import type { Counters } from '../durable/counters.ts'
import { endedLines } from '../durable/records.ts'
import type { Spool } from '../durable/spool.ts'
import type { StateStore } from '../durable/state.ts'
import { readUsageSums } from '../durable/usage-sums.ts'
import { OUTCOMES } from '../native.ts'
import type { CommittedSums, Look } from '../observe/picture.ts'
import type { RouteTable } from '../observe/route-series.ts'
import { RouteUsage } from './route-usage.ts'
import type { AgentStreams } from './streams.ts'

/** Is told by the loop of a run; must not throw. */
export interface RunObserver {
  readonly committed: (sums: CommittedSums) => void
  readonly looked: (look: Look) => void
  /** Where usage is counted by route; left out when nobody asked for it. */
  readonly routes?: RouteTable | undefined
}

export class RunPictures {
  readonly #observer: RunObserver | undefined
  readonly #store: StateStore
  readonly #streams: AgentStreams
  readonly #spool: Spool
  readonly #counters: Counters
  /** To be told of what closes, when usage is counted by route. */
  readonly routes: RouteUsage | undefined

  /** Without an observer nothing is taken. */
  constructor(
    observer: RunObserver | undefined,
    store: StateStore,
    streams: AgentStreams,
    parts: { readonly spool: Spool; readonly counters: Counters },
  ) {
    this.#observer = observer
    this.#store = store
    this.#streams = streams
    this.#spool = parts.spool
    this.#counters = parts.counters
    this.routes = observer?.routes && new RouteUsage(observer.routes)
  }

  /**
   * Takes the sums that the commit holds which begins in the same turn; call what it gives when
   * that commit is durable.
   */
  beforeCommit(): () => void {
    const observer = this.#observer
    if (observer === undefined) return () => undefined
    const lines = endedLines(this.#store, OUTCOMES)
    this.#streams.counters().forEach((count, index) => {
      lines[index] = (lines[index] ?? 0n) + count
    })
    const counts = this.#counters.all()
    const usage = readUsageSums(this.#store)
    return () => {
      this.routes?.committed()
      const named = OUTCOMES.map((name, index) => [name, lines[index] ?? 0n] as const)
      observer.committed({ commits: this.#store.sequence, lines: named, counts, usage })
    }
  }

  /** `oldestUnsentMs` is the window of the oldest event that may be sent. */
  look(oldestUnsentMs: number | undefined, disk: Pick<Look, 'hasDisk' | 'isSpoolFull'>): void {
    this.#observer?.looked({
      ...this.#streams.look(),
      bytesRead: this.#streams.bytesRead,
      spool: this.#spool.counts(),
      oldestUnsentMs,
      ...disk,
    })
  }
}
