// Simulated time around the life of one agent. Nothing moves the clocks but `pass`; between two
// moments the agent runs until it waits for time to pass, and then the whole process is at rest.
// So a day takes a moment, and one seed always gives the same run.
//
// Operations, the places where an agent waits for the world, are counted. The count says where the
// agent dies, and where something else happens in the middle of its work.

import type { AgentWaker, AgentWorld } from '../../src/agent/world.ts'
import { Dice } from '../reference/dice.ts'
import { Inodes } from './inodes.ts'
import { type Life, never, type Source } from './life.ts'
import { BASE_MS, type Setup } from './sequence.ts'
import { type Observer, real } from './system.ts'
import { Violation } from './violation.ts'

/** As src/tail/watch.ts merges wake-ups. */
const WAKE_INTERVAL_MS = 100

/** Real time in which an agent that waits for nothing but its own threads must get on. */
const HANGS_MS = 30_000

/** Why a wait ended: making the usual error takes longer than all else of it. */
const WOKEN = 'woken'

/** Somebody waits until a moment comes, or until it is woken. */
interface Sleeper {
  readonly dueMs: number
  readonly wake: () => void
}

export class Simulation implements Observer {
  readonly directory: string
  life: Life | undefined
  /** The first thing that was found to be broken. */
  violation: Violation | undefined
  readonly #sleepers = new Set<Sleeper>()
  readonly #agenda: { readonly at: number; readonly act: () => void }[] = []
  readonly #times = new Map<bigint, { readonly bornMs: number; readonly changedMs: number }>()
  #elapsedMs = 0
  #wallAheadMs: number
  #waiter: SimulatedWaker | undefined

  constructor(directory: string, { wallAheadMs, inodes }: Setup) {
    this.directory = directory
    this.#wallAheadMs = wallAheadMs
    const reused = new Inodes(() => this.inodesInUse())
    this.inodeOf = (inode) => (inodes === 'reused' ? reused.numberOf(inode) : inode)
  }

  elapsedMs(): number {
    return this.#elapsedMs
  }

  /** The wall clock. */
  nowMs(): number {
    return BASE_MS + this.#elapsedMs + this.#wallAheadMs
  }

  /** Sets the wall clock. */
  step(ms: number): void {
    this.#wallAheadMs += ms
  }

  begin(life: Life): void {
    this.life = life
    this.#sleepers.clear()
  }

  /** The world of the present life. */
  world(seed: number): AgentWorld {
    const life = this.life as Life
    const dice = new Dice(seed)
    return {
      now: () => life.sees(this.nowMs()),
      elapsed: () => this.#elapsedMs,
      sleep: async (ms, signal) => {
        await this.#alive(life)
        await this.sleep(ms, signal)
        await this.#alive(life)
      },
      turn: async () => {
        await this.#alive(life)
        await real.turn()
      },
      random: () => dice.below(2 ** 20) / 2 ** 20,
      makeWaker: () => {
        this.#waiter = new SimulatedWaker(this)
        return this.#waiter
      },
    }
  }

  async operation(): Promise<void> {
    if (this.life !== undefined) await this.#alive(this.life)
  }

  glimpse(): void {
    // A read of the core goes on in a thread of its own: it sees a file as it was at its start.
    if ((this.life?.reads ?? 0) > 0) return
    const operations = this.life?.operations ?? 0
    while (this.#agenda[0] !== undefined && this.#agenda[0].at <= operations) {
      this.#agenda.shift()?.act()
    }
  }

