// Tables for people that fit their display, in steps, each only when the one before does not do:
// columns as wide as their widest cell; long names cut in their middle; without columns that can be
// spared; all names cut; names on a line of their own, above their figures. Figures are never cut.
//
//   PROJECT  ROUTE                  REQUESTS    EGRESS      PROJECT  ROUTE
//   p-abc    HTTPRoute/ns-6f1c/web     1,234  18.2 MB         REQUESTS   EGRESS
//                                                           p-abc  HTTPRoute/ns-6…/web
//                                                                1,234  18.2 MB

import { cellsOf, cutMiddle } from './cells.ts'
import { visible } from './command.ts'
import type { Display, Style } from './display.ts'

/** One column: a `name` stands at the left and may be cut, a `figure` at the right. */
export interface Column<Row> {
  readonly kind: 'name' | 'figure'
  readonly head: string
  readonly text: (row: Row) => string
  /** It is left out where the table is too wide; of several, the last one first. */
  readonly spare?: boolean
  readonly style?: (row: Row) => Style | undefined
}

const GAP = '  '
/** A name is cut to no less than this. */
const NAME_CELLS_MIN = 12
/** And to no less than this while there are columns that can be spared. */
const NAME_CELLS_GOOD = 24
const INDENT = ' '

/** A column with its cells, as they will stand there. */
interface Strip<Row> {
  readonly column: Column<Row>
  readonly cells: readonly string[]
  readonly width: number
}

/** The lines of a table: its head, then one line, or in a narrow display several, for each row. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  display: Display,
): string[] {
  const all = columns.map((column): Strip<Row> => {
    const cells = rows.map((row) => visible(column.text(row)))
    // Not Math.max(...cells): there may be more rows than a call has room for arguments.
    const width = cells.reduce((max, cell) => Math.max(max, cellsOf(cell)), cellsOf(column.head))
    return { column, cells, width }
  })
  const strips = withoutSpare(all, display.columns)
  const side = shrunk(strips, display.columns, NAME_CELLS_MIN)
  const groups = widthOf(side) <= display.columns ? [side] : stacked(strips, display.columns)
  const lines = (line: (group: readonly Strip<Row>[]) => string): string[] =>
    groups.map((group, index) => (index === 0 ? line(group) : INDENT + line(group)))
  return [
    ...lines((group) => headLine(group, display)),
    ...rows.flatMap((row, at) => lines((group) => rowLine(group, row, at, display))),
  ]
}

/** Without as many of the columns that can be spared as must go. */
function withoutSpare<Row>(strips: readonly Strip<Row>[], columns: number): readonly Strip<Row>[] {
  const last = strips.findLastIndex(({ column }) => column.spare)
  const isWide = widthOf(shrunk(strips, columns, NAME_CELLS_GOOD)) > columns
  if (!isWide || last < 0) return strips
  return withoutSpare(strips.toSpliced(last, 1), columns)
}

/** The groups of columns that stand in lines below each other: names, then their figures. */
function stacked<Row>(strips: readonly Strip<Row>[], columns: number): (readonly Strip<Row>[])[] {
  const names = strips.filter(({ column }) => column.kind === 'name')
  const figures = strips.filter(({ column }) => column.kind === 'figure')
  const room = columns - INDENT.length
  const greedy: Strip<Row>[][] = []
  for (const strip of figures) {
    const last = greedy.at(-1)
    if (last !== undefined && widthOf([...last, strip]) <= room) last.push(strip)
    else greedy.push([strip])
  }
  // Four figures in two lines are two and two, not three and one.
  const each = Math.ceil(figures.length / greedy.length)
  const even = greedy.map((_, index) => figures.slice(index * each, (index + 1) * each))
  const isEven = even.every((group) => group.length > 0 && widthOf(group) <= room)
  return [shrunk(names, columns, NAME_CELLS_MIN), ...(isEven ? even : greedy)]
}

/** With names cut, the widest first, until all fit or none is longer than `nameCellsMin`. */
function shrunk<Row>(
  strips: readonly Strip<Row>[],
  columns: number,
  nameCellsMin: number,
): readonly Strip<Row>[] {
  const widths = strips.map(({ width }) => width)
  for (let over = widthOf(strips) - columns; over > 0; over -= 1) {
    const names = widths.map((width, at) => (strips[at]?.column.kind === 'name' ? width : 0))
    const widest = Math.max(0, ...names)
    if (widest <= nameCellsMin) break
    widths[names.indexOf(widest)] = widest - 1
  }
  return strips.map((strip, at) => ({ ...strip, width: widths[at] ?? 0 }))
}

function widthOf<Row>(strips: readonly Strip<Row>[]): number {
  const gaps = GAP.length * Math.max(0, strips.length - 1)
  return strips.reduce((sum, { width }) => sum + width, gaps)
}

function headLine<Row>(strips: readonly Strip<Row>[], { paint }: Display): string {
  return joined(
    strips,
    ({ column }) => column.head,
    (_strip, text) => paint('bold', text),
  )
}

function rowLine<Row>(
  strips: readonly Strip<Row>[],
  row: Row,
  at: number,
  { paint }: Display,
): string {
  const painted = ({ column }: Strip<Row>, text: string): string => {
    const style = column.style?.(row)
    return style === undefined ? text : paint(style, text)
  }
  return joined(strips, ({ cells }) => cells[at] ?? '', painted)
}

/** Cells side by side. Colours go around a text and not around its blanks. */
function joined<Row>(
  strips: readonly Strip<Row>[],
  textOf: (strip: Strip<Row>) => string,
  painted: (strip: Strip<Row>, text: string) => string,
): string {
  const texts = strips.map((strip) => {
    const text = cutMiddle(textOf(strip), strip.width)
    const blanks = ' '.repeat(Math.max(0, strip.width - cellsOf(text)))
    const shown = text === '' ? '' : painted(strip, text)
    return strip.column.kind === 'name' ? shown + blanks : blanks + shown
  })
  return texts.join(GAP).trimEnd()
}
