// A world whose time a test moves, so that a day passes in seconds. `quiet` says when an agent has
// done all that it will do before more time has passed.

import { setImmediate } from 'node:timers/promises'
import type { AgentWaker, AgentWorld } from '../../src/agent/world.ts'

interface Sleep {
  readonly dueMs: number
  readonly end: () => void
}

/** While an agent is busy, this much time passes in so much real time. */
const POLL_MS = 250
const BUSY_MS = 3

export class SteppedWorld implements AgentWorld {
  /** Signals that sleeps were given: a leak of listeners shows on them. */
  readonly signals = new Set<AbortSignal>()
  #nowMs: number
  readonly #sleeps = new Set<Sleep>()
  /** Ends the agent's wait; undefined while it works. */
  #endWait: (() => void) | undefined
  #isHinted = false

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs
  }

  elapsed(): number {
    return this.#nowMs
  }

  random(): number {
    return 0.5
  }

  turn(): Promise<void> {
    return setImmediate()
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    this.signals.add(signal)
    let sleep: Sleep | undefined
    const end = await new Promise<() => void>((resolve) => {
      const over = () => resolve(over)
      sleep = { dueMs: this.#nowMs + ms, end: over }
      this.#sleeps.add(sleep)
      signal.addEventListener('abort', over, { once: true })
    })
    signal.removeEventListener('abort', end)
    if (sleep) this.#sleeps.delete(sleep)
    this.signals.delete(signal)
  }

  makeWaker(): AgentWaker {
    return {
      setDirectories: () => undefined,
      takeProblems: () => [],
      wake: () => this.#wake(),
      close: () => this.#wake(),
      wait: async (_timeoutMs, signal) => {
        if (!this.#isHinted && signal?.aborted !== true) await this.#wait(signal)
        this.#isHinted = false
        return signal?.aborted === true ? 'aborted' : 'hint'
      },
    }
  }

  /** Moves the time, ends what is due, and lets the agent look once. */
  advance(ms: number): void {
    this.#nowMs += ms
    for (const { dueMs, end } of this.#sleeps) if (dueMs <= this.#nowMs) end()
    this.#wake()
  }

  /**
   * Resolves when the agent waits for a change and its sender for the time. Until then time goes on
   * slowly, because a commit may wait for its turn.
   */
  async quiet(): Promise<void> {
    let sinceMs = performance.now()
    for (;;) {
      await setImmediate()
      const isWaiting = this.#endWait !== undefined
      if (isWaiting && this.#sleeps.size > 0) return
      if (!isWaiting || performance.now() - sinceMs < BUSY_MS) continue
      this.advance(POLL_MS)
      sinceMs = performance.now()
    }
  }

  #wake(): void {
    this.#isHinted = true
    this.#endWait?.()
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const end = await new Promise<() => void>((resolve) => {
      const over = () => resolve(over)
      this.#endWait = over
      signal?.addEventListener('abort', over, { once: true })
    })
    signal?.removeEventListener('abort', end)
    this.#endWait = undefined
  }
}
