// The id of a usage event: a ULID that is a pure function of what the event is about.
//
// 48 bits are the start of the window in ms; 80 bits are the first 10 bytes of SHA-256 over the
// fields below, each written as `<byte length>:<bytes>`, so that no two lists of fields can read
// alike. Offsets, file paths, hosts and random numbers are never part of it: an agent that reads
// the same lines again, anywhere, names their usage the same, and the sink drops the copy.

import { hash } from 'node:crypto'

/** What names one piece of one segment. */
export interface SegmentName {
  readonly stream: string
  /** 0, or the clock in ms that began the epoch. */
  readonly epoch: number
  readonly windowStartMs: number
  readonly windowMs: number
  /** `0`, `1`, ... in order of closes; `r1`, `r2`, ... for replay. */
  readonly part: string
}

const SCHEME = 'mf1'
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const ULID_DIGITS = 26
// Scratch space: an id is made of one flat string instead of 26 short ones.
const digits = Buffer.alloc(ULID_DIGITS)

/** One field as it is hashed. */
export function idField(text: string): string {
  return `${Buffer.byteLength(text)}:${text}`
}

/** The fields that all events of a segment begin with. */
export function segmentFields(segment: SegmentName): string {
  const { stream, epoch, windowStartMs, windowMs } = segment
  return [SCHEME, stream, `${epoch}`, `${windowStartMs}`, `${windowMs}`].map(idField).join('')
}

/** SHA-256 over the fields of an id; its first 80 bits become part of it. */
export function hashFields(fields: string): Buffer {
  return hash('sha256', fields, 'buffer')
}

/**
 * 26 characters of Crockford's base 32, upper case: the time, then 80 bits of the hash, 40 in
 * each of `high` and `low`.
 */
export function ulid(timeMs: number, high: number, low: number): string {
  writeBase32(timeMs, 0, 10)
  writeBase32(high, 10, 18)
  writeBase32(low, 18, ULID_DIGITS)
  return digits.toString('latin1')
}

/** The id of one event; `dimensions` are in the byte order of their keys. */
export function eventId(
  segment: SegmentName,
  type: string,
  subject: string,
  dimensions: Iterable<readonly [key: string, value: string]>,
): string {
  let fields = segmentFields(segment) + idField(type) + idField(subject) + idField(segment.part)
  for (const [key, value] of dimensions) fields += idField(key) + idField(value)
  const digest = hashFields(fields)
  return ulid(segment.windowStartMs, digest.readUIntBE(0, 5), digest.readUIntBE(5, 5))
}

/** Writes a number of at most 48 bits into [start, end), most significant digit first. */
function writeBase32(value: number, start: number, end: number): void {
  let rest = value
  for (let at = end - 1; at >= start; at--) {
    digits[at] = CROCKFORD.charCodeAt(rest % 32)
    rest = Math.floor(rest / 32)
  }
}
