// What a gateway writes into one log, on a clock that follows simulated time: short requests, late
// ones, records of long ones, traffic without a project, junk; now and then the clock jumps.

import type { Dice } from '../reference/dice.ts'
import type { Line, LogKind } from './sequence.ts'

const HOUR_MS = 3_600_000

/** `#` becomes the number of the line, and a blank line has so many blanks. */
const JUNK = [
  '',
  'started #',
  '{#',
  '{"bytes_sent":#',
  '{"bytes_sent":#,"bytes_sent":2}',
  '{"n":#}',
]

interface LongRequest {
  readonly request: number
  readonly startMs: number
  sent: number
}

export class LineSource {
  readonly #dice: Dice
  readonly #isCri: boolean
  readonly #windowMs: number
  readonly #running: LongRequest[] = []
  #nowMs = 0
  #requests = 0

  constructor(dice: Dice, kind: LogKind, windowMs: number) {
    this.#dice = dice
    this.#isCri = kind !== 'raw'
    this.#windowMs = windowMs
  }

  pass(ms: number): void {
    this.#nowMs += ms
  }

  lines(count: number): Line[] {
    if (this.#dice.chance(0.06)) this.#jump()
    return Array.from({ length: count }, (_, index) => this.#line(index === count - 1))
  }

  #line(isLast: boolean): Line {
    const dice = this.#dice
    this.#nowMs += dice.below(dice.pick([10, 1_000, this.#windowMs]))
    const line = this.#content()
    if (!this.#isCri) return line
    if (isLast && dice.chance(0.1)) return { ...line, open: true }
    return dice.chance(0.15) ? { ...line, parts: 2 + dice.below(2) } : line
  }

  #content(): Line {
    const dice = this.#dice
    if (dice.chance(0.06)) return { at: this.#nowMs, junk: dice.pick(JUNK) }
    if (dice.chance(0.15)) return this.#longRecord()
    const lateMs = dice.chance(0.1) ? dice.below(dice.pick([5_000, HOUR_MS])) : 0
    const ms = dice.pick([0, 300, 999, 1_000, 2_500])
    return {
      at: this.#nowMs - lateMs,
      ...(dice.chance(0.5) && { project: dice.pick(['p-b', 'p-c', 'p-x', null, 'Not Good']) }),
      ...(dice.chance(0.3) && { route: dice.pick(['grpcroute/n/g', 'httproute/n/v', 'x', null]) }),
      ...(dice.chance(0.5) && { sent: dice.below(2_000) }),
      ...(dice.chance(0.3) && { received: dice.below(300) }),
      ...(ms > 0 && { ms }),
      ...(dice.chance(0.04) && { pad: 1_200 }),
    }
  }

  #longRecord(): Line {
    const dice = this.#dice
    if (this.#running.length === 0 || dice.chance(0.3)) {
      this.#requests += 1
      this.#running.push({ request: this.#requests, startMs: this.#nowMs, sent: 0 })
    }
    const one = dice.pick(this.#running)
    const isEnd = dice.chance(0.3)
    if (isEnd) this.#running.splice(this.#running.indexOf(one), 1)
    one.sent = dice.chance(0.05) ? 1 : one.sent + dice.below(500)
    const ms = Math.max(0, this.#nowMs - one.startMs)
    const type = isEnd ? {} : { type: dice.pick(['Periodic', 'Periodic', 'Start'] as const) }
    return { at: one.startMs + ms, request: one.request, sent: one.sent, ms, ...type }
  }

  #jump(): void {
    const hours = [-2, -25, 1, 3, 25, -0.9]
    this.#nowMs += this.#dice.pick(hours) * HOUR_MS
  }
}
