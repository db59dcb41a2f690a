// A world for agents in this process whose time runs faster: what an agent does in a minute takes
// it 60 / speed seconds here. Sleeps and the clock go together, so pacing, backoff, windows closed
// by time and dedup windows keep their proportions.

import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { type AgentReport, AgentRun } from '../../src/agent/run.ts'
import type { AgentWaker, AgentWorld } from '../../src/agent/world.ts'
import type { AgentSignal } from '../../src/agent.ts'
import type { Config } from '../../src/config/config.ts'
import type { Sink } from '../../src/deliver/sink.ts'
import { openState } from '../../src/durable/store.ts'
import { stateNative } from '../../src/native.ts'
import type { Dice } from '../reference/dice.ts'

/** Time that runs `speed` times as fast as the wall clock. */
export class FastTime {
  readonly #speed: number
  readonly #startMs: number
  readonly #beganMs = performance.now()

  constructor(startMs: number, speed: number) {
    this.#startMs = startMs
    this.#speed = speed
  }

  readonly now = (): number =>
    Math.floor(this.#startMs + (performance.now() - this.#beganMs) * this.#speed)

  /** Resolves after `ms` of this time, or when the signal aborts. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    try {
      await delay(ms / this.#speed, undefined, signal && { signal })
    } catch (error) {
      if (signal?.aborted !== true) throw error
    }
  }
}

/** A world of this time; chance comes from the dice. */
export function fastWorld(time: FastTime, dice: Dice): AgentWorld {
  return {
    now: time.now,
    elapsed: time.now,
    sleep: (ms, signal) => time.sleep(ms, signal),
    turn: () => setImmediate(),
    random: () => dice.below(1_000_000) / 1_000_000,
    makeWaker: () => fastWaker(time),
  }
}

/** Wakes up by time and on demand; the files tell no hints, which are never needed. */
function fastWaker(time: FastTime): AgentWaker {
  let wake = new AbortController()
  return {
    setDirectories: () => undefined,
    wake: () => wake.abort(),
    wait: async (timeoutMs = 250, signal) => {
      const ends = signal === undefined ? wake.signal : AbortSignal.any([wake.signal, signal])
      await time.sleep(timeoutMs, ends)
      const isHint = wake.signal.aborted
      if (isHint) wake = new AbortController()
      if (signal?.aborted === true) return 'aborted'
      return isHint ? 'hint' : 'timeout'
    },
    takeProblems: () => [],
    close: () => wake.abort(),
  }
}

export interface FastAgentOptions {
  readonly world: AgentWorld
  readonly sink: Sink
  readonly once?: boolean
  readonly onSignal?: (signal: AgentSignal) => void
}

/** An agent on the state of `config`; it runs until `stop`, or with `once` until all is sent. */
export class FastAgent {
  readonly #stop = new AbortController()
  readonly ended: Promise<AgentReport>

  constructor(config: Config, options: FastAgentOptions) {
    this.ended = this.#run(config, options)
    this.ended.catch(() => undefined)
  }

  async stop(): Promise<AgentReport> {
    this.#stop.abort()
    return this.ended
  }

  async #run(config: Config, { world, sink, ...options }: FastAgentOptions): Promise<AgentReport> {
    const store = await openState(config.state.dir, stateNative)
    const run = new AgentRun(config, options, { store, sink, world })
    try {
      return await run.run(this.#stop.signal)
    } finally {
      await run.close()
      await sink.close()
      await store.close()
    }
  }
}