  async #alive(life: Life): Promise<void> {
    if (!life.survives()) await never()
    if (life.isInCircles) this.report(new Violation('I10', 'the agent runs and never waits'))
    if (life.isDead) await never()
    this.glimpse()
  }

  /** Something is broken: the agent ends here, so that it cannot hide it. */
  report(violation: Violation): void {
    this.violation ??= violation
    this.life?.die()
  }

  /** Waits for simulated time. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return
    const { promise, resolve } = withResolver()
    const sleeper: Sleeper = { dueMs: this.#elapsedMs + ms, wake: resolve }
    this.#sleepers.add(sleeper)
    signal?.addEventListener('abort', resolve, { once: true })
    await promise
    signal?.removeEventListener('abort', resolve)
    this.#sleepers.delete(sleeper)
  }

  /** Lets something happen after so many operations of the agent. */
  plan(operations: number, act: () => void): void {
    this.#agenda.push({ at: (this.life?.operations ?? 0) + operations, act })
    this.#agenda.sort((one, other) => one.at - other.at)
  }

  /** What was planned and has not come happens now. */
  flush(): void {
    for (const { act } of this.#agenda.splice(0)) act()
  }

  /** Runs until the agent waits for time, is over or dead. */
  async settle(): Promise<void> {
    const { life } = this
    if (life === undefined) return
    const deadline = real.elapsed() + HANGS_MS
    while (life.isRunning) {
      if (real.elapsed() > deadline) this.report(new Violation('I10', 'the agent hangs'))
      await real.turn()
      const waits = life.isPausing || this.#waiter?.isWaiting === true
      if (waits && life.reads === 0) break
    }
    while (life.reads > 0) await real.turn()
    life.rests()
  }

  /** Time passes; whoever is due is woken at `wakes` moments of it, evenly. */
  async pass(ms: number, wakes: number): Promise<void> {
    await this.settle()
    for (let left = wakes; left > 0 && this.life?.isRunning === true; left -= 1) {
      this.#elapsedMs += Math.ceil(ms / wakes)
      this.#wakeDue()
      await this.settle()
    }
    if (this.life?.isRunning !== true) this.#elapsedMs += ms
  }

  /** Jumps to the next moment for which anybody waits; false when nobody waits. */
  async jump(): Promise<boolean> {
    await this.settle()
    const dues = Array.from(this.#sleepers, ({ dueMs }) => dueMs)
    if (dues.length === 0) return false
    this.#elapsedMs = Math.max(this.#elapsedMs, Math.min(...dues))
    this.#wakeDue()
    await this.settle()
    return true
  }

  #wakeDue(): void {
    for (const sleeper of [...this.#sleepers]) {
      if (sleeper.dueMs <= this.#elapsedMs) sleeper.wake()
    }
  }

  /** The file or directory changes now. */
  touch(path: string): void {
    this.#touch(real.lstatSync(path, { bigint: true }).ino)
  }

  touchOpen(fd: number): void {
    this.#touch(real.fstatSync(fd, { bigint: true }).ino)
  }

  #touch(inode: bigint): void {
    const changedMs = this.nowMs()
    this.#times.set(inode, { bornMs: this.#times.get(inode)?.bornMs ?? changedMs, changedMs })
  }

  /** The agent has the file open. */
  holds(inode: bigint): boolean {
    return this.life?.isRunning === true && this.heldInodes().includes(inode)
  }

  heldInodes(): bigint[] {
    const fds = [...(this.life?.fds ?? [])]
    return fds.map((fd) => real.fstatSync(fd, { bigint: true }).ino)
  }

  /** What files hold, by inode as the agent sees it. */
  readonly #sources = new Map<bigint, Source>()
  #lastReadFd = -1
  /** Inodes that exist: those of files with a name, or that somebody has open. */
  inodesInUse: () => ReadonlySet<bigint> = () => new Set()
  readonly inodeOf: (inode: bigint) => bigint

  timesOf(inode: bigint): { readonly bornMs: number; readonly changedMs: number } {
    return this.#times.get(inode) ?? { bornMs: BASE_MS, changedMs: BASE_MS }
  }

  opened(fd: number): void {
    this.life?.opened(fd)
  }

  closed(fd: number): void {
    this.life?.closed(fd)
  }

  owns(fd: number): boolean {
    return this.life?.owns(fd) === true
  }

  engine(engine: object): object {
    const sourceOf = (fd: number | undefined) => this.#sourceOf(fd ?? this.#lastReadFd)
    return this.life?.adopt(engine, sourceOf) ?? engine
  }

  reads(fd: number): void {
    this.#lastReadFd = fd
  }

  /** From now on a file with this real inode holds that. */
  knows(inode: bigint, source: Source): void {
    this.#sources.set(this.inodeOf(inode), source)
  }

  #sourceOf(fd: number): Source | undefined {
    const { ino } = real.fstatSync(fd, { bigint: true })
    return this.#sources.get(this.inodeOf(ino))
  }
}

/** Wakes by simulated time, or when somebody of the agent asks; changes of files give no hint. */
class SimulatedWaker implements AgentWaker {
  readonly #simulation: Simulation
  #end: (() => void) | undefined
  #hinted = false
  #wokenAtMs = Number.NEGATIVE_INFINITY

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  /** The agent waits, and not only for its own next turn. */
  get isWaiting(): boolean {
    return this.#end !== undefined
  }

  setDirectories(): void {}

  wake(): void {
    this.#hinted = true
    this.#end?.()
  }

  async wait(timeoutMs = 250, signal?: AbortSignal): Promise<'hint' | 'timeout' | 'aborted'> {
    await this.#simulation.operation()
    const restMs = this.#wokenAtMs + WAKE_INTERVAL_MS - this.#simulation.elapsedMs()
    if (restMs > 0) await this.#sleep(restMs, signal, false)
    if (!this.#hinted) await this.#sleep(timeoutMs, signal, true)
    await this.#simulation.operation()
    if (signal?.aborted === true) return 'aborted'
    const reason = this.#hinted ? 'hint' : 'timeout'
    if (this.#hinted) this.#wokenAtMs = this.#simulation.elapsedMs()
    this.#hinted = false
    return reason
  }

  async #sleep(ms: number, signal: AbortSignal | undefined, untilHint: boolean): Promise<void> {
    if (signal?.aborted === true) return
    const stop = new AbortController()
    const end = (): void => {
      this.#end = undefined
      stop.abort(WOKEN)
    }
    this.#end = untilHint ? end : () => undefined
    signal?.addEventListener('abort', end, { once: true })
    await this.#simulation.sleep(ms, stop.signal)
    this.#end = undefined
    signal?.removeEventListener('abort', end)
  }

  takeProblems(): [] {
    return []
  }

  close(): void {
    this.wake()
  }
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
