// A set of event ids, each with a checksum of its text. It keeps the 80 bits of an id that are a
// hash, in columns of numbers and not as texts, because one window may make millions of events.

import { crc32c } from '../native.ts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const DIGITS = new Float64Array(128).fill(-1)
for (const [value, digit] of [...ALPHABET].entries()) DIGITS[digit.charCodeAt(0)] = value

/** Of the 26 characters of an id, the first 10 are the time of its window. */
const HASH_AT = 10
const HALF_CHARACTERS = 8
const SLOTS_AT_FIRST = 1024

/** What is known of an id: nothing, the same text, or another one. */
type Known = 'new' | 'same' | 'other'

export class IdSet {
  /** High half of each slot, plus 1: 0 is an empty slot. */
  #high = new Float64Array(SLOTS_AT_FIRST)
  #low = new Float64Array(SLOTS_AT_FIRST)
  #sums = new Uint32Array(SLOTS_AT_FIRST)
  /** What is no id of ours. */
  readonly #others = new Map<string, number>()
  #size = 0

  /** Adds an id; says whether it was there already, and with which text. */
  add(id: string, text: string): Known {
    const sum = crc32c(Buffer.from(text), 0)
    const high = half(id, HASH_AT)
    const low = half(id, HASH_AT + HALF_CHARACTERS)
    if (high < 0 || low < 0) return this.#addOther(id, sum)
    if (this.#size * 2 >= this.#high.length) this.#grow()
    const known = this.#put(high + 1, low, sum)
    if (known === 'new') this.#size += 1
    return known
  }

  #addOther(id: string, sum: number): Known {
    const before = this.#others.get(id)
    if (before !== undefined) return before === sum ? 'same' : 'other'
    this.#others.set(id, sum)
    return 'new'
  }

  #put(high: number, low: number, sum: number): Known {
    const slots = this.#high.length
    let slot = low % slots
    for (; this.#high[slot] !== 0; slot = (slot + 1) % slots) {
      if (this.#high[slot] !== high || this.#low[slot] !== low) continue
      return this.#sums[slot] === sum ? 'same' : 'other'
    }
    this.#high[slot] = high
    this.#low[slot] = low
    this.#sums[slot] = sum
    return 'new'
  }

  #grow(): void {
    const [high, low, sums] = [this.#high, this.#low, this.#sums]
    this.#high = new Float64Array(high.length * 2)
    this.#low = new Float64Array(low.length * 2)
    this.#sums = new Uint32Array(sums.length * 2)
    for (const [slot, value] of high.entries()) {
      if (value !== 0) this.#put(value, low[slot] ?? 0, sums[slot] ?? 0)
    }
  }
}

/** The number that 8 characters are; negative when one of them is no digit of an id. */
function half(id: string, start: number): number {
  let value = 0
  for (let at = start; at < start + HALF_CHARACTERS; at += 1) {
    const digit = DIGITS[id.charCodeAt(at)] ?? -1
    if (digit < 0) return -1
    value = value * ALPHABET.length + digit
  }
  return value
}
