// What `explain` prints: one block for each piece, or all of it as JSON. Nothing is cut in it:
// paths and ids are what it is asked for. A line that is too long goes on in the next one.

import type {
  ByteRange,
  EventPlace,
  ExplainedDay,
  ExplainedEvent,
  ExplainedPiece,
  Explanation,
} from '../verify/explain.ts'
import { wrapped } from './cells.ts'
import { visible } from './command.ts'
import { grouped } from './quantities.ts'

const LABEL_CELLS = 10
const INDENT_CELLS = 2
const HANG_CELLS = 2

const AMOUNTS = [
  ['requests', 'requests'],
  ['egressBytes', 'egress-bytes'],
  ['ingressBytes', 'ingress-bytes'],
  ['connectionMs', 'connection-ms'],
  ['connectionSeconds', 'connection-seconds'],
] as const

const OTHER_EVENTS: Readonly<Record<ExplainedPiece['otherEvents'], string>> = {
  none: '',
  'not made yet': 'not all are made yet',
  'may be forgotten': 'others may have been accepted so long ago that they are forgotten',
}

/** In lines of at most `columns`. */
export function explainText(explanation: Explanation, atMs: number, columns: number): string {
  const { project, days, pieces, total, commit, damaged } = explanation
  const at = new Date(atMs).toISOString()
  const count = pieces.length === 1 ? '1 piece' : `${pieces.length} pieces`
  const blocks = [
    pieces.length > 1 ? [labelled('in all', amountsText(total))] : [],
    ...pieces.map((piece) => pieceRows(piece)),
    ...days.map((day) => dayRows(day)),
  ]
  const lines = [
    `${project} at ${at}: ${pieces.length === 0 ? 'no usage' : count} (commit ${commit})`,
    ...blocks.flat(),
    ...damaged.flatMap((message) => ['', `not readable: ${message}`]),
  ]
  return `${lines.flatMap((line) => fitted(line, columns)).join('\n')}\n`
}

/** A sentence, or a row of a block with its label. */
type Line = string | { readonly label: string; readonly text: string }

function fitted(line: Line, columns: number): string[] {
  if (typeof line === 'string') return wrapped(visible(line), columns, HANG_CELLS)
  const { label, text } = line
  const begin = ' '.repeat(INDENT_CELLS) + label.padEnd(LABEL_CELLS)
  // Rows of a list are indented below what they belong to.
  const indent = text.search(/\S|$/)
  const room = columns - begin.length - indent
  const rows = wrapped(visible(text.trim()), room, HANG_CELLS)
  return rows.map((row, at) => {
    return (at === 0 ? begin : ' '.repeat(begin.length)) + ' '.repeat(indent) + row
  })
}

/** As one object; amounts are texts, because they pass 2^53. */
export function explainJson({ days, pieces, ...rest }: Explanation): string {
  const dated = pieces.map(({ windowStartMs, closedAtMs, lines, ...piece }) => ({
    ...piece,
    window: new Date(windowStartMs).toISOString(),
    closedAt: closedAtMs === null ? null : new Date(closedAtMs).toISOString(),
    lines: JSON.parse(JSON.stringify(lines, asNumber)) as object,
  }))
  const summed = days.map(({ dayMs, ...day }) => ({ ...day, day: dateText(dayMs) }))
  return `${JSON.stringify({ ...rest, pieces: dated, days: summed }, asText)}\n`
}

function asNumber(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

function asText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

function pieceRows(piece: ExplainedPiece): Line[] {
  const { stream, windowStartMs, windowMs, epoch, part, closed, closedAtMs } = piece
  const end = closedAtMs === null ? closed : `closed ${closed} at ${timeText(closedAtMs)}`
  const window = `window ${timeText(windowStartMs)} (${windowMs / 1000} s)`
  const epochText = epoch === 0 ? 'epoch 0' : `epoch ${epoch} (${timeText(epoch)})`
  return [
    '',
    stream,
    labelled('piece', `${window}, ${epochText}, part ${part}, ${end}`),
    labelled('usage', amountsText(piece.amounts)),
    labelled('lines', linesText(piece.lines)),
    ...labelledRows('bytes', piece.ranges.flatMap(rangeText)),
    ...labelledRows('events', eventsText(piece)),
  ]
}

function dayRows({ stream, dayMs, amounts }: ExplainedDay): Line[] {
  const what = `pieces of ${dateText(dayMs)} that are so old that only their sum is kept`
  return ['', stream, labelled('day', what), labelled('usage', amountsText(amounts))]
}

function amountsText(amounts: ExplainedPiece['amounts']): string {
  return AMOUNTS.map(([amount, name]) => `${name} ${amounts[amount]}`).join(', ')
}

function linesText({ read, metered, lenient, ...groups }: ExplainedPiece['lines']): string {
  const others = Object.entries(groups).flatMap(([group, counts]) =>
    Object.entries(counts).map(([name, count]) => `${grouped(count)} ${group} (${name})`),
  )
  const ours = lenient === 0n ? '' : ` (${grouped(lenient)} of them lenient)`
  return [`${grouped(read)} of all projects: ${grouped(metered)} metered${ours}`, ...others].join(
    ', ',
  )
}

function rangeText({ generation, name, from, to, path }: ByteRange): string[] {
  const end = to === null ? 'its end' : to
  const place = `generation ${generation}, bytes ${from} to ${end}`
  return [name === '' ? place : `${place}: ${name}`, ...(path === null ? [] : [`  ${path}`])]
}

/** Grouped by where they are. */
function eventsText({ events, otherEvents }: ExplainedPiece): string[] {
  const groups = new Map<string, ExplainedEvent[]>()
  for (const event of events) {
    const place = event.places.map(placeText).join('; ')
    groups.set(place, [...(groups.get(place) ?? []), event])
  }
  const width = (pick: (event: ExplainedEvent) => string): number =>
    Math.max(0, ...events.map((event) => pick(event).length))
  const [types, values] = [width(({ type }) => shortName(type)), width(({ value }) => value)]
  const rows: string[] = []
  for (const [place, ones] of groups) {
    rows.push(place)
    for (const { id, type, value } of ones.toSorted(byType)) {
      rows.push(`  ${id}  ${shortName(type).padEnd(types)}  ${value.padStart(values)}`)
    }
  }
  const other = OTHER_EVENTS[otherEvents]
  if (other !== '') rows.push(other)
  return rows.length === 0 ? ['none'] : rows
}

function byType(a: ExplainedEvent, b: ExplainedEvent): number {
  const [one, other] = [`${a.type} ${a.id}`, `${b.type} ${b.id}`]
  return one < other ? -1 : Number(one > other)
}

function placeText(place: EventPlace): string {
  switch (place.kind) {
    case 'accepted':
      return `accepted ${timeText(place.atMs)}`
    case 'rejected':
      return `rejected ${timeText(place.atMs)}: ${place.reason}`
    default:
      return place.kind
  }
}

function labelled(label: string, text: string): Line {
  return { label, text }
}

function labelledRows(label: string, rows: readonly string[]): Line[] {
  return rows.map((text, at) => labelled(at === 0 ? label : '', text))
}

function dateText(ms: number): string {
  return timeText(ms).slice(0, 10)
}

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

function shortName(type: string): string {
  return type.slice(type.lastIndexOf('/') + 1)
}
