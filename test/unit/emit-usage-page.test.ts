// Rules of the packed usage page: what is read back, and what is refused.

import { describe, expect, test } from 'vitest'
import { unattributedRows, usageRows } from '../../src/emit/usage-page.ts'
import { MeterFastError } from '../../src/errors.ts'
import { encodeUsagePage, type PageRow } from './emit-page.ts'

const AMOUNTS: PageRow['amounts'] = [1n, 2n, 3n, 4n, 5n, 6n]

const ROWS: PageRow[] = [
  {
    project: 'p-a',
    kind: 1,
    namespace: 'ns',
    name: 'web',
    dimensions: ['gw', undefined],
    amounts: AMOUNTS,
  },
  {
    project: 'p-a',
    kind: 2,
    namespace: 'ns',
    name: 'api',
    dimensions: ['', 'x'],
    amounts: AMOUNTS,
  },
  {
    project: 'p-b',
    kind: 0,
    dimensions: [undefined, undefined],
    amounts: [2n ** 63n - 1n, 0n, 0n, 0n, 0n, 0n],
  },
  { project: 'p-c', kind: 3, name: 'odd route', dimensions: ['a', 'b'], amounts: AMOUNTS },
  { project: 'p-d', kind: 4, dimensions: ['c', 'd'], amounts: AMOUNTS },
]

function codeOf(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof MeterFastError) return error.code
    throw error
  }
  return 'none'
}

/** The bytes at an offset of 1, where no typed array may look at them directly. */
function shifted(page: Uint8Array): Uint8Array {
  const room = new Uint8Array(page.length + 1)
  room.set(page, 1)
  return room.subarray(1)
}

describe('usage page', () => {
  test('gives back every column and amount in order', () => {
    const rows = [...usageRows(encodeUsagePage(ROWS))]
    expect(
      rows.map(({ project, kind, namespace, name, dimensions }) => [
        project,
        kind,
        namespace,
        name,
        dimensions,
      ]),
    ).toEqual([
      ['p-a', 'HTTPRoute', 'ns', 'web', ['gw', undefined]],
      ['p-a', 'GRPCRoute', 'ns', 'api', ['', 'x']],
      ['p-b', null, '', '', [undefined, undefined]],
      ['p-c', 'unknown', '', 'odd route', ['a', 'b']],
      ['p-d', 'overflow', '', '', ['c', 'd']],
    ])
    expect(rows[0]).toMatchObject({
      requests: 1n,
      egressBytes: 2n,
      ingressBytes: 3n,
      connectionMs: 4n,
      connectionSecondsFloor: 5n,
      connectionSeconds: 6n,
    })
    expect(rows[2]?.requests).toBe(9223372036854775807n)
  })

  test('an empty page has no rows', () => {
    expect([...usageRows(encodeUsagePage([]))]).toEqual([])
  })

  test('columns are cut by bytes, and a byte order mark stays in its value', () => {
    const texts = ['pröject', '\ufeffnäme', '日本', '😀']
    const page = encodeUsagePage(
      texts.map((name) => ({ project: name, kind: 3, name, amounts: AMOUNTS })),
    )
    expect([...usageRows(page)].map((row) => [row.project, row.name])).toEqual(
      texts.map((text) => [text, text]),
    )
  })

  test('a page may begin at any offset of its buffer', () => {
    const page = encodeUsagePage(ROWS)
    expect([...usageRows(shifted(page))]).toEqual([...usageRows(page)])
  })

  test('unattributed pages name the reason and keep what the line said', () => {
    const page = encodeUsagePage([
      { project: '', kind: 16, amounts: AMOUNTS },
      { project: '-', kind: 17, name: 'httproute/ns/web', amounts: AMOUNTS },
      { project: 'Bad_Project', kind: 18, name: 'x', amounts: AMOUNTS },
    ])
    expect(
      [...unattributedRows(page)].map(({ reason, project, route }) => [reason, project, route]),
    ).toEqual([
      ['no_route', '', ''],
      ['no_project', '-', 'httproute/ns/web'],
      ['bad_project', 'Bad_Project', 'x'],
    ])
    expect([...unattributedRows(page)][0]).toMatchObject({ requests: 1n, connectionSeconds: 6n })
  })

  test('a page that is cut, longer, or has another magic is refused as corrupt', () => {
    const page = encodeUsagePage(ROWS)
    const longer = new Uint8Array([...page, 0])
    const other = page.slice()
    other[0] = 0
    for (const bad of [page.slice(0, 15), page.slice(0, -1), longer, other, new Uint8Array(0)]) {
      expect(codeOf(() => [...usageRows(bad)])).toBe('METER_STATE_CORRUPT')
    }
  })

  test('any changed number of rows, dimensions or text bytes is refused as corrupt', () => {
    for (const at of [4, 8, 12]) {
      for (const byte of [0, 9, 255]) {
        const page = encodeUsagePage(ROWS)
        page[at] = byte
        expect(codeOf(() => [...usageRows(page)])).toBe('METER_STATE_CORRUPT')
      }
    }
  })

  test('lengths that do not add up to the text are refused as corrupt', () => {
    const page = encodeUsagePage(ROWS)
    const firstColumn = 16 + ROWS.length * 48
    page[firstColumn] = 4
    expect(codeOf(() => [...usageRows(page)])).toBe('METER_STATE_CORRUPT')
  })

  test('a negative amount, an unknown kind and broken UTF-8 are refused as corrupt', () => {
    const row = { project: 'p', kind: 1, amounts: AMOUNTS }
    const broken = encodeUsagePage([{ ...row, name: 'é' }])
    broken[broken.length - 1] = 0xff
    const bad = [
      encodeUsagePage([{ ...row, amounts: [-1n, 0n, 0n, 0n, 0n, 0n] }]),
      encodeUsagePage([{ ...row, kind: 5 }]),
      encodeUsagePage([{ ...row, kind: 16 }]),
      broken,
    ]
    for (const page of bad) expect(codeOf(() => [...usageRows(page)])).toBe('METER_STATE_CORRUPT')
    expect(codeOf(() => [...unattributedRows(encodeUsagePage([row]))])).toBe('METER_STATE_CORRUPT')
  })
})
