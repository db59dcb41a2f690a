// Cuts bytes into JSON objects: one a line, elements of arrays, one behind another, in any mixture.
// So NDJSON, a JSON array and a file of arrays (batches as they were sent) are all read alike, and
// an array of a million events needs no more memory than one of them.
//
// Nothing is parsed here. Between objects only white space, commas and square brackets may stand.

import { MeterFastError } from '../errors.ts'

const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d]
const BETWEEN = new Set([...' \t\r\n,[]'].map((text) => text.charCodeAt(0)))
const OBJECT_BYTES_MAX = 1024 * 1024

export class JsonObjects {
  readonly #path: string
  /** Bytes of an object that is not at its end yet. */
  #rest: Buffer = Buffer.alloc(0)
  #offset = 0
  #depth = 0
  #isInString = false
  #isEscaped = false

  /** @param path what an error names */
  constructor(path: string) {
    this.#path = path
  }

  /** Bytes of an object that has begun and not ended. */
  get unfinishedBytes(): number {
    return this.#rest.length
  }

  /**
   * The texts of the objects that end in these bytes.
   * @throws {MeterFastError} METER_INPUT_DAMAGED for anything that is no object
   */
  push(chunk: Uint8Array): string[] {
    const objects: string[] = []
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let start = 0
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] as number
      if (this.#isInString) this.#inString(byte)
      else if (this.#depth === 0) {
        if (byte === OPEN) start = at
        else if (!BETWEEN.has(byte)) throw this.#damaged(at)
        this.#depth = Number(byte === OPEN)
      } else if (this.#inObject(byte) === 'end') {
        objects.push(this.#whole(bytes.subarray(start, at + 1)))
      }
    }
    if (this.#depth > 0) this.#rest = Buffer.concat([this.#rest, bytes.subarray(start)])
    this.#offset += bytes.length
    if (this.#rest.length > OBJECT_BYTES_MAX) throw this.#damaged(-this.#rest.length)
    return objects
  }

  #inObject(byte: number): 'end' | undefined {
    if (byte === QUOTE) this.#isInString = true
    else if (byte === OPEN) this.#depth += 1
    else if (byte === CLOSE) this.#depth -= 1
    return this.#depth === 0 ? 'end' : undefined
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === BACKSLASH) this.#isEscaped = true
    else if (byte === QUOTE) this.#isInString = false
  }

  #whole(end: Buffer): string {
    if (this.#rest.length === 0) return end.toString()
    const text = Buffer.concat([this.#rest, end]).toString()
    this.#rest = Buffer.alloc(0)
    return text
  }

  #damaged(at: number): MeterFastError {
    return new MeterFastError(
      'METER_INPUT_DAMAGED',
      `${this.#path} is no set of events: what begins at byte ${this.#offset + at} is no JSON ` +
        'object of at most 1 MiB. Give NDJSON, or JSON arrays of events.',
    )
  }
}
