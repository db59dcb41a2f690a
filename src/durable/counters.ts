// Counts of what happened, over all runs of a state: they are committed with what they count, so a
// crash neither forgets nor doubles one.

import { getJson, putJson } from './codec.ts'
import { counterKey } from './records.ts'
import type { StateReader, StateStore } from './state.ts'
import { UsageSums } from './usage-sums.ts'

/** Everything that is counted besides lines. */
export const COUNTERS = [
  /** Ranges of a log that were not read, and their bytes as far as they are known. */
  'gaps',
  'gap_bytes',
  /** Windows that the wall clock closed, and those that a later line or the stream's end closed. */
  'closed_by_time',
  'closed_by_content',
  'events',
  'events_held',
  'events_released',
  'events_accepted',
  'events_rejected',
  /** Events sent again because nobody knew what had become of them. */
  'events_resent',
  /** Batches whose attempt was durable and whose answer was not, at a start. */
  'batches_ambiguous',
  'events_replayed',
  'requests_replayed',
  'lines_replayed',
  /** Times that the state was opened anew after a failed commit. */
  'commits_failed',
] as const
export type CounterName = (typeof COUNTERS)[number]
export type Counts = Readonly<Record<CounterName, number>>

export class Counters {
  /** Usage by meter and by how far it came. */
  readonly usage: UsageSums
  readonly #store: StateStore

  constructor(store: StateStore) {
    this.#store = store
    this.usage = new UsageSums(store)
  }

  /** Stages that a count is higher by `more`. */
  add(name: CounterName, more: number): void {
    if (more === 0) return
    putJson(this.#store, counterKey(name), readCounter(this.#store, name) + more)
  }

  all(): Counts {
    return readCounters(this.#store)
  }
}

/** All counts; also for readers beside the agent. */
export function readCounters(store: StateReader): Counts {
  const counts = COUNTERS.map((name) => [name, readCounter(store, name)] as const)
  return Object.fromEntries(counts) as unknown as Counts
}

function readCounter(store: StateReader, name: CounterName): number {
  return getJson<number>(store, counterKey(name)) ?? 0
}
