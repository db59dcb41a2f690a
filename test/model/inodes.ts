// Inode numbers as file systems give them: the lowest that is free, so that a new file gets the
// number of one that was just deleted. The memory that the files lie in counts up for ever.

export class Inodes {
  readonly #numbers = new Map<bigint, bigint>()
  readonly #inUse: () => ReadonlySet<bigint>

  /** `inUse` gives the real inodes that exist. */
  constructor(inUse: () => ReadonlySet<bigint>) {
    this.#inUse = inUse
  }

  numberOf(inode: bigint): bigint {
    const known = this.#numbers.get(inode)
    if (known !== undefined) return known
    const inUse = this.#inUse()
    for (const other of this.#numbers.keys()) if (!inUse.has(other)) this.#numbers.delete(other)
    const taken = new Set(this.#numbers.values())
    let number = 1n
    while (taken.has(number)) number += 1n
    this.#numbers.set(inode, number)
    return number
  }
}
