// Trials in a child process, one after the other: that it crashes or hangs is an outcome too.

import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const TRIAL_MS_MAX = 40_000
/** A fresh process now and then, so that no trial hangs on what thousands before it left. */
const TRIALS_PER_PROCESS = 200

export interface Gap {
  readonly reason: string
  readonly offset: number
}

/** What became of one trial. */
export type Outcome =
  | {
      readonly outcome: 'done'
      /** Of an agent: the last commit that it found. */
      readonly sequence: number
      /** What the receiver or the file has in the end. */
      readonly delivered: readonly string[]
      /** Events that came again with other bytes. */
      readonly changed: readonly string[]
      readonly gaps: readonly Gap[]
      /** Of a store: keys that are not what they should be. */
      readonly differences: readonly string[]
    }
  | { readonly outcome: 'refused'; readonly code: string; readonly message: string }
  | { readonly outcome: 'crashed'; readonly by: string }
  | { readonly outcome: 'hung' }

/** A trial: what the child is told; see trial-worker.mjs. */
export interface Trial {
  readonly job: 'agent' | 'command' | 'store'
  /** Where the child works. */
  readonly directory: string
  readonly [key: string]: unknown
}

const children = new Set<ChildProcess>()
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** Gives each trial to a child when the outcome of the one before was told. */
export async function runTrials<T extends Trial>(
  trials: Iterable<T>,
  done: (trial: T, outcome: Outcome) => void | Promise<void>,
): Promise<void> {
  let child: ChildProcess | undefined
  let count = 0
  for (const trial of trials) {
    if (child === undefined || count % TRIALS_PER_PROCESS === 0) {
      if (child) end(child)
      child = start()
    }
    count += 1
    const outcome = await outcomeOf(child, trial)
    if (outcome.outcome === 'crashed' || outcome.outcome === 'hung') {
      end(child)
      child = undefined
    }
    await done(trial, outcome)
  }
  if (child) end(child)
}

function start(): ChildProcess {
  const child = fork(join(import.meta.dirname, 'trial-worker.mjs'), {
    serialization: 'advanced',
    env: { PATH: process.env['PATH'] },
    // lmdb writes words of its own to stderr when it finds a page that it does not like.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  children.add(child)
  return child
}

function end(child: ChildProcess): void {
  children.delete(child)
  child.removeAllListeners()
  child.kill('SIGKILL')
}

function outcomeOf(child: ChildProcess, trial: Trial): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer)
      child.removeAllListeners()
      resolve(outcome)
    }
    const timer = setTimeout(() => settle({ outcome: 'hung' }), TRIAL_MS_MAX)
    child.once('message', (message) => settle(message as Outcome))
    child.once('exit', (code, signal) => settle({ outcome: 'crashed', by: `${signal ?? code}` }))
    child.send(trial)
  })
}
