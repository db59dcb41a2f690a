// Clocks, windows, late lines and epochs, DESIGN 5.2, as literal expectations. Closing by time is in
// clock-parts.test.ts.

import { describe, expect, test } from 'vitest'
import { eventId } from '../reference/slow-events.ts'
import {
  cri,
  file,
  line,
  lineWith,
  metered,
  outcomes,
  type RuleOptions,
  values,
} from './metering.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

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

describe('windows', () => {
  test.each([
    [1_000, '12:34:56.000'],
    [60_000, '12:34:00.000'],
    [90_000, '12:34:30.000'],
    [300_000, '12:30:00.000'],
    [3_600_000, '12:00:00.000'],
  ])('of %i ms begin at multiples of it', (windowMs, expected) => {
    const found = windowOf(at('2026-11-02T12:34:56.789Z'), { windowMs })
    expect(found).toBe(`2026-11-02T${expected}Z`)
  })

  test('a line of a later window closes the open one; windows without lines are none', () => {
    const times = ['12:00:00', '12:00:59.999', '12:01:00', '12:07:30', '12:07:31']
    expect(requests(times.map((time) => at(`2026-11-02T${time}Z`)))).toEqual([
      '2026-11-02T12:00:00.000Z 2',
      '2026-11-02T12:01:00.000Z 1',
      '2026-11-02T12:07:00.000Z 2',
    ])
  })

  test('a late line belongs to the open window, down to one hour before its start', () => {
    const input = ['12:05:00', '12:01:00', '11:05:00', '12:05:59'].map((time) =>
      at(`2026-11-02T${time}Z`),
    )
    expect(requests(input)).toEqual(['2026-11-02T12:05:00.000Z 4'])
  })

  test('a line without a clock belongs to the open window', () => {
    const input = [at('2026-11-02T12:05:00Z'), at(null), at('2026-11-02T12:06:00Z'), at('x')]
    expect(requests(input)).toEqual(['2026-11-02T12:05:00.000Z 2', '2026-11-02T12:06:00.000Z 2'])
  })

  test('lines before the first clock are quarantined, and in the totals of a scan', () => {
    const input = [at(null), at(null), at('2026-11-02T12:05:00Z')]
    const { scan, lines } = metered(input)
    expect(lines).toMatchObject({ metered: 1, quarantined: { no_clock: 2 } })
    expect(scan.lines).toMatchObject({ metered: 3, quarantined: {} })
    expect(scan.totals[0]?.requests).toBe('3')
  })

  test('a log without any clock has totals and no events', () => {
    const { scan, events, segments } = metered([at(null), at(null)])
    expect(scan.totals[0]?.requests).toBe('2')
    expect([events, segments]).toEqual([[], []])
  })

  test('only metered and unattributed lines move the clock', () => {
    const later = '2026-11-02T13:00:00Z'
    const back = '2026-11-02T01:00:00Z'
    const silent = [later, back].flatMap((time) => [
      at(time, { access_log_type: 'TcpPeriodic' }),
      at(time, { access_log_type: 'DownstreamStart' }),
      at(time, { access_log_type: 'X' }),
      at(time, { bytes_sent: -1 }),
      at(time, { response_code: 503 }),
      `${at(time)}{`,
    ])
    const exclude = { codes: ['503'] }
    const noon = at('2026-11-02T12:00:00Z')
    expect(requests([noon, ...silent, noon], { exclude })).toEqual(['2026-11-02T12:00:00.000Z 2'])
    const unattributed = at(later, { project_name: null })
    expect(requests([noon, unattributed, noon])).toEqual([
      '2026-11-02T12:00:00.000Z 1',
      '2026-11-02T13:00:00.000Z 1',
    ])
  })

  test('a late line can overflow the window that it is added to', () => {
    const huge = Array.from({ length: 1024 }, () =>
      at('2026-11-02T12:05:00Z', { bytes_sent: 2 ** 53 }),
    )
    const late = at('2026-11-02T12:04:00Z', { bytes_sent: 2 ** 53 })
    expect(outcomes([...huge, late, at('2026-11-02T12:05:00Z')])).toEqual({
      metered: 1024,
      'quarantined.overflow': 2,
    })
  })

  test('a new file changes nothing, and a BOM is dropped at its beginning only', () => {
    const bom = '\u00ef\u00bb\u00bf'
    const first = file(bom + at('2026-11-02T12:00:00Z'), bom + at('2026-11-02T12:00:00Z'))
    const second = file(bom + at('2026-11-02T12:00:30Z'))
    expect(requests([first, second])).toEqual(['2026-11-02T12:00:00.000Z 2'])
    // In the middle it makes text that no longer begins with a brace, but ends with one.
    expect(outcomes([first, second])).toEqual({ metered: 2, 'quarantined.malformed': 1 })
  })

  test('a tail without LF is a line at the end of its file', () => {
    const [one, two] = [at('2026-11-02T12:00:00Z'), at('2026-11-02T12:01:00Z')]
    expect(requests([Buffer.from(one), Buffer.from(two)])).toHaveLength(2)
    expect(outcomes([Buffer.from(one.slice(0, 9)), Buffer.from(one.slice(9))])).toEqual({
      'quarantined.malformed': 2,
    })
  })
})

