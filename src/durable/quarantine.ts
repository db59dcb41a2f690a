// Lines that were not billed because something is wrong with them, as the core packs them:
//
//   u8 outcome   u8 is_whole   u16 0   u32 text_bytes   u64 offset   u64 length   u8 sha256[32]
//   text
//
// Many lines are one value: what one commit quarantined of one generation. They are kept whole up
// to a bound over all values, and beyond it with place, length and hash only, so that a log that
// is broken for a week cannot fill the disk.

import { MeterFastError } from '../errors.ts'
import { getJson, packRecord, putJson, unpackRecord } from './codec.ts'
import { numberField } from './keys.ts'
import { takeNumber } from './records.ts'
import type { StateReader, StateStore } from './state.ts'

const PREFIX = 'quarantine/'
const BYTES_KEY = 'number/quarantine-bytes'
const HEAD_BYTES = 56
const HASH_AT = 24

/** Where lines were found. */
export interface QuarantinePlace {
  readonly stream: string
  readonly generation: number
  /** Names the settings that they were read with. */
  readonly settings: string
}

export interface QuarantinedLine {
  /** Index of its outcome in OUTCOMES, whose order never changes. */
  readonly outcome: number
  /** Where its last physical line begins in its generation. */
  readonly offset: number
  readonly lengthBytes: number
  /** SHA-256 of the whole line, in hex. */
  readonly sha256: string
  /** The line without its end; its beginning when it is not whole. */
  readonly text: Uint8Array
  readonly isWhole: boolean
}

/** A value of the state: lines of one place. */
export interface QuarantineRecord {
  readonly key: string
  readonly place: QuarantinePlace
  readonly lines: readonly QuarantinedLine[]
}

/** Stages lines as the core packed them, without their texts beyond `bytesMax` in all. */
export function putQuarantine(
  store: StateStore,
  place: QuarantinePlace,
  packed: Uint8Array,
  bytesMax: number,
): void {
  const heldBytes = getJson<number>(store, BYTES_KEY) ?? 0
  const fits = heldBytes + packed.length <= bytesMax
  const kept = fits ? packed : packLines(unpackLines(packed).map(withoutText))
  store.put(quarantineKey(takeNumber(store, 'quarantine')), packRecord(place, kept))
  putJson(store, BYTES_KEY, heldBytes + kept.length)
}

/** All lines in quarantine, in the order in which they were put there. */
export function* quarantined(store: StateReader): Generator<QuarantineRecord> {
  for (const [key, packed] of store.entries(PREFIX)) yield unpack(key, packed)
}

/** Keys of what `quarantined` gives. */
export function quarantineKeys(store: StateReader): string[] {
  return Array.from(store.entries(PREFIX), ([key]) => key)
}

export function quarantineRecord(store: StateReader, key: string): QuarantineRecord | undefined {
  const packed = store.get(key)
  return packed && unpack(key, packed)
}

/** Stages how many bytes of quarantined lines there are. */
export function noteQuarantined(store: StateStore, bytes: number): void {
  putJson(store, BYTES_KEY, bytes)
}

/** Stages that of a record only `lines` are left. */
export function keepQuarantined(
  store: StateStore,
  record: QuarantineRecord,
  lines: readonly QuarantinedLine[],
): void {
  const before = packedBytes(record.lines)
  if (lines.length === 0) store.remove(record.key)
  else store.put(record.key, packRecord(record.place, packLines(lines)))
  const heldBytes = getJson<number>(store, BYTES_KEY) ?? 0
  putJson(store, BYTES_KEY, Math.max(0, heldBytes - before + packedBytes(lines)))
}

export function quarantineKey(number: number): string {
  return PREFIX + numberField(number)
}

function unpack(key: string, packed: Uint8Array): QuarantineRecord {
  const { head, body } = unpackRecord<QuarantinePlace>(packed)
  return { key, place: head, lines: unpackLines(body) }
}

function withoutText(line: QuarantinedLine): QuarantinedLine {
  return { ...line, text: new Uint8Array(), isWhole: false }
}

function packedBytes(lines: readonly QuarantinedLine[]): number {
  return lines.reduce((sum, { text }) => sum + HEAD_BYTES + text.length, 0)
}

function unpackLines(packed: Uint8Array): QuarantinedLine[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  const lines: QuarantinedLine[] = []
  for (let at = 0; at < bytes.length; ) {
    const textBytes = at + HEAD_BYTES <= bytes.length ? bytes.readUInt32LE(at + 4) : bytes.length
    const end = at + HEAD_BYTES + textBytes
    if (end > bytes.length) {
      throw new MeterFastError('METER_BUG', 'a value of the state is no list of quarantined lines')
    }
    lines.push({
      outcome: bytes[at] ?? 0,
      isWhole: bytes[at + 1] === 1,
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      lengthBytes: Number(bytes.readBigUInt64LE(at + 16)),
      sha256: bytes.toString('hex', at + HASH_AT, at + HEAD_BYTES),
      text: bytes.subarray(at + HEAD_BYTES, end),
    })
    at = end
  }
  return lines
}

function packLines(lines: readonly QuarantinedLine[]): Uint8Array {
  const packed = Buffer.alloc(packedBytes(lines))
  let at = 0
  for (const { outcome, isWhole, offset, lengthBytes, sha256, text } of lines) {
    packed[at] = outcome
    packed[at + 1] = Number(isWhole)
    packed.writeUInt32LE(text.length, at + 4)
    packed.writeBigUInt64LE(BigInt(offset), at + 8)
    packed.writeBigUInt64LE(BigInt(lengthBytes), at + 16)
    packed.write(sha256, at + HASH_AT, 'hex')
    packed.set(text, at + HEAD_BYTES)
    at += HEAD_BYTES + text.length
  }
  return packed
}
