// How records are named. A key is printable ASCII, so its order is the same in JavaScript and in
// the store, and `/` separates its fields: names that come from outside are escaped, numbers are
// padded so that byte order is number order.

import { createHash } from 'node:crypto'
import { MeterFastError } from '../errors.ts'

/** Bytes of the longest key that the store takes. */
export const KEY_BYTES_MAX = 1978

// Three escaped names and the numbers of the longest key together stay below KEY_BYTES_MAX.
const NAME_BYTES_MAX = 400
const NUMBER_DIGITS = 16

/** Keys that the store writes itself. */
export const META_PREFIX = 'meta/'

/**
 * A name of any length and content as one field of a key. Two names never give one field: a name
 * whose escaped form is above 400 bytes keeps its beginning and ends with `~` and its SHA-256. The
 * name cannot be read back, so a record that needs it holds it.
 */
export function nameField(name: string): string {
  const escaped = name.replace(/[^A-Za-z0-9._-]/g, escapeUnit)
  if (escaped.length <= NAME_BYTES_MAX) return escaped
  // UTF-16, because UTF-8 would make one of all lone surrogates.
  const digest = createHash('sha256').update(Buffer.from(name, 'utf16le')).digest('hex')
  return `${escaped.slice(0, NAME_BYTES_MAX - 1 - digest.length)}~${digest}`
}

function escapeUnit(unit: string): string {
  const code = unit.charCodeAt(0)
  const hex = code.toString(16)
  return code < 256 ? `%${hex.padStart(2, '0')}` : `%u${hex.padStart(4, '0')}`
}

/** The name in field `index` of a key, as far as it can be read back. */
export function nameAt(key: string, index: number): string {
  const field = key.split('/')[index] ?? ''
  return field.replace(/%(?:u([0-9a-f]{4})|([0-9a-f]{2}))/g, (_all, long: string, short: string) =>
    String.fromCharCode(Number.parseInt(long ?? short, 16)),
  )
}

/** A whole number from 0 to 2^53 - 1 as one field of a key, 16 digits. */
export function numberField(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new MeterFastError('METER_BUG', `${value} cannot be part of a key in the state`)
  }
  return value.toString().padStart(NUMBER_DIGITS, '0')
}

/** The number in field `index` of a key made with `numberField`. */
export function numberAt(key: string, index: number): number {
  return Number(key.split('/')[index])
}

/** The first key after all keys that begin with `prefix`; undefined when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  if (prefix === '') return undefined
  const last = prefix.length - 1
  return prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1)
}

/** @throws {MeterFastError} METER_BUG for a key that is not printable ASCII of 1 to 1,978 bytes. */
export function checkKey(key: string): void {
  if (key.length > KEY_BYTES_MAX || !/^[!-~]+$/.test(key)) {
    const shown = JSON.stringify(key.slice(0, 80))
    throw new MeterFastError('METER_BUG', `${shown} (length ${key.length}) is no key of the state`)
  }
}
