// Rows of the ledger against the usage events that were made of them: per piece, project and meter,
// the values of all events are what the row came to. Events that wait to be made count with what
// they will be.
//
// Rows come in order of windows; windows are gathered until their events are many, and then read at
// once. Of a piece whose events may be forgotten in part, they can only be too many.

import type { StreamSettings } from '../agent/sources.ts'
import type { SegmentHead } from '../agent/staging.ts'
import { readSettings } from '../durable/history.ts'
import { type LedgerRow, ledgerKey } from '../durable/ledger.ts'
import { isSummed } from '../durable/ledger-days.ts'
import { isDamage, type NotingReader } from '../durable/noting-reader.ts'
import { type PieceName, segmentPages, waitingSegments } from '../durable/records.ts'
import { highestForgotten } from '../durable/settled.ts'
import { type EventRules, meterReaders, subjectOf } from '../emit/meter-rules.ts'
import { renderSlices } from '../emit/render.ts'
import { type Amounts, addAmounts } from '../emit/usage-page.ts'
import { type Differences, notAsWritten } from './difference.ts'
import { EventPlaces, type PlacedEvent } from './event-places.ts'
import { IdSet } from './id-set.ts'
import { type NamedSum, projectSums } from './sums.ts'

/** Events that are gathered before they are compared, and bytes of rows. */
const GATHERED_EVENTS_MAX = 100_000
const GATHERED_BYTES_MAX = 32 * 1024 * 1024
const PROJECT = '{project}'

/** What an event says. */
interface ReadEvent {
  readonly id: string
  readonly subject: string
  readonly type: string
  readonly time: string
  readonly value: bigint
}

/** Values of a piece's events by subject, each a list by number of the meter's type. */
type Sums = Map<string, bigint[]>

interface PieceEvents {
  readonly piece: PieceName
  readonly sums: Sums
}

export class EventCheck {
  readonly #state: NotingReader
  readonly #differences: Differences
  readonly #goesOn: () => void
  readonly #places: EventPlaces
  readonly #forgotten: number
  /** Segments that are not rendered to their end, by the key of their row. */
  readonly #waiting = new Map<string, { readonly number: number; readonly head: SegmentHead }>()
  readonly #rules = new Map<string, EventRules | undefined>()
  /** Types of meters by their numbers in sums. */
  readonly #types: string[] = []
  #rows: LedgerRow[] = []
  #fromMs = 0
  #gatheredEvents = 0
  #gatheredBytes = 0
  /** Rows, and those of which all events must be in the state. */
  pieces = 0
  checkedPieces = 0

  /** `goesOn` is asked often, and may throw to end it. */
  constructor(state: NotingReader, differences: Differences, goesOn: () => void) {
    this.#state = state
    this.#differences = differences
    this.#goesOn = goesOn
    this.#places = new EventPlaces(state)
    this.#forgotten = highestForgotten(state)
    for (const { number, head } of waitingSegments<SegmentHead>(state)) {
      this.#waiting.set(ledgerKey(head), { number, head })
    }
  }

  /** Takes the next row, in the order of the ledger. */
  async add(row: LedgerRow): Promise<void> {
    const lastMs = this.#rows.at(-1)?.windowStartMs
    if (lastMs !== row.windowStartMs) {
      const isMuch =
        this.#gatheredEvents > GATHERED_EVENTS_MAX || this.#gatheredBytes > GATHERED_BYTES_MAX
      if (lastMs !== undefined && isMuch) await this.#compareGathered(lastMs)
      this.#gatheredEvents += this.#places.perWindow.get(row.windowStartMs) ?? 0
    }
    this.#rows.push(row)
    this.#gatheredBytes += row.projects.reduce((sum, page) => sum + page.length, 0)
  }

  /** All rows were taken. */
  async end(): Promise<void> {
    await this.#compareGathered(Number.MAX_SAFE_INTEGER)
  }

