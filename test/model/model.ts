// Runs a sequence on a simulated node: each action as it comes, then an end in which nothing fails
// any more and all must be delivered. See sequence.ts for what actions mean.

import type { Config } from '../../src/config/config.ts'
import { readCounters } from '../../src/durable/counters.ts'
import { quarantined } from '../../src/durable/quarantine.ts'
import { putRequest } from '../../src/durable/requests.ts'
import { Spool } from '../../src/durable/spool.ts'
import { Agents } from './agents.ts'
import { CommitWatch } from './commit-watch.ts'
import { configOf, slowOptions } from './configuration.ts'
import type { FinalState } from './ledger-verdict.ts'
import { Life } from './life.ts'
import { LogNode } from './node.ts'
import { Receiver } from './receiver.ts'
import {
  type Action,
  type Configuration,
  type FileAction,
  MAP,
  type Request,
  type Sequence,
  type Setup,
} from './sequence.ts'
import { Simulation } from './simulation.ts'
import { StateDisk } from './state-disk.ts'
import { observe } from './system.ts'
import type { Run } from './verdict.ts'
import { check, Violation } from './violation.ts'

/** Later than every clock of a log. */
const END_MS = Date.UTC(2100, 0, 1)

const REQUESTS: readonly Request[] = ['release', 'unattributed', 'rejected']

/** Actions in which the agent has the time to look at its files. */
const PASSES: ReadonlySet<Action['do']> = new Set(['pass', 'once'])

export class Model {
  readonly #sequence: Sequence
  readonly #simulation: Simulation
  readonly #disk: StateDisk
  readonly #receiver: Receiver
  readonly #node: LogNode
  readonly #watch: CommitWatch
  readonly #agents: Agents
  #configuration: Configuration = {}

  constructor(sequence: Sequence, directory: string) {
    const { setup } = sequence
    this.#sequence = sequence
    this.#simulation = new Simulation(directory, setup)
    this.#receiver = new Receiver(this.#simulation, setup.dedup)
    this.#disk = new StateDisk(this.#simulation, setup.store === 'lmdb')
    this.#node = new LogNode(this.#simulation, setup)
    this.#watch = new CommitWatch(this.#receiver, (stream) => this.#node.streams.get(stream))
    this.#agents = new Agents(this.#simulation, this.#disk, this.#receiver, 1)
    this.#disk.onCommit = (changes, life) =>
      this.#checked(() => this.#watch.committed(changes, this.#disk.picture, life))
    this.#receiver.onRequest = (batch) =>
      this.#checked(() => this.#watch.requested(batch, this.#disk.picture))
    observe(this.#simulation)
  }

  /** @throws {Violation} when something is broken before all is delivered. */
  async run(): Promise<Run> {
    for (const action of this.#sequence.actions) {
      await this.#act(action)
      if (PASSES.has(action.do)) this.#node.looked()
    }
    const state = await this.#end()
    const agents = this.#agents
    return {
      watch: this.#watch,
      state,
      signals: agents.signals,
      receiver: this.#receiver,
      claims: this.#watch.claimsOf(this.#node.streams.values()),
      lives: agents.lives.length,
      commits: this.#disk.commits,
      isTight: this.#setup.limits === 'tight',
      isReplayed: this.#sequence.actions.some(
        (one) => one.do === 'ask' && one.for === 'unattributed',
      ),
      optionsOf: (life) => slowOptions(agents.configs[life.number] as Config, this.#setup),
      lifeOf: (number) => agents.lives[number] as Life,
      isBroken: (life) => agents.isBroken(life),
    }
  }

  /** All that a new agent delivers that knows nothing of what was before. */
  async deliverAnew(): Promise<Receiver> {
    const receiver = new Receiver(this.#simulation, 'ever')
    const disk = new StateDisk(this.#simulation, false)
    const agents = new Agents(this.#simulation, disk, receiver, 1)
    await agents.once({ ...this.#config, onMissingState: 'backfill' })
    return receiver
  }

  async close(): Promise<void> {
    this.#agents.lives.at(-1)?.bury()
    await this.#disk.close()
    this.#node.close()
  }

  get #setup(): Setup {
    return this.#sequence.setup
  }

  get #config(): Config {
    return configOf(this.#simulation.directory, this.#setup, this.#configuration)
  }

  #checked(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      this.#simulation.report(error)
    }
  }

  async #act(action: Action): Promise<void> {
    switch (action.do) {
      case 'pass':
        return this.#agents.pass(action.ms, action.wakes)
      case 'start':
        return this.#agents.isRunning ? undefined : this.#agents.start(this.#config)
      case 'kill':
        return this.#agents.kill(action.after)
      case 'stop':
        return this.#agents.stop()
      case 'once':
        return this.#agents.once(this.#config, action.killedAfter)
      case 'clock':
        return this.#simulation.step(action.stepMs)
      case 'sink':
        return this.#receiver.answer(action.answers)
      case 'poison':
        this.#receiver.poison = action.status
        return
      case 'disk':
        this.#disk.state = action.state
        return
      case 'ask':
        return this.#ask(action.for)
      case 'configure':
        this.#configuration = { ...this.#configuration, ...action.to }
        return
      default:
        this.#change(action)
    }
  }

  #change(action: FileAction): void {
    const { inside } = action
    if (inside === undefined || !this.#agents.isRunning) this.#node.act(action)
    else this.#simulation.plan(inside, () => this.#node.act(action))
  }

  /** Nothing fails any more, and the clock is late enough for everything. */
  async #end(): Promise<FinalState> {
    this.#simulation.flush()
    this.#disk.state = 'works'
    this.#receiver.answer([])
    this.#receiver.poison = null
    this.#configuration = { ...this.#configuration, spoolBytesMax: 2 ** 40 }
    for (let looks = 0; looks < 2; looks += 1) {
      await this.#agents.pass(1_200, 1)
      this.#node.looked()
    }
    this.#node.complete()
    this.#simulation.step(END_MS - this.#simulation.nowMs())
    await this.#agents.pass(4_000, 4)
    await this.#agents.checkClosed()
    await this.#agents.stop()
    await this.#agents.once(this.#config)
    const asked = new Set(this.#sequence.actions.map((one) => (one.do === 'ask' ? one.for : '')))
    if (this.#setup.hold) asked.add('release')
    for (const kind of REQUESTS) if (asked.has(kind)) this.#ask(kind)
    if (REQUESTS.some((kind) => asked.has(kind))) await this.#agents.once(this.#config)
    const life = new Life(-1)
    const store = this.#disk.open(life)
    const { events, held } = new Spool(store).counts()
    const state = { counts: readCounters(store), quarantine: [...quarantined(store)] }
    await this.#disk.close()
    check('I10', events === 0, () => `${events} events stay in the spool, ${held} of them held`)
    return state
  }

  /** As the command line does it: whoever has the state next carries it out. */
  #ask(kind: Request): void {
    if (kind === 'rejected') this.#watch.isSentAgain = true
    const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, map: MAP }
    const operation = { kind, ...(kind === 'unattributed' && all) }
    putRequest(this.#disk.directory, operation, this.#simulation.nowMs())
  }
}
