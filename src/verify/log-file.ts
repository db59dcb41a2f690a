// One log file, plain or compressed, under any name: its first bytes, which tell which generation
// it is, and all of them for an engine.

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { MeterFastError } from '../errors.ts'
import type { Engine } from '../native.ts'
import { openGenerationStream } from '../tail/inflate.ts'
import { GUARD_BYTES_MAX, guardOf, PROOF_BYTES_MAX } from '../tail/proof.ts'

/** Bytes of one native read. */
const SLICE_BYTES = 8 * 1024 * 1024
const GZIP_MAGIC = [0x1f, 0x8b]
/** Opening a FIFO must not wait for a writer. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** An open file. */
export class LogFile {
  readonly path: string
  /** Device and inode. */
  readonly key: string
  /** Bytes on disk. */
  readonly sizeBytes: number
  readonly isCompressed: boolean
  /** The first bytes, uncompressed, as many as a proof covers at most. */
  readonly head: Uint8Array
  readonly #handle: FileHandle

  private constructor(
    handle: FileHandle,
    path: string,
    key: string,
    sizeBytes: number,
    facts: Facts,
  ) {
    this.#handle = handle
    this.path = path
    this.key = key
    this.sizeBytes = sizeBytes
    this.isCompressed = facts.isCompressed
    this.head = facts.head
  }

  /** Undefined when the path leads to no regular file. @throws what the system says */
  static async open(path: string): Promise<LogFile | undefined> {
    const handle = await open(path, FLAGS)
    try {
      const facts = await handle.stat({ bigint: true })
      if (facts.isFile()) {
        const key = `${facts.dev}:${facts.ino}`
        const content = await lookInto(handle, path)
        return new LogFile(handle, path, key, Number(facts.size), content)
      }
    } catch (error) {
      await handle.close()
      throw error
    }
    await handle.close()
    return undefined
  }

  get name(): string {
    return basename(this.path)
  }

  /** Uncompressed bytes from `offset` on; fewer at its end. */
  async bytes(offset: number, length: number): Promise<Uint8Array> {
    const { isCompressed, path } = this
    return isCompressed
      ? await inflateAt(this.#handle, path, offset, length)
      : await readAt(this.#handle, offset, length)
  }

  /** The guard (tail/identity.ts) of the bytes before `offset`; undefined when it is shorter. */
  async guardAt(offset: number): Promise<string | undefined> {
    const start = Math.max(0, offset - GUARD_BYTES_MAX)
    const before = await this.bytes(start, offset - start)
    return before.length === offset - start ? guardOf(before) : undefined
  }

  reader(): LogReader {
    return this.isCompressed
      ? new CompressedReader(this.#handle, this.path)
      : new PlainReader(this.#handle.fd)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

interface Facts {
  readonly isCompressed: boolean
  readonly head: Uint8Array
}

/** Feeds a file to engines. */
export interface LogReader {
  /** Set when the rest of a compressed file cannot be had. */
  readonly damage: MeterFastError | undefined
  /**
   * Feeds what the engine has not read, up to `end`, in slices, and gives the bytes of each. It
   * ends early where the file does.
   */
  feed(engine: Engine, end: number): AsyncGenerator<number>
}

class PlainReader implements LogReader {
  readonly damage = undefined
  readonly #fd: number

  constructor(fd: number) {
    this.#fd = fd
  }

  async *feed(engine: Engine, end: number): AsyncGenerator<number> {
    for (;;) {
      const wanted = Math.min(SLICE_BYTES, end - engine.readOffset())
      if (wanted <= 0) return
      const got = await engine.read(this.#fd, wanted)
      yield got
      if (got < wanted) return
    }
  }
}

class CompressedReader implements LogReader {
  damage: MeterFastError | undefined
  readonly #handle: FileHandle
  readonly #path: string
  #chunks: AsyncGenerator<Uint8Array> | undefined
  /** What was inflated and not fed yet, and where it begins. */
  #rest: Uint8Array = new Uint8Array()
  #offset = 0

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle
    this.#path = path
  }

  async *feed(engine: Engine, end: number): AsyncGenerator<number> {
    while (engine.readOffset() < end) {
      if (!(await this.#reach(engine.readOffset()))) return
      const part = this.#rest.subarray(0, end - this.#offset)
      await engine.feed(part)
      this.#rest = this.#rest.subarray(part.length)
      this.#offset += part.length
      yield part.length
    }
  }

  /** Makes `#rest` begin at `offset`; false at the end of the file. */
  async #reach(offset: number): Promise<boolean> {
    if (this.#chunks === undefined || offset < this.#offset) {
      this.#chunks = openGenerationStream(this.#handle, offset, this.#path)
      this.#rest = new Uint8Array()
      this.#offset = offset
    }
    while (this.#offset + this.#rest.length <= offset) {
      this.#offset += this.#rest.length
      this.#rest = new Uint8Array()
      const chunk = await this.#next(this.#chunks)
      if (chunk === undefined) return false
      this.#rest = chunk
    }
    this.#rest = this.#rest.subarray(offset - this.#offset)
    this.#offset = offset
    return true
  }

  async #next(chunks: AsyncGenerator<Uint8Array>): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await chunks.next()
      return done ? undefined : value
    } catch (error) {
      if (!isInputDamage(error)) throw error
      this.damage = error
      return undefined
    }
  }
}

function isInputDamage(error: unknown): error is MeterFastError {
  return error instanceof MeterFastError && error.code === 'METER_INPUT_DAMAGED'
}

async function lookInto(handle: FileHandle, path: string): Promise<Facts> {
  const magic = await readAt(handle, 0, GZIP_MAGIC.length)
  const isCompressed = GZIP_MAGIC.every((byte, at) => magic[at] === byte)
  const head = isCompressed
    ? await inflateAt(handle, path, 0, PROOF_BYTES_MAX)
    : await readAt(handle, 0, PROOF_BYTES_MAX)
  return { isCompressed, head }
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const into = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(into, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return into.subarray(0, filled)
}

/** A file that is cut or damaged gives what it has. */
async function inflateAt(
  handle: FileHandle,
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const into = new Uint8Array(length)
  let filled = 0
  if (length === 0) return into
  try {
    for await (const chunk of openGenerationStream(handle, offset, path)) {
      const part = chunk.subarray(0, length - filled)
      into.set(part, filled)
      filled += part.length
      if (filled === length) break
    }
  } catch (error) {
    if (!isInputDamage(error)) throw error
  }
  return into.subarray(0, filled)
}
