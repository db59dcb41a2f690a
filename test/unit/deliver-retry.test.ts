// Rules of waiting: tables for the jitter and for Retry-After.

import { describe, expect, test } from 'vitest'
import { askedWaitMs, jitterMs, retryAfterMs } from '../../src/deliver/retry.ts'

const NOW = Date.UTC(1994, 10, 6, 8, 49, 7)
const HOUR = 3_600_000

describe('full jitter', () => {
  test.each([
    // failures in a row, random, ms
    [1, 0, 500],
    [1, 0.5, 750],
    [1, 1, 1000],
    [2, 1, 2000],
    [3, 0.5, 2250],
    [4, 1, 8000],
    [6, 1, 32_000],
    [7, 1, 60_000],
    [8, 0, 500],
    [1000, 1, 60_000],
  ])('failure %i, random %f: %i ms', (failures, random, ms) => {
    expect(jitterMs(failures, random)).toBe(ms)
  })
})

describe('Retry-After', () => {
  test.each([
    ['1', 1000],
    [' 120 ', 120_000],
    ['0', 0],
    ['3600', HOUR],
    ['3601', HOUR],
    ['99999999999999999999999', HOUR],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 30_000],
    ['Sun Nov  6 08:49:37 1994', 30_000],
    ['Sun, 06 Nov 1994 08:49:06 GMT', 0],
    ['Mon, 07 Nov 1994 08:49:37 GMT', HOUR],
  ])('%s is %i ms from now', (header, ms) => {
    expect(retryAfterMs(header, NOW)).toBe(ms)
  })

  test.each([
    undefined,
    '',
    '-1',
    '1.5',
    '1s',
    'soon',
    '1994-11-06T08:49:37Z',
    'Sun, 99 Nov 1994 08:49:37 GMT',
  ])('%s is as if there were none', (header) => {
    expect(retryAfterMs(header, NOW)).toBeUndefined()
  })

  test('is kept within half a second and one hour', () => {
    expect([0, 499, 500, 90_000, HOUR, HOUR + 1].map(askedWaitMs)).toEqual([
      500,
      500,
      500,
      90_000,
      HOUR,
      HOUR,
    ])
  })
})
