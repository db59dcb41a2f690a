// Committed values in an LMDB file. LMDB never overwrites a page that the last commit uses: a
// commit is an fdatasync of new pages, then one synchronous write of the page that names them, so
// a crash at any point leaves the old picture or the new one.
//
// A commit runs on a thread of the library; the event loop only hands over the values. The library
// damages its process when a write fails, so room on the disk is taken before it begins: a full
// disk is an error of ours, with nothing written. A write that fails all the same is fatal.

import { accessSync, constants, statSync } from 'node:fs'
import { open, type RootDatabase, type RootDatabaseOptionsWithPath, type Transaction } from 'lmdb'
import { MeterFastError } from '../errors.ts'
import { corruptState, Framing } from './frame.ts'
import { prefixEnd } from './keys.ts'
import { PAGE_BYTES } from './lmdb-layout.ts'
import { PageDamage } from './lmdb-pages.ts'
import type { Backend, Changes } from './staged-store.ts'
import type { StateNative } from './state.ts'
import { examineFile, forgetFailedCommit, noteFailedCommit, syncNewFile } from './state-file.ts'

// Address space, not memory or disk: above the largest spool and three days of accepted events.
// (arm64 may give a process no more than 512 GiB.)
const MAP_BYTES = 2 ** 38

// MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_VERSION_MISMATCH and MDB_INVALID.
const DAMAGE_CODES = new Set<unknown>([-30797, -30796, -30794, -30793])

/** The first pages of a new file, and the library's table of readers. */
const FIRST_PAGES_BYTES = 2 * PAGE_BYTES
const READERS_BYTES = 16 * 1024
/** Pages of the trees that a commit writes anew, beside its values. */
const COMMIT_BYTES = 256 * 1024

/** What the file needs of the addon; a reader needs no room. */
export type StoreNative = Pick<StateNative, 'crc32c'> & Partial<Pick<StateNative, 'allocateRoom'>>

export interface OpenOptions {
  readonly readOnly: boolean
  /** Every read sees the commit that was the last one when the file was opened. */
  readonly isPicture?: boolean
  readonly afterClose: () => void
}

export class LmdbBackend implements Backend {
  readonly path: string
  readonly #framing: Framing
  readonly #native: StoreNative
  readonly #database: RootDatabase<Buffer, string>
  /** All reads see the commit that it began with. */
  readonly #picture: Transaction | undefined
  readonly #afterClose: () => void
  /** The writer before this one may have left word of a commit that failed. */
  #hasFailedCommit = true

  /** @throws {MeterFastError} METER_STATE_CORRUPT, METER_DISK */
  constructor(
    path: string,
    native: StoreNative,
    { readOnly, isPicture = false, afterClose }: OpenOptions,
  ) {
    this.path = path
    this.#afterClose = afterClose
    this.#native = native
    this.#framing = new Framing(path, native)
    const options: RootDatabaseOptionsWithPath & { permissionsMode: number } = {
      path,
      readOnly,
      permissionsMode: 0o600,
      encoding: 'binary',
      cache: false,
      noSubdir: true,
      maxDbs: 1,
      // Not the machine's page size, so that a state can be read on another machine.
      pageSize: PAGE_BYTES,
      mapSize: MAP_BYTES,
      // With it a commit could be seen, and acted upon, before it is durable.
      overlappingSync: false,
      eventTurnBatching: false,
    }
    const checkValue = (key: Buffer, value: Buffer) => this.#framing.check(key, value)
    const file = { readOnly, pagesMax: MAP_BYTES / PAGE_BYTES, checkValue }
    const isNew = this.#translated(() => examineFile(path, file))
    if (!readOnly) {
      this.#takeRoom(path, FIRST_PAGES_BYTES)
      this.#takeRoom(`${path}-lock`, READERS_BYTES)
    }
    this.#database = this.#translated(() => open(options))
    if (isNew && !readOnly) this.#translated(() => syncNewFile(path))
    if (isPicture) {
      this.#picture = this.#translated(() => this.#database.useReadTransaction())
    }
  }

  encode(key: string, bytes: Uint8Array): Uint8Array {
    return this.#framing.frame(key, bytes)
  }

  decode(key: string, stored: Uint8Array): Uint8Array {
    return this.#framing.unframe(key, stored)
  }

  get(key: string): Uint8Array | undefined {
    const from = this.#picture && { transaction: this.#picture }
    return this.#translated(() => this.#database.get(key, from))
  }

  *range(prefix: string): Generator<readonly [string, Uint8Array]> {
    const end = prefixEnd(prefix)
    const bounds = end === undefined ? {} : { start: prefix, end }
    const from = this.#picture && { transaction: this.#picture }
    const walk = this.#database.getRange({ ...bounds, ...from })[Symbol.iterator]()
    try {
      for (;;) {
        const step = this.#translated(() => walk.next())
        if (step.done) return
        yield [step.value.key, step.value.value]
      }
    } finally {
      walk.return?.()
    }
  }

  async write(changes: Changes): Promise<void> {
    let bytes = COMMIT_BYTES
    for (const [key, value] of changes) bytes += key.length + 2 * (value?.length ?? 0)
    this.#takeRoom(this.path, statSync(this.path).size + bytes)
    try {
      await this.#database.batch(() => {
        for (const [key, value] of changes) {
          if (value) void this.#database.put(key, value as Buffer)
          else void this.#database.remove(key)
        }
      })
    } catch (error) {
      noteFailedCommit(this.path)
      throw await rootCause(error)
    }
    if (this.#hasFailedCommit) forgetFailedCommit(this.path)
    this.#hasFailedCommit = false
  }

  async close(): Promise<void> {
    try {
      this.#picture?.done()
      await this.#database.close()
    } finally {
      this.#afterClose()
    }
  }

  #takeRoom(path: string, bytes: number): void {
    if (this.#native.allocateRoom?.(path, bytes) !== false) return
    // Neither is there room in a file that cannot be opened.
    this.#translated(() => accessSync(path, constants.W_OK))
    throw new MeterFastError(
      'METER_DISK',
      `state "${this.path}": the disk has no room for a commit; nothing was written. Make room.`,
    )
  }

  #translated<T>(read: () => T): T {
    try {
      return read()
    } catch (cause) {
      if (cause instanceof PageDamage) throw corruptState(this.path, cause.message)
      if (cause instanceof MeterFastError) throw cause
      const { message, code } = cause as Error & { code?: unknown }
      if (DAMAGE_CODES.has(code)) throw corruptState(this.path, message, { cause })
      const what = `state "${this.path}" cannot be read: ${message}. Mend the disk, then try again.`
      throw new MeterFastError('METER_DISK', what, { cause })
    }
  }
}

/** The library rejects with a bare "Commit failed" whose reason is a promise of its own. */
async function rootCause(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: Promise<never> }).commitError
  if (!reason) return error
  const later = new Promise((resolve) => setTimeout(() => resolve(error), 100))
  return await Promise.race([reason.catch((cause: unknown) => cause), later])
}
