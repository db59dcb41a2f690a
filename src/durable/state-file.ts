// What is at the path of a state, looked at before LMDB opens it: nothing yet, a file that may be
// opened, or one that may not. The library crashes the process on some files that are damaged or
// not its own, and reads others without a word as if less were in them.

import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { MeterFastError } from '../errors.ts'
import { checkFile } from './lmdb-check.ts'
import { commitOf, PAGE_BYTES } from './lmdb-layout.ts'
import { PageDamage } from './lmdb-pages.ts'
import type { ValueCheck } from './lmdb-walk.ts'

const HEAD_BYTES = 2 * PAGE_BYTES
const SECTOR_BYTES = 512

export interface StateFileOptions {
  readonly readOnly: boolean
  readonly pagesMax: number
  readonly checkValue: ValueCheck
}

/**
 * True when the file is new: it is not there, or has no commit, and then it is emptied. Readers
 * beside a writer cannot walk pages that change under them; their writer has done so.
 *
 * @throws {PageDamage} {MeterFastError} METER_INPUT_MISSING for a reader before the first commit,
 * errors of the system, and whatever `checkValue` throws.
 */
export function examineFile(path: string, options: StateFileOptions): boolean {
  const { readOnly } = options
  const fd = openIfThere(path, readOnly ? 'r' : 'r+')
  if (fd === undefined) return true
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    readSync(fd, head, 0, head.length, 0)
    const isOurs = commitOf(head, 0) !== undefined && commitOf(head, 1) !== undefined
    if (isUnborn(head, fstatSync(fd).size)) {
      if (readOnly && !isOurs) throw noCommit(path)
      if (!readOnly) ftruncateSync(fd, 0)
      return true
    }
    if (!isOurs) throw new PageDamage('it does not begin as an LMDB file of meter-fast does')
    const hasFailedCommit = existsSync(failedCommitPath(path))
    if (!readOnly) checkFile(fd, { ...options, hasFailedCommit })
    return false
  } finally {
    closeSync(fd)
  }
}

/**
 * Remembers that a commit failed, for the next one that opens the file, until one succeeds. On a
 * disk that takes no file either, the next one may have to refuse the state.
 */
export function noteFailedCommit(path: string): void {
  try {
    writeFileSync(failedCommitPath(path), '', { mode: 0o600 })
  } catch {
    // The error of the commit says more.
  }
}

/** A commit has succeeded since. */
export function forgetFailedCommit(path: string): void {
  rmSync(failedCommitPath(path), { force: true })
}

function failedCommitPath(path: string): string {
  return `${path}-failed`
}

/** Makes the first pages of a new file durable, before any other page is written. */
export function syncNewFile(path: string): void {
  const fd = openSync(path, 'r+')
  try {
    fdatasyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function openIfThere(path: string, flags: string): number | undefined {
  try {
    return openSync(path, flags)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * True for what a power loss may leave of a file that was just made: whole sectors of its first two
 * pages, each page still zero or without a commit. Later the file is longer (see syncNewFile).
 */
function isUnborn(head: Buffer, fileBytes: number): boolean {
  if (fileBytes > HEAD_BYTES || fileBytes % SECTOR_BYTES !== 0) return false
  return [0, 1].every((index) => {
    const page = head.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES)
    return commitOf(head, index)?.number === 0 || page.every((byte) => byte === 0)
  })
}

function noCommit(path: string): MeterFastError {
  const what = `state "${path}" is empty: its agent has not begun. Try again when it runs.`
  return new MeterFastError('METER_INPUT_MISSING', what)
}
