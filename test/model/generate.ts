// Sequences from seeds. A sequence has a theme or two, which make some actions common in it: a mud
// of everything at once seldom goes deep anywhere.

import { Dice } from '../reference/dice.ts'
import { LineSource } from './line-source.ts'
import type { Action, Answer, Line, Sequence, Setup } from './sequence.ts'

const THEMES = ['crash', 'rotate', 'sink', 'clock', 'disk', 'settings', 'files'] as const
type Theme = (typeof THEMES)[number]

/** Each of these waits for a real disk, or what /dev/shm makes of one. */
const LMDB_SHARE = Number(process.env['METER_FAST_LMDB_SHARE'] ?? 0.005)

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const YEAR_MS = 365 * 24 * HOUR_MS

const ANSWERS: readonly Answer[] = [
  ...['accept', 'answerLost', 'answerLost', 'requestLost', 'tooMany', 'stopsHalfway'],
  ...['dropsSome', 'unreadable', 'hangs', 'unreachable', 'unauthorized', 'misconfigured'],
  'tooLarge',
] as readonly Answer[]

/** The same seed gives the same sequence. */
export function generate(seed: number): Sequence {
  const dice = new Dice(seed)
  const themes = new Set<Theme>([dice.pick(THEMES), dice.pick(THEMES)])
  const setup = setupOf(dice, themes)
  const actions = new ActionSource(dice, setup, themes)
  return { setup, actions: Array.from({ length: 6 + dice.below(20) }, () => actions.next()) }
}

function setupOf(dice: Dice, themes: ReadonlySet<Theme>): Setup {
  const kinds = ['raw', 'raw', 'cri', 'pod'] as const
  const logs = dice.chance(0.25) ? [dice.pick(kinds), dice.pick(kinds)] : [dice.pick(kinds)]
  const ahead = [0, 0, 2_000, -2_000, -5 * MINUTE_MS, 3 * HOUR_MS, YEAR_MS]
  return {
    logs,
    rotation: dice.pick(['dated', 'numbered']),
    wallAheadMs: themes.has('clock') ? dice.pick(ahead) : dice.pick(ahead.slice(0, 5)),
    windowMs: dice.pick([MINUTE_MS, MINUTE_MS, 10_000, 1_000, HOUR_MS]),
    dedup: dice.pick(['ever', 'ever', 'none', 2 * MINUTE_MS]),
    ...(dice.chance(LMDB_SHARE) && { store: 'lmdb' as const }),
    ...(dice.chance(0.1) && { limits: 'tight' as const }),
    ...(dice.chance(0.4) && { inodes: 'reused' as const }),
    ...(dice.chance(0.1) && { connectionSeconds: 'per_request_floor' as const }),
    ...(dice.chance(0.05) && { hold: true as const }),
  }
}

class ActionSource {
  readonly #dice: Dice
  readonly #lines: LineSource[]
  readonly #logs: number
  readonly #weights: readonly (readonly [number, () => Action])[]
  #isRunning = false
  readonly #planned: Action[] = []