describe('a clock that was set back', () => {
  const NOON = Date.UTC(2026, 10, 2, 12)
  const epochs = (input: readonly string[], options: RuleOptions = {}) =>
    metered(input, options).segments.map(({ epoch, windowStartMs, part }) => [
      epoch,
      (windowStartMs - NOON) / MINUTE_MS,
      part,
    ])
  const time = (ms: number) => new Date(ms).toISOString()

  test('more than one hour below the window begins an epoch, named by the clock', () => {
    const back = NOON - HOUR_MS - 1
    expect(epochs([at(time(NOON)), at(time(NOON - HOUR_MS))])).toEqual([[0, 0, 0]])
    expect(epochs([at(time(NOON + 59_999)), at(time(back))])).toEqual([
      [0, 0, 0],
      [back, -61, 0],
    ])
  })

  test('lines behind it belong to the new epoch, later windows too', () => {
    const back = NOON - 2 * HOUR_MS + 5
    const input = [NOON, back, back - 5, back + MINUTE_MS, NOON].map((ms) => at(time(ms)))
    expect(epochs(input)).toEqual([
      [0, 0, 0],
      [back, -120, 0],
      [back, -119, 0],
      [back, 0, 0],
    ])
  })

  test('a clock that was an epoch takes the next free number', () => {
    const back = NOON - 2 * HOUR_MS
    const input = [NOON, back, NOON, back, NOON, back + 1, NOON, back].map((ms) => at(time(ms)))
    expect(epochs(input).map(([epoch = 0]) => (epoch === 0 ? null : epoch - back))).toEqual([
      ...[null, 0, 0, 1, 1, 2, 2, 3],
    ])
  })

  test('the last 1,024 epochs are remembered, older numbers are free again', () => {
    const back = NOON - 3 * HOUR_MS
    const input = (others: number) => {
      const steps = Array.from({ length: others }, (_, i) => [NOON, back + 1000 + i]).flat()
      return [NOON, back, ...steps, NOON, back].map((ms) => at(time(ms)))
    }
    expect(epochs(input(1023)).at(-1)).toEqual([back + 1, -180, 0])
    expect(epochs(input(1024)).at(-1)).toEqual([back, -180, 0])
  })

  test('one hour is one hour, whatever the window', () => {
    const options = { windowMs: HOUR_MS }
    expect(epochs([at(time(NOON + 59 * MINUTE_MS)), at(time(NOON - HOUR_MS))], options)).toEqual([
      [0, 0, 0],
    ])
    const back = NOON - HOUR_MS - 1
    expect(epochs([at(time(NOON)), at(time(back))], options)).toEqual([
      [0, 0, 0],
      [back, -120, 0],
    ])
  })

  test('the epoch is part of the id: the same window twice gives two ids', () => {
    const back = NOON - 2 * HOUR_MS
    const { events } = metered(
      [NOON, back, NOON].map((ms) => at(time(ms), { bytes_sent: 0, bytes_received: 0 })),
    )
    const ids = events.map((text) => JSON.parse(text).id)
    const fields = {
      stream: 'scan',
      windowMs: MINUTE_MS,
      type: 'networking.datumapis.com/gateway/requests',
      subject: 'projects/p-a',
      part: '0',
      dimensions: { httproute_name: 'web', httproute_namespace: 'ns-a', project_name: 'p-a' },
    }
    expect(ids).toEqual([
      eventId({ ...fields, epoch: 0, windowStartMs: NOON }),
      eventId({ ...fields, epoch: back, windowStartMs: back }),
      eventId({ ...fields, epoch: back, windowStartMs: NOON }),
    ])
  })

  test('a clock far in the future moves the window, and back is an epoch', () => {
    const input = [
      at('2026-11-02T12:00:00Z'),
      at('2099-01-01T00:00:00Z'),
      at('2026-11-02T12:00:01Z'),
    ]
    expect(requests(input)).toEqual([
      '2026-11-02T12:00:00.000Z 1',
      '2099-01-01T00:00:00.000Z 1',
      '2026-11-02T12:00:00.000Z 1',
    ])
  })
})
