// Which bits of a state to flip: more of those that decide where LMDB reads, some of all.

import type { Dice } from '../reference/dice.ts'
import { nodeOffsets, PAGE_BYTES, type PageKind, pageKinds } from './picture.ts'

export interface Flip {
  readonly at: number
  readonly bit: number
  readonly kind: PageKind
}

const META_BYTES = 168
const HEADER_BYTES = 24

/** Of a hundred flips, how many are in pages of each kind, if there are such pages. */
const SHARES: Readonly<Record<PageKind, number>> = {
  meta: 16,
  'older meta': 8,
  'older root': 2,
  branch: 14,
  leaf: 24,
  overflow: 10,
  body: 6,
  'free list': 8,
  'free list overflow': 8,
  free: 4,
}

/** Chooses bits of one file. */
export class Flips {
  readonly #file: Buffer
  readonly #pages = new Map<PageKind, number[]>()
  readonly #choices: PageKind[] = []

  constructor(file: Buffer) {
    this.#file = file
    for (const [page, kind] of pageKinds(file).entries()) {
      const pages = this.#pages.get(kind) ?? []
      pages.push(page)
      this.#pages.set(kind, pages)
    }
    for (const [kind, share] of Object.entries(SHARES) as [PageKind, number][]) {
      if (this.#pages.has(kind)) this.#choices.push(...Array<PageKind>(share).fill(kind))
    }
  }

  next(dice: Dice): Flip {
    const kind = dice.pick(this.#choices)
    const page = dice.pick(this.#pages.get(kind) ?? [])
    return { at: page * PAGE_BYTES + this.#offset(kind, page, dice), bit: dice.below(8), kind }
  }

  #offset(kind: PageKind, page: number, dice: Dice): number {
    if (dice.chance(0.25)) return dice.below(PAGE_BYTES)
    if (kind === 'meta' || kind === 'older meta') return dice.below(META_BYTES)
    const isTree = kind === 'branch' || kind === 'leaf' || kind === 'free list'
    if (!isTree) return dice.below(kind === 'free list overflow' ? PAGE_BYTES : HEADER_BYTES)
    const nodes = nodeOffsets(this.#file, page)
    if (dice.chance(0.4)) return dice.below(HEADER_BYTES + 2 * nodes.length)
    // The header of a node, and the first bytes of its key or of where its value is.
    return (dice.pick(nodes) - page * PAGE_BYTES + dice.below(40)) % PAGE_BYTES
  }
}

/** A copy with the bit flipped. */
export function flipped(file: Buffer, { at, bit }: Flip): Buffer {
  const copy = Buffer.from(file)
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << bit), at)
  return copy
}