  /** Compares the gathered rows with all events of windows up to `toMs`. */
  async #compareGathered(toMs: number): Promise<void> {
    const found = this.#sumEvents(toMs)
    for (const row of this.#rows) {
      this.#goesOn()
      const key = ledgerKey(row)
      const sums = found.get(key)?.sums ?? new Map()
      found.delete(key)
      try {
        await this.#compareRow(key, row, sums)
      } catch (error) {
        if (!isDamage(error)) throw error
        this.#differences.add('state', row, notAsWritten(error.message))
      }
    }
    for (const { piece, sums } of found.values()) this.#refuseWithoutRow(piece, sums)
    this.#rows = []
    this.#gatheredEvents = 0
    this.#gatheredBytes = 0
    this.#fromMs = toMs + 1
  }

  /** Sums of all events of windows up to `toMs` that are not summed yet, by the key of the row. */
  #sumEvents(toMs: number): Map<string, PieceEvents> {
    const found = new Map<string, PieceEvents>()
    const ids = new IdSet()
    let last: PieceEvents | undefined
    for (const event of this.#places.events(this.#fromMs, toMs)) {
      const { id, text, piece } = event
      // Events of one piece come one after the other.
      if (last?.piece !== piece) {
        this.#goesOn()
        const key = ledgerKey(piece)
        last = { piece, sums: found.get(key)?.sums ?? new Map() }
        found.set(key, last)
      }
      const known = ids.add(id, text)
      if (known === 'new') this.#addEvent(last.sums, event)
      else if (known === 'other') this.#differences.add('events', piece, changedCopy(id))
    }
    return found
  }

  #refuseWithoutRow(piece: PieceName, sums: Sums): void {
    // An earlier version did not keep what its events are of.
    if (piece.stream === '' || isSummed(this.#state, piece)) return
    const found = `none, but events of ${sums.size} projects`
    const what = { project: null, meter: 'row of the ledger', expected: 'one', found }
    this.#differences.add('events', piece, what)
  }

  #addEvent(sums: Sums, { id, text, piece }: PlacedEvent): void {
    const event = readEvent(text)
    if (event === undefined) {
      this.#differences.add('state', piece, notAsWritten(`event ${id} is ${text}`))
      return
    }
    const time = new Date(piece.windowStartMs).toISOString()
    this.#differences.compare('events', piece, 'id of an event', id, event.id, event.subject)
    this.#differences.compare('events', piece, `time of event ${id}`, time, event.time)
    this.#addValue(sums, event)
  }

  #addValue(sums: Sums, { subject, type, value }: ReadEvent): void {
    const values = sums.get(subject) ?? []
    sums.set(subject, values)
    const number = this.#numberOf(type)
    values[number] = (values[number] ?? 0n) + value
  }

  #numberOf(type: string): number {
    const known = this.#types.indexOf(type)
    return known < 0 ? this.#types.push(type) - 1 : known
  }

  async #compareRow(key: string, row: LedgerRow, sums: Sums): Promise<void> {
    // A row of an earlier version has no sums.
    if (row.settings === '') return
    const rules = this.#rulesOf(row.settings)
    if (rules === undefined) {
      const what = `settings ${row.settings} are not there`
      this.#differences.add('state', row, notAsWritten(what))
      return
    }
    this.pieces += 1
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) await this.#addUnmade(sums, waiting, rules)
    const isAll = (row.firstBatch ?? 0) > this.#forgotten
    if (isAll) this.checkedPieces += 1
    this.#compareSums(row, rules, sums, isAll)
  }

  #compareSums(row: LedgerRow, rules: EventRules, sums: Sums, isAll: boolean): void {
    const meters = meterReaders(rules).map(({ type, value }) => ({
      number: this.#numberOf(type),
      value,
    }))
    const compare = (name: string, amounts: Amounts | undefined, values: readonly bigint[]) => {
      for (const [number, type] of this.#types.entries()) {
        const meter = amounts && meters.find((one) => one.number === number)
        const expected = (amounts && meter?.value(amounts)) ?? 0n
        const found = values[number] ?? 0n
        if (!isAll && found <= expected) continue
        this.#differences.compare('events', row, shortName(type), expected, found, name)
      }
    }
    for (const { name, amounts } of billed(projectSums(row.projects), rules)) {
      const subject = subjectOf(rules, name)
      compare(name, amounts, sums.get(subject) ?? [])
      sums.delete(subject)
    }
    for (const [subject, values] of sums) compare(projectOf(rules, subject), undefined, values)
  }

  /** What the events that are not made yet will be. */
  async #addUnmade(
    sums: Sums,
    { number, head }: { readonly number: number; readonly head: SegmentHead },
    rules: EventRules,
  ): Promise<void> {
    const pages = [...segmentPages(this.#state, number, head.pages)]
    let made = head.rendered
    for await (const slice of renderSlices(head, pages, rules)) {
      for (const { text } of slice.slice(made)) {
        const event = readEvent(text)
        if (event !== undefined) this.#addValue(sums, event)
      }
      made = Math.max(0, made - slice.length)
    }
  }

  #rulesOf(settings: string): EventRules | undefined {
    if (!this.#rules.has(settings)) {
      const read = () => readSettings<StreamSettings>(this.#state, settings)?.rules
      this.#rules.set(settings, this.#state.reading(`settings/${settings}`, read))
    }
    return this.#rules.get(settings)
  }
}

/** Two places hold other bytes under one id. */
function changedCopy(id: string) {
  const [expected, found] = ['the same in every place', 'other bytes']
  return { project: null, meter: `event ${id}`, expected, found }
}

/** Undefined when the text is no event. */
function readEvent(text: string): ReadEvent | undefined {
  try {
    const { id, subject, type, time, data } = JSON.parse(text) as Omit<ReadEvent, 'value'> & {
      readonly data: { readonly value: string }
    }
    return { id, subject, type, time, value: BigInt(data.value) }
  } catch {
    return undefined
  }
}

/** Sums as they are billed: by project, or all as one where the subject does not name it. */
function* billed(sums: Iterable<NamedSum>, rules: EventRules): Generator<NamedSum> {
  if (rules.subject.includes(PROJECT)) {
    yield* sums
    return
  }
  let all: NamedSum | undefined
  for (const sum of sums) {
    const amounts = all === undefined ? sum.amounts : addAmounts(all.amounts, sum.amounts)
    all = { name: sum.name, amounts }
  }
  if (all !== undefined) yield all
}

/** The project that a subject is of. */
function projectOf({ subject: template }: EventRules, subject: string): string {
  const [before = '', after = ''] = template.split(PROJECT)
  const isOurs = subject.startsWith(before) && subject.endsWith(after)
  return isOurs ? subject.slice(before.length, subject.length - after.length) : subject
}

function shortName(type: string): string {
  return type.slice(type.lastIndexOf('/') + 1)
}
