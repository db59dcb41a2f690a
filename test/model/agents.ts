// The agent of a sequence, life after life: begun on the state that is there, driven through
// simulated time, stopped or killed, and taken away. All of it is the product's: AgentRun with its
// tail, core, staging, rendering, spool, outbox and sender.

import { RequestDesk } from '../../src/agent/requests.ts'
import { AgentRun } from '../../src/agent/run.ts'
import type { AgentSignal } from '../../src/agent.ts'
import type { Config } from '../../src/config/config.ts'
import { MeterFastError } from '../../src/errors.ts'
import { Life } from './life.ts'
import type { Receiver } from './receiver.ts'
import type { Simulation } from './simulation.ts'
import type { StateDisk } from './state-disk.ts'
import { real } from './system.ts'
import { check, Violation } from './violation.ts'

/** Moments after which an agent that is to end has not. */
const JUMPS_MAX = 5_000
const SMALL_SPOOL_BYTES = 1_000_000
const TRY_AGAIN_MS = 500
const KILL_WITHIN_MS = 10_000
/** Longer than an agent waits for files to come back into a directory without any. */
const EMPTY_MS = 310_000

export class Agents {
  readonly lives: Life[] = []
  readonly signals: AgentSignal[] = []
  /** Configurations, by the number of the life. */
  readonly configs: Config[] = []
  readonly #simulation: Simulation
  readonly #disk: StateDisk
  readonly #receiver: Receiver
  readonly #seed: number
  #stop = new AbortController()
  #isOnce = false
  #failuresBefore = 0

  constructor(simulation: Simulation, disk: StateDisk, receiver: Receiver, seed: number) {
    this.#simulation = simulation
    this.#disk = disk
    this.#receiver = receiver
    this.#seed = seed
  }

  get isRunning(): boolean {
    return this.lives.at(-1)?.isRunning === true
  }

  async start(config: Config, once = false): Promise<void> {
    const life = new Life(this.lives.length)
    this.lives.push(life)
    this.configs.push(config)
    this.#stop = new AbortController()
    this.#isOnce = once
    life.isOnce = once
    this.#failuresBefore = this.#disk.failures
    this.#simulation.begin(life)
    void this.#live(life, config)
    await this.#simulation.settle()
    await this.#reap()
  }

  async #live(life: Life, config: Config): Promise<void> {
    const { signal } = this.#stop
    try {
      let isOver = false
      while (!isOver) isOver = await this.#runOn(life, config, signal)
    } catch (error) {
      life.error = error
    }
    life.isOver = true
  }

  /** One run on the state; false when a commit failed and the state is to be opened anew. */
  async #runOn(life: Life, config: Config, signal: AbortSignal): Promise<boolean> {
    const once = this.#isOnce
    const onSignal = (one: AgentSignal): void => {
      this.signals.push(one)
    }
    life.forgets()
    const store = this.#disk.open(life)
    const run = new AgentRun(
      config,
      { once, onSignal },
      {
        store,
        sink: this.#receiver.sinkOf(life),
        reserve: this.#disk.reservePart,
        desk: new RequestDesk(this.#disk.directory, store, () => this.#simulation.nowMs()),
        world: this.#simulation.world(this.#seed + life.number),
      },
    )
    try {
      life.report = await run.run(signal)
      return true
    } catch (error) {
      const isDisk = error instanceof MeterFastError && error.code === 'METER_DISK'
      if (!isDisk || once || this.#disk.failures === this.#failuresBefore) throw error
      this.#failuresBefore = this.#disk.failures
    } finally {
      await run.close()
      await this.#disk.close()
    }
    // As Agent does it.
    if (this.#disk.reserve.isFull()) this.#disk.reserve.give()
    life.isPausing = true
    await this.#simulation.sleep(TRY_AGAIN_MS, signal)
    life.isPausing = false
    return signal.aborted
  }

  async pass(ms: number, wakes: number): Promise<void> {
    await this.#simulation.pass(ms, wakes)
    await this.#reap()
  }

  /** The agent does so many operations more, or as many as come in some seconds. */
  async kill(after: number): Promise<void> {
    const life = this.lives.at(-1)
    if (!life?.isRunning) return
    life.diesAt = life.operations + after
    await this.#simulation.pass(KILL_WITHIN_MS, 8)
    life.die()
    await this.#reap()
  }

  /** As SIGTERM does. */
  async stop(): Promise<void> {
    if (!this.isRunning) return
    this.#stop.abort()
    await this.#untilOver('a stop')
  }

  /** A run that ends by itself, or is killed after so many operations. */
  async once(config: Config, killedAfter = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.isRunning) return
    const started = this.start(config, true)
    const life = this.lives.at(-1) as Life
    life.diesAt = killedAfter
    await started
    await this.#untilOver('a one-shot run')
  }

  async #untilOver(what: string): Promise<void> {
    const life = this.lives.at(-1) as Life
    await this.#simulation.settle()
    for (let jumps = 0; life.isRunning; jumps += 1) {
      const isStuck = jumps > JUMPS_MAX || !(await this.#simulation.jump())
      if (this.#mayWaitForEver && jumps > 50) life.die()
      else if (isStuck) this.#simulation.report(new Violation('I10', `${what} never ends`))
    }
    await this.#reap()
  }

  /** On a full disk it waits for room, and with a full spool for the time of its windows. */
  get #mayWaitForEver(): boolean {
    const { spoolBytesMax } = (this.configs.at(-1) as Config).state
    return this.#disk.state === 'full' || spoolBytesMax < SMALL_SPOOL_BYTES
  }

  /** All is read and every window is long over: the agent has closed them, or is kept from it. */
  async checkClosed(): Promise<void> {
    const life = this.lives.at(-1)
    if (!life?.isRunning || life.isOnce || this.#mayWaitForEver) return
    if (life.hasOpenSegment) {
      // What was in a directory that is empty now may come back for some minutes.
      await this.pass(EMPTY_MS, 1)
      await this.pass(4_000, 4)
    }
    check('I10', !life.hasOpenSegment, () => 'a window that is over for long stays open')
  }

  /** Takes a life that has ended away. @throws {Violation} */
  async #reap(): Promise<void> {
    const life = this.lives.at(-1)
    this.#simulation.flush()
    if (life === undefined || life.isRunning || this.#simulation.life !== life) return
    // Whatever it can still do it does now, before another life begins.
    await real.turn()
    while (life.reads > 0) await real.turn()
    life.bury()
    this.#simulation.life = undefined
    await this.#disk.close()
    if (this.#simulation.violation) throw this.#simulation.violation
    if (life.error !== undefined && !this.#isExpected(life.error)) {
      const { error } = life
      throw new Violation('run', error instanceof Error ? (error.stack ?? '') : String(error))
    }
  }

  /** A full disk, or a one-shot run without its sink: that is what the sequence asked for. */
  #isExpected(error: unknown): boolean {
    if (!(error instanceof MeterFastError)) return false
    if (error.code === 'METER_DISK') {
      const isFull = this.#isOnce && error.message.startsWith('the spool holds')
      return isFull || this.#disk.failures > this.#failuresBefore
    }
    return error.code === 'METER_SINK_UNREACHABLE' && this.#receiver.wasUnreachable
  }

  /** The life was killed or failed. */
  isBroken(number: number): boolean {
    const life = this.lives[number]
    return life === undefined || life.isDead || life.hasFailed || life.error !== undefined
  }
}
