// What both sides make of the logs, and what each cause is worth, line by line.
//
// Each stream goes through two meters. The first gets the bytes as they are: what meter-fast bills.
// The second gets the same lines with one more key, whose value says what the pipeline did with the
// line: its totals are those of meter-fast, by what the pipeline did. So nothing here knows how
// meter-fast bills a line, and a cause never swallows what it is not worth:
//
//   {"bytes_sent":…}  ──▶ meter 1: seconds as billed, seconds rounded down    ──▶ sub-second
//   {"…":"B0 0496523","bytes_sent":…} ──▶ meter 2: totals by fate, ids that are taken, and hour
//                         ──▶ dropped lines, duplicate ids, requests billed in another hour
//
// Amounts of the pipeline come from pipeline.ts and a table of the request ids that were seen.

import type { ResolvedFormat } from '../config/formats.ts'
import type { UsageRow } from '../emit/usage-page.ts'
import { Meter, type MeterOptions } from '../meter.ts'
import { LOG_CAUSES, type LogCause } from './causes.ts'
import type { Input } from './event-set.ts'
import { Fingerprints } from './fingerprints.ts'
import { type LogLine, LogLines } from './log-lines.ts'
import { logStreams } from './log-streams.ts'
import { type Drop, type PipelineBill, pipelineBill } from './pipeline.ts'
import { type Amounts, HOUR_MS, hourOf, Tally } from './tally.ts'

/** How meter-fast was set up where it made its events. */
export type LogSettings = Omit<MeterOptions, 'stream' | 'format' | 'envelope' | 'lineBytesMax'> & {
  readonly format: ResolvedFormat
  readonly lineBytesMax: number
}

export interface LogEvidence {
  readonly lines: number
  /** What each cause is worth: meter-fast bills so much more. */
  readonly causes: Readonly<Record<LogCause, Tally>>
  /** What each side must have billed of these logs. */
  readonly pipeline: Tally
  readonly ours: Tally
}

/** What the second meter is told of a line. */
const CODE_KEY = 'meter-fast compare'
const HOUR_DIGITS = 7
const NO_HOUR = '-'.repeat(HOUR_DIGITS)
const DROPS: Readonly<Record<string, Drop>> = {
  J: 'invalid-json',
  G: 'grpc-routes',
  O: 'other-routes',
  I: 'missing-ids',
}
const LETTERS = Object.fromEntries(Object.entries(DROPS).map(([letter, drop]) => [drop, letter]))
const [BILLED, NAMELESS, PARTIAL] = ['B', 'N', 'P'] as const
/** Of a request id: its events of each meter, in the order of METERS, and a partial record. */
const PARTIAL_BIT = 16
const SEEN_BIT = 32

/** Reads the logs to their end. */
export async function readLogs(
  logs: readonly Input[],
  settings: LogSettings,
  onBytes: (bytes: number) => void,
): Promise<LogEvidence> {
  const reading = new LogReading(settings)
  for (const stream of logStreams(logs)) await reading.read(stream, onBytes)
  return reading
}

class LogReading implements LogEvidence {
  lines = 0
  readonly causes = Object.fromEntries(LOG_CAUSES.map((cause) => [cause, new Tally()])) as Record<
    LogCause,
    Tally
  >
  readonly pipeline = new Tally()
  readonly ours = new Tally()
  readonly #settings: LogSettings
  /** Of all streams: the sink does not know which one an event comes from. */
  readonly #ids = new Fingerprints()

  constructor(settings: LogSettings) {
    this.#settings = settings
  }

