// What one engine of the agent was given: which bytes of which content, in order. It is seen at the
// engine itself, so it does not matter what the agent thinks its files are. What a commit holds of
// it is what was folded when the engine's snapshot was taken.

import type { Content } from './content.ts'
import type { StreamLog } from './stream-log.ts'

/** Bytes that were folded without a break. */
export interface Stretch {
  readonly content: Content
  readonly from: number
  readonly to: number
}

interface Growing {
  readonly content: Content
  readonly from: number
  /** Folded, and read; what lies between is a line that has no end yet. */
  to: number
  readTo: number
}

/** The position of an engine, before or after a call. */
export interface EngineOffsets {
  readonly offset: number
  readonly readOffset: number
}

export class FoldTrace {
  /** The log that the engine reads; undefined before the first byte. */
  log: StreamLog | undefined
  readonly #stretches: Growing[] = []
  #isBroken = true
  /** What the last snapshot holds: whole stretches, and how far the last one goes. */
  #held: { readonly count: number; readonly to: number } | undefined
  #committed = { count: 0, to: 0 }

  /** Bytes of the content were read. */
  read(log: StreamLog, content: Content, before: EngineOffsets, after: EngineOffsets): void {
    if (after.readOffset === before.readOffset) return
    this.log = log
    const last = this.#stretches.at(-1)
    if (this.#isBroken || last?.content !== content) {
      const { offset: from } = before
      this.#stretches.push({ content, from, to: after.offset, readTo: after.readOffset })
      this.#isBroken = false
      return
    }
    last.to = after.offset
    last.readTo = after.readOffset
  }

  /** The engine's generation ends: what it has read without a line end is a line. */
  ended(): void {
    const last = this.#stretches.at(-1)
    if (!this.#isBroken && last !== undefined) last.to = last.readTo
    this.#isBroken = true
  }

  /** Reading goes on somewhere else; a line without its end is forgotten. */
  jumped(): void {
    this.#isBroken = true
  }

  /** A snapshot is taken, to be committed. */
  held(): void {
    this.#held = { count: this.#stretches.length, to: this.#stretches.at(-1)?.to ?? 0 }
  }

  /** The last snapshot was committed: gives what it holds beyond the one before. */
  committed(): Stretch[] {
    const held = this.#held
    if (held === undefined) return []
    const { count, to } = this.#committed
    const fresh: Stretch[] = []
    for (const [index, stretch] of this.#stretches.slice(0, held.count).entries()) {
      if (index < count - 1) continue
      const from = index === count - 1 ? to : stretch.from
      const end = index === held.count - 1 ? held.to : stretch.to
      if (end > from) fresh.push({ content: stretch.content, from, to: end })
    }
    this.#committed = held
    return fresh
  }
}
