// Appends events as NDJSON to a file.
//
// Promises: a batch is accepted when its lines are on disk (fdatasync); only whole lines stay in
// the file; no event is written twice, however often it is delivered; a batch is never divided
// between two files.
//
// A file does not deduplicate, so the sink does. What a crash leaves in doubt are the batches that
// were written since acceptances were last committed, and a piece of one more. On open the piece is
// cut off back to the last line end, and the ids of the last events are read, more than can be in
// doubt, from rotated files too. Events whose ids are among them are not written again. If somebody
// else renamed the file between crash and restart, they may be in both files.
//
// A file that would grow beyond `fileBytesMax` is renamed first (file-rotation.ts). What it holds
// is on disk by then, and the new name is before anything is written to the next file.
//
// After a failed write or sync nobody knows what is on disk. The file is cut back to where it was
// before the attempt, and opened anew, so the next attempt writes every byte again.

import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MeterFastError } from '../errors.ts'
import { nextRotatedName, rotatedFiles } from './file-rotation.ts'
import { newestIds, repairTail } from './file-tail.ts'
import { boundedText, type FrozenBatch, type Sink, type SinkAnswer, stoppedAnswer } from './sink.ts'

const MODE = 0o640
const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT
/** Ids that are remembered: more than the events of all attempts that one commit makes durable. */
export const REMEMBERED_MAX = 32_768
// Faults that only a person can mend; all others may pass (a full disk, a failing one).
const MISCONFIGURED = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'EROFS', 'ELOOP'])

export interface FileSinkOptions {
  /** The file is rotated before it grows beyond this; never when left out. */
  readonly fileBytesMax?: number
}

/** The `file` sink. One process may write to the path. */
export class FileSink implements Sink {
  readonly name = 'file'
  readonly #path: string
  readonly #fileBytesMax: number
  #file: FileHandle | undefined
  /** Ids of the newest events of all files, oldest first; undefined before the first open. */
  #written: Set<string> | undefined
  #closed = false

  constructor(path: string, { fileBytesMax = Number.POSITIVE_INFINITY }: FileSinkOptions = {}) {
    this.#path = path
    this.#fileBytesMax = fileBytesMax
  }

  async deliver(batch: FrozenBatch, signal: AbortSignal): Promise<SinkAnswer> {
    if (this.#closed)
      throw new MeterFastError('METER_MISUSE', `the sink "${this.#path}" is closed.`)
    if (signal.aborted) return stoppedAnswer()
    try {
      await this.#reopenIfMoved()
      if (this.#file === undefined) await this.#open()
      await this.#append(batch)
    } catch (error) {
      await this.#drop()
      return faultAnswer(error)
    }
    return { kind: 'accepted', status: 0, text: '' }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#drop()
  }

  async #append({ ids, texts }: FrozenBatch): Promise<void> {
    const fresh = ids.flatMap((id, index) => (this.#written?.has(id) ? [] : [index]))
    const lines = fresh.map((index) => `${texts[index]}\n`).join('')
    if (lines !== '') await this.#rotateIfFull(Buffer.byteLength(lines))
    const file = this.#file ?? (await this.#open())
    const { size } = await file.stat()
    try {
      // appendFile goes on after a short write, so a line is whole or the write has failed.
      await file.appendFile(lines)
      await file.datasync()
    } catch (error) {
      await file.truncate(size).catch(() => undefined)
      throw error
    }
    this.#remember(fresh.map((index) => ids[index] ?? ''))
  }

  #remember(ids: readonly string[]): void {
    const written = this.#written ?? new Set()
    this.#written = written
    for (const id of ids) written.add(id)
    for (const id of written) {
      if (written.size <= REMEMBERED_MAX) break
      written.delete(id)
    }
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, FLAGS, MODE)
    this.#file = file
    const facts = await file.stat()
    if (!facts.isFile()) throw notOurs(this.#path, 'is not a regular file')
    if (!(await repairTail(file, facts.size))) {
      throw notOurs(this.#path, 'ends with a line that is no usage event')
    }
    await this.#recall(file)
    await syncDirectory(dirname(this.#path))
    return file
  }

  /** Learns what was written before this process, and what a failed attempt has left. */
  async #recall(file: FileHandle): Promise<void> {
    const ids = await newestIds(file, REMEMBERED_MAX)
    if (this.#written === undefined) {
      for (const path of await rotatedFiles(this.#path)) {
        if (ids.length >= REMEMBERED_MAX) break
        ids.push(...(await newestIdsOf(path, REMEMBERED_MAX - ids.length)))
      }
    }
    this.#remember(ids.reverse())
  }

  async #rotateIfFull(bytes: number): Promise<void> {
    const size = (await this.#file?.stat())?.size ?? 0
    if (size === 0 || size + bytes <= this.#fileBytesMax) return
    await rename(this.#path, await nextRotatedName(this.#path))
    await this.#drop()
  }

  /** Somebody may have renamed the file to rotate it: then events go to a new one. */
  async #reopenIfMoved(): Promise<void> {
    if (!this.#file) return
    const there = await stat(this.#path).catch(() => undefined)
    if (there === undefined || !sameFile(there, await this.#file.stat())) await this.#drop()
  }

  async #drop(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close().catch(() => undefined)
  }
}

async function newestIdsOf(path: string, count: number): Promise<string[]> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    return await newestIds(file, count)
  } finally {
    await file.close()
  }
}

function sameFile(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev
}

/** A new name in a directory is durable only when the directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function notOurs(path: string, what: string): MeterFastError {
  return new MeterFastError(
    'METER_CONFIG_INVALID',
    `"${path}" ${what}, so nothing was written: give sink.path a file of its own.`,
  )
}

function faultAnswer(error: unknown): SinkAnswer {
  const { code = '', message } = error as NodeJS.ErrnoException
  const ours = MISCONFIGURED.has(code) || error instanceof MeterFastError
  return { kind: ours ? 'misconfigured' : 'unknown', status: 0, text: boundedText(message) }
}
