// What an agent needs of the world besides files, state and sink: time, chance and wake-ups. All
// of it affects when something happens, never what. Tests put a simulated world in its place, so
// that a day passes in a moment and a seed tells how.

import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { Waker } from '../tail/watch.ts'

export interface AgentWorld {
  /** The wall clock in ms: it may be stepped, in either direction. */
  now(): number
  /** Ms on a clock that is never stepped: pauses are measured with it. */
  elapsed(): number
  /** Waits; resolves early, without an error, when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Lets everything else that is ready run before it resolves. */
  turn(): Promise<void>
  /** In [0, 1). */
  random(): number
  makeWaker(): AgentWaker
}

/** Says when to look at the logs again. */
export type AgentWaker = Pick<Waker, 'setDirectories' | 'wake' | 'wait' | 'takeProblems' | 'close'>

/** The world as it is, with the wall clock `now`. */
export function realWorld(now: () => number = Date.now): AgentWorld {
  return {
    now,
    elapsed: () => performance.now(),
    sleep: sleepUnlessAborted,
    turn: () => setImmediate(),
    random: Math.random,
    makeWaker: () => new Waker(),
  }
}

async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
