// The sender of one run, beside the loop that reads: started, watched, stopped, waited for.

import { Sender, type SenderSignal } from '../deliver/sender.ts'
import type { Sink } from '../deliver/sink.ts'
import type { SpoolOutbox } from './outbox.ts'
import type { AgentWorld } from './world.ts'

export interface DeliveryHooks {
  readonly onSignal: (signal: SenderSignal) => void
  /** The sender has ended, by itself or by a failure. */
  readonly onEnd: () => void
}

export class Delivery {
  readonly #sender: Sender
  readonly #hooks: DeliveryHooks
  readonly #stop = new AbortController()
  #ended: Promise<void> = Promise.resolve()
  #isRunning = false
  /** What ended it; it may have staged half a step, which must not become durable. */
  failure: unknown

  constructor(sink: Sink, outbox: SpoolOutbox, world: AgentWorld, hooks: DeliveryHooks) {
    this.#hooks = hooks
    this.#sender = new Sender(sink, outbox, {
      onSignal: hooks.onSignal,
      sleep: (ms, signal) => world.sleep(ms, signal),
      random: () => world.random(),
    })
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  start(): void {
    this.#isRunning = true
    this.#ended = this.#sender
      .run(this.#stop.signal)
      .catch((error: unknown) => {
        this.failure = error
      })
      .finally(() => {
        this.#isRunning = false
        this.#hooks.onEnd()
      })
  }

  /** Ends it at once, within an attempt or a wait; nobody waits out what a sink asked for. */
  stop(): void {
    this.#stop.abort()
  }

  /** It was told to end: what it has not settled is for the next run. */
  get isStopping(): boolean {
    return this.#stop.signal.aborted
  }

  /** Resolves when it has ended. */
  get ended(): Promise<void> {
    return this.#ended
  }
}
