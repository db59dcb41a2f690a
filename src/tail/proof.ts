// The hashes that say "this is the same content", as pure functions over bytes that were read.
//
// A proof covers the first complete lines up to 1 KiB (of a longer first line, its first 1 KiB),
// a guard covers the up to 256 bytes before a position. A proof grows while its file is shorter
// than 1 KiB. So a proof says how many bytes it covers, and is compared with exactly that many
// bytes of the other file: a short proof matches every longer file that begins with the same
// lines, and the guard has the last word. A file that lost its end may be shorter than its proof:
// then the hashes of its first lines tell how many of them are left. Where not even the first is
// whole, no line that was billed is, and reading the file again from 0 bills nothing twice.

import { createHash } from 'node:crypto'

/** Bytes of uncompressed data that a proof covers at most. */
export const PROOF_BYTES_MAX = 1024
/** First lines that can be recognized one by one. */
const LINES_MAX = 8
const LINE_HASH_DIGITS = 16
const LF = 0x0a
/** Bytes before the position that a guard covers at most. */
export const GUARD_BYTES_MAX = 256

export interface Prefix {
  /** SHA-256 in hex. */
  readonly hash: string
  readonly bytes: number
}

export interface Proof extends Prefix {
  /** Of each of the first lines, the hash of all bytes up to its end. */
  readonly lines: readonly string[]
  /** A line occurs twice: it says little about files with other inodes. */
  readonly repeats: boolean
  /** No later byte of the file can make it longer. */
  readonly isWhole: boolean
}

function prefixOf(head: Uint8Array, bytes: number): Prefix {
  return { hash: createHash('sha256').update(head.subarray(0, bytes)).digest('hex'), bytes }
}

/** The guard of the bytes that end at a position; `before` has at most GUARD_BYTES_MAX. */
export function guardOf(before: Uint8Array): string {
  return prefixOf(before, before.length).hash
}

/**
 * The proof that `head` allows, undefined while it holds no complete line. A `finished` file
 * gets no more bytes, so all of its head counts.
 */
export function proofOf(head: Uint8Array, finished = false): Proof | undefined {
  const reach = head.subarray(0, PROOF_BYTES_MAX)
  const lines = reach.lastIndexOf(LF) + 1
  const isFull = reach.length === PROOF_BYTES_MAX
  // With 1 KiB and no line end, no later byte can change what the proof covers.
  const bytes = finished || (lines === 0 && isFull) ? reach.length : lines
  if (bytes === 0) return undefined
  const isWhole = finished || isFull
  const lineHashes = lineEnds(reach).map(hashOfLine(reach))
  return { ...prefixOf(reach, bytes), lines: lineHashes, repeats: repeatsLines(reach), isWhole }
}

/** Where the first complete lines end. */
function lineEnds(head: Uint8Array): number[] {
  const ends: number[] = []
  for (let end = head.indexOf(LF) + 1; end > 0; end = head.indexOf(LF, end) + 1) {
    if (ends.push(end) === LINES_MAX) break
  }
  return ends
}

function hashOfLine(head: Uint8Array): (end: number) => string {
  return (end) => prefixOf(head, end).hash.slice(0, LINE_HASH_DIGITS)
}

/** Of the first lines of `head`: how many bytes are those of `lines`, and whether all are. */
export function sameLines(
  head: Uint8Array,
  lines: readonly string[],
): { readonly bytes: number; readonly all: boolean } {
  const ends = lineEnds(head.subarray(0, PROOF_BYTES_MAX))
  const hashes = ends.map(hashOfLine(head))
  const differs = hashes.findIndex((hash, line) => hash !== lines[line])
  const same = differs < 0 ? ends.length : differs
  return { bytes: ends[same - 1] ?? 0, all: same > 0 && same === ends.length }
}

/** True when `head` begins with the bytes that the prefix covers. */
export function begins(head: Uint8Array, { hash, bytes }: Prefix): boolean {
  return bytes > 0 && head.length >= bytes && prefixOf(head, bytes).hash === hash
}

/** True when a line of the beginning occurs twice. */
export function repeatsLines(head: Uint8Array): boolean {
  const text = Buffer.from(head.subarray(0, PROOF_BYTES_MAX)).toString('latin1')
  const lines = text.split('\n').slice(0, -1)
  return new Set(lines).size < lines.length
}