  async read(logs: readonly Input[], onBytes: (bytes: number) => void): Promise<void> {
    using meter = new Meter({ ...this.#settings, stream: 'compare' })
    const lines = new LogLines()
    let coded: Meter | undefined
    const feed = (found: readonly LogLine[]): void => {
      const [first] = found
      if (first === undefined) return
      coded ??= this.#codedMeter(first.loggedAt === undefined ? 'raw' : 'cri')
      coded.feed(Buffer.concat(found.flatMap((line) => this.#coded(line))))
    }
    for (const { chunks } of logs) {
      for await (const chunk of chunks) {
        meter.feed(chunk)
        feed(lines.push(chunk))
        this.#drain(meter, coded)
        onBytes(chunk.length)
      }
      meter.endFile()
      feed(lines.endFile())
    }
    meter.end()
    coded?.end()
    this.#drain(meter, coded)
    coded?.close()
  }

  #codedMeter(envelope: 'raw' | 'cri'): Meter {
    const { format, lineBytesMax } = this.#settings
    return new Meter({
      ...this.#settings,
      stream: 'compare',
      envelope,
      lineBytesMax: lineBytesMax + codeText(BILLED, 0, Number.NaN).length,
      format: {
        ...format,
        paths: [...format.paths, [CODE_KEY]],
        dimensions: [...format.dimensions, format.paths.length],
        dimensionNames: [...format.dimensionNames, 'compared'],
      },
    })
  }

  /** The line with its code; also counts what the pipeline bills for it. */
  #coded({ content, loggedAt }: LogLine): Buffer[] {
    this.lines += 1
    const text = content.toString()
    const code = this.#code(text)
    const head = loggedAt === undefined ? '' : `${loggedAt} stdout F `
    // What begins otherwise is no record; an empty object must stay one.
    if (!/^\{[ \t\r]*"/.test(text)) {
      return [Buffer.from(head), content, Buffer.from('\n')]
    }
    return [Buffer.from(`${head}${code}`), content.subarray(1), Buffer.from('\n')]
  }

  #code(text: string): string {
    const bill = pipelineBill(text)
    if (typeof bill === 'string') return codeText(LETTERS[bill] ?? '', 0, Number.NaN)
    const { project, amounts, timeMs } = bill
    const { taken, isPartial } = this.#takeIds(bill)
    const hourMs = hourOf(timeMs)
    const billed = amounts.map((amount, at) => (taken & (1 << at) ? 0n : BigInt(amount)))
    this.pipeline.addAll(project, hourMs, billed)
    const letter = isPartial ? PARTIAL : bill.isNamed ? BILLED : NAMELESS
    const cause = CAUSE_OF_LETTER[letter]
    if (cause) this.causes[cause].addAll(project, hourMs, billed, -1n)
    return codeText(letter, taken, hourMs)
  }

  /** Which events of the line have an id that the sink knows: a bit for each meter. */
  #takeIds({ requestId, amounts, isPartial }: PipelineBill): { taken: number; isPartial: boolean } {
    let made = SEEN_BIT | (isPartial ? PARTIAL_BIT : 0)
    for (const [at, amount] of amounts.entries()) if (amount > 0) made |= 1 << at
    const before = this.#ids.update(requestId, (known) => known | made)
    // The end of a request whose records were seen belongs to them.
    return { taken: before & 15, isPartial: ((before | made) & PARTIAL_BIT) !== 0 }
  }

  #drain(meter: Meter, coded: Meter | undefined): void {
    const isFloor = this.#settings.connectionSeconds === 'per_request_floor'
    for (const segment of meter.take()) {
      const hourMs = hourOf(segment.windowStartMs)
      for (const row of segment.rows()) {
        const seconds = isFloor ? row.connectionSecondsFloor : row.connectionSeconds
        const rounded = seconds - row.connectionSecondsFloor
        this.ours.addAll(row.project, hourMs, amountsOf(row, seconds))
        this.causes['sub-second'].addAll(row.project, hourMs, [0n, 0n, 0n, rounded])
      }
    }
    for (const segment of coded?.take() ?? []) {
      for (const row of segment.rows()) this.#explain(row, hourOf(segment.windowStartMs))
    }
  }

  /** Gives what meter-fast bills for lines of one fate to the cause of that fate. */
  #explain(row: UsageRow, hourMs: number): void {
    const { project, connectionSecondsFloor } = row
    const all = amountsOf(row, connectionSecondsFloor)
    const code = row.dimensions.at(-1) ?? codeOf('J', 0, Number.NaN)
    const letter = code.charAt(0)
    const whole = DROPS[letter] ?? (letter === PARTIAL ? 'partial-records' : undefined)
    if (whole) {
      this.causes[whole].addAll(project, hourMs, all)
      return
    }
    const taken = Number.parseInt(code.charAt(1), 16)
    const lost = all.map((amount, at) => (taken & (1 << at) ? amount : 0n))
    const kept = all.map((amount, at) => amount - (lost[at] ?? 0n))
    this.causes['duplicate-ids'].addAll(project, hourMs, lost)
    const begunMs = Number(code.slice(2)) * HOUR_MS
    if (letter === NAMELESS) {
      this.causes['no-project'].addAll(project, hourMs, kept)
    } else if (begunMs !== hourMs && !Number.isNaN(begunMs)) {
      this.causes['other-hour'].addAll(project, hourMs, kept)
      this.causes['other-hour'].addAll(project, begunMs, kept, -1n)
    }
  }
}

/** Fates of lines that both sides bill, but not alike: then the pipeline's part counts too. */
const CAUSE_OF_LETTER: Readonly<Partial<Record<string, LogCause>>> = {
  [NAMELESS]: 'no-project',
  [PARTIAL]: 'partial-records',
}

function amountsOf(row: UsageRow, seconds: bigint): Amounts {
  return [row.requests, row.egressBytes, row.ingressBytes, seconds]
}

/** Always of the same length. */
function codeOf(letter: string, taken: number, hourMs: number): string {
  const hour = hourMs >= 0 ? String(hourMs / HOUR_MS).padStart(HOUR_DIGITS, '0') : NO_HOUR
  return `${letter}${taken.toString(16)}${hour}`
}

/** The beginning of a record with its code in it. */
function codeText(letter: string, taken: number, hourMs: number): string {
  return `{${JSON.stringify(CODE_KEY)}:"${codeOf(letter, taken, hourMs)}",`
}
