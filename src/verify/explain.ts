// What made a number: for one project and one window, which pieces of which streams have usage of
// it, which bytes of which files they were made of, and which usage events bill them.
//
// The bytes of a piece are all between its two ends, with the lines of other projects: a piece is
// of all projects of its stream.

import type { StreamSettings } from '../agent/sources.ts'
import { historyStreams, readSettings } from '../durable/history.ts'
import { type LedgerRow, ledgerKey, ledgerRows } from '../durable/ledger.ts'
import { dayOf, ledgerDays } from '../durable/ledger-days.ts'
import { isDamage, NotingReader } from '../durable/noting-reader.ts'
import { type PieceName, type Position, streams, waitingSegments } from '../durable/records.ts'
import { highestForgotten } from '../durable/settled.ts'
import { openStatePicture } from '../durable/store.ts'
import { subjectOf } from '../emit/meter-rules.ts'
import { type Amounts, addAmounts, NO_AMOUNTS } from '../emit/usage-page.ts'
import { type LineCounts, lineCounts } from '../meter.ts'
import { crc32c } from '../native.ts'
import type { GenerationRecord } from '../tail/identity.ts'
import type { StreamPlace } from '../tail/listing.ts'
import { type AgentStreamRecord, type Committed, readCommitted } from './committed.ts'
import { type Course, readCourse } from './course.ts'
import { type EventPlace, EventPlaces } from './event-places.ts'
import { LogMatch, type SoughtGeneration } from './log-match.ts'
import { soughtGenerations } from './state.ts'
import { countsOf, projectSums } from './sums.ts'

export type { EventPlace } from './event-places.ts'

/** Windows are at most one hour long. */
const WINDOW_MAX_MS = 3_600_000

/** Bytes of a generation. */
export interface ByteRange {
  readonly generation: number
  /** Base name when it was seen last; empty when it is forgotten. */
  readonly name: string
  readonly from: number
  /** The first byte behind them; null: to its end, which is forgotten. */
  readonly to: number | null
  /** The file among those that were named that is this generation. */
  readonly path: string | null
}

export interface ExplainedEvent {
  readonly id: string
  readonly type: string
  readonly value: string
  /** Several when it was sent again. */
  readonly places: readonly EventPlace[]
}

export interface ExplainedPiece extends PieceName {
  /** How it came to its end. */
  readonly closed: 'by content' | 'by time' | 'by a replay' | 'open'
  readonly closedAtMs: number | null
  /** Of all projects. */
  readonly lines: LineCounts
  /** Of the project. */
  readonly amounts: Amounts
  readonly ranges: readonly ByteRange[]
  readonly events: readonly ExplainedEvent[]
  /** What else there may be of events: some that wait to be made, or some that are forgotten. */
  readonly otherEvents: 'none' | 'not made yet' | 'may be forgotten'
}

/** What is left of the pieces of a stream and a day: their sum, replayed usage included. */
export interface ExplainedDay {
  readonly stream: string
  readonly dayMs: number
  readonly amounts: Amounts
}

export interface Explanation {
  readonly commit: number
  readonly project: string
  /** Days of which some or all pieces are only kept as a sum. */
  readonly days: readonly ExplainedDay[]
  /** In the order of windows and streams; those that are open come last. */
  readonly pieces: readonly ExplainedPiece[]
  readonly total: Amounts
  /** Values of the state that failed their checksums: what they would say is missing here. */
  readonly damaged: readonly string[]
}

export interface ExplainOptions {
  readonly project: string
  /** A time in the window. */
  readonly atMs: number
  /** Paths of logs; their names are told where they hold the bytes. */
  readonly logs?: () => Promise<readonly string[]>
}

/**
 * Explains a number of the state in `directory`.
 * @throws {MeterFastError} METER_INPUT_MISSING, METER_STATE_CORRUPT, METER_DISK
 */
export async function explainUsage(
  directory: string,
  options: ExplainOptions,
): Promise<Explanation> {
  const picture = await openStatePicture(directory, { crc32c })
  try {
    return await new Explaining(new NotingReader(picture), options).run()
  } finally {
    await picture.close()
  }
}

interface StreamFacts {
  readonly course: Course
  readonly committed: Committed | undefined
  readonly sought: readonly SoughtGeneration[]
}

