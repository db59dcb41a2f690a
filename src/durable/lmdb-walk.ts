// Walks a tree of an LMDB file in the order of its keys and throws where something is not right;
// what is right is said in lmdb-check.ts.

import {
  BIG,
  childOf,
  HEADER_BYTES,
  KIND,
  NODE_BYTES,
  PAGE_BYTES,
  type Tree,
  wide,
} from './lmdb-layout.ts'
import { isAt, keyAt, nodesOf, PageDamage, type PageReader } from './lmdb-pages.ts'

/** Throws when the value has not the checksum of key and bytes. */
export type ValueCheck = (key: Buffer, value: Buffer) => void
/** Throws when one of the pages is claimed already. */
type Claim = (first: number, count: number, what: string) => void
type Order = (one: Buffer, other: Buffer) => number

interface Bounds {
  /** Inclusive. */
  readonly low: Buffer | undefined
  /** Exclusive. */
  readonly high: Buffer | undefined
}

interface Visit {
  readonly order: Order
  readonly checkValue: ValueCheck
  /** The page of each level that is being walked. */
  readonly levels: readonly Buffer[]
  branchPages: number
  leafPages: number
  overflowPages: number
  entries: number
}

export class TreeWalk {
  readonly #pages: PageReader
  /** The number of the last commit: no page is newer. */
  readonly #commit: number
  readonly #claim: Claim
  #run = Buffer.alloc(16 * PAGE_BYTES)

  constructor(pages: PageReader, commit: number, claim: Claim) {
    this.#pages = pages
    this.#commit = commit
    this.#claim = claim
  }

  /** @throws {PageDamage} and whatever `checkValue` throws */
  check(name: string, tree: Tree, order: Order, checkValue: ValueCheck): void {
    const levels = Array.from({ length: tree.depth }, () => Buffer.alloc(PAGE_BYTES))
    const counts = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 }
    const visit: Visit = { order, checkValue, levels, ...counts }
    if (tree.root !== undefined) {
      this.#page(tree.root, 0, { low: undefined, high: undefined }, visit)
    }
    for (const [one, what] of [
      ['branchPages', 'branch pages'],
      ['leafPages', 'leaf pages'],
      ['overflowPages', 'overflow pages'],
      ['entries', 'entries'],
    ] as const) {
      if (visit[one] === tree[one]) continue
      throw new PageDamage(`${name} should have ${tree[one]} ${what} and has ${visit[one]}`)
    }
  }

  /** Checks a page and what is below it. */
  #page(number: number, level: number, bounds: Bounds, visit: Visit): void {
    const buffer = visit.levels[level]
    if (buffer === undefined) throw new PageDamage(`page ${number} lies too deep in its tree`)
    this.#claim(number, 1, 'part of a tree')
    const page = this.#pages.read(number, 1, buffer)
    const isLeaf = level === visit.levels.length - 1
    const nodes = nodesOf(page, number, isLeaf ? KIND.leaf : KIND.branch, this.#commit)
    // The first key of a branch has no meaning.
    const keys = nodes.map((at, index) => (isLeaf || index > 0 ? keyAt(page, at) : undefined))
    checkOrder(number, keys, bounds, visit.order)
    if (isLeaf) {
      visit.leafPages += 1
      for (const at of nodes) this.#entry(page, at, visit)
      return
    }
    visit.branchPages += 1
    if (nodes.length < 2) throw new PageDamage(`page ${number} is a branch without branches`)
    for (const [index, at] of nodes.entries()) {
      const below = { low: keys[index] ?? bounds.low, high: keys[index + 1] ?? bounds.high }
      this.#page(childOf(page, at), level + 1, below, visit)
    }
  }

  #entry(page: Buffer, at: number, visit: Visit): void {
    const key = keyAt(page, at)
    const bytes = page.readUInt32LE(at)
    const valueAt = at + NODE_BYTES + key.length
    visit.entries += 1
    if (page.readUInt16LE(at + 4) !== BIG) {
      visit.checkValue(key, page.subarray(valueAt, valueAt + bytes))
      return
    }
    const pages = wide(page, valueAt + 16)
    visit.overflowPages += pages
    visit.checkValue(key, this.#overflow(wide(page, valueAt), pages, bytes))
  }

  /** The value in a run of overflow pages. */
  #overflow(first: number, pages: number, bytes: number): Buffer {
    this.#claim(first, pages, 'part of a value')
    const needed = Math.ceil((HEADER_BYTES + bytes) / PAGE_BYTES)
    if (needed > pages) throw new PageDamage(`the value at page ${first} is longer than its pages`)
    if (this.#run.length < needed * PAGE_BYTES) this.#run = Buffer.alloc(2 * needed * PAGE_BYTES)
    const run = this.#pages.read(first, needed, this.#run)
    if (!isAt(run, first, KIND.overflow, this.#commit) || run.readUInt32LE(20) !== pages) {
      throw new PageDamage(`page ${first} has a wrong header`)
    }
    return run.subarray(HEADER_BYTES, HEADER_BYTES + bytes)
  }
}

/** Keys rise strictly, and lie within the bounds that the page's parent gives. */
function checkOrder(
  number: number,
  keys: readonly (Buffer | undefined)[],
  { low, high }: Bounds,
  order: Order,
): void {
  let last: Buffer | undefined
  for (const key of keys) {
    if (key === undefined) continue
    const isAfter = last ? order(key, last) > 0 : low === undefined || order(key, low) >= 0
    if (!isAfter) throw new PageDamage(`page ${number} has keys out of order`)
    last = key
  }
  if (last && high && order(last, high) >= 0) {
    throw new PageDamage(`page ${number} has keys of the page after it`)
  }
}
