// Rules of the id: the literal vector, and that every field is part of it.

import { describe, expect, test } from 'vitest'
import { eventId, idField } from '../../src/emit/event-id.ts'
import { METER, SEGMENT } from './emit-rules.ts'

const TYPE = `${METER}/egress-bytes`
const SUBJECT = 'projects/p-abc'
const DIMENSIONS = [
  ['gateway_class', 'datum-downstream-gateway'],
  ['httproute_name', 'web'],
  ['httproute_namespace', 'ns-6f1c'],
  ['project_name', 'p-abc'],
  ['region', 'us-east-1'],
] as const

describe('event id', () => {
  test('is the literal vector of the contract', () => {
    expect(eventId(SEGMENT, TYPE, SUBJECT, DIMENSIONS)).toBe('01M81J18G0P50QWNXSREY2CTJ5')
  })

  test('differs when any one field differs', () => {
    const ids = [
      eventId(SEGMENT, TYPE, SUBJECT, DIMENSIONS),
      eventId({ ...SEGMENT, stream: 'file/n1/access.log' }, TYPE, SUBJECT, DIMENSIONS),
      eventId({ ...SEGMENT, epoch: 1 }, TYPE, SUBJECT, DIMENSIONS),
      eventId({ ...SEGMENT, windowStartMs: SEGMENT.windowStartMs + 1 }, TYPE, SUBJECT, DIMENSIONS),
      eventId({ ...SEGMENT, windowMs: 30_000 }, TYPE, SUBJECT, DIMENSIONS),
      eventId({ ...SEGMENT, part: '1' }, TYPE, SUBJECT, DIMENSIONS),
      eventId({ ...SEGMENT, part: 'r1' }, TYPE, SUBJECT, DIMENSIONS),
      eventId(SEGMENT, `${METER}/ingress-bytes`, SUBJECT, DIMENSIONS),
      eventId(SEGMENT, TYPE, 'projects/p-abd', DIMENSIONS),
      eventId(SEGMENT, TYPE, SUBJECT, DIMENSIONS.slice(1)),
      eventId(SEGMENT, TYPE, SUBJECT, []),
    ]
    expect(new Set(ids.map((id) => id.slice(10))).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
  })

  test('fields carry their length in bytes, so neighbours cannot run into each other', () => {
    expect(idField('é1')).toBe('3:é1')
    const one = eventId(SEGMENT, TYPE, SUBJECT, [['a', 'bc']])
    const two = eventId(SEGMENT, TYPE, SUBJECT, [['ab', 'c']])
    expect(one).not.toBe(two)
  })

  test('its first ten digits are the window start, from 1970 to the last time of a ULID', () => {
    const time = (windowStartMs: number) =>
      eventId({ ...SEGMENT, windowStartMs }, TYPE, SUBJECT, []).slice(0, 10)
    expect(time(0)).toBe('0000000000')
    expect(time(31)).toBe('000000000Z')
    expect(time(2 ** 48 - 1)).toBe('7ZZZZZZZZZ')
  })
})
