// One life of the agent's process: what it holds open, how often it had to wait for the world, and
// when it dies. Death is sudden: whatever the agent waits for never comes, so it does nothing more;
// what the kernel takes back of a dead process, its open files, is taken back.

import type { AgentReport } from '../../src/agent.ts'
import type { Content } from './content.ts'
import { type EngineOffsets, FoldTrace } from './fold-trace.ts'
import type { StreamLog } from './stream-log.ts'
import { real } from './system.ts'

/** Operations between two moments of rest; an agent that needs more is running in circles. */
const OPERATIONS_MAX = 50_000

export class Life {
  readonly number: number
  /** Operations so far. */
  operations = 0
  /** The operation that it does not survive. */
  diesAt = Number.POSITIVE_INFINITY
  isDead = false
  /** Its run has ended by itself. */
  isOver = false
  /** A commit failed, so that it began anew and closed the files that it held. */
  hasFailed = false
  /** It reads to the end and closes all windows then. */
  isOnce = false
  /** The latest time that the wall clock has shown to it. */
  latestMs = Number.NEGATIVE_INFINITY
  /** It waits before it opens its state anew. */
  isPausing = false
  /** What its run told at its end. */
  report: AgentReport | undefined
  /** Why its run ended, if it failed. */
  error: unknown
  /** Reads of the core that go on. */
  reads = 0
  readonly #fds = new Set<number>()
  readonly #engines: Engine[] = []
  /** What each engine was given. */
  readonly traces: FoldTrace[] = []
  #restedAt = 0

  constructor(number: number) {
    this.number = number
  }

  /** It asks for the time. */
  sees(nowMs: number): number {
    this.latestMs = Math.max(this.latestMs, nowMs)
    return nowMs
  }

  get isRunning(): boolean {
    return !this.isDead && !this.isOver
  }

  /** False: the agent is dead and must not go on. */
  survives(): boolean {
    if (this.isDead) return false
    this.operations += 1
    if (this.operations >= this.diesAt) this.die()
    return !this.isDead
  }

  get isInCircles(): boolean {
    return this.operations - this.#restedAt > OPERATIONS_MAX
  }

  rests(): void {
    this.#restedAt = this.operations
  }

  die(): void {
    this.isDead = true
  }

  opened(fd: number): void {
    this.#fds.add(fd)
  }

  closed(fd: number): void {
    this.#fds.delete(fd)
  }

  owns(fd: number): boolean {
    return this.#fds.has(fd)
  }

  get fds(): Iterable<number> {
    return this.#fds
  }

  /** Makes calls of the engine that take time operations of this life; follows what it reads. */
  adopt(engine: object, sourceOf: SourceOf): object {
    const trace = new FoldTrace()
    this.#engines.push(engine as Engine)
    this.traces.push(trace)
    owners.set(engine, { life: this, trace, sourceOf })
    return Object.setPrototypeOf(engine, observedPrototype(Object.getPrototypeOf(engine)))
  }

  /** The agent begins anew on its state: what it had in memory is gone. */
  forgets(): void {
    this.traces.length = 0
  }

  /** The result of a call of an engine, unless the agent dies meanwhile. */
  async finished<T>(result: Promise<T>): Promise<T> {
    this.reads += 1
    try {
      return await result
    } finally {
      this.reads -= 1
      if (!this.survives()) await never()
    }
  }

  /** An engine has lines that no close has handed over. */
  get hasOpenSegment(): boolean {
    return this.#engines.some((engine) => isOpen(engine))
  }

  /** Takes back what a process had. */
  bury(): void {
    for (const fd of this.#fds) real.closeSync(fd)
    this.#fds.clear()
    if (this.reads > 0) return
    for (const engine of this.#engines.splice(0)) engine.close()
  }
}

/** What a file holds. */
export interface Source {
  readonly log: StreamLog
  readonly content: Content
}

/** What the file holds that an engine reads, or whose bytes it is fed now. */
type SourceOf = (fd: number | undefined) => Source | undefined

interface Engine {
  hasOpenSegment(): boolean
  offset(): number
  readOffset(): number
  close(): void
}

interface Owner {
  readonly life: Life
  readonly trace: FoldTrace
  readonly sourceOf: SourceOf
}

const owners = new WeakMap<object, Owner>()
let observed: object | undefined

/** The engine's own methods, as operations of the life that owns it. */
function observedPrototype(prototype: object): object {
  if (observed !== undefined) return observed
  observed = Object.create(prototype) as object
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const call = (prototype as Record<string, unknown>)[name]
    if (name === 'constructor' || typeof call !== 'function') continue
    const value = function (this: Engine, ...args: unknown[]): unknown {
      const note = before(this, name, args)
      const result = call.apply(this, args) as unknown
      if (!(result instanceof Promise)) {
        note?.()
        return result
      }
      return owners.get(this)?.life.finished(note === undefined ? result : result.finally(note))
    }
    Object.defineProperty(observed, name, { value })
  }
  return observed
}

/** Notes what a call is about to do; gives what is to be noted when it is done. */
function before(engine: Engine, name: string, args: unknown[]): (() => void) | undefined {
  const { trace, sourceOf } = owners.get(engine) as Owner
  if (name === 'endGeneration' || name === 'endStream') trace.ended()
  if (name === 'seek') trace.jumped()
  if (name === 'snapshot') trace.held()
  if (name !== 'read' && name !== 'feed') return undefined
  const source = sourceOf(name === 'read' ? (args[0] as number) : undefined)
  const start = offsetsOf(engine)
  return () => {
    if (source !== undefined) trace.read(source.log, source.content, start, offsetsOf(engine))
  }
}

/** False for one that was closed. */
function isOpen(engine: Engine): boolean {
  try {
    return engine.hasOpenSegment()
  } catch {
    return false
  }
}

function offsetsOf(engine: Engine): EngineOffsets {
  return { offset: engine.offset(), readOffset: engine.readOffset() }
}

/** A new one each time: who waits for it can be forgotten. */
export function never(): Promise<never> {
  return new Promise(() => undefined)
}
