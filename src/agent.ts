// Agent: follows the configured logs and delivers their usage events. This file decides how a run
// begins and when it begins again; the loop where all stages meet is in agent/run.ts.
//
// Another configuration is taken over between two runs on one state: the run ends with its commit,
// as at a stop, and the next one goes on from there with the new one. Until that one has its state,
// its sink and its address, the configuration before is kept, and what fails by then goes back to
// it.
//
// A run ends at the first commit that fails: nobody knows then what is on disk. On a full disk the
// state is opened anew, and the next run goes on from what it says, without reading, until there is
// room. Any other fault ends the agent: whoever started it starts it again.

import type { Writable } from 'node:stream'
import type { AgentObserver } from './agent/observe.ts'
import { RequestDesk } from './agent/requests.ts'
import { type AgentReport, AgentRun } from './agent/run.ts'
import type { AgentSignal } from './agent/signal.ts'
import { makeSink } from './agent/sink.ts'
import { type AgentWorld, realWorld } from './agent/world.ts'
import type { Config } from './config/config.ts'
import type { Sink } from './deliver/sink.ts'
import { Counters } from './durable/counters.ts'
import { DiskReserve } from './durable/reserve.ts'
import { openMemoryState, openState, type StateStore } from './durable/store.ts'
import { MeterFastError } from './errors.ts'
import { stateNative } from './native.ts'

export type { AgentReport, AgentSignal }

export interface AgentOptions {
  /** Read what is there, close all windows, deliver, end. Default false: run until stopped. */
  readonly once?: boolean
  /** State in memory, events to `stdout`; nothing is committed or sent. Default false. */
  readonly dryRun?: boolean
  /**
   * Told of everything that happens, on the thread of the agent and between its steps: it must not
   * throw, and while it runs the agent does nothing. What a signal holds hangs on its `kind`.
   */
  readonly onSignal?: (signal: AgentSignal) => void
  /** Where `stdout` sinks write; default process.stdout. */
  readonly stdout?: Writable
  /**
   * In place of the configured sink, e.g. an embedder's own; the agent closes it at its end. The
   * same batch may come again after a crash: the sink must drop ids that it has.
   */
  readonly sink?: Sink
  /** The wall clock in ms since 1970: it affects when, never what. Default Date.now. */
  readonly now?: () => number
}

/** Between two tries to get a state that another process has, or a full disk to work. */
const TRY_AGAIN_MS = 500

/**
 * The metering agent: follows the configured logs and delivers their usage events.
 *
 * Several agents of one process, or of worker threads, are independent; each needs a state
 * directory of its own. An agent holds files, memory and the lock of its state while `run` is
 * pending, and nothing before or after.
 */
export class Agent {
  #config: Config
  readonly #options: AgentOptions
  readonly #world: AgentWorld
  #run: AgentRun | undefined
  /** Waits to be taken over. */
  #next: Config | undefined
  /** To go back to, until its successor has begun. */
  #before: Config | undefined
  /** Why its successor did not begin, until that is told. */
  #refused: unknown
  /** Ends what runs with the present configuration. */
  #turn = new AbortController()
  #observer: AgentObserver | undefined

  constructor(config: Config, options: AgentOptions = {}) {
    this.#config = config
    this.#options = options
    this.#world = realWorld(options.now)
  }

