// How much usage came how far, by meter, over all runs of a state. Sums wait here between two
// commits and are staged with what they count, so a crash neither forgets nor doubles any.
//
//   counter/usage    {stage: {meter: amount as text}}, because amounts pass 2^53

import { getJson, putJson } from './codec.ts'
import type { StateReader, StateStore } from './state.ts'

/**
 * `closed`: in windows that are over; `unattributed`: of these, without a project; `made`: in usage
 * events; `accepted`, `rejected`: by the sink.
 */
export const USAGE_STAGES = ['closed', 'unattributed', 'made', 'accepted', 'rejected'] as const
export type UsageStage = (typeof USAGE_STAGES)[number]

export interface UsageAmount {
  readonly meter: string
  readonly amount: bigint
}

export interface UsageStageAmount extends UsageAmount {
  readonly stage: UsageStage
}

type UsageRecord = Partial<Record<UsageStage, Record<string, string>>>

const KEY = 'counter/usage'

export class UsageSums {
  readonly #store: StateStore
  readonly #pending = new Map<UsageStage, Map<string, bigint>>()

  constructor(store: StateStore) {
    this.#store = store
  }

  /** Counts usage whose change of stage is staged, or will be before `stage` is called. */
  add(stage: UsageStage, { meter, amount }: UsageAmount): void {
    const sums = this.#pending.get(stage) ?? new Map<string, bigint>()
    this.#pending.set(stage, sums)
    sums.set(meter, (sums.get(meter) ?? 0n) + amount)
  }

  /** Stages what was counted since the last call; the commit must begin in the same turn. */
  stage(): void {
    if (this.#pending.size === 0) return
    const record = getJson<UsageRecord>(this.#store, KEY) ?? {}
    for (const [stage, sums] of this.#pending) {
      const before = record[stage] ?? {}
      record[stage] = before
      for (const [meter, amount] of sums) before[meter] = `${BigInt(before[meter] ?? 0) + amount}`
    }
    putJson(this.#store, KEY, record)
    this.#pending.clear()
  }
}

export function readUsageSums(store: StateReader): UsageStageAmount[] {
  const record = getJson<UsageRecord>(store, KEY) ?? {}
  return USAGE_STAGES.flatMap((stage) =>
    Object.entries(record[stage] ?? {}).map(([meter, text]) => {
      return { stage, meter, amount: BigInt(text) }
    }),
  )
}
