// How long the event loop is kept from coming round: a timer says when it should have, and how late
// it came. A chain of `setImmediate` would see more, and would spin while native threads read; a
// timer of the runtime's own (`monitorEventLoopDelay`) would wake an idle node a hundred times a
// second. This one runs only while the agent works, so an idle agent pays nothing.

const PERIOD_MS = 5

export class LoopGap {
  readonly #onGap: (lateMs: number) => void
  #timer: NodeJS.Timeout | undefined
  #dueMs = 0

  /** `onGap` is told how late each look came. */
  constructor(onGap: (lateMs: number) => void) {
    this.#onGap = onGap
  }

  /** Work begins. */
  resume(): void {
    if (this.#timer !== undefined) return
    this.#dueMs = performance.now() + PERIOD_MS
    this.#timer = setTimeout(this.#tick, PERIOD_MS)
  }

  /** Work ends, and what it may have kept from running is known. */
  pause(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    const lateMs = performance.now() - this.#dueMs
    if (lateMs > 0) this.#onGap(lateMs)
  }

  readonly #tick = (): void => {
    const nowMs = performance.now()
    this.#onGap(Math.max(0, nowMs - this.#dueMs))
    this.#dueMs = nowMs + PERIOD_MS
    this.#timer = setTimeout(this.#tick, PERIOD_MS)
  }
}
