// Where a line belongs, DESIGN 4.1 and 4.5: routes, keys by JSON Pointer, and usage of nobody.

import { describe, expect, test } from 'vitest'
import { resolveFormat } from '../../src/config/formats.ts'
import type { FormatMap } from '../../src/config/presets.ts'
import { unattributedRows, usageRows } from '../../src/emit/usage-page.ts'
import { createEngine } from '../../src/native.ts'
import { file, line, lineWith, metered } from './metering.ts'

/** `kind namespace name` of the one key, or null for none. */
function routeOf(raw: string): string | null {
  const input = [Buffer.from(`${lineWith(`"route_name":${raw}`, { route_name: undefined })}\n`)]
  const { totals, lines } = metered(input).scan
  expect(lines.metered).toBe(1)
  const route = totals[0]?.route
  return route ? JSON.stringify([route.kind, route.namespace, route.name]) : null
}

describe('routes', () => {
  const LONG = 'n'.repeat(300)
  test.each([
    ['"httproute/ns-a/web"', ['HTTPRoute', 'ns-a', 'web']],
    ['"httproute/ns-a/web/"', ['HTTPRoute', 'ns-a', 'web']],
    ['"httproute/ns-a/web/rule/0/match/0/www_example_com"', ['HTTPRoute', 'ns-a', 'web']],
    ['"httproute/ns-a/web//x"', ['HTTPRoute', 'ns-a', 'web']],
    ['"grpcroute/ns-a/web/rule/0/match/-1/*"', ['GRPCRoute', 'ns-a', 'web']],
    ['"httproute\\/ns\\u002da\\/web"', ['HTTPRoute', 'ns-a', 'web']],
    ['"\\u0068ttproute/ns-a/web"', ['HTTPRoute', 'ns-a', 'web']],
    ['"httproute/-/-"', ['HTTPRoute', '-', '-']],
    ['"httproute/NS A/w\u00e9b"', ['HTTPRoute', 'NS A', 'w\u00e9b']],
    ['"httproute/a\\u0000b/\\ud83d\\ude00"', ['HTTPRoute', 'a\u0000b', '\u{1f600}']],
    [`"httproute/${LONG}/${LONG}"`, ['HTTPRoute', LONG, LONG]],
  ])('%s has kind, namespace and name', (raw, expected) => {
    expect(routeOf(raw)).toBe(JSON.stringify(expected))
  })

  test.each([
    'default',
    'httproute',
    'httproute/',
    'httproute/ns-a',
    'httproute/ns-a/',
    'httproute/ns-a//web',
    'httproute//web',
    'httproute//',
    'HTTPRoute/ns-a/web',
    'httproutes/ns-a/web',
    'tcproute/ns-a/web',
    ' httproute/ns-a/web',
    '/httproute/ns-a/web',
    ' ',
    '--',
    'null',
    '{"a":1}',
    '\u0000',
  ])('%j is of kind unknown, and its name is the text', (text) => {
    expect(routeOf(JSON.stringify(text))).toBe(JSON.stringify(['unknown', '', text]))
  })

  test.each(['null', '""', '"-"', '"\\u002d"', '5', 'true', '[]', '{}', '["httproute/a/b"]'])(
    '%s is no route',
    (raw) => {
      expect(routeOf(raw)).toBe(null)
    },
  )

  test('routes that are told apart by one part only have totals of their own', () => {
    const routes = ['httproute/a/b', 'grpcroute/a/b', 'httproute/b/b', 'httproute/a/c', 'a/b', null]
    const { totals } = metered(routes.map((route_name) => line({ route_name }))).scan
    expect(totals.map(({ route, requests }) => [route, requests])).toEqual([
      [null, '1'],
      [{ kind: 'GRPCRoute', namespace: 'a', name: 'b' }, '1'],
      [{ kind: 'HTTPRoute', namespace: 'a', name: 'b' }, '1'],
      [{ kind: 'HTTPRoute', namespace: 'a', name: 'c' }, '1'],
      [{ kind: 'HTTPRoute', namespace: 'b', name: 'b' }, '1'],
      [{ kind: 'unknown', namespace: '', name: 'a/b' }, '1'],
    ])
  })

  test('one route in several spellings is one key', () => {
    const spelt = [
      'httproute/a/b',
      'httproute/a/b/rule/1',
      'httproute\\/a/b',
      'http\\u0072oute/a/b',
    ]
    const input = spelt.map((text) => lineWith(`"route_name":"${text}"`, { route_name: undefined }))
    const { totals } = metered(input).scan
    expect(totals.map(({ requests }) => requests)).toEqual(['4'])
  })
})