  /**
   * Runs until the signal aborts (`once`: until all is delivered). A stop closes no window: open
   * totals are committed and taken up by the next run. While another process has the state it
   * waits, unless `once`. Resolves to undefined when it was stopped while it waited. Metrics and
   * health are at `observe.listen` of the configuration for as long as it runs, unless `once`.
   * @throws {MeterFastError} METER_STATE_LOCKED with `once`, METER_STATE_CORRUPT, METER_DISK,
   *   METER_CONFIG_INVALID; with `once` also METER_SINK_UNREACHABLE.
   */
  async run(signal: AbortSignal): Promise<AgentReport | undefined> {
    try {
      for (;;) {
        this.#takeNext()
        this.#turn = new AbortController()
        const report = await this.#runConfigured(AbortSignal.any([signal, this.#turn.signal]))
        if (signal.aborted || this.#next === undefined) return report
      }
    } finally {
      await this.#options.sink?.close()
    }
  }

  /**
   * Goes on with the configuration that `load` gives, of the same state; told by the signal
   * `reloaded`, or by `reload-refused`, after which the one before goes on. A later call wins over
   * one that waits. A one-shot run has one configuration.
   */
  async reload(load: () => Config | Promise<Config>): Promise<void> {
    try {
      const next = await load()
      this.#mayFollow(next)
      this.#next = next
      this.#turn.abort()
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** @throws {MeterFastError} METER_CONFIG_INVALID */
  #mayFollow({ state }: Config): void {
    const { dir } = this.#config.state
    if (this.#options.once || this.#options.dryRun) {
      throw new MeterFastError('METER_CONFIG_INVALID', 'a one-shot run has one configuration')
    }
    if (state.dir === dir) return
    const what = `state.dir cannot change from ${dir} to ${state.dir} while the agent runs`
    throw new MeterFastError('METER_CONFIG_INVALID', `${what}: stop it and start it again`)
  }

  #takeNext(): void {
    if (this.#next === undefined) return
    this.#before ??= this.#config
    this.#config = this.#next
    this.#next = undefined
  }

  /** With the present configuration; with the one before it when it does not get so far. */
  async #runConfigured(signal: AbortSignal): Promise<AgentReport | undefined> {
    try {
      return await this.#runObserved(signal)
    } catch (error) {
      if (this.#before === undefined) throw error
      this.#config = this.#before
      this.#before = undefined
      // Told where metrics are counted again.
      this.#refused = error
      return await this.#runObserved(signal)
    } finally {
      this.#tellRefused()
    }
  }

  #tellRefused(): void {
    if (this.#refused === undefined) return
    this.#refuse(this.#refused)
    this.#refused = undefined
  }

  #refuse(error: unknown): void {
    const isKnown = error instanceof MeterFastError
    this.#tell({
      kind: 'reload-refused',
      message: isKnown ? error.message : `${(error as Error)?.stack ?? error}`,
    })
  }

  async #runObserved(signal: AbortSignal): Promise<AgentReport | undefined> {
    const { dryRun, stdout, sink } = this.#options
    await this.#startObserver()
    try {
      const made = sink ?? (await makeSink(dryRun ? { type: 'stdout' } : this.#config.sink, stdout))
      const target = this.#observer?.watchSink(made) ?? made
      try {
        if (dryRun) return await this.#runOn(openMemoryState(), target, undefined, signal)
        return await this.#runOnDisk(target, signal)
      } finally {
        if (sink === undefined) await target.close()
      }
    } finally {
      await this.#observer?.close()
      this.#observer = undefined
    }
  }

  /** A one-shot run beside an agent of the same configuration must not want its address. */
  async #startObserver(): Promise<void> {
    const { listen } = this.#config.observe
    if (listen === undefined || this.#options.once || this.#options.dryRun) return
    const { AgentObserver } = await import('./agent/observe.ts')
    this.#observer = await AgentObserver.start(listen, this.#config, this.#world)
    this.#tell({ kind: 'listening', address: this.#observer.address })
  }

  /**
   * Every outcome of lines, gap, close by time, hold and resend so far, committed or not; undefined
   * while the agent does not run.
   */
  counters(): AgentReport | undefined {
    return this.#run?.report()
  }

  async #runOnDisk(sink: Sink, signal: AbortSignal): Promise<AgentReport | undefined> {
    const { dir, reserveBytes } = this.#config.state
    const reserve = new DiskReserve(dir, reserveBytes, stateNative)
    for (let fault = ''; ; ) {
      const store = await this.#open(signal)
      if (store === undefined) return undefined
      if (fault !== '') this.#tellReopened(store, fault)
      try {
        return await this.#runOn(store, sink, reserve, signal)
      } catch (error) {
        fault = this.#survivable(error, reserve)
      }
      await this.#world.sleep(TRY_AGAIN_MS, signal)
      if (signal.aborted) return undefined
    }
  }

  async #runOn(
    store: StateStore,
    sink: Sink,
    reserve: DiskReserve | undefined,
    signal: AbortSignal,
  ): Promise<AgentReport> {
    const observer = this.#observer
    const world = observer?.watchLoop(this.#world) ?? this.#world
    const { dir } = this.#config.state
    const onDisk = reserve && { reserve, desk: new RequestDesk(dir, store, () => world.now()) }
    const parts = { store, sink, world, observer, ...onDisk }
    const onSignal = (one: AgentSignal): void => {
      this.#tell(one)
      if (one.kind === 'started') this.#begun()
    }
    const run = new AgentRun(this.#config, { ...this.#options, onSignal }, parts)
    this.#run = run
    try {
      return await run.run(signal)
    } finally {
      this.#run = undefined
      await run.close()
      await store.close()
    }
  }

  /** The state, once no other process has it; undefined after a stop. */
  async #open(signal: AbortSignal): Promise<StateStore | undefined> {
    for (let isTold = false; !signal.aborted; ) {
      try {
        return await openState(this.#config.state.dir, stateNative)
      } catch (error) {
        const isLocked = error instanceof MeterFastError && error.code === 'METER_STATE_LOCKED'
        if (!isLocked || this.#options.once) throw error
        if (!isTold) this.#tell({ kind: 'waiting', message: error.message })
        isTold = true
      }
      await this.#world.sleep(TRY_AGAIN_MS, signal)
    }
    return undefined
  }

  /** The message of an error after which the next run may go on. @throws any other error */
  #survivable(error: unknown, reserve: DiskReserve): string {
    const isDisk = error instanceof MeterFastError && error.code === 'METER_DISK'
    if (!isDisk || this.#options.once || !reserve.isFull()) throw error
    if (reserve.isHeld) this.#tell({ kind: 'disk-full' })
    reserve.give()
    return error.message
  }

  #tellReopened(store: StateStore, message: string): void {
    new Counters(store).add('commits_failed', 1)
    this.#tell({ kind: 'reopened', message })
  }

  /** The present configuration has its state, its sink and its address. */
  #begun(): void {
    this.#tellRefused()
    if (this.#before === undefined) return
    this.#before = undefined
    this.#tell({ kind: 'reloaded' })
  }

  #tell(signal: AgentSignal): void {
    this.#observer?.note(signal)
    this.#options.onSignal?.(signal)
  }
}
