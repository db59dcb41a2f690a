// Is every page that the last commit of an LMDB file uses what it should be?
//
// LMDB follows what it reads without a doubt. Single flipped bits in a file make it crash the
// process, pass over a part of the tree, or take a page in use for a free one, without a word: a
// bill would be wrong. So before the library opens a file for its one writer, both trees are walked
// here. Every page is at its own number and of the right kind, its nodes fill its space without
// gaps, its keys are in order and between the keys of its parent, no page is used twice or free
// and used, the counts are those of the commit, and every value has the checksum of its key and
// bytes. A damaged bit that none of this sees lies where nobody reads.
//
// It reads all pages in use once, about a second for 1 GB, and looks at the file without a lock:
// only the holder of the state's lock may call it.

import { fstatSync } from 'node:fs'
import { type Commit, commitOf, PAGE_BYTES, wide } from './lmdb-layout.ts'
import { PageDamage, PageReader } from './lmdb-pages.ts'
import { TreeWalk, type ValueCheck } from './lmdb-walk.ts'

/** Pages that a commit took and gave back are not written: the last one may lie behind the end. */
const UNWRITTEN_BYTES_MAX = 1024 ** 3

const NO_FREE_LIST = 'its list of free pages is not well-formed'

export interface FileChecks {
  /** Pages that the file may have. */
  readonly pagesMax: number
  readonly checkValue: ValueCheck
  /** The writer before this one said that its last commit failed. */
  readonly hasFailedCommit: boolean
}

/**
 * Checks the file open at `fd`.
 *
 * @throws {PageDamage} and whatever `checkValue` throws for a value that is not its key's.
 */
export function checkFile(fd: number, checks: FileChecks): void {
  const { checkValue } = checks
  const pages = new PageReader(fd)
  const commit = lastCommit(pages, checks, fstatSync(fd).size)
  const used = new UsedPages(commit.lastPage)
  const walk = new TreeWalk(pages, commit.number, (...run) => used.claim(...run))
  walk.check('the tree of free pages', commit.free, byNumber, (key, value) => {
    checkFreePages(key, value, commit.number, used)
  })
  walk.check('the tree of values', commit.main, Buffer.compare, checkValue)
}

/** The newer of the two commits that the meta pages describe. */
function lastCommit(
  pages: PageReader,
  { pagesMax, hasFailedCommit }: FileChecks,
  fileBytes: number,
): Commit {
  const metas = pages.read(0, 2, Buffer.alloc(2 * PAGE_BYTES))
  const [even, odd] = [metaPage(metas, 0), metaPage(metas, 1)]
  const isNew = even.number === 0 && odd.number === 0
  const isNext = even.number % 2 === 0 && Math.abs(even.number - odd.number) === 1
  if (!isNew && !isNext) {
    const numbers = `${even.number} and ${odd.number}`
    throw new PageDamage(`its meta pages say commits ${numbers}, which do not follow each other`)
  }
  const [commit, older] = even.number >= odd.number ? [even, odd] : [odd, even]
  checkNumber(pages, commit)
  if (!(hasFailedCommit && isTakenBack(pages, older, commit))) checkNumber(pages, older)
  const isFar = commit.lastPage * PAGE_BYTES > fileBytes + UNWRITTEN_BYTES_MAX
  if (commit.lastPage < 1 || commit.lastPage >= pagesMax || isFar) {
    throw new PageDamage(`its meta page says that page ${commit.lastPage} is the last one`)
  }
  return commit
}

/**
 * Every commit writes a new root, and nothing of the commit before the last is overwritten yet. A
 * meta page whose number differs from its root's would make the last commit look like an older one,
 * which is forgotten without a word, or the other way round.
 */
function checkNumber(pages: PageReader, commit: Commit): void {
  const { number } = commit
  const root = rootNumber(pages, commit)
  if (root === undefined || root === number) return
  throw new PageDamage(`its meta page ${number % 2} says commit ${number}, its tree says ${root}`)
}

/**
 * When the write of a meta page fails, LMDB gives the page its old number back and leaves the rest:
 * the tree is that of the commit that failed. A flipped bit may do the same to a good commit, so it
 * is believed only of a writer that has said so.
 */
function isTakenBack(pages: PageReader, older: Commit, last: Commit): boolean {
  const isOlder = older.number === Math.max(0, last.number - 1)
  return isOlder && rootNumber(pages, older) === last.number + 1
}

/** The commit that wrote the root of the values; undefined while there are none. */
function rootNumber(pages: PageReader, { main }: Commit): number | undefined {
  if (main.root === undefined) return undefined
  return wide(pages.read(main.root, 1, Buffer.alloc(PAGE_BYTES)), 8)
}

function metaPage(metas: Buffer, index: number): Commit {
  const commit = commitOf(metas, index)
  if (commit === undefined) throw new PageDamage(`page ${index} is no meta page of meter-fast`)
  return commit
}

function byNumber(one: Buffer, other: Buffer): number {
  // A page of the other tree, maybe: its keys are texts.
  if (one.length !== 8 || other.length !== 8) throw new PageDamage(NO_FREE_LIST)
  return wide(one, 0) - wide(other, 0)
}

/** Which pages have a use. */
class UsedPages {
  readonly #isUsed: Uint8Array

  constructor(lastPage: number) {
    this.#isUsed = new Uint8Array(lastPage + 1).fill(1, 0, 2)
  }

  claim(first: number, count: number, what: string): void {
    if (first < 2 || first + count > this.#isUsed.length) {
      throw new PageDamage(`page ${first} (${what}) is outside of the file`)
    }
    for (let page = first; page < first + count; page += 1) {
      if (this.#isUsed[page] === 1) throw new PageDamage(`page ${page} is used twice (${what})`)
      this.#isUsed[page] = 1
    }
  }
}

/**
 * One entry of the tree of free pages: u64 how many words follow, then page numbers; a negative
 * word -n before one says that n pages begin there, and 0 is an empty word.
 */
function checkFreePages(key: Buffer, value: Buffer, commit: number, used: UsedPages): void {
  const words = value.length >= 8 ? wide(value, 0) : 0
  if (key.length !== 8 || wide(key, 0) > commit || 8 * (words + 1) > value.length) {
    throw new PageDamage(NO_FREE_LIST)
  }
  let count = 1
  for (let index = 1; index <= words; index += 1) {
    const word = Number(value.readBigInt64LE(8 * index))
    if (word > 0) used.claim(word, count, 'free')
    count = word < 0 ? -word : 1
  }
}
