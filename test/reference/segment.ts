// Totals of one stream's lines in one window: which key usage is kept under, and what fits.

import type { Route } from './attribution.ts'
import type { Amounts } from './read-line.ts'

/** What totals are kept under. */
export interface Key {
  readonly project: string
  readonly route: Route | null
  readonly dimensions: Readonly<Record<string, string>>
}

/** What one line adds, or what many lines added. */
export interface Usage extends Amounts {
  readonly requests: bigint
  /** The sum of floor(ms / 1000) per record. */
  readonly secondsFloor: bigint
}

export interface Totals {
  readonly key: Key
  usage: Usage
}

const SUM_MAX = 2n ** 63n - 1n
const OVERFLOW: Route = { kind: 'overflow', namespace: '', name: '' }

/** One name per key, the same in every segment. */
export function keyName({ project, route, dimensions }: Key): string {
  const { kind = '', namespace = '', name = '' } = route ?? {}
  return JSON.stringify([project, kind, namespace, name, Object.entries(dimensions).sort()])
}

export function addUsage(one: Usage, other: Usage): Usage {
  return {
    requests: one.requests + other.requests,
    egressBytes: one.egressBytes + other.egressBytes,
    ingressBytes: one.ingressBytes + other.ingressBytes,
    ms: one.ms + other.ms,
    secondsFloor: one.secondsFloor + other.secondsFloor,
  }
}

export const NO_USAGE: Usage = {
  requests: 0n,
  egressBytes: 0n,
  ingressBytes: 0n,
  ms: 0n,
  secondsFloor: 0n,
}

export class Segment {
  /** Null until the stream's first clock. */
  windowStartMs: number | null
  readonly epoch: number
  /** Keys in order of first appearance, then overflow keys where they were first needed. */
  readonly totals = new Map<string, Totals>()
  #sum = NO_USAGE
  #keyCount = 0

  constructor(windowStartMs: number | null, epoch: number) {
    this.windowStartMs = windowStartMs
    this.epoch = epoch
  }

  /** True when an amount of the whole segment would pass 2^63 - 1. */
  overflowsWith(usage: Usage): boolean {
    const { egressBytes, ingressBytes, ms } = addUsage(this.#sum, usage)
    return egressBytes > SUM_MAX || ingressBytes > SUM_MAX || ms > SUM_MAX
  }

  add(key: Key, usage: Usage, keysMax: number): void {
    this.#sum = addUsage(this.#sum, usage)
    const isNew = !this.totals.has(keyName(key))
    if (isNew && this.#keyCount >= keysMax) {
      this.#addTo({ project: key.project, route: OVERFLOW, dimensions: {} }, usage)
    } else {
      this.#keyCount += isNew ? 1 : 0
      this.#addTo(key, usage)
    }
  }

  #addTo(key: Key, usage: Usage): void {
    const name = keyName(key)
    const before = this.totals.get(name)?.usage ?? NO_USAGE
    this.totals.set(name, { key, usage: addUsage(before, usage) })
  }
}
