// The oracle: DESIGN sections 4 and 5 written down once more, slowly and alone, without any code of
// the product. Where it and the product differ, one of them is wrong, and the text decides which.

import { joinedLines } from './envelope.ts'
import { formatOf } from './format.ts'
import type { SlowOptions } from './options.ts'
import { type Amounts, type LineRecord, type Outcome, readLine } from './read-line.ts'
import { Segment, type Usage } from './segment.ts'

/** Lines before the stream's first clock: quarantined, or put into the first segment. */
export type Clockless = 'quarantine' | 'first-segment'

/** What only the record of a run can tell, because a wall clock or a person decided it. */
export interface Guide {
  /** The options that line `line` was read with, counted from 0. */
  optionsOf?(line: number): SlowOptions
  /** The stream goes on: a part without its end waits for it. */
  readonly goesOn?: boolean
  /** Asked after every line: was `part`, which is open, closed by time here? */
  closesByTime?(part: Segment): boolean
}

const HOUR_MS = 3_600_000
const STATE_AGE_MS_MAX = 24 * HOUR_MS
const EPOCHS_KEPT = 1_024
const NOTHING: Amounts = { egressBytes: 0n, ingressBytes: 0n, ms: 0n }

/** What a long-lived request has reported so far, and where its last report was put. */
interface Last extends Amounts {
  readonly segment: Segment
}

/** Meters one stream; `segments` are in the order in which they close. */
export class SlowMeter {
  readonly outcomes = new Map<string, number>()
  /** Parts of segments, those without usage too. */
  readonly segments: Segment[] = []
  readonly #clockless: Clockless
  readonly #guide: Guide
  #options: SlowOptions
  readonly #last = new Map<string, Last>()
  #epochs = [0]
  #open: Segment

  constructor(options: SlowOptions, clockless: Clockless, guide: Guide = {}) {
    this.#options = options
    this.#clockless = clockless
    this.#guide = guide
    this.#open = this.#newSegment(null, 0)
    this.segments.push(this.#open)
  }

  /** Folds all lines of the stream, to its end. */
  read(files: readonly Buffer[]): this {
    const { format = 'datum', envelope = 'auto', lineBytesMax = 1_048_576 } = this.#options
    const keys = formatOf(format)
    for (const [index, line] of joinedLines(files, envelope, lineBytesMax).entries()) {
      if (line.isCut && this.#guide.goesOn) continue
      this.#options = this.#guide.optionsOf?.(index) ?? this.#options
      const read = readLine(line, keys, lineBytesMax)
      this.#count(typeof read === 'string' ? read : this.#fold(read))
      if (this.#open.isOpen && this.#guide.closesByTime?.(this.#open)) {
        this.#goOn(this.#open.nextPart())
      }
    }
    return this
  }

  #count(outcome: string): void {
    for (const counts of [this.outcomes, this.#open.outcomes]) {
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
    }
  }

  #fold(record: LineRecord): Outcome | 'metered' {
    const refusal = this.#refusalByState(record)
    if (refusal !== null) {
      return refusal
    }
    if (record.amounts === null) {
      return 'quarantined.bad_number'
    }
    if (this.#isExcluded(record)) {
      return 'ignored.excluded'
    }
    const hasClock = record.clockMs !== null || this.#open.windowStartMs !== null
    if (!hasClock && this.#clockless === 'quarantine') {
      return 'quarantined.no_clock'
    }
    return this.#account(record, record.amounts)
  }

  #refusalByState({ isRequest, identity }: LineRecord): Outcome | null {
    const { streamStatesMax = 1_000_000 } = this.#options
    if (isRequest || (identity !== null && this.#last.has(identity))) {
      return null
    }
    if (identity === null) {
      return 'ignored.no_stream_id'
    }
    return this.#last.size >= streamStatesMax ? 'ignored.stream_state_full' : null
  }

  #isExcluded({ responseCode, responseFlags }: LineRecord): boolean {
    const { codes = [], flags = [] } = this.#options.exclude ?? {}
    return (
      codes.some((code) => code === responseCode) ||
      flags.some((flag) => responseFlags.includes(flag))
    )
  }

