// Tables and sentences fit the terminal, whatever is in them. Widths are measured by the rules of
// Unicode that a terminal goes by, spelled out here once more for the few characters in use.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutMiddle, wrapped } from '../../src/cli/cells.ts'
import { type Display, displayOf } from '../../src/cli/display.ts'
import { type Column, tableLines } from '../../src/cli/table.ts'
import { cellsWide } from './cells-wide.ts'

interface Usage {
  readonly project: string
  readonly route: string
  readonly requests: string
  readonly bytes: string
}

const COLUMNS: readonly Column<Usage>[] = [
  { kind: 'name', head: 'PROJECT', text: ({ project }) => project },
  { kind: 'name', head: 'ROUTE', text: ({ route }) => route },
  { kind: 'figure', head: 'REQUESTS', text: ({ requests }) => requests },
  { kind: 'figure', head: 'EGRESS', text: ({ bytes }) => bytes },
]
const ROWS: readonly Usage[] = [
  { project: 'p-abc', route: 'HTTPRoute/ns-6f1c/web', requests: '1,234', bytes: '18.2 MB' },
  { project: 'p-b', route: '顧客/ログ', requests: '7', bytes: '900 B' },
]

const wide = (columns: number): Display => displayOf({ columns }, {})
const print = (columns: number, rows = ROWS) => tableLines(COLUMNS, rows, wide(columns))

describe('a table', () => {
  test('that fits has names at the left, figures at the right, no blanks at line ends', () => {
    expect(print(80)).toEqual([
      'PROJECT  ROUTE                  REQUESTS   EGRESS',
      'p-abc    HTTPRoute/ns-6f1c/web     1,234  18.2 MB',
      'p-b      顧客/ログ                     7    900 B',
    ])
  })

  test('that is too wide has its longest names cut in the middle, figures never', () => {
    expect(print(45)).toEqual([
      'PROJECT  ROUTE              REQUESTS   EGRESS',
      'p-abc    HTTPRout…6f1c/web     1,234  18.2 MB',
      'p-b      顧客/ログ                 7    900 B',
    ])
  })

  test('that is still too wide has figures below names', () => {
    const [first, ...rest] = ROWS
    const rows = [{ ...first, requests: '123,456,789,012,345' } as Usage, ...rest]
    expect(print(45, rows)).toEqual([
      'PROJECT  ROUTE',
      '            REQUESTS   EGRESS',
      'p-abc    HTTPRoute/ns-6f1c/web',
      ' 123,456,789,012,345  18.2 MB',
      'p-b      顧客/ログ',
      '                   7    900 B',
    ])
  })

  test('leaves out what can be spared before it cuts a name, the last column first', () => {
    const spare = COLUMNS.map((column) => ({ ...column, spare: column.kind === 'figure' }))
    expect(tableLines(spare, ROWS, wide(42))).toEqual([
      'PROJECT  ROUTE                  REQUESTS',
      'p-abc    HTTPRoute/ns-6f1c/web     1,234',
      'p-b      顧客/ログ                     7',
    ])
  })

  test('in a pipe or a file is as wide as its names', () => {
    const long = 'x'.repeat(300)
    const rows = [{ project: long, route: long, requests: '1', bytes: '1 B' }]
    expect(tableLines(COLUMNS, rows, displayOf({}, {}))[1]).toContain(`${long}  ${long}`)
  })

  test('shows control characters of a name and obeys none', () => {
    const rows = [{ project: 'a\u001B[31mb\u202Ec', route: '-', requests: '1', bytes: '1 B' }]
    expect(print(80, rows)[1]).toMatch(/^a\?\[31mb\?c /)
  })

  test('is never wider than 40 cells or more, and has all figures whole', () => {
    const name = fc.string({ unit: fc.constantFrom('a', '-', '/', '顧', 'é', 'e\u0301', '😀') })
    const figure = fc.bigInt(0n, 10n ** 30n).map(String)
    const row = fc.record({ project: name, route: name, requests: figure, bytes: figure })
    fc.assert(
      fc.property(fc.array(row), fc.integer({ min: 40, max: 140 }), (rows, columns) => {
        const lines = print(columns, rows)
        for (const line of lines) expect(cellsWide(line)).toBeLessThanOrEqual(columns)
        const figures = rows.flatMap(({ requests, bytes }) => [requests, bytes])
        expect(lines.join(' ').match(/(?<![^\s])\d+(?![^\s])/g) ?? []).toEqual(figures)
      }),
    )
  })
})

describe('a name', () => {
  test.each([
    ['abcdefghij', 10, 'abcdefghij'],
    ['abcdefghij', 9, 'abcd…ghij'],
    ['abcdefghij', 8, 'abcd…hij'],
    ['abcdefghij', 1, '…'],
    // Half an ideograph cannot be shown.
    ['顧客顧客顧客', 6, '顧…客'],
    ['e\u0301e\u0301e\u0301e\u0301', 3, 'e\u0301…e\u0301'],
  ])('%s in %i cells: %s', (text, cells, cut) => {
    expect(cutMiddle(text, cells)).toBe(cut)
  })
})

describe('a sentence', () => {
  test('is wrapped between words, with an indent behind the first line', () => {
    expect(wrapped('one two three four', 9, 2)).toEqual(['one two', '  three', '  four'])
  })

  test('an amount stays with its unit', () => {
    expect(wrapped('it took 12 min for 1.2 MB', 16)).toEqual(['it took 12 min', 'for 1.2 MB'])
    expect(wrapped('it took 12 min', 10)).toEqual(['it took', '12 min'])
  })

  test('a word that no line has room for goes on in the next one', () => {
    expect(wrapped('at /var/log/pods/envoy.log now', 12, 2)).toEqual([
      'at',
      '  /var/log/p',
      '  ods/envoy.',
      '  log now',
    ])
  })

  test('is never wider than it may be, and loses nothing but blanks', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '顧', '😀') })
    fc.assert(
      fc.property(text, fc.integer({ min: 6, max: 40 }), (sentence, cells) => {
        const lines = wrapped(sentence, cells, 2)
        for (const line of lines) expect(cellsWide(line)).toBeLessThanOrEqual(cells)
        expect(lines.join('').replaceAll(' ', '')).toBe(sentence.replaceAll(' ', ''))
      }),
    )
  })
})

