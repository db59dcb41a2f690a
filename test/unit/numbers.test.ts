// The number forms of DESIGN 4.3, as literal expectations: as a JSON number and as a string, in
// each of the three amounts. `Meter` and the oracle must both say so.

import { describe, expect, test } from 'vitest'
import { line, lineWith, metered } from './metering.ts'

type Amount = bigint | 'bad_number' | 'malformed'

/** [text, as a JSON number, as a string]; the third is left out when it is the second. */
type Form = readonly [text: string, asNumber: Amount, asString?: Amount]

const WHOLE: readonly Form[] = [
  ['0', 0n],
  ['7', 7n],
  ['466', 466n],
  ['466.0', 466n],
  ['466.000000000000000000000', 466n],
  ['4.66e+02', 466n],
  ['4.66e2', 466n],
  ['4.66E+2', 466n],
  ['0.466e3', 466n],
  ['0.00466e+00005', 466n],
  ['46600e-2', 466n],
  ['46600.0E-02', 466n],
  ['1e+06', 1_000_000n],
  ['1E6', 1_000_000n],
  ['1e15', 10n ** 15n],
  ['100e-2', 1n],
  ['1e0', 1n],
  ['1e-0', 1n],
  ['1e+0', 1n],
  ['0.0', 0n],
  ['0e5', 0n],
  ['0e-5', 0n],
  ['0.000e-999999999999999999999', 0n],
  ['0e999999999999999999999', 0n],
  [`0.${'0'.repeat(400)}1e401`, 1n],
  [`1${'0'.repeat(400)}e-400`, 1n],
  [`1${'0'.repeat(400)}.0e-400`, 1n],
]

const EDGE: readonly Form[] = [
  ['9007199254740991', 2n ** 53n - 1n],
  ['9007199254740992', 2n ** 53n],
  ['9007199254740992.0', 2n ** 53n],
  ['9.007199254740992e15', 2n ** 53n],
  ['90071992547409920e-1', 2n ** 53n],
  ['9007199254740993', 'bad_number'],
  // The nearest double is 2^53: a parser that goes through one would take it.
  ['9007199254740992.5', 'bad_number'],
  ['9007199254740992.0000000000000001', 'bad_number'],
  ['9.007199254740993e15', 'bad_number'],
  ['1e16', 'bad_number'],
  ['10000000000000000', 'bad_number'],
  ['18446744073709551615', 'bad_number'],
  ['18446744073709551616', 'bad_number'],
  ['18446744073709551617', 'bad_number'],
  ['340282366920938463463374607431768211457', 'bad_number'],
  ['1e400', 'bad_number'],
  ['1e4294967296', 'bad_number'],
  ['1e18446744073709551616', 'bad_number'],
  ['1e-18446744073709551616', 'bad_number'],
  ['1e-4294967296', 'bad_number'],
  ['9'.repeat(1000), 'bad_number'],
]

const BROKEN: readonly Form[] = [
  ['-0', 'bad_number'],
  ['-0.0', 'bad_number'],
  ['-0e0', 'bad_number'],
  ['-1', 'bad_number'],
  ['-466', 'bad_number'],
  ['0.5', 'bad_number'],
  ['1.5', 'bad_number'],
  ['466.01', 'bad_number'],
  ['150e-2', 'bad_number'],
  ['1e-1', 'bad_number'],
  ['1e-400', 'bad_number'],
  ['0.9999999999999999999999999', 'bad_number'],
  ['466.0000000000000000000000000001', 'bad_number'],
]

/** No JSON numbers: as a value they make the line malformed, as a string they are no amount. */
const NONE: readonly Form[] = [
  '01',
  '00',
  '+1',
  '1.',
  '.5',
  '1e',
  '1e+',
  '1.e2',
  '0x10',
  '1_000',
  '1,000',
  '1 000',
  'abc',
  'Infinity',
  'NaN',
  '--1',
  '1e1.0',
  '1e6 x',
].map((text) => [text, 'malformed', 'bad_number'] as const)

/** A bare infinity is mended, and a mapped value that was mended is not to be trusted. */
const BARE: readonly Form[] = ['inf', '-inf', 'nan', '-nan'].map(
  (text) => [text, 'malformed', 'bad_number'] as const,
)

const OTHER: readonly Form[] = [
  ['null', 0n, 'bad_number'],
  ['true', 'bad_number'],
  ['false', 'bad_number'],
  ['[]', 'bad_number'],
  ['[466]', 'bad_number'],
  ['{}', 'bad_number'],
  // White space around a number is JSON's, inside a string it is text.
  [' 466 ', 466n, 'bad_number'],
  ['466 ', 466n, 'bad_number'],
]

/** Only strings. */
const TEXTS: readonly (readonly [raw: string, amount: Amount])[] = [
  ['""', 0n],
  ['"-"', 0n],
  ['"\\u002d"', 0n],
  ['"--"', 'bad_number'],
  ['" "', 'bad_number'],
  ['"4\\u00366"', 466n],
  ['"\\u0034\\u0036\\u0036"', 466n],
  ['"4.66e\\u002b02"', 466n],
  ['"466\\n"', 'bad_number'],
  ['"466\\u0000"', 'bad_number'],
  ['"\uff14\uff16"', 'bad_number'],
]

const ROLES = {
  bytes_sent: 'egressBytes',
  bytes_received: 'ingressBytes',
  duration: 'connectionMs',
}

/** What comes of the value `raw` in one of the three amounts; the other two are 0. */
function amountOf(key: keyof typeof ROLES, raw: string): Amount | undefined {
  const others = { bytes_sent: 0, bytes_received: 0, duration: 0, [key]: undefined }
  const { lines, totals } = metered([Buffer.from(`${lineWith(`"${key}":${raw}`, others)}\n`)]).scan
  const [row] = totals
  if (row === undefined) return Object.keys(lines.quarantined)[0] as Amount
  return BigInt(row[ROLES[key] as 'egressBytes'])
}

function nameOf(text: string): string {
  return text.length > 60 ? `${text.slice(0, 8)}... (${text.length} characters)` : text
}

describe.each(Object.keys(ROLES) as (keyof typeof ROLES)[])('%s', (key) => {
  for (const [text, asNumber, asString = asNumber] of [
    ...WHOLE,
    ...EDGE,
    ...BROKEN,
    ...NONE,
    ...BARE,
    ...OTHER,
  ]) {
    test(`${nameOf(text)} is ${asNumber} as a number and ${asString} as a string`, () => {
      expect(amountOf(key, text)).toBe(asNumber)
      expect(amountOf(key, `"${text}"`)).toBe(asString)
    })
  }

  for (const [raw, amount] of TEXTS) {
    test(`the string ${raw} is ${amount}`, () => {
      expect(amountOf(key, raw)).toBe(amount)
    })
  }
})

test('a missing amount is 0', () => {
  const none = { bytes_sent: undefined, bytes_received: undefined, duration: undefined }
  expect(metered([line(none)]).scan.totals).toEqual([
    {
      project: 'p-a',
      route: { kind: 'HTTPRoute', namespace: 'ns-a', name: 'web' },
      requests: '1',
      egressBytes: '0',
      ingressBytes: '0',
      connectionMs: '0',
      connectionSecondsFloor: '0',
    },
  ])
})

test('numbers under keys that mean nothing are only JSON', () => {
  const odd = '"x":-1,"y":0.5,"z":1e400,"w":[-0,1e-400],"request":{"bytes_sent":-1}'
  expect(metered([lineWith(odd)]).lines).toMatchObject({ read: 1, metered: 1 })
})
