// How a value lies in the file: u8 format version (1), three zero bytes, u32 CRC-32C (little
// endian) over key and value, then the value. The store has no checksums of its own, and a flipped
// bit would otherwise change a bill without a word; the key is covered so that a value that ends
// up under another key is found too.

import { MeterFastError } from '../errors.ts'
import type { StateNative } from './state.ts'

const FORMAT_VERSION = 1
const HEADER_BYTES = 8

/** Frames and checks values of the state in `path`. */
export class Framing {
  readonly #path: string
  readonly #crc32c: StateNative['crc32c']

  constructor(path: string, native: Pick<StateNative, 'crc32c'>) {
    this.#path = path
    this.#crc32c = native.crc32c
  }

  /** A new array: header and a copy of `bytes`. */
  frame(key: string, bytes: Uint8Array): Uint8Array {
    const framed = new Uint8Array(HEADER_BYTES + bytes.length)
    framed[0] = FORMAT_VERSION
    framed.set(bytes, HEADER_BYTES)
    new DataView(framed.buffer).setUint32(
      4,
      this.#checksum(Buffer.from(key, 'latin1'), bytes),
      true,
    )
    return framed
  }

  /** A copy of the value in `framed`. @throws {MeterFastError} METER_STATE_CORRUPT */
  unframe(key: string, framed: Uint8Array): Uint8Array {
    this.check(Buffer.from(key, 'latin1'), framed)
    // Not slice: a Buffer's slice is a view, and LMDB's buffers are used again.
    return new Uint8Array(framed.subarray(HEADER_BYTES))
  }

  /** Throws unless `framed` is what `frame` made for the key. @throws as `unframe` */
  check(key: Buffer, framed: Uint8Array): void {
    const version = framed[0] ?? 0
    if (framed.length < HEADER_BYTES || version === 0) throw this.#corrupt(key)
    if (version > FORMAT_VERSION) throw newerFormat(this.#path, version, FORMAT_VERSION)
    const header = Buffer.from(framed.buffer, framed.byteOffset, HEADER_BYTES)
    const isZero = header.readUInt32LE(0) >>> 8 === 0
    const checksum = this.#checksum(key, framed.subarray(HEADER_BYTES))
    if (!isZero || header.readUInt32LE(4) !== checksum) throw this.#corrupt(key)
  }

  #checksum(key: Uint8Array, bytes: Uint8Array): number {
    return this.#crc32c(bytes, this.#crc32c(key, 0)) >>> 0
  }

  #corrupt(key: Buffer): MeterFastError {
    const name = key.toString('latin1')
    return corruptState(this.#path, `the value "${name}" fails its checksum`)
  }
}

/** METER_STATE_CORRUPT for the state in `path`, with what to do. */
export function corruptState(path: string, what: string, options?: ErrorOptions): MeterFastError {
  return new MeterFastError(
    'METER_STATE_CORRUPT',
    `state "${path}" is damaged: ${what}. Check the disk, keep a copy of the directory, ` +
      'move it away and start again: the logs that are left are read again and give the same ' +
      'event ids.',
    options,
  )
}

/** METER_STATE_CORRUPT for a state of a later version, which must not be touched. */
export function newerFormat(path: string, found: number, known: number): MeterFastError {
  return new MeterFastError(
    'METER_STATE_CORRUPT',
    `state "${path}" has format ${found}, and this meter-fast knows formats up to ${known}: ` +
      'a newer version wrote it, or it is damaged. Run that version; if there was none, check ' +
      'the disk, move the directory away and start again.',
  )
}
