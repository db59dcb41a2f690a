// What people should know about the spool before it is too late: it fills up, or usage waits for
// longer than a sink remembers ids or takes late events. Each is told once for as long as it lasts.

import type { AgentSignal } from './signal.ts'

const HOUR_MS = 3_600_000
/** A day, and ten days before the end of the 30 in which billing takes late events. */
const AGES_MS = [24 * HOUR_MS, 20 * 24 * HOUR_MS]
const HALF = 0.5

export type SpoolAlarm = Extract<AgentSignal, { kind: 'spool-half-full' | 'unsent-old' }>

export class SpoolAlarms {
  readonly #bytesMax: number
  #wasHalfFull = false
  /** How many of AGES_MS are passed. */
  #passed = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** What has become so since the last look; `oldestMs` is the oldest window that may be sent. */
  news(bytes: number, oldestMs: number | undefined, nowMs: number): SpoolAlarm[] {
    const alarms: SpoolAlarm[] = []
    const isHalfFull = bytes >= HALF * this.#bytesMax
    if (isHalfFull && !this.#wasHalfFull) {
      alarms.push({ kind: 'spool-half-full', bytes, bytesMax: this.#bytesMax })
    }
    this.#wasHalfFull = isHalfFull
    const ageMs = oldestMs === undefined ? 0 : nowMs - oldestMs
    const passed = AGES_MS.filter((limitMs) => ageMs >= limitMs).length
    if (passed > this.#passed) alarms.push({ kind: 'unsent-old', ageMs })
    this.#passed = passed
    return alarms
  }
}