describe('keys by JSON Pointer', () => {
  const format: FormatMap = {
    project: '/gateway/0/na~1me~0',
    route: '/gateway/1',
    egressBytes: 'a/b',
    startTime: 'start_time',
  }
  const meterOne = (gateway: string) =>
    metered([lineWith(`"gateway":${gateway},"a/b":7`)], { format }).scan

  test('finds values in lists and objects, and a key with a slash at the top', () => {
    const { totals } = meterOne('[{"na/me~":"p-x","y":[]},"httproute/ns/web"]')
    expect(totals).toMatchObject([
      { project: 'p-x', route: { namespace: 'ns', name: 'web' }, egressBytes: '7' },
    ])
  })

  test.each([
    ['null', 'no_route'],
    ['{}', 'no_route'],
    ['[]', 'no_route'],
    ['[{"na/me":"p-x"}]', 'no_route'],
    ['[{}, "x"]', 'no_project'],
    ['[[{"na/me~":"p-x"}], "x"]', 'no_project'],
    ['{"00":{"na/me~":"p-x"}}', 'no_route'],
  ])('finds none in %s', (gateway, expected) => {
    expect(meterOne(gateway).lines.unattributed).toEqual({ [expected]: 1 })
  })

  test('the same path twice is a duplicate, the same key elsewhere is not', () => {
    const twice = '[{"na/me~":"p-x","na\\/me~":"p-x"}]'
    expect(meterOne(twice).lines.quarantined).toEqual({ duplicate_key: 1 })
    const elsewhere = '[{"na/me~":"p-x"},{"na/me~":"p-y"}],"na/me~":"p-z"'
    expect(meterOne(elsewhere).totals.map(({ project }) => project)).toEqual(['p-x'])
  })
})

describe('unattributed usage', () => {
  const rowsOf = (lines: readonly string[]) => {
    const engine = createEngine({
      envelope: 'raw',
      format: resolveFormat('datum'),
      windowMs: 60_000,
      totalsOnly: false,
      keepQuarantine: false,
      exclude: { codes: [], flags: [] },
      lineBytesMax: 1024 * 1024,
      keysMax: 1_000_000,
      streamStatesMax: 1_000_000,
    })
    engine.feedSync(file(...lines))
    engine.endStreamSync()
    const { closed } = engine.take()
    expect(closed.flatMap(({ pages }) => pages.flatMap((page) => [...usageRows(page)]))).toEqual([])
    return closed.flatMap(({ windowStartMs, unattributed }) =>
      unattributed.flatMap((page) =>
        [...unattributedRows(page)].map(({ reason, project, route, requests, egressBytes }) => [
          new Date(windowStartMs).toISOString().slice(11, 16),
          ...[reason, project, route, requests, egressBytes],
        ]),
      ),
    )
  }

  test('is kept under reason, raw project, raw route and window', () => {
    const later = '2026-11-02T12:01:00Z'
    expect(
      rowsOf([
        line({ project_name: 'P-A', bytes_sent: 1 }),
        line({ project_name: 'P-A', bytes_sent: 2 }),
        line({ project_name: 7, bytes_sent: 4, route_name: null }),
        line({ project_name: null, bytes_sent: 8, route_name: 'x' }),
        line({ project_name: undefined, route_name: undefined, bytes_sent: 16 }),
        line({ project_name: 'P-A', bytes_sent: 32, start_time: later }),
      ]),
    ).toEqual([
      ['12:00', 'bad_project', '"P-A"', '"httproute/ns-a/web/rule/0"', 2n, 3n],
      ['12:00', 'bad_project', '7', 'null', 1n, 4n],
      ['12:00', 'no_project', 'null', '"x"', 1n, 8n],
      ['12:00', 'no_route', '', '', 1n, 16n],
      ['12:01', 'bad_project', '"P-A"', '"httproute/ns-a/web/rule/0"', 1n, 32n],
    ])
  })
})
