// Windows, late lines and lines without a clock, DESIGN 5.2, as literal expectations.

import { describe, expect, test } from 'vitest'
import { file, line, metered, outcomes, type RuleOptions, values } from './metering.ts'

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
