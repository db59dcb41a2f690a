// Room on the disk that is kept for the day when it is full: a file of 64 MiB beside the state.
//
// On a full disk the agent stops reading, but the sink goes on accepting, and each acceptance has
// to be committed or the event would be sent for ever. Deleting the reserve makes room for that.
// It is taken again when the disk has room for it twice, and only then reading goes on, so that an
// agent on the edge does not fail at every commit.

import { rmSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { syncDirectory } from './directory.ts'

/** Free bytes below which a disk is full even without a reserve. */
const FREE_BYTES_MIN = 1024 * 1024

/** What the reserve needs from the native addon. */
export interface ReserveNative {
  /** Makes `path` a file whose bytes are allocated on the disk, durably; false: no room. */
  allocateFile(path: string, bytes: number): boolean
}

export class DiskReserve {
  readonly #directory: string
  readonly #path: string
  readonly #bytes: number
  readonly #native: ReserveNative
  #isHeld = false

  /** `bytes` 0: there is no reserve, and it is always held. */
  constructor(directory: string, bytes: number, native: ReserveNative) {
    this.#directory = directory
    this.#path = join(directory, 'reserve')
    this.#bytes = bytes
    this.#native = native
  }

  /** False: the disk is full, or was and has not had room for the reserve since. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Takes the reserve if the disk has room; true when it is held. */
  take(): boolean {
    this.#isHeld = this.#hasFile() || (!this.isFull() && this.#allocate())
    return this.#isHeld
  }

  /** The disk has not room for the reserve twice. */
  isFull(): boolean {
    const { bavail, bsize } = statfsSync(this.#directory)
    return bavail * bsize < Math.max(2 * this.#bytes, FREE_BYTES_MIN)
  }

  /** Deletes the reserve. A disk that refuses even that has room for nothing. */
  give(): void {
    this.#isHeld = false
    try {
      rmSync(this.#path, { force: true })
    } catch {
      // The next commit will fail, and say so.
    }
  }

  #hasFile(): boolean {
    if (this.#bytes === 0) return !this.isFull()
    // Blocks, not size: a file with holes reserves nothing.
    const stats = statSync(this.#path, { throwIfNoEntry: false })
    return stats !== undefined && stats.blocks * 512 >= this.#bytes
  }

  #allocate(): boolean {
    if (this.#bytes === 0) return true
    if (this.#native.allocateFile(this.#path, this.#bytes)) {
      syncDirectory(this.#directory)
      return true
    }
    this.give()
    return false
  }
}