class Explaining {
  readonly #state: NotingReader
  readonly #options: ExplainOptions
  readonly #streams = new Map<string, StreamFacts>()
  readonly #damaged: string[] = []

  constructor(state: NotingReader, options: ExplainOptions) {
    this.#state = state
    this.#options = options
  }

  async run(): Promise<Explanation> {
    await this.#readStreams()
    const sought = [...this.#streams.values()].flatMap((one) => one.sought)
    const logs = this.#options.logs && (await LogMatch.find(this.#options.logs, sought))
    try {
      const rows = this.#rows()
      const pieces = [...this.#closed(rows, logs), ...this.#open(logs)]
      const total = pieces.map(({ amounts }) => amounts).reduce(addAmounts, NO_AMOUNTS)
      const damaged = [...this.#state.damaged.values(), ...this.#damaged]
      const { project } = this.#options
      const days = this.#days()
      return { commit: this.#state.sequence, project, days, pieces, total, damaged }
    } finally {
      await logs?.close()
    }
  }

  async #readStreams(): Promise<void> {
    const records = new Map<string, AgentStreamRecord>()
    for (const record of streams<StreamPlace, GenerationRecord>(this.#state)) {
      records.set(record.stream, record)
    }
    for (const name of new Set([...records.keys(), ...historyStreams(this.#state)])) {
      const record = records.get(name)
      const committed = record && (await this.#readCommitted(record))
      const now = { offset: committed?.offset, generations: record?.generations }
      const course = readCourse(this.#state, name, now)
      const sought = soughtGenerations(course, record, committed)
      this.#streams.set(name, { course, committed, sought })
    }
  }

  async #readCommitted(record: AgentStreamRecord): Promise<Committed | undefined> {
    try {
      return await readCommitted(this.#state, record)
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#damaged.push(`${record.stream}: ${error.message}`)
      return undefined
    }
  }

  /** Rows of the window that have usage of the project. */
  #rows(): (LedgerRow & { readonly amounts: Amounts })[] {
    const { atMs } = this.#options
    const rows = ledgerRows(this.#state, atMs - WINDOW_MAX_MS + 1, atMs + 1)
    const inside = [...rows].filter((row) => row.windowStartMs + row.windowMs > atMs)
    return inside.flatMap((row) => {
      const amounts = this.#amountsIn(row.projects)
      return amounts === undefined ? [] : [{ ...row, amounts }]
    })
  }

  /** Sums of the days that the window may be of. */
  #days(): ExplainedDay[] {
    const { atMs } = this.#options
    const wanted = new Set([dayOf(atMs), dayOf(atMs - WINDOW_MAX_MS)])
    const days: ExplainedDay[] = []
    for (const { stream, dayMs, projects } of ledgerDays(this.#state)) {
      const amounts = wanted.has(dayMs) ? this.#amountsIn([projects]) : undefined
      if (amounts !== undefined) days.push({ stream, dayMs, amounts })
    }
    return days
  }

  #amountsIn(projects: readonly Uint8Array[]): Amounts | undefined {
    const ours = [...projectSums(projects)].filter(({ name }) => name === this.#options.project)
    return ours.length === 0 ? undefined : ours.map(({ amounts }) => amounts).reduce(addAmounts)
  }

  *#closed(
    rows: readonly (LedgerRow & { readonly amounts: Amounts })[],
    logs: LogMatch | undefined,
  ): Generator<ExplainedPiece> {
    const events = this.#eventsOf(rows)
    const waiting = new Set(Array.from(waitingSegments(this.#state), ({ head }) => ledgerKey(head)))
    const forgotten = highestForgotten(this.#state)
    for (const row of rows) {
      const { from, to, byTime, closedAtMs, lines, amounts } = row
      const key = ledgerKey(row)
      const isKept = row.firstBatch > forgotten
      yield {
        ...nameOf(row),
        closed: from === null ? 'by a replay' : byTime ? 'by time' : 'by content',
        closedAtMs,
        lines: lineCounts(countsOf(lines)),
        amounts,
        ranges: from && to ? this.#ranges(row.stream, from, to, logs) : [],
        events: events.get(key) ?? [],
        otherEvents: waiting.has(key) ? 'not made yet' : isKept ? 'none' : 'may be forgotten',
      }
    }
  }

  /** Usage events of the project, by the key of the row that they were made of. */
  #eventsOf(rows: readonly LedgerRow[]): Map<string, ExplainedEvent[]> {
    const found = new Map<string, ExplainedEvent[]>()
    if (rows.length === 0) return found
    const subjects = new Map(rows.map((row) => [ledgerKey(row), this.#subjectOf(row)]))
    const starts = rows.map(({ windowStartMs }) => windowStartMs)
    const places = new EventPlaces(this.#state, Math.min(...rows.map((row) => row.firstBatch)))
    for (const event of places.events(Math.min(...starts), Math.max(...starts))) {
      const key = ledgerKey(event.piece)
      if (!subjects.has(key)) continue
      const { subject, type, data } = JSON.parse(event.text) as EventJson
      if (subject !== subjects.get(key)) continue
      const events = found.get(key) ?? []
      found.set(key, events)
      const known = events.findIndex(({ id }) => id === event.id)
      const before = events[known]?.places ?? []
      const { value } = data
      const one = { id: event.id, type, value, places: [...before, event.place] }
      events[known < 0 ? events.length : known] = one
    }
    return found
  }

  #subjectOf({ settings }: LedgerRow): string | undefined {
    const rules = readSettings<StreamSettings>(this.#state, settings)?.rules
    return rules && subjectOf(rules, this.#options.project)
  }

  *#open(logs: LogMatch | undefined): Generator<ExplainedPiece> {
    const { atMs } = this.#options
    for (const [stream, { course, committed }] of this.#streams) {
      if (committed === undefined || !committed.hasOpenSegment) continue
      const { epoch, windowStartMs, windowMs, part, outcomes, projects } = committed.open
      const amounts = this.#amountsIn(projects)
      const isInside = windowStartMs <= atMs && atMs < windowStartMs + windowMs
      const last = course.generations.at(-1)
      if (amounts === undefined || !isInside || last === undefined) continue
      const to = { generation: last.facts.generation, offset: last.readTo ?? committed.offset }
      const from = committed.record.history?.pieceFrom ?? to
      yield {
        ...{ stream, epoch, windowStartMs, windowMs, part: String(part) },
        closed: 'open',
        closedAtMs: null,
        lines: lineCounts(outcomes),
        amounts,
        ranges: this.#ranges(stream, from, to, logs),
        events: [],
        otherEvents: 'not made yet',
      }
    }
  }

  /** The bytes from one place to another, by generation. */
  #ranges(stream: string, from: Position, to: Position, logs: LogMatch | undefined): ByteRange[] {
    const facts = this.#streams.get(stream)
    const [first, last] = [from.generation, to.generation]
    const known = (facts?.course.generations ?? []).filter(({ facts: { generation } }) => {
      const at = { generation, offset: 0 }
      const isBehind = generation === first || (facts?.course.compare(from, at) ?? 0) < 0
      return isBehind && (generation === last || (facts?.course.compare(at, to) ?? 0) < 0)
    })
    const ranges = known.map(({ facts: { generation, name }, readFrom, readTo }): ByteRange => {
      const sought = facts?.sought.find((one) => one.facts.generation === generation)
      return {
        ...{ generation, name },
        from: generation === first ? from.offset : readFrom,
        to: generation === last ? to.offset : (readTo ?? readFrom),
        path: (sought && logs?.of(sought)?.file.path) ?? null,
      }
    })
    // What is known of a generation may be forgotten before its pieces are.
    const isKnown = (number: number): boolean =>
      known.some((one) => one.facts.generation === number)
    const unknown = (number: number): ByteRange[] => {
      const start = number === first ? from.offset : 0
      const end = number === last ? to.offset : null
      return isKnown(number)
        ? []
        : [{ generation: number, name: '', from: start, to: end, path: null }]
    }
    const all = [...unknown(first), ...ranges, ...(first === last ? [] : unknown(last))]
    return all.filter((range) => range.to === null || range.to > range.from)
  }
}

/** What an event says. */
interface EventJson {
  readonly subject: string
  readonly type: string
  readonly data: { readonly value: string }
}

function nameOf({ stream, windowStartMs, windowMs, epoch, part }: PieceName): PieceName {
  return { stream, windowStartMs, windowMs, epoch, part }
}