describe('a display', () => {
  const terminal = { isTTY: true, columns: 90, rows: 24 }
  const isColoured = (stream: object, env: NodeJS.ProcessEnv) =>
    displayOf(stream, env).paint('red', 'x') !== 'x'

  test('is as wide as COLUMNS says, else as the terminal, else without an end', () => {
    expect(displayOf(terminal, { COLUMNS: '50' }).columns).toBe(50)
    expect(displayOf(terminal, { COLUMNS: '' }).columns).toBe(90)
    expect(displayOf(terminal, { COLUMNS: 'wide' }).columns).toBe(90)
    expect(displayOf({}, { COLUMNS: '50' }).columns).toBe(50)
    expect(displayOf({}, {}).columns).toBe(Infinity)
    expect(displayOf({ ...terminal, columns: 10 }, {}).columns).toBe(40)
  })

  test('has 100 cells for a sentence at most', () => {
    expect(displayOf(terminal, {}).proseColumns).toBe(90)
    expect(displayOf({}, {}).proseColumns).toBe(100)
  })

  test('has colours on a terminal only, and as NO_COLOR, FORCE_COLOR and TERM say', () => {
    expect(isColoured(terminal, {})).toBe(true)
    expect(isColoured({}, {})).toBe(false)
    expect(isColoured(terminal, { NO_COLOR: '1' })).toBe(false)
    expect(isColoured(terminal, { NO_COLOR: '' })).toBe(true)
    expect(isColoured(terminal, { TERM: 'dumb' })).toBe(false)
    expect(isColoured({}, { FORCE_COLOR: '1' })).toBe(true)
    expect(isColoured({}, { FORCE_COLOR: '' })).toBe(true)
    expect(isColoured(terminal, { FORCE_COLOR: '0' })).toBe(false)
    expect(isColoured({}, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true)
  })
})
