// How an LMDB file of our options lies on the disk: 4 KiB pages, little endian, data version 2.
//
//   page 0, 1   meta: what a commit consists of. Commit n writes page n % 2, so the other one
//               still describes the commit before it.
//   branch      children by number, with the first key of each but the first
//   leaf        keys with values; a value that does not fit is a run of overflow pages
//   overflow    one header, then the value over as many pages as it needs
//
//   page:   u64 number, u64 commit, u16, u16 kind, u16 lower, u16 upper | u32 pages of a run
//           then one u16 per node (lower / 2 of them), free space, the nodes from `upper` on.
//           Offsets count from the end of this header.
//   node:   u32 bytes of the value, u16 flags, u16 bytes of the key, key, value;
//           in a branch the first six bytes are the child's number. Every node is padded to even.
//   meta:   after the header, at the offsets of META below. Two trees: free pages, and ours.
//
// LMDB itself believes what it reads: it has no checksums, maps the file and follows offsets.

export const PAGE_BYTES = 4096
export const HEADER_BYTES = 24
export const SPACE_BYTES = PAGE_BYTES - HEADER_BYTES
export const NODE_BYTES = 8

export const KIND = { branch: 1, leaf: 2, overflow: 4, meta: 8 } as const

/** Flag of a leaf's node whose value is in a run: u64 first page, u64 commit, u64 pages. */
export const BIG = 1
export const RUN_BYTES = 24

const META = { magicAt: 24, versionAt: 28, freeAt: 48, mainAt: 96, lastPageAt: 144, commitAt: 152 }
const MAGIC = 0xbeefc0de
const VERSION = 2
/** The free tree keeps the file's options in its flags: MDB_NOSUBDIR, MDB_INTEGERKEY. */
const FREE_FLAGS = 0x4008
const HIGH = 2 ** 32

/** One tree, as a commit describes it. */
export interface Tree {
  readonly depth: number
  readonly branchPages: number
  readonly leafPages: number
  readonly overflowPages: number
  readonly entries: number
  /** Undefined when it is empty. */
  readonly root: number | undefined
}

/** What one meta page says. */
export interface Commit {
  readonly number: number
  /** The last page that was ever used; the file may end before it. */
  readonly lastPage: number
  readonly free: Tree
  readonly main: Tree
}

/** Numbers above 2^53 are inexact here, and too large for every use that they have. */
export function wide(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + HIGH * bytes.readUInt32LE(at + 4)
}

/** The number of a branch node's child. */
export function childOf(page: Buffer, at: number): number {
  return page.readUInt32LE(at) + HIGH * page.readUInt16LE(at + 4)
}

/** The commit that meta page `index` (0 or 1) describes; undefined when that is no meta page. */
export function commitOf(file: Buffer, index: number): Commit | undefined {
  const page = file.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES)
  const isMeta =
    wide(page, 0) === index &&
    page.readUInt16LE(18) === KIND.meta &&
    page.readUInt32LE(META.magicAt) === MAGIC &&
    page.readUInt32LE(META.versionAt) === VERSION &&
    page.readUInt32LE(META.freeAt) === PAGE_BYTES &&
    page.readUInt16LE(META.freeAt + 4) === FREE_FLAGS &&
    page.readUInt32LE(META.mainAt) === 0 &&
    page.readUInt16LE(META.mainAt + 4) === 0
  if (!isMeta) return undefined
  return {
    number: wide(page, META.commitAt),
    lastPage: wide(page, META.lastPageAt),
    free: treeAt(page, META.freeAt),
    main: treeAt(page, META.mainAt),
  }
}

function treeAt(page: Buffer, at: number): Tree {
  const isEmpty = page.readBigInt64LE(at + 40) === -1n
  return {
    depth: page.readUInt16LE(at + 6),
    branchPages: wide(page, at + 8),
    leafPages: wide(page, at + 16),
    overflowPages: wide(page, at + 24),
    entries: wide(page, at + 32),
    root: isEmpty ? undefined : wide(page, at + 40),
  }
}
