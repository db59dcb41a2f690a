// A state that is read for a judgement of it: a value that fails its checksum is noted and counts
// as absent, so that one flipped bit does not hide everything else.

import { MeterFastError } from '../errors.ts'
import type { StateReader } from './state.ts'

export class NotingReader implements StateReader {
  readonly #inner: StateReader
  readonly #damaged = new Map<string, string>()

  constructor(inner: StateReader) {
    this.#inner = inner
  }

  /** What is wrong with values that were asked for, by key. */
  get damaged(): ReadonlyMap<string, string> {
    return this.#damaged
  }

  get sequence(): number {
    return this.#inner.sequence
  }

  get(key: string): Uint8Array | undefined {
    return this.reading(key, () => this.#inner.get(key))
  }

  *entries(prefix: string): Generator<readonly [string, Uint8Array]> {
    for (const key of this.#inner.keys(prefix)) {
      const value = this.get(key)
      if (value !== undefined) yield [key, value]
    }
  }

  keys(prefix: string): Iterable<string> {
    return this.#inner.keys(prefix)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  /** What `read` makes of the value of `key`; undefined, and noted, when that is damaged. */
  reading<Value>(key: string, read: () => Value): Value | undefined {
    try {
      return read()
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#damaged.set(key, error.message)
      return undefined
    }
  }
}

/** A checksum failed, or a value that has the right one does not have the form of its key. */
export function isDamage(error: unknown): error is Error {
  if (error instanceof SyntaxError) return true
  const codes: readonly string[] = ['METER_STATE_CORRUPT', 'METER_BUG']
  return error instanceof MeterFastError && codes.includes(error.code)
}
