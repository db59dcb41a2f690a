// Seeded random numbers for synthetic logs (sfc32). Equal seeds give equal numbers everywhere:
// only 32-bit integer steps, and IEEE divisions and additions; no Math.random and no Math.pow.

const UINT32_RANGE = 2 ** 32
const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** A small generator of uniform numbers; not for secrets. */
export class Random {
  #a: number
  #b = 0x9e3779b9 | 0
  #c = 0x243f6a88 | 0
  #counter = 1

  /** `seed` is an integer, 0 to 2^32 - 1. */
  constructor(seed: number) {
    this.#a = seed | 0
    // The first draws of neighbouring seeds look alike; they are thrown away.
    for (let round = 0; round < 16; round++) this.next()
  }

  /** Uniform integer, 0 to 2^32 - 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** Uniform integer, 0 to `bound` - 1; `bound` at most 2^32. */
  below(bound: number): number {
    return Math.floor((this.next() / UINT32_RANGE) * bound)
  }

  /** True in `share` of all draws. */
  chance(share: number): boolean {
    return this.next() < share * UINT32_RANGE
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }

  /** `digits` lower-case hexadecimal digits. */
  hex(digits: number): string {
    let text = ''
    while (text.length < digits) {
      const word = this.next()
      text += hexByte(word) + hexByte(word >>> 8) + hexByte(word >>> 16) + hexByte(word >>> 24)
    }
    return text.slice(0, digits)
  }

  /** A version 4 UUID. */
  uuid(): string {
    const clock = `${this.hex(8)}-${this.hex(4)}-4${this.hex(3)}`
    return `${clock}-a${this.hex(3)}-${this.hex(12)}`
  }
}

function hexByte(word: number): string {
  return HEX_BYTES[word & 0xff] as string
}

/** Picks ranks 0 to `count` - 1 with popularity 1, 1/2, 1/3, ...: few are hot, most are rare. */
export class ZipfRanks {
  readonly #sums: Float64Array

  constructor(count: number) {
    this.#sums = new Float64Array(count)
    let sum = 0
    for (let rank = 0; rank < count; rank++) {
      sum += 1 / (rank + 1)
      this.#sums[rank] = sum
    }
  }

  draw(random: Random): number {
    const last = this.#sums.length - 1
    const wanted = (random.next() / UINT32_RANGE) * (this.#sums[last] as number)
    let low = 0
    let high = last
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sums[middle] as number) > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}