  constructor(dice: Dice, setup: Setup, themes: ReadonlySet<Theme>) {
    this.#dice = dice
    this.#logs = setup.logs.length
    this.#lines = setup.logs.map((kind) => new LineSource(dice, kind, setup.windowMs))
    const often = (theme: Theme, weight: number, usual: number): number =>
      themes.has(theme) ? weight : usual
    this.#weights = [
      [30, () => this.#write()],
      [30, () => this.#pass()],
      [often('crash', 12, 3), () => this.#end('kill')],
      [3, () => this.#end('stop')],
      [2, () => this.#end('once')],
      [often('rotate', 15, 4), () => this.#file('rotate')],
      [often('rotate', 4, 1), () => this.#file('rename')],
      [often('rotate', 4, 1), () => this.#file('reopen')],
      [often('rotate', 2, 0.3), () => this.#file('back')],
      [often('rotate', 5, 1), () => this.#gzip()],
      [often('files', 4, 0.5), () => this.#file('truncate')],
      [often('files', 6, 0.5), () => this.#copyTruncate()],
      [often('files', 3, 0.3), () => this.#delete()],
      [often('files', 2, 0.3), () => this.#file('late')],
      [often('files', 5, 1), () => this.#file('attempt')],
      [often('files', 2, 0.3), () => this.#file('deletePod')],
      [often('clock', 8, 0.5), () => this.#clock()],
      [often('sink', 12, 1), () => this.#sink()],
      [often('sink', 3, 0.2), () => this.#poison()],
      [often('disk', 6, 0.5), () => this.#disk()],
      [often('settings', 8, 0.3), () => this.#configure()],
      [often('settings', 4, 0.3), () => this.#ask()],
    ]
  }

  next(): Action {
    const planned = this.#planned.shift()
    if (planned !== undefined) return planned
    if (!this.#isRunning && this.#dice.chance(0.4)) {
      this.#isRunning = true
      return { do: 'start' }
    }
    const all = this.#weights.reduce((sum, [weight]) => sum + weight, 0)
    let at = (this.#dice.below(2 ** 20) / 2 ** 20) * all
    for (const [weight, make] of this.#weights) {
      at -= weight
      if (at < 0) return make()
    }
    return this.#pass()
  }

  get #log(): number {
    return this.#dice.below(this.#logs)
  }

  /** Some changes come in the middle of the agent's work. */
  get #inside(): { inside?: number } {
    return this.#dice.chance(0.25) ? { inside: 1 + this.#dice.below(60) } : {}
  }

  #write(): Action {
    const dice = this.#dice
    const log = this.#log
    const source = this.#lines[log] as LineSource
    const lines = source.lines(1 + dice.below(dice.pick([2, 4, 8])))
    const withheld = dice.chance(0.2) ? { withheld: 1 + dice.below(150) } : {}
    return { do: 'write', log, lines, ...withheld, ...this.#inside }
  }

  #pass(): Action {
    const dice = this.#dice
    const choices = [300, 1_200, 2_500, 5_000, 40_000, 100_000, 10 * MINUTE_MS]
    const ms = dice.pick(dice.chance(0.05) ? [HOUR_MS, 26 * HOUR_MS] : choices)
    for (const source of this.#lines) source.pass(ms)
    return { do: 'pass', ms, wakes: 1 + dice.below(6) }
  }

  #end(how: 'kill' | 'stop' | 'once'): Action {
    const dice = this.#dice
    const operations = 1 + dice.below(dice.pick([10, 60, 300]))
    const isBegun = this.#isRunning
    this.#isRunning = false
    if (how === 'kill') return { do: 'kill', after: operations }
    if (how === 'stop' || isBegun) return { do: 'stop' }
    return dice.chance(0.5) ? { do: 'once' } : { do: 'once', killedAfter: operations }
  }

  #file(
    what: 'rotate' | 'rename' | 'reopen' | 'back' | 'truncate' | 'late' | 'attempt' | 'deletePod',
  ) {
    return { do: what, log: this.#log, ...this.#inside }
  }

  /** As logrotate does it: what is written in between is in neither file. */
  #copyTruncate(): Action {
    const log = this.#log
    const source = this.#lines[log] as LineSource
    if (this.#dice.chance(0.3)) this.#planned.push(this.#pass())
    this.#planned.push({ do: 'copy', log, ...this.#inside })
    if (this.#dice.chance(0.3)) this.#planned.push(this.#pass())
    this.#planned.push({ do: 'truncate', log, ...this.#inside })
    return { do: 'write', log, lines: [{ ...(source.lines(1)[0] as Line), pad: 1_200 }] }
  }

  #gzip(): Action {
    const dice = this.#dice
    const steps = dice.pick([1, 1, 2, 3])
    return { do: 'gzip', log: this.#log, which: dice.below(2), steps, ...this.#inside }
  }

  #delete(): Action {
    return { do: 'delete', log: this.#log, which: this.#dice.below(2), ...this.#inside }
  }

  #clock(): Action {
    const steps = [900, -900, HOUR_MS, -HOUR_MS, 10 * YEAR_MS, -10 * YEAR_MS]
    return { do: 'clock', stepMs: this.#dice.pick(steps) }
  }

  #sink(): Action {
    const dice = this.#dice
    const length = 1 + dice.below(dice.pick([2, 8]))
    return { do: 'sink', answers: Array.from({ length }, () => dice.pick(ANSWERS)) }
  }

  #poison(): Action {
    return { do: 'poison', status: this.#dice.pick([207, 400, null] as const) }
  }

  #ask(): Action {
    const requests = ['unattributed', 'unattributed', 'rejected', 'release'] as const
    return { do: 'ask', for: this.#dice.pick(requests) }
  }

  #disk(): Action {
    return { do: 'disk', state: this.#dice.pick(['fails-once', 'full', 'works', 'works'] as const) }
  }

  #configure(): Action {
    const dice = this.#dice
    const changes = [
      { windowMs: dice.pick([MINUTE_MS, 10_000, 1_000]) },
      { region: `r-${dice.below(3)}` },
      { spoolBytesMax: dice.pick([1, 1_000, 100_000]) },
    ]
    return { do: 'configure', to: dice.pick(changes) }
  }
}
