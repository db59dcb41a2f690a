// How long to wait before an attempt is repeated. Pure functions.

/** Bounds of the waits, in ms. */
export const RETRY_MIN_MS = 500
export const RETRY_MAX_MS = 60_000
/** A sink may ask for at most one hour. */
export const RETRY_AFTER_MAX_MS = 3_600_000

// After six failures in a row the window has reached its upper bound.
const DOUBLINGS_MAX = 6

/**
 * Full jitter: a time drawn evenly from 0.5 s up to a bound that doubles with each failure in a
 * row, from 1 s to 60 s. `random` is in [0, 1).
 */
export function jitterMs(failures: number, random: number): number {
  const doublings = Math.min(Math.max(failures - 1, 0), DOUBLINGS_MAX)
  const upperMs = Math.min(2 * RETRY_MIN_MS * 2 ** doublings, RETRY_MAX_MS)
  return Math.round(RETRY_MIN_MS + random * (upperMs - RETRY_MIN_MS))
}

/** The wait that a sink asked for, kept within 0.5 s and 1 h. */
export function askedWaitMs(retryAfterMs: number): number {
  return Math.min(Math.max(retryAfterMs, RETRY_MIN_MS), RETRY_AFTER_MAX_MS)
}

const SECONDS = /^[0-9]+$/
// RFC 9110 5.6.7: the preferred form and two obsolete ones, all of them in UTC.
const HTTP_DATES = [
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
]

/**
 * The value of a `Retry-After` header in ms from now, at most one hour: seconds or an HTTP date.
 * A date that has passed is 0; anything else is undefined, as if there were no header.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? ''
  if (SECONDS.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MAX_MS)
  if (!HTTP_DATES.some((form) => form.test(text))) return undefined
  const timeMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  if (Number.isNaN(timeMs)) return undefined
  return Math.min(Math.max(timeMs - nowMs, 0), RETRY_AFTER_MAX_MS)
}
