// How the values of records are written: JSON, and "packed" records, a JSON head before raw bytes
// (u32 length of the head, little endian; head; body). The store has checked every value that is
// read here against its checksum, so a shape is trusted once its bytes are.

import { MeterFastError } from '../errors.ts'
import type { StateReader, StateStore } from './state.ts'

const LENGTH_BYTES = 4

/** A record as one value. The head must be JSON: whole numbers below 2^53, larger ones as text. */
export function packRecord(head: unknown, body: Uint8Array): Uint8Array {
  const text = Buffer.from(JSON.stringify(head))
  const packed = Buffer.alloc(LENGTH_BYTES + text.length + body.length)
  packed.writeUInt32LE(text.length, 0)
  packed.set(text, LENGTH_BYTES)
  packed.set(body, LENGTH_BYTES + text.length)
  return packed
}

/** The parts of a packed record. The body is a copy at offset 0 of its own buffer. */
export function unpackRecord<Head>(packed: Uint8Array): { head: Head; body: Uint8Array } {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  const bodyAt = LENGTH_BYTES + (bytes.length < LENGTH_BYTES ? 0 : bytes.readUInt32LE(0))
  if (bodyAt > bytes.length) {
    throw new MeterFastError('METER_BUG', 'a value of the state is no packed record')
  }
  const head = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, bodyAt)) as Head
  return { head, body: new Uint8Array(bytes.subarray(bodyAt)) }
}

export function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

export function decodeJson<Value>(bytes: Uint8Array): Value {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as Value
}

export function putJson(store: StateStore, key: string, value: unknown): void {
  store.put(key, encodeJson(value))
}

export function getJson<Value>(store: StateReader, key: string): Value | undefined {
  const bytes = store.get(key)
  return bytes && decodeJson<Value>(bytes)
}

/** Every value below `prefix`, in order of keys. */
export function* jsonEntries<Value>(
  store: StateReader,
  prefix: string,
): Generator<readonly [string, Value]> {
  for (const [key, bytes] of store.entries(prefix)) yield [key, decodeJson<Value>(bytes)]
}

/** Counts by name, as decimal strings; counts of 0 are left out. */
export type Counts = Readonly<Record<string, string>>

/** Counts in the order of `names` as a record that survives a new order or new names. */
export function packCounts(names: readonly string[], counts: BigInt64Array): Counts {
  const packed: Record<string, string> = {}
  names.forEach((name, index) => {
    const count = counts[index] ?? 0n
    if (count !== 0n) packed[name] = count.toString()
  })
  return packed
}

/** The reverse of packCounts. @throws {MeterFastError} METER_BUG for a name that is unknown. */
export function unpackCounts(names: readonly string[], packed: Counts): BigInt64Array {
  const counts = new BigInt64Array(names.length)
  for (const [name, count] of Object.entries(packed)) {
    const index = names.indexOf(name)
    if (index < 0) throw new MeterFastError('METER_BUG', `the state counts unknown "${name}"`)
    counts[index] = BigInt(count)
  }
  return counts
}
