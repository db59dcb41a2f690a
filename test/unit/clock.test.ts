// How a line tells its time, DESIGN 5.2, as literal expectations. What follows from it is in
// windows.test.ts, epochs.test.ts and clock-parts.test.ts.

import { describe, expect, test } from 'vitest'
import { cri, line, lineWith, metered, type RuleOptions, values } from './metering.ts'

/** A line that ends at `time` (duration 0), with other fields if there are any. */
function at(time: unknown, fields: Record<string, unknown> = {}): string {
  return line({ start_time: time, duration: 0, ...fields })
}

/** Start of the window of the one line, or no_clock. */
function windowOf(text: string, options: RuleOptions = {}): string {
  const { segments, lines } = metered([text], options)
  const [segment] = segments
  return segment
    ? new Date(segment.windowStartMs).toISOString()
    : Object.keys(lines.quarantined).join()
}

/** `<time of the window> <requests>`, as closed. */
function requests(input: readonly (string | Buffer)[], options: RuleOptions = {}): string[] {
  return values(['requests'], input, options).map((text) => text.replace('requests ', ''))
}

describe('a time', () => {
  const SECOND: RuleOptions = { windowMs: 1000 }

  test.each([
    ['2026-11-02T12:00:07Z', '2026-11-02T12:00:07.000Z'],
    ['2026-11-02T12:00:07.9999999999999Z', '2026-11-02T12:00:07.000Z'],
    ['2026-11-02T12:00:07.1Z', '2026-11-02T12:00:07.000Z'],
    ['2026-11-02T14:00:07+02:00', '2026-11-02T12:00:07.000Z'],
    ['2026-11-02T11:59:07-00:01', '2026-11-02T12:00:07.000Z'],
    ['2026-11-02T12:00:07-00:00', '2026-11-02T12:00:07.000Z'],
    ['2026-11-03T11:59:07+23:59', '2026-11-02T12:00:07.000Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['2000-01-01T00:00:00Z', '2000-01-01T00:00:00.000Z'],
    ['1999-12-31T23:59:59-00:01', '2000-01-01T00:00:59.000Z'],
    ['2099-12-31T23:59:59.999Z', '2099-12-31T23:59:59.000Z'],
    [1793620807, '2026-11-02T12:00:07.000Z'],
    ['1793620807', '2026-11-02T12:00:07.000Z'],
    ['1793620807.9999', '2026-11-02T12:00:07.000Z'],
    ['001793620807', '2026-11-02T12:00:07.000Z'],
    [946684800, '2000-01-01T00:00:00.000Z'],
    [4102444799.5, '2099-12-31T23:59:59.000Z'],
  ])('%j is in the second %s', (time, expected) => {
    expect(windowOf(at(time), SECOND)).toBe(expected)
  })

  test.each([
    '2026-11-02t12:00:00Z',
    '2026-11-02T12:00:00z',
    '2026-11-02 12:00:00Z',
    '2026-11-02T12:00:00',
    '2026-11-02T12:00Z',
    '2026-11-02',
    '2026-11-02T12:00:60Z',
    '2026-11-02T24:00:00Z',
    '2026-11-02T12:60:00Z',
    '2026-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-11-00T00:00:00Z',
    '2026-11-02T12:00:00.Z',
    '2026-11-02T12:00:00,5Z',
    '2026-11-02T12:00:00+24:00',
    '2026-11-02T12:00:00+02:60',
    '2026-11-02T12:00:00+0200',
    '2026-11-02T12:00:00+02',
    '+2026-11-02T12:00:00Z',
    ' 2026-11-02T12:00:00Z',
    '2026-11-02T12:00:00Z ',
    '1999-12-31T23:59:59.999Z',
    '2100-01-01T00:00:00Z',
    '2000-01-01T00:00:00+00:01',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '1793620807000',
    '0001793620807',
    '1793620807.',
    '.5',
    '-1793620807',
    '+1793620807',
    '1.793620807e9',
    '1e9',
    '946684799.9999',
    '4102444800',
    946684799,
    4102444800,
    1793620807000,
    '',
    '-',
    null,
    undefined,
    true,
    [],
    {},
    [1793620807],
  ])('%j cannot be read, or is outside of 2000 to 2100', (time) => {
    expect(windowOf(at(time))).toBe('no_clock')
  })

  test('a number with an exponent is no time', () => {
    const text = lineWith('"start_time":1.793620807e9', { start_time: undefined })
    expect(windowOf(text)).toBe('no_clock')
  })

  test('the start and the duration make the clock: a line is where its request ends', () => {
    const ends = (start_time: string, duration: unknown) =>
      windowOf(line({ start_time, duration })).slice(11, 16)
    expect(ends('2026-11-02T12:00:00Z', 59_999)).toBe('12:00')
    expect(ends('2026-11-02T12:00:00Z', 60_000)).toBe('12:01')
    expect(ends('2026-11-02T12:00:59.9999Z', 0)).toBe('12:00')
    expect(ends('2026-11-02T12:00:59.9999Z', 1)).toBe('12:01')
    expect(ends('2026-11-02T12:00:00Z', null)).toBe('12:00')
    expect(ends('1999-12-31T23:59:59Z', 1_000)).toBe('00:00')
    expect(windowOf(line({ start_time: '2099-12-31T23:59:59Z', duration: 1_000 }))).toBe('no_clock')
    expect(windowOf(line({ duration: 2 ** 53 }))).toBe('no_clock')
  })
})

describe('the time of a CRI record', () => {
  test('is the clock where the line has none that counts, without the duration', () => {
    const of = (start_time: unknown) =>
      windowOf(cri(line({ start_time, duration: 120_000 }), 'stdout F', '2026-11-02T15:59:59.9Z'))
    expect(of('2026-11-02T12:00:00Z')).toBe('2026-11-02T12:02:00.000Z')
    expect(of('soon')).toBe('2026-11-02T15:59:00.000Z')
    expect(of(undefined)).toBe('2026-11-02T15:59:00.000Z')
    expect(of('1970-01-01T00:00:00Z')).toBe('2026-11-02T15:59:00.000Z')
    expect(of('2100-01-01T00:00:00Z')).toBe('2026-11-02T15:59:00.000Z')
  })

  test('is that of the last part', () => {
    const text = line({ start_time: null })
    const first = cri(text.slice(0, 50), 'stdout P', '2026-11-02T12:00:59Z')
    const last = cri(text.slice(50), 'stdout F', '2026-11-02T12:01:00Z')
    expect(requests([first, last])).toEqual(['2026-11-02T12:01:00.000Z 1'])
  })

  test('does not count when it cannot be read or is outside of 2000 to 2100', () => {
    const of = (time: string) => windowOf(cri(line({ start_time: null }), 'stdout F', time))
    for (const time of ['soon', '1999-12-31T23:59:59Z', '2026-02-30T00:00:00Z', '1793620807']) {
      expect(of(time)).toBe('no_clock')
    }
    expect(of('2026-11-02T12:00:00.123456789+02:00')).toBe('2026-11-02T10:00:00.000Z')
  })
})
