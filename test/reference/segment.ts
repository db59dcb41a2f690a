// Totals of one stream's lines in one window: which key usage is kept under, and what fits.

import type { Reason, Route } from './attribution.ts'
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

/** Usage without a project, and what its lines said in the place of one. */
export interface Unattributed {
  readonly reason: Reason
  readonly project: string
  readonly route: Route | null
  readonly usage: Usage
}

/** What all parts of a segment share: limits are kept per segment. */
class Shared {
  sum = NO_USAGE
  readonly keys = new Set<string>()
}

/** One part of a segment; a segment that was never closed by time has one. */
export class Segment {
  /** Null until the stream's first clock, which also decides the length of the window. */
  windowStartMs: number | null
  windowMs: number
  readonly epoch: number
  readonly part: number
  /** Keys in order of first appearance, then overflow keys where they were first needed. */
  readonly totals = new Map<string, Totals>()
  /** Usage without a project, by whose it may be. */
  readonly unattributed = new Map<string, Unattributed>()
  /** Lines by outcome, from the end of the part before. */
  readonly outcomes = new Map<string, number>()
  readonly #shared: Shared

  constructor(
    windowStartMs: number | null,
    windowMs: number,
    epoch: number,
    part = 0,
    shared = new Shared(),
  ) {
    this.windowStartMs = windowStartMs
    this.windowMs = windowMs
    this.epoch = epoch
    this.part = part
    this.#shared = shared
  }

  /** The part that begins when this one is closed by time. */
  nextPart(): Segment {
    const { windowStartMs, windowMs, epoch, part } = this
    return new Segment(windowStartMs, windowMs, epoch, part + 1, this.#shared)
  }

  /** It has usage, so that a close makes a piece of it. */
  get isOpen(): boolean {
    return this.totals.size + this.unattributed.size > 0
  }

  /** True when an amount of the whole segment would pass 2^63 - 1. */
  overflowsWith(usage: Usage): boolean {
    const { egressBytes, ingressBytes, ms } = addUsage(this.#shared.sum, usage)
    return egressBytes > SUM_MAX || ingressBytes > SUM_MAX || ms > SUM_MAX
  }

  add(key: Key, usage: Usage, keysMax: number): void {
    const { keys } = this.#shared
    this.#shared.sum = addUsage(this.#shared.sum, usage)
    if (!keys.has(keyName(key)) && keys.size >= keysMax) {
      this.#addTo({ project: key.project, route: OVERFLOW, dimensions: {} }, usage)
    } else {
      keys.add(keyName(key))
      this.#addTo(key, usage)
    }
  }

  addUnattributed(reason: Reason, project: string, route: Route | null, usage: Usage): void {
    const name = JSON.stringify([reason, project, route])
    const before = this.unattributed.get(name)?.usage ?? NO_USAGE
    this.unattributed.set(name, { reason, project, route, usage: addUsage(before, usage) })
  }

  #addTo(key: Key, usage: Usage): void {
    const name = keyName(key)
    const before = this.totals.get(name)?.usage ?? NO_USAGE
    this.totals.set(name, { key, usage: addUsage(before, usage) })
  }
}
