// One open log file: the facts that identity and following are decided by.
//
// Promises: only a regular file is ever opened, never a link, FIFO or device, even when a name
// changes its meaning between listing and opening; all reads are pread; opening never waits.

import { constants, fstatSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { GUARD_BYTES_MAX, guardOf, PROOF_BYTES_MAX } from './identity.ts'
import { openGenerationStream } from './inflate.ts'
import { isMissing, problemOf, systemCode, type TailProblem, unreadable } from './problem.ts'
import { isGzip } from './rotation.ts'

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export interface FileFacts {
  /** Bytes on disk. */
  readonly sizeBytes: number
  readonly changedAtMs: number
  /** No name leads to the file any more. */
  readonly unlinked: boolean
}

export class GenerationFile {
  readonly compressed: boolean
  readonly dev: string
  readonly inode: string
  /** Where it was when it was opened. */
  readonly path: string
  readonly #handle: FileHandle

  constructor(handle: FileHandle, path: string, dev: string, inode: string) {
    this.#handle = handle
    this.path = path
    this.dev = dev
    this.inode = inode
    this.compressed = isGzip(basename(path))
  }

  /** Device and inode: certain for as long as the file is open. */
  get key(): string {
    return `${this.dev}:${this.inode}`
  }

  /** The descriptor, valid until close(). */
  get fd(): number {
    return this.#handle.fd
  }

  /**
   * Not async: this runs at every wake-up, fstat of an open local file takes a microsecond, and
   * a trip through the thread pool costs a hundred times as much CPU.
   */
  facts(): FileFacts {
    const { size, mtimeMs, nlink } = fstatSync(this.#handle.fd)
    return { sizeBytes: size, changedAtMs: mtimeMs, unlinked: nlink === 0 }
  }

  /** The first PROOF_BYTES_MAX uncompressed bytes, or all when there are fewer. */
  async head(): Promise<Uint8Array> {
    return this.#readAt(0, PROOF_BYTES_MAX)
  }

  /** The guard of the bytes before `offset`; undefined when the file is shorter than that. */
  async guardAt(offset: number): Promise<string | undefined> {
    const start = Math.max(0, offset - GUARD_BYTES_MAX)
    const before = await this.#readAt(start, offset - start)
    return before.length === offset - start ? guardOf(before) : undefined
  }

  /** Uncompressed bytes of a .gz from uncompressed `offset` on. */
  stream(offset: number): AsyncGenerator<Uint8Array> {
    return openGenerationStream(this.#handle, offset, this.path)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async #readAt(offset: number, bytes: number): Promise<Uint8Array> {
    const into = new Uint8Array(bytes)
    const fill = this.compressed ? this.#inflateInto(into, offset) : this.#readInto(into, offset)
    return into.subarray(0, await fill)
  }

  async #readInto(into: Uint8Array, offset: number): Promise<number> {
    let filled = 0
    while (filled < into.length) {
      const wanted = into.length - filled
      const { bytesRead } = await this.#handle.read(into, filled, wanted, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return filled
  }

  /** A .gz that is cut or still being written gives what it has. */
  async #inflateInto(into: Uint8Array, offset: number): Promise<number> {
    let filled = 0
    if (into.length === 0) return filled
    try {
      for await (const chunk of this.stream(offset)) {
        const part = chunk.subarray(0, into.length - filled)
        into.set(part, filled)
        filled += part.length
        if (filled === into.length) break
      }
    } catch (error) {
      if (systemCode(error) !== 'METER_INPUT_DAMAGED') throw error
    }
    return filled
  }
}

/** Undefined when the name is gone, or leads to no regular file: then `refused` hears why. */
export async function openGenerationFile(
  path: string,
  refused: (problem: TailProblem) => void,
): Promise<GenerationFile | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, FLAGS)
  } catch (error) {
    if (systemCode(error) === 'ELOOP') {
      refused(problemOf(path, 'symlink', 'is a symbolic link and is not followed'))
    } else if (systemCode(error) === 'ENXIO') {
      refused(problemOf(path, 'not_a_file', 'is no regular file and is not read'))
    } else if (!isMissing(error)) refused(unreadable(path, error))
    return undefined
  }
  const stats = await handle.stat({ bigint: true })
  if (stats.isFile()) {
    return new GenerationFile(handle, path, String(stats.dev), String(stats.ino))
  }
  await handle.close()
  refused(problemOf(path, 'not_a_file', 'is no regular file and is not read'))
  return undefined
}
