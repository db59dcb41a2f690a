// A crash story: a log of three windows and two rotations, an agent with a sink that deduplicates
// by id, a fault at one point of its life, lives without a fault to the end, and what must be true
// then.
//
// Two tellings: in the first all of the log is there and `run --once` reads it; in the second `run`
// follows the log while it is written and rotated. Both end with a `run --once` that nothing
// disturbs.

import { existsSync, mkdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { difference, idOf, parseEvent, SAME, sumsPerProject } from '../agent/bills.ts'
import { Receiver } from '../agent/rig.ts'
import { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'
import { type Fault, FaultyAgent, type Point } from './faulty-agent.ts'
import { type LogKind, type StoryLog, storyLog, WINDOW_MS } from './story-log.ts'

export interface Story {
  readonly log: LogKind
  readonly sink: 'file' | 'gateway'
  /** `run` while the log is written; else `run --once` when it is. */
  readonly follows: boolean
}

export interface StorySetup {
  /** Of fault.cc. */
  readonly library: string
  readonly seed: number
  readonly fault?: Fault | undefined
  /** Lives with the fault. */
  readonly lives?: number
  /** A command in front of the first life. */
  readonly before?: readonly string[]
}

/** What became of it. */
export interface Told {
  /** Points of the first life. */
  readonly points: readonly Point[]
  /** How each life ended, the last one included. */
  readonly endings: readonly (number | string)[]
  /** What the lives said, the last one left out. */
  readonly stderr: string
  /** Whatever is not as it must be; empty when all is well. */
  readonly problems: readonly string[]
}

const DIMENSIONS = { region: 'us-east-1' }
const ONCE_START_MS = Date.UTC(2026, 0, 5, 12)
/** No window of a log that is followed may end by the clock, and no event may wait for its time. */
const FOLLOW_AHEAD_MS = 60_000
/** Far more than a life needs, also on a busy machine. */
const LIFE_MS_MAX = 60_000
/** A life that a failing disk neither ends nor lets finish is asked to stop. */
const PATIENCE_MS = 8_000

/** Tells one story to its end. */
export async function tell(story: Story, setup: StorySetup): Promise<Told> {
  const directory = await mkdtemp(join(tmpdir(), 'meter-fast-crash-'))
  const gateway = story.sink === 'gateway' ? await startGateway() : undefined
  try {
    return await new Scene(story, setup, directory, gateway).play()
  } finally {
    await gateway?.close()
    if (process.env['METER_FAST_KEEP']) console.log(`kept ${directory}`)
    else await rm(directory, { recursive: true, force: true })
  }
}

class Scene {
  readonly #story: Story
  readonly #setup: StorySetup
  readonly #directory: string
  readonly #gateway: TestGateway | undefined
  readonly #log: StoryLog
  readonly #problems: string[] = []
  readonly #lives: FaultyAgent[] = []
  readonly #endings: (number | string)[] = []
  #parts: (() => void)[]

  constructor(story: Story, setup: StorySetup, directory: string, gateway?: TestGateway) {
    this.#story = story
    this.#setup = setup
    this.#directory = directory
    this.#gateway = gateway
    const aheadMs = Date.now() + FOLLOW_AHEAD_MS
    const startMs = story.follows ? aheadMs - (aheadMs % WINDOW_MS) : ONCE_START_MS
    const logs = join(directory, 'logs')
    mkdirSync(logs)
    this.#log = storyLog(story.log, logs, startMs, new Dice(setup.seed))
    this.#parts = [...this.#log.parts]
  }

  async play(): Promise<Told> {
    await this.#writeConfig()
    const { fault, lives = 1 } = this.#setup
    const isErring = fault !== undefined && fault.does !== 'kill' && fault.does !== 'torn'
    if (this.#story.follows) {
      this.#parts.shift()?.()
      const first = this.#start(false, fault)
      await this.#follow(first)
      await this.#end(first, isErring)
    }
    for (const part of this.#parts.splice(0)) part()
    while (this.#lives.length < lives) await this.#end(this.#start(true, fault), isErring)
    for (const ending of isErring ? [] : this.#endings) {
      if (ending !== 0 && ending !== 'SIGKILL') this.#problems.push(`a life ended with ${ending}`)
    }
    const stderr = this.#lives.map((agent) => agent.stderr).join('\n')
    const last = this.#start(true)
    const ending = await this.#end(last, false)
    if (ending !== 0) this.#problems.push(`the last life ended with ${ending}: ${last.stderr}`)
    await this.#compare()
    if ((stderr + last.stderr).includes('GAP')) this.#problems.push('it tells of a gap')
    const points = this.#lives[0]?.points() ?? []
    return { points, endings: this.#endings, stderr, problems: this.#problems }
  }

  #start(once: boolean, fault?: Fault): FaultyAgent {
    const { library, before } = this.#setup
    const args = ['run', ...(once ? ['--once'] : []), '-c', this.#configPath]
    const agent = new FaultyAgent(args, {
      library,
      directory: this.#directory,
      ...(before && this.#lives.length === 0 && { before }),
      fault,
    })
    this.#lives.push(agent)
    return agent
  }

  /** Writes the next part whenever a window has arrived; in the end the agent is stopped. */
  async #follow(agent: FaultyAgent): Promise<void> {
    const untilMs = performance.now() + LIFE_MS_MAX
    while (!agent.isOver && this.#parts.length > 0) {
      const closed = this.#closed()
      const hasArrived = async () => {
        const { stored } = await this.#received()
        return closed.every((id) => stored.has(id))
      }
      while (!agent.isOver && !(await hasArrived())) {
        if (performance.now() > untilMs) return void this.#problems.push('no window arrives')
        await delay(20)
      }
      if (!agent.isOver) this.#parts.shift()?.()
    }
    if (!agent.isOver) await agent.end('SIGTERM')
  }

  /** Ids of the windows that what is written so far has closed. */
  #closed(): string[] {
    const events = this.#wanted().map(parseEvent)
    const times = [...new Set(events.map(({ time }) => time))].sort()
    return events.filter(({ time }) => time !== times.at(-1)).map(({ id }) => id)
  }

  async #end(agent: FaultyAgent, isErring: boolean): Promise<number | string> {
    let ending = await agent.endedWithin(isErring ? PATIENCE_MS : LIFE_MS_MAX)
    if (ending === undefined && isErring) {
      // It goes on: then it must also stop when it is told to.
      void agent.end('SIGTERM')
      ending = await agent.endedWithin(LIFE_MS_MAX)
    }
    if (ending === undefined) {
      this.#problems.push(`it did not end: ${agent.stderr}`)
      ending = await agent.end('SIGKILL')
    }
    this.#endings.push(ending)
    return ending
  }

  get #statePath(): string {
    return join(this.#directory, 'state')
  }

  get #configPath(): string {
    return join(this.#directory, 'meter-fast.yaml')
  }

  get #usagePath(): string {
    return join(this.#directory, 'usage.ndjson')
  }

  async #writeConfig(): Promise<void> {
    const { source } = this.#log
    const sink = this.#gateway
      ? { type: 'milo-gateway', url: this.#gateway.url }
      : { type: 'file', path: this.#usagePath }
    const state = { dir: this.#statePath }
    const config = { window: '1s', streams: [source], sink, state, dimensions: DIMENSIONS }
    // JSON is YAML.
    await writeFile(this.#configPath, JSON.stringify({ ...config, on_missing_state: 'backfill' }))
  }

  #wanted(): string[] {
    return slowEvents(this.#log.generations, { ...this.#log.reading, dimensions: DIMENSIONS })
  }

  /** What the sink was given, in the eyes of a receiver that keeps the first of each id. */
  async #received(): Promise<Receiver> {
    const receiver = new Receiver()
    for (const text of await this.#sent()) receiver.take(idOf(text), text)
    return receiver
  }

  async #sent(): Promise<string[]> {
    if (this.#gateway) {
      const batches = this.#gateway.requests.map(({ body }) => JSON.parse(`${body}`) as unknown[])
      return batches.flat().map((event) => JSON.stringify(event))
    }
    const text = existsSync(this.#usagePath) ? await readFile(this.#usagePath, 'utf8') : ''
    // A line that a crash has cut is no event yet.
    return text.split('\n').slice(0, -1)
  }

  async #compare(): Promise<void> {
    const receiver = await this.#received()
    const wanted = this.#wanted()
    const [sums, truth] = [receiver.texts, wanted].map((texts) => textOf(sumsPerProject(texts)))
    if (sums !== truth) this.#problems.push(`received ${sums}, written ${truth}`)
    const found = JSON.stringify(difference(receiver.texts, wanted))
    if (found !== JSON.stringify(SAME)) this.#problems.push(`other events: ${found}`)
    if (receiver.changed.length > 0) this.#problems.push(`two texts: ${receiver.changed[0]}`)
  }
}

function textOf(sums: Readonly<Record<string, bigint>>): string {
  return Object.entries(sums)
    .map(([name, sum]) => `${name}=${sum}`)
    .join(' ')
}
