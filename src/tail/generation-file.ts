// One open log file: the facts that identity and following are decided by.
//
// Promises: only a regular file is ever opened, never a link, FIFO or device, even when a name
// changes its meaning between listing and opening; all reads are pread; opening never waits.

import { type BigIntStats, constants, fstatSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { openGenerationStream } from './inflate.ts'
import { isMissing, problemOf, systemCode, type TailProblem, unreadable } from './problem.ts'
import { GUARD_BYTES_MAX, guardOf, PROOF_BYTES_MAX } from './proof.ts'
import { isGzip } from './rotation.ts'

/** The unit of st_blocks, whatever the file system's own is. */
const BLOCK_BYTES = 512
const SEARCH_BYTES = 64 * 1024
const LF = 0x0a

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export interface FileFacts {
  /** Bytes of the file as it is, compressed or not. */
  readonly sizeBytes: number
  /** What the disk gets back once the file has no name and is closed by everybody. */
  readonly diskBytes: number
  readonly changedAtMs: number
  /** No name leads to the file any more. */
  readonly unlinked: boolean
}

export class GenerationFile {
  readonly compressed: boolean
  readonly dev: string
  readonly inode: string
  /** When it was created, in ns; '0' where the file system does not tell. */
  readonly born: string
  /** Where it was when it was opened. */
  readonly path: string
  readonly #handle: FileHandle
  #inflating: { readonly chunks: AsyncGenerator<Uint8Array>; offset: number } | undefined

  constructor(handle: FileHandle, path: string, stats: BigIntStats) {
    this.#handle = handle
    this.path = path
    this.dev = String(stats.dev)
    this.inode = String(stats.ino)
    this.born = String(stats.birthtimeNs)
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
    const { size, blocks, mtimeMs, nlink } = fstatSync(this.#handle.fd)
    const diskBytes = blocks * BLOCK_BYTES
    return { sizeBytes: size, diskBytes, changedAtMs: mtimeMs, unlinked: nlink === 0 }
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

  /** Where the first line begins at or after `offset`, which is not 0; at worst, the end. */
  async lineStart(offset: number): Promise<number> {
    for (let at = offset - 1; ; at += SEARCH_BYTES) {
      const bytes = await this.#readAt(at, SEARCH_BYTES)
      const lineEnd = bytes.indexOf(LF)
      if (lineEnd >= 0) return at + lineEnd + 1
      if (bytes.length < SEARCH_BYTES) return at + bytes.length
    }
  }

  /** Uncompressed bytes; a .gz is inflated to its end to know. */
  async contentBytes(): Promise<number> {
    if (!this.compressed) return this.facts().sizeBytes
    let bytes = 0
    try {
      for await (const chunk of this.#stream(0)) bytes += chunk.length
    } catch (error) {
      if (systemCode(error) !== 'METER_INPUT_DAMAGED') throw error
    }
    return bytes
  }

  /** What a compressor made of a file without a byte; false while it is still being written. */
  async isEmptyGzip(): Promise<boolean> {
    if (!this.compressed || this.facts().sizeBytes === 0) return false
    const chunks = this.#stream(0)
    try {
      const { done } = await chunks.next()
      await chunks.return(undefined)
      return done === true
    } catch (error) {
      if (systemCode(error) !== 'METER_INPUT_DAMAGED') throw error
      return false
    }
  }

  /**
   * The next uncompressed bytes of a .gz from uncompressed `offset` on; undefined at its end. Who
   * asks at the end of the last answer goes on there: nothing is inflated twice.
   */
  async inflate(offset: number): Promise<Uint8Array | undefined> {
    if (this.#inflating?.offset !== offset) await this.#stopInflating()
    this.#inflating ??= { chunks: this.#stream(offset), offset }
    const inflating = this.#inflating
    const next = await inflating.chunks.next()
    if (next.done) {
      this.#inflating = undefined
      return undefined
    }
    inflating.offset += next.value.length
    return next.value
  }

  async close(): Promise<void> {
    await this.#stopInflating()
    await this.#handle.close()
  }

  async #stopInflating(): Promise<void> {
    await this.#inflating?.chunks.return(undefined)
    this.#inflating = undefined
  }

  #stream(offset: number): AsyncGenerator<Uint8Array> {
    return openGenerationStream(this.#handle, offset, this.path)
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
      for await (const chunk of this.#stream(offset)) {
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
  try {
    const stats = await handle.stat({ bigint: true })
    if (stats.isFile()) return new GenerationFile(handle, path, stats)
    refused(problemOf(path, 'not_a_file', 'is no regular file and is not read'))
  } catch (error) {
    refused(unreadable(path, error))
  }
  await handle.close()
  return undefined
}
