// Reads pages of an LMDB file, and the nodes of a page, believing nothing.

import { fstatSync, readSync } from 'node:fs'
import {
  BIG,
  HEADER_BYTES,
  KIND,
  NODE_BYTES,
  PAGE_BYTES,
  RUN_BYTES,
  SPACE_BYTES,
  wide,
} from './lmdb-layout.ts'

/** What is wrong with a file, as the end of a sentence about it. */
export class PageDamage extends Error {}

export class PageReader {
  readonly #fd: number
  readonly #fileBytes: number

  constructor(fd: number) {
    this.#fd = fd
    this.#fileBytes = fstatSync(fd).size
  }

  /** `count` pages from `first` on, read into `buffer`. */
  read(first: number, count: number, buffer: Buffer): Buffer {
    const [start, length] = [first * PAGE_BYTES, count * PAGE_BYTES]
    let filled = 0
    while (start + length <= this.#fileBytes && filled < length) {
      const got = readSync(this.#fd, buffer, filled, length - filled, start + filled)
      if (got === 0) break
      filled += got
    }
    if (filled < length) {
      throw new PageDamage(`it ends before page ${first + count - 1}, which is in use`)
    }
    return buffer.subarray(0, length)
  }
}

/** The offsets of a page's nodes, which together fill its space from `upper` on. */
export function nodesOf(page: Buffer, number: number, kind: number, commit: number): number[] {
  const [lower, upper] = [page.readUInt16LE(20), page.readUInt16LE(22)]
  const isSound = lower % 2 === 0 && lower <= upper && upper <= SPACE_BYTES
  if (!isAt(page, number, kind, commit) || !isSound) {
    throw new PageDamage(`page ${number} has a wrong header`)
  }
  const nodes: number[] = []
  let bytes = 0
  for (let index = 0; index < lower / 2; index += 1) {
    const offset = page.readUInt16LE(HEADER_BYTES + 2 * index)
    const at = HEADER_BYTES + offset
    const fits = offset >= upper && at + NODE_BYTES <= PAGE_BYTES
    const size = fits ? nodeBytes(page, at, kind) : Number.POSITIVE_INFINITY
    if (at + size > PAGE_BYTES) throw new PageDamage(`page ${number} has a node outside of it`)
    nodes.push(at)
    bytes += size
  }
  if (bytes !== SPACE_BYTES - upper) {
    throw new PageDamage(`page ${number} has ${bytes} bytes of nodes in ${SPACE_BYTES - upper}`)
  }
  return nodes
}

/** The page knows its own number, is of that kind, and is not newer than the commit. */
export function isAt(page: Buffer, number: number, kind: number, commit: number): boolean {
  return wide(page, 0) === number && wide(page, 8) <= commit && page.readUInt16LE(18) === kind
}

export function keyAt(page: Buffer, at: number): Buffer {
  return page.subarray(at + NODE_BYTES, at + NODE_BYTES + page.readUInt16LE(at + 6))
}

/** Infinite for a node with flags that we do not use. */
function nodeBytes(page: Buffer, at: number, kind: number): number {
  const withKey = NODE_BYTES + page.readUInt16LE(at + 6)
  if (kind === KIND.branch) return withKey + (withKey % 2)
  const flags = page.readUInt16LE(at + 4)
  if (flags > BIG) return Number.POSITIVE_INFINITY
  const size = withKey + (flags === BIG ? RUN_BYTES : page.readUInt32LE(at))
  return size + (size % 2)
}
