// What the oracle takes for an object, a number and a time, as literal expectations.

import { describe, expect, test } from 'vitest'
import { epochSecondsMs, exactAmount, rfc3339Ms } from '../reference/exact.ts'
import { isObject, mend } from '../reference/mend.ts'

describe('mend', () => {
  test.each([
    [String.raw`{"a":"\377\xa\"b"}`, String.raw`{"a":"?377?xa\"b"}`],
    ['{"a":"\xff\xc3\xa9\xe2\x98"}', '{"a":"?\xc3\xa9??"}'],
    ['{"a":"\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf"}', '{"a":"?????????"}'],
    [String.raw`{"a":"\ud83d\ud83d\ude00\ude00"}`, String.raw`{"a":"?ud83d\ud83d\ude00?ude00"}`],
    [String.raw`{"a":"\u12"}`, '{"a":"?u12"}'],
    ['{"a":[inf,-nan],"b":"inf"}', '{"a":[0  ,0   ],"b":"inf"}'],
    ['{"a":+inf,"b":infx}', '{"a":+inf,"b":infx}'],
    ['{"a":\xff}', '{"a":\xff}'],
  ])('%j becomes %j', (before, after) => {
    expect(mend(before)).toBe(after)
  })

  test('at most 64 containers are open at once', () => {
    const depth = (count: number) => `{"a":${'['.repeat(count - 1)}${']'.repeat(count - 1)}}`
    expect([63, 64, 65].map((count) => isObject(depth(count)))).toEqual([true, true, false])
  })
})

describe('numbers', () => {
  test.each([
    ...[
      ['466', 466n],
      ['4.66e+02', 466n],
      ['466.0', 466n],
      ['100e-2', 1n],
      ['1e+06', 1_000_000n],
    ],
    ...[
      ['0e999999999999', 0n],
      ['9007199254740992', 2n ** 53n],
      ['9007199254740993', null],
    ],
    ...[
      ['9.007199254740993e15', null],
      ['1e16', null],
      ['1e99999999999999999999', null],
    ],
    ...[
      ['-0', null],
      ['-1', null],
      ['0.5', null],
      ['01', null],
      ['+1', null],
      ['1.', null],
    ],
  ] as const)('%s counts as %s', (token, amount) => {
    expect(exactAmount(token)).toBe(amount)
  })
})

describe('times', () => {
  const noonMs = BigInt(Date.UTC(2026, 10, 2, 12))
  test.each([
    ...[
      ['2026-11-02T12:00:00Z', noonMs],
      ['2026-11-02T14:00:00+02:00', noonMs],
    ],
    ...[
      ['2026-11-02T11:59:00.0009999-00:01', noonMs],
      ['2028-02-29T00:00:00Z', 1835395200000n],
    ],
    ...[
      ['2026-02-29T00:00:00Z', null],
      ['2026-11-02T12:00:60Z', null],
    ],
    ...[
      ['2026-11-02t12:00:00Z', null],
      ['2026-11-02T12:00:00', null],
    ],
    ...[
      ['2026-11-02T12:00:00+24:00', null],
      ['2026-11-02T12:00:00.Z', null],
    ],
  ] as const)('%s is %s', (text, ms) => {
    expect(rfc3339Ms(text)).toBe(ms)
  })

  test('seconds since 1970 have 1 to 12 digits', () => {
    expect(epochSecondsMs('1793620800.0019')).toBe(1793620800001n)
    expect(epochSecondsMs('1234567890123')).toBe(null)
    expect(epochSecondsMs('1e9')).toBe(null)
  })
})
