// Times on the command line: RFC 3339, or milliseconds since 1970.

import { usage } from './command.ts'

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/
const MS = /^\d{1,15}$/

/** The time in ms. @throws {MeterFastError} METER_USAGE for any other text. */
export function timeMs(command: string, flag: string, text: string): number {
  const ms = MS.test(text) ? Number(text) : RFC_3339.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(ms)) return ms
  const form = 'a time such as 2026-11-22T12:00:00Z, or milliseconds since 1970'
  throw usage(command, `--${flag} must be ${form}, not "${text}"`)
}
