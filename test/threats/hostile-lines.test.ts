// What a client, or a tenant that writes into a log, may try (docs/threats.md): none of it changes
// a sum of somebody else, names a key, or makes traffic free. Every call also asks the oracle.

import { describe, expect, test } from 'vitest'
import { Meter } from '../../src/meter.ts'
import { line, metered, onlyRow, outcomes } from '../unit/metering.ts'

/** Characters stand for bytes, as in `file`. */
const HOSTILE = [
  '"bytes_sent":0',
  '","bytes_sent":0,"x":"',
  '{"bytes_sent":0,"project_name":"p-other"}',
  '}\n{"bytes_sent":0}',
  '\r\n',
  '\u0000\u0001\u001b[2J',
  '\\',
  '\\u0022,"bytes_sent":0',
  'httproute/ns-b/other/rule/0',
  'x'.repeat(20_000),
  '[{'.repeat(200),
  '2026-11-02T12:00:00Z stdout F {}',
] as const

const CLIENT_FIELDS = [':authority', 'method', 'path', 'user-agent', 'x-forwarded-for'] as const

describe('text that a client chose', () => {
  test.each(CLIENT_FIELDS)('in %s changes no sum, whatever it is', (field) => {
    const clean = HOSTILE.map(() => line())
    const hostile = HOSTILE.map((text) => line({ [field]: text }))
    expect(metered(hostile).scan.totals).toEqual(metered(clean).scan.totals)
  })

  test('in any bytes is billed: valid JSON or not, the line is mended', () => {
    const bytes = Array.from({ length: 128 }, (_, i) => String.fromCharCode(128 + i))
    const junk = [...bytes, '\\377', '\\ud800', '\\x', '\xc3(', '\xed\xa0\x80']
    const all = junk.map((text) => `${line().slice(0, -1)},"user-agent":"a${text}b"}`)
    expect(outcomes(all)).toMatchObject({ metered: all.length, lenient: all.length })
  })

  test('is no key: a thousand paths, hosts and agents are one row', () => {
    const all = Array.from({ length: 1_000 }, (_, i) =>
      line({ path: `/${i}`, ':authority': `h${i}`, 'user-agent': `a${i}`, 'x-forwarded-for': i }),
    )
    expect(onlyRow(all)).toMatchObject({ requests: '1000', egressBytes: '10000' })
  })

  test('as the one request id of a thousand requests bills a thousand', () => {
    const all = Array.from({ length: 1_000 }, (_, i) =>
      line({ request_id: 'chosen', stream_id: 'chosen', connection_id: i % 3 }),
    )
    expect(onlyRow(all)).toMatchObject({ requests: '1000', egressBytes: '10000' })
  })
})

describe('a key that is billed', () => {
  const twice = (...members: string[]) => `${line().slice(0, -1)},${members.join(',')}}`

  test('twice or more, in any order and spelling, is quarantined', () => {
    const all = [
      twice('"bytes_sent":0'),
      `{"bytes_sent":0,${line().slice(1)}`,
      twice('"bytes_sent":10'),
      twice('"bytes_sent":0', '"bytes_sent":0'),
      twice('"\\u0062ytes_sent":0'),
      twice('"project_name":"p-other"'),
      twice('"\\u0070roject\\u005fname":"p-other"'),
    ]
    expect(outcomes(all)).toEqual({ 'quarantined.duplicate_key': all.length })
  })

  test('is found under any spelling, and only at its place', () => {
    const spelt = line().replace('"bytes_sent"', '"\\u0062ytes\\u005fsent"')
    const inside = twice('"a":{"bytes_sent":7}', '"b":["bytes_sent",7]', '"c":"\\"bytes_sent\\":7"')
    expect(onlyRow([spelt, inside])).toMatchObject({ requests: '2', egressBytes: '20' })
  })
})

test('a line that is cut at any byte, or run together, is never billed', () => {
  const text = line({ user_agent: 'a"b' })
  const cuts = Array.from({ length: text.length - 1 }, (_, i) => text.slice(0, i + 1))
  expect(outcomes([...cuts, text + text, text + text.slice(0, -1)]).metered).toBeUndefined()
})

describe('keys that an operator, or who writes routes, makes many of', () => {
  const MIB = 1024 * 1024
  const KEYS_MAX = 1_000
  const BATCHES = 150

  test('cost bounded memory; beyond keys_max a project is billed under one key', () => {
    using meter = new Meter({ stream: 's', keysMax: KEYS_MAX, totalsOnly: true })
    const batch = (number: number) => {
      const lines = Array.from({ length: 2_000 }, (_, i) =>
        line({ route_name: `httproute/ns/${'n'.repeat(100)}-${number}-${i}` }),
      )
      return Buffer.from(`${lines.join('\n')}\n`)
    }
    meter.feed(batch(0))
    const beforeBytes = process.memoryUsage().rss
    for (let number = 1; number < BATCHES; number += 1) meter.feed(batch(number))
    // Every key of 300,000 would be more than 100 MiB.
    expect(process.memoryUsage().rss - beforeBytes).toBeLessThan(64 * MIB)
    meter.end()
    const rows = meter.take().flatMap((segment) => [...segment.rows()])
    expect(rows).toHaveLength(KEYS_MAX + 1)
    expect(rows.reduce((sum, { requests }) => sum + requests, 0n)).toBe(2_000n * BigInt(BATCHES))
  })
})

test('a text template that looks like JSON, with a forged amount, bills no forged amount', () => {
  const forged = '{"project_name":"p-a","bytes_sent":0,"path":"","bytes_sent":50,"y":""}'
  expect(outcomes([line(), forged])).toEqual({ metered: 1, 'quarantined.duplicate_key': 1 })
})
