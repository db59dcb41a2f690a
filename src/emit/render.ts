// Makes the usage events of one closed piece of a segment out of its pages.
//
// Promises: the same pages, segment and rules give the same events, byte for byte; there is one
// event per (type, subject, rendered dimensions), also when several keys render equal; a zero makes
// no event; events are in order of id. Three passes, each cut into steps of a few ms, so that a
// segment of a million keys does not hold the event loop:
//
//   rows ──▶ a hash per row and meter ──sort──▶ rows in order of id ──▶ events
//
// Memory is the pages and 24 bytes per row and meter, outside the heap; texts exist slice by slice.

import { setImmediate } from 'node:timers/promises'
import { MeterFastError } from '../errors.ts'
import { type RenderedDimensions, renderDimensions } from './dimensions.ts'
import { type DraftRun, DraftTable } from './drafts.ts'
import { type UsageEvent, usageEvent } from './event.ts'
import { hashFields, idField, type SegmentName, segmentFields, ulid } from './event-id.ts'
import { type EventRules, type MeterReader, meterReaders, subjectOf } from './meter-rules.ts'
import { UsagePage, type UsageRow } from './usage-page.ts'

/** Events of one slice, and rows between two steps. */
const SLICE_EVENTS = 256
/** Rows of one event that are summed between two steps. */
const SUM_ROWS = 2048

/**
 * All events of the segment at once, in order of id.
 * @throws MeterFastError METER_STATE_CORRUPT for a damaged page, METER_CONFIG_INVALID for rules
 *   that make no valid CloudEvent.
 */
export function renderSegment(
  segment: SegmentName,
  pages: Iterable<Uint8Array>,
  rules: EventRules,
): UsageEvent[] {
  return [...renderSteps(segment, pages, rules)].flat()
}

/**
 * The same events in the same order, in slices of at most 256; the event loop runs in between.
 * @throws MeterFastError as renderSegment
 */
export async function* renderSlices(
  segment: SegmentName,
  pages: Iterable<Uint8Array>,
  rules: EventRules,
): AsyncGenerator<UsageEvent[]> {
  for (const slice of renderSteps(segment, pages, rules)) {
    if (slice.length > 0) yield slice
    await setImmediate()
  }
}

/** One step is a few ms of work; a step that has no events to show yields an empty slice. */
function* renderSteps(
  segment: SegmentName,
  pages: Iterable<Uint8Array>,
  rules: EventRules,
): Generator<UsageEvent[]> {
  const meters = meterReaders(rules)
  const rows = new SegmentRows()
  for (const page of pages) {
    rows.add(page, rules)
    yield []
  }
  const drafts = new DraftTable(rows.count * meters.length)
  for (let row = 0; row < rows.count; row += 1) {
    addDrafts(drafts, segment, rules, meters, rows.at(row), row)
    if (row % SLICE_EVENTS === SLICE_EVENTS - 1) yield []
  }
  for (const _step of drafts.sort()) yield []
  let slice: UsageEvent[] = []
  for (const run of drafts.events()) {
    slice.push(yield* eventOf(run, { segment, rules, meters, rows, drafts }))
    if (slice.length < SLICE_EVENTS) continue
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}

/** The rows of all pages of a segment, by number. */
class SegmentRows {
  readonly #pages: UsagePage[] = []
  /** Rows before each page. */
  readonly #starts: number[] = []
  count = 0

  add(bytes: Uint8Array, rules: EventRules): void {
    const page = new UsagePage(bytes)
    const named = rules.lineDimensions.length
    if (page.rows > 0 && page.dimensions !== named) throw otherRules(page.dimensions, named)
    this.#pages.push(page)
    this.#starts.push(this.count)
    this.count += page.rows
  }

  at(row: number): UsageRow {
    let low = 0
    let high = this.#pages.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#starts[middle] ?? 0) <= row) low = middle
      else high = middle - 1
    }
    return (this.#pages[low] as UsagePage).row(row - (this.#starts[low] ?? 0))
  }
}

function addDrafts(
  drafts: DraftTable,
  segment: SegmentName,
  rules: EventRules,
  meters: readonly MeterReader[],
  row: UsageRow,
  rowNumber: number,
): void {
  const head = segmentFields(segment)
  const tail = idField(subjectOf(rules, row.project)) + idField(segment.part)
  let last: MeterReader | undefined
  let rendered: RenderedDimensions = { json: '', idFields: '' }
  for (const meter of meters) {
    if (meter.value(row) === 0n) continue
    if (meter.dimensions !== last?.dimensions) rendered = renderDimensions(meter.dimensions, row)
    last = meter
    const hash = hashFields(head + idField(meter.type) + tail + rendered.idFields)
    drafts.add(hash, rowNumber * meters.length + meter.index)
  }
}

/** What events are made from. */
interface Making {
  readonly segment: SegmentName
  readonly rules: EventRules
  readonly meters: readonly MeterReader[]
  readonly rows: SegmentRows
  readonly drafts: DraftTable
}

/** The event of all rows that render equal; they may be all of the segment. */
function* eventOf(run: DraftRun, making: Making): Generator<UsageEvent[], UsageEvent> {
  const { segment, rules, meters, rows, drafts } = making
  const rowAt = (place: number): UsageRow =>
    rows.at(Math.floor(drafts.source(place) / meters.length))
  const meter = meters[drafts.source(run.from) % meters.length] as MeterReader
  const row = rowAt(run.from)
  let value = meter.value(row)
  for (let place = run.from + 1; place < run.end; place += 1) {
    value += meter.value(rowAt(place))
    if (place % SUM_ROWS === 0) yield []
  }
  const { project } = row
  return usageEvent({
    id: ulid(segment.windowStartMs, run.high, run.low),
    source: rules.source,
    type: meter.type,
    subject: subjectOf(rules, project),
    project,
    timeMs: segment.windowStartMs,
    value,
    dimensions: renderDimensions(meter.dimensions, row).json,
  })
}

function otherRules(found: number, named: number): MeterFastError {
  return new MeterFastError(
    'METER_STATE_CORRUPT',
    `a usage page has ${found} dimensions read from the line, its rules name ${named}. ` +
      'Render a segment with the rules that were in force when it was closed.',
  )
}
