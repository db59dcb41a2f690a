// Which path lines took can be seen: a format that changes under the agent shows as a number, by
// reason, and costs time, never an answer.

import { describe, expect, test } from 'vitest'
import { resolveFormat } from '../../src/config/formats.ts'
import { createEngine, type Engine, LINE_PATHS } from '../../src/native.ts'
import { cri, file, line } from './metering.ts'

type Path = (typeof LINE_PATHS)[number]

function engine(): Engine {
  return createEngine({
    envelope: 'auto',
    format: resolveFormat('datum', []),
    windowMs: 60_000,
    totalsOnly: false,
    keepQuarantine: false,
    exclude: { codes: [], flags: [] },
    lineBytesMax: 1024 * 1024,
    keysMax: 1_000_000,
    streamStatesMax: 1_000_000,
  })
}

/** Lines by path that these bring, without paths that none took. */
function pathsOf(one: Engine, ...lines: string[]): Partial<Record<Path, number>> {
  const before = one.pathCounters()
  one.feedSync(file(...lines))
  const added = one.pathCounters().map((count, index) => count - (before[index] ?? 0n))
  const named = LINE_PATHS.map((path, index) => [path, Number(added[index])] as const)
  return Object.fromEntries(named.filter(([, count]) => count > 0))
}

const times = (count: number, text: string) => Array.from({ length: count }, () => text)

/** An engine that knows the shape of `line()`. */
function learned(): Engine {
  const one = engine()
  pathsOf(one, ...times(3, line()))
  expect(pathsOf(one, ...times(10, line()))).toEqual({ 'matched.batch': 10 })
  return one
}

describe('a line is', () => {
  test('untried when it is the first of a generation, then one teaches its shape', () => {
    expect(pathsOf(engine(), line(), line())).toEqual({ untried: 1, 'declined.shape': 1 })
  })

  test.each([
    ['another key order', `${line({}).replace('{"', '{"new":1,"')}`, 'declined.shape'],
    [
      'no number where the shape has one',
      line({ duration: 1 }).replace(':1,', ':01,'),
      'declined.number',
    ],
    [
      'an escape that is none',
      line({ project_name: 'x' }).replace('"x"', '"\\x"'),
      'declined.escape',
    ],
    ['no UTF-8', line({ project_name: 'p-\u00ff' }), 'declined.utf8'],
  ])('declined when it has %s', (_, odd, path) => {
    expect(pathsOf(learned(), line(), odd, line())).toEqual({ 'matched.batch': 2, [path]: 1 })
  })

  test.each([
    ['a number with an exponent', line().replace(':1500,', ':1.5e3,')],
    ['16 digits', line({ bytes_sent: 1_234_567_890_123_456 })],
    ['text above 0x7F', line({ project_name: 'p-\u00c3\u00a4' })],
    ['an escape', line({ route_name: 'httproute/ns-a/"web"' })],
  ])('matched, and looked at value by value, when it has %s', (_, odd) => {
    const paths = pathsOf(learned(), line(), odd, line())
    expect(paths).toEqual({ 'matched.batch': 2, 'matched.record': 1 })
  })

  test('declined by its envelope when it is a part', () => {
    const one = engine()
    pathsOf(one, ...times(3, cri(line())))
    const parts = [cri(line().slice(0, 9), 'stdout P'), cri(line().slice(9))]
    const paths = pathsOf(one, cri(line()), ...parts, cri(line()))
    expect(paths['matched.batch']).toBeGreaterThanOrEqual(1)
    expect(Object.values(paths).reduce((sum, count) => sum + count)).toBe(3)
  })
})

test('a format that changes under the agent raises the declined lines until it is learned', () => {
  const one = learned()
  const changed = line({ region: 'r' })
  expect(pathsOf(one, ...times(5, changed))['declined.shape']).toBeGreaterThan(0)
  expect(pathsOf(one, ...times(50, changed), line())).toEqual({ 'matched.batch': 51 })
})

test('keys in random order are given up on: most lines are not tried', () => {
  const one = engine()
  const entries = Object.entries(JSON.parse(line()))
  const orders = Array.from({ length: 5040 }, (_, index) => {
    const rest = [...entries, ['n', index] as const, ['m', index] as const]
    const order: (readonly [string, unknown])[] = []
    for (let left = index; rest.length > 0; left = Math.floor(left / (rest.length + 1))) {
      order.push(...rest.splice(left % rest.length, 1))
    }
    return JSON.stringify(Object.fromEntries(order))
  })
  const paths = pathsOf(one, ...orders)
  expect(paths.untried).toBeGreaterThan(2500)
  expect(one.counters()[0]).toBe(BigInt(orders.length))
})