  #account(record: LineRecord, amounts: Amounts): Outcome | 'metered' {
    const next = this.#segmentFor(record.clockMs)
    const isMetered = record.reason === null
    // Only a line of the open segment can overflow: the next one begins at 0, and 2^53 always fits.
    if (isMetered && next === null && this.#open.overflowsWith(this.#usage(record, amounts))) {
      return 'quarantined.overflow'
    }
    this.#move(record.clockMs, next)
    const usage = this.#usage(record, amounts)
    if (isMetered) {
      this.#open.add(record, usage, this.#options.keysMax ?? 1_000_000)
    }
    if (record.reason !== null) {
      this.#open.addUnattributed(record.reason, record.project, record.route, usage)
    }
    this.#remember(record, amounts)
    if (record.isLenient) {
      this.#count('lenient')
    }
    return isMetered ? 'metered' : `unattributed.${record.reason}`
  }

  /** What a record adds: its amounts, less what the same request has reported before. */
  #usage({ identity, isRequest }: LineRecord, amounts: Amounts): Usage {
    const known = this.#last.get(identity ?? '') ?? NOTHING
    const isOther =
      amounts.egressBytes < known.egressBytes ||
      amounts.ingressBytes < known.ingressBytes ||
      amounts.ms < known.ms
    const last = isOther ? NOTHING : known
    return {
      requests: isRequest ? 1n : 0n,
      egressBytes: amounts.egressBytes - last.egressBytes,
      ingressBytes: amounts.ingressBytes - last.ingressBytes,
      ms: amounts.ms - last.ms,
      secondsFloor: amounts.ms / 1000n - last.ms / 1000n,
    }
  }

  #remember({ identity, isRequest }: LineRecord, amounts: Amounts): void {
    if (identity !== null && isRequest) {
      this.#last.delete(identity)
    } else if (identity !== null) {
      this.#last.set(identity, { ...amounts, segment: this.#open })
    }
  }

  /** Where a line with this clock goes if not into the open segment. */
  #segmentFor(clockMs: number | null): 'later' | 'epoch' | null {
    const { windowStartMs } = this.#open
    if (clockMs === null || windowStartMs === null) {
      return null
    }
    if (clockMs < windowStartMs - HOUR_MS) {
      return 'epoch'
    }
    return windowStart(clockMs, this.#open.windowMs) > windowStartMs ? 'later' : null
  }

  #move(clockMs: number | null, next: 'later' | 'epoch' | null): void {
    if (clockMs === null) {
      return
    }
    if (next !== null) {
      this.#forgetOld(this.#open.windowStartMs ?? 0)
      const epoch = next === 'epoch' ? this.#newEpoch(clockMs) : this.#open.epoch
      this.#goOn(this.#newSegment(clockMs, epoch))
    }
    if (this.#open.windowStartMs === null) {
      this.#open.windowMs = this.#options.windowMs ?? 60_000
      this.#open.windowStartMs = windowStart(clockMs, this.#open.windowMs)
    }
  }

  /** A window is as long as the options say that its first line is read with. */
  #newSegment(clockMs: number | null, epoch: number): Segment {
    const { windowMs = 60_000 } = this.#options
    const startMs = clockMs === null ? null : windowStart(clockMs, windowMs)
    return new Segment(startMs, windowMs, epoch)
  }

  #goOn(next: Segment): void {
    // Without usage no piece was closed: its lines are of the piece that is closed next.
    if (!this.#open.isOpen) for (const count of this.#open.outcomes) next.outcomes.set(...count)
    this.#open = next
    this.segments.push(next)
  }

  #newEpoch(clockMs: number): number {
    let epoch = clockMs
    while (this.#epochs.includes(epoch)) {
      epoch += 1
    }
    this.#epochs = [...this.#epochs, epoch].slice(-EPOCHS_KEPT)
    return epoch
  }

  #forgetOld(closedStartMs: number): void {
    for (const [identity, { segment }] of this.#last) {
      if (closedStartMs - (segment.windowStartMs ?? closedStartMs) > STATE_AGE_MS_MAX) {
        this.#last.delete(identity)
      }
    }
  }
}

function windowStart(clockMs: number, windowMs: number): number {
  return clockMs - (clockMs % windowMs)
}
