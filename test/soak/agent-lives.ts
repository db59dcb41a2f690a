// `meter-fast run` that is ended at random and started again, and what it uses while it lives.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from '../agent/rig.ts'
import type { Dice } from '../reference/dice.ts'

const SAMPLE_MS = 2_000

/** What one process uses at one moment. */
export interface Sample {
  /** Since the soak began. */
  readonly minutes: number
  /** Of this process. */
  readonly ageS: number
  readonly life: number
  readonly rssMib: number
  readonly anonymousMib: number
  readonly fds: number
  readonly stateMib: number
}

export class AgentLives {
  readonly samples: Sample[] = []
  /** Lines of stderr that no life should print. */
  readonly alarms: string[] = []
  faultsTold = 0
  kills = 0
  terms = 0
  readonly #configPath: string
  readonly #stateDir: string
  readonly #dice: Dice
  readonly #longLife: { readonly fromMs: number; readonly forMs: number }
  readonly #beganMs = performance.now()
  readonly #end = new AbortController()
  #life = 0
  #hadLongLife = false

  /** After a third of `minutes` one process lives for a quarter of them, so that memory settles. */
  constructor(configPath: string, stateDir: string, dice: Dice, minutes: number) {
    this.#configPath = configPath
    this.#stateDir = stateDir
    this.#dice = dice
    this.#longLife = { fromMs: 20_000 * minutes, forMs: 15_000 * minutes }
  }

  /** One life after another until `stop`. @throws when a life ends by itself. */
  async run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      await this.#live()
      await delay(this.#dice.below(2_000))
    }
  }

  stop(): void {
    this.#end.abort()
  }

  async #live(): Promise<void> {
    const agent = new Command('run', '-c', this.#configPath)
    const beganMs = performance.now()
    this.#life += 1
    const lifeMs = this.#drawLifeMs()
    while (performance.now() - beganMs < lifeMs && !this.#end.signal.aborted) {
      const restMs = lifeMs - (performance.now() - beganMs)
      await delay(Math.max(0, Math.min(SAMPLE_MS, restMs)), undefined).catch(() => undefined)
      if (agent.isOver) throw new Error(`run ended by itself: ${agent.stderr}`)
      this.#sample(agent.pid, (performance.now() - beganMs) / 1000)
    }
    const isKill = this.#dice.chance(0.7)
    if (isKill) this.kills += 1
    else this.terms += 1
    await agent.end(isKill ? 'SIGKILL' : 'SIGTERM')
    this.#read(agent.stderr)
  }

  #drawLifeMs(): number {
    if (!this.#hadLongLife && performance.now() - this.#beganMs > this.#longLife.fromMs) {
      this.#hadLongLife = true
      return this.#longLife.forMs
    }
    return 1_000 + this.#dice.below(this.#dice.pick([2_000, 3_000, 5_000, 20_000, 90_000]))
  }

  #read(stderr: string): void {
    for (const text of stderr.split('\n')) {
      if (text.includes(' sink: ')) this.faultsTold += 1
      if (/GAP|refused by the sink|corrupt|bug/i.test(text)) this.alarms.push(text)
    }
  }

  #sample(pid: number, ageS: number): void {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      const kib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1])
      this.samples.push({
        minutes: (performance.now() - this.#beganMs) / 60_000,
        ageS,
        life: this.#life,
        rssMib: kib('VmRSS') / 1024,
        anonymousMib: kib('RssAnon') / 1024,
        fds: readdirSync(`/proc/${pid}/fd`).length,
        stateMib: bytesOf(this.#stateDir) / 1024 / 1024,
      })
    } catch {
      // It ended between two reads: there is nothing to measure.
    }
  }
}

/** Bytes of the files in a directory. */
export function bytesOf(directory: string): number {
  return readdirSync(directory)
    .map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0)
}

/** Growth a minute by least squares; 0 when there is too little to tell. */
export function slope(samples: readonly Sample[], of: (sample: Sample) => number): number {
  if (samples.length < 3) return 0
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  const xs = samples.map(({ minutes }) => minutes)
  const ys = samples.map(of)
  const [x0, y0] = [mean(xs), mean(ys)]
  const spread = xs.reduce((sum, x) => sum + (x - x0) ** 2, 0)
  const joint = xs.reduce((sum, x, at) => sum + (x - x0) * ((ys[at] ?? 0) - y0), 0)
  return spread === 0 ? 0 : joint / spread
}
