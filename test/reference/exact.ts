// Numbers and times as DESIGN 4.3 and 5.2 read them, in BigInt: no double is ever used.

/** 2^53: the largest amount that a line may carry. */
export const AMOUNT_MAX = 2n ** 53n

const NUMBER = /^(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/** The exact value of a JSON number; null for a sign, a fraction, more than 2^53, or no number. */
export function exactAmount(token: string): bigint | null {
  const [, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(token) ?? []
  if (whole === '') {
    return null
  }
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '') {
    return 0n
  }
  const significant = digits.replace(/0+$/, '')
  const zeros = BigInt(exponent.replace('+', '')) + BigInt(digits.length - significant.length)
  const power = zeros - BigInt(fraction.length)
  // 2^53 has 16 digits; the bound keeps 1e999999999 from being written out.
  if (power < 0n || power + BigInt(significant.length) > 16n) {
    return null
  }
  const amount = BigInt(significant) * 10n ** power
  return amount > AMOUNT_MAX ? null : amount
}

const DATE = String.raw`(\d{4})-(\d\d)-(\d\d)`
const TIME = String.raw`(\d\d):(\d\d):(\d\d)(?:\.(\d+))?`
const RFC3339 = new RegExp(`^${DATE}T${TIME}(?:Z|([+-])(\\d\\d):(\\d\\d))$`)

/** Milliseconds since 1970 of an RFC 3339 time, floored; null when it cannot be read. */
export function rfc3339Ms(text: string): bigint | null {
  const match = RFC3339.exec(text)
  if (match === null) {
    return null
  }
  const field = (index: number): number => Number(match[index] ?? 0)
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(field) as Fields
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  if (!isReal || hour > 23 || minute > 59 || second > 59 || field(9) > 23 || field(10) > 59) {
    return null
  }
  date.setUTCHours(hour, minute, second)
  const offsetMs = (field(9) * 60 + field(10)) * 60_000 * (match[8] === '-' ? -1 : 1)
  return BigInt(date.getTime() - offsetMs) + firstThree(match[7])
}

type Fields = [number, number, number, number, number, number]

/** Milliseconds since 1970 of `1730552000.25`: 1 to 12 digits with an optional fraction. */
export function epochSecondsMs(text: string): bigint | null {
  const match = /^(\d{1,12})(?:\.(\d+))?$/.exec(text)
  return match === null ? null : BigInt(match[1] ?? '') * 1000n + firstThree(match[2])
}

function firstThree(fraction = ''): bigint {
  return BigInt(fraction.slice(0, 3).padEnd(3, '0'))
}

const CLOCK_MIN = BigInt(Date.UTC(2000, 0, 1))
const CLOCK_END = BigInt(Date.UTC(2100, 0, 1))

/** A clock that counts, in ms: one inside [2000-01-01, 2100-01-01); else null. */
export function plausibleMs(ms: bigint | null): number | null {
  return ms !== null && ms >= CLOCK_MIN && ms < CLOCK_END ? Number(ms) : null
}
