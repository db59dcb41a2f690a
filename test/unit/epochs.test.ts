// A stream's clock that is set back, DESIGN 5.2: epochs and their names, as literal expectations.

import { describe, expect, test } from 'vitest'
import { eventId } from '../reference/slow-events.ts'
import { line, metered, type RuleOptions, values } from './metering.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** A line that ends at `time` (duration 0), with other fields if there are any. */
function at(time: unknown, fields: Record<string, unknown> = {}): string {
  return line({ start_time: time, duration: 0, ...fields })
}

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
    expect(values(['requests'], input)).toEqual([
      'requests 2026-11-02T12:00:00.000Z 1',
      'requests 2099-01-01T00:00:00.000Z 1',
      'requests 2026-11-02T12:00:00.000Z 1',
    ])
  })
})
