// Carries out what people ask for (agent/replay.ts), whoever holds the state: the command itself
// when no agent runs, else the agent, one step beside each of its commits.

import { setTimeout as delay } from 'node:timers/promises'
import {
  putAnswer,
  putRequest,
  type Request,
  readAnswer,
  readRequests,
  removeRequest,
} from '../durable/requests.ts'
import type { StateStore } from '../durable/state.ts'
import { openState, openStateReader } from '../durable/store.ts'
import { MeterFastError } from '../errors.ts'
import { crc32c, stateNative } from '../native.ts'
import { type Done, type Operation, operate } from './replay.ts'

const LOOK_MS = 100

/**
 * Carries out an operation on the state in `directory` and resolves to what was done: here, or by
 * the agent that runs on it. `onWait` is told once when it is the agent's.
 * @throws {MeterFastError} METER_INPUT_MISSING without a state, METER_STATE_CORRUPT, METER_DISK,
 *   METER_USAGE when the agent could not do it.
 */
export async function carryOut(
  directory: string,
  operation: Operation,
  options: { readonly nowMs: number; readonly signal: AbortSignal; readonly onWait: () => void },
): Promise<Done> {
  // Opening a state that is not there would make it: a misspelt name must not.
  await (await openStateReader(directory, { crc32c })).close()
  const name = putRequest(directory, operation, options.nowMs)
  try {
    for (let isTold = false; !options.signal.aborted; isTold = true) {
      const done = (await serveHere(directory, name)) ?? (await answerOf(directory, name))
      if (done !== undefined) return done
      if (!isTold) options.onWait()
      await delay(LOOK_MS, undefined, { signal: options.signal }).catch(() => undefined)
    }
  } finally {
    removeRequest(directory, name)
  }
  throw new MeterFastError(
    'METER_STATE_LOCKED',
    'stopped before the agent had done it; what it did until then is done. Ask again.',
  )
}

/** Serves all requests of a state that nobody holds; undefined when somebody does. */
async function serveHere(directory: string, name: string): Promise<Done | undefined> {
  let store: StateStore
  try {
    store = await openState(directory, stateNative)
  } catch (error) {
    const isLocked = error instanceof MeterFastError && error.code === 'METER_STATE_LOCKED'
    if (isLocked) return undefined
    throw error
  }
  try {
    const desk = new RequestDesk(directory, store, Date.now)
    while (await desk.step()) {
      await store.commit()
      desk.committed()
    }
    return readAnswer(store, name)?.done
  } finally {
    await store.close()
  }
}

async function answerOf(directory: string, name: string): Promise<Done | undefined> {
  const state = await openStateReader(directory, { crc32c })
  try {
    const answer = readAnswer(state, name)
    if (answer?.error !== undefined) throw new MeterFastError('METER_USAGE', answer.error)
    return answer?.isDone ? answer.done : undefined
  } finally {
    await state.close()
  }
}

interface Serving {
  readonly request: Request<Operation>
  readonly steps: AsyncGenerator<Done>
  done: Done
}

/** Where requests are served, by whoever holds the state. */
export class RequestDesk {
  readonly #directory: string
  readonly #store: StateStore
  readonly #now: () => number
  #current: Serving | undefined
  /** Requests whose answer waits for a commit. */
  #answered: string[] = []

  constructor(directory: string, store: StateStore, now: () => number) {
    this.#directory = directory
    this.#store = store
    this.#now = now
  }

  /** There is something to serve. */
  get isAsked(): boolean {
    if (this.#current !== undefined) return true
    const { requests, broken } = readRequests(this.#directory)
    return requests.length + broken.length > 0
  }

  /** Stages one step of the oldest request; false when there is none. Commit after each step. */
  async step(): Promise<boolean> {
    this.#current ??= this.#next()
    const current = this.#current
    if (current === undefined) return false
    const { name } = current.request
    const atMs = this.#now()
    try {
      const { value, done } = await current.steps.next()
      current.done = done ? current.done : added(current.done, value)
      putAnswer(this.#store, name, { done: current.done, isDone: done === true, atMs })
      if (done) this.#end(name)
    } catch (error) {
      if (!(error instanceof MeterFastError)) throw error
      const { message } = error
      putAnswer(this.#store, name, { done: current.done, isDone: true, error: message, atMs })
      this.#end(name)
    }
    return true
  }

  /** What was staged is durable. */
  committed(): void {
    for (const name of this.#answered.splice(0)) removeRequest(this.#directory, name)
  }

  #next(): Serving | undefined {
    const { requests, broken } = readRequests<Operation>(this.#directory)
    for (const name of broken) removeRequest(this.#directory, name)
    for (const request of requests) {
      const answer = readAnswer(this.#store, request.name)
      if (answer?.isDone) removeRequest(this.#directory, request.name)
      else {
        const steps = operate(this.#store, request.operation, this.#now())
        return { request, steps, done: answer?.done ?? {} }
      }
    }
    return undefined
  }

  #end(name: string): void {
    this.#current = undefined
    this.#answered.push(name)
  }
}

function added(sum: Done, more: Done): Done {
  const names = new Set([...Object.keys(sum), ...Object.keys(more)])
  return Object.fromEntries([...names].map((name) => [name, (sum[name] ?? 0) + (more[name] ?? 0)]))
}
