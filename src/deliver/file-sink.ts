// Appends events as NDJSON to a file.
//
// Promises: a batch is accepted when its lines are on disk (fdatasync); only whole lines stay in
// the file; the last batch is written once however often it is delivered.
//
// A file does not deduplicate. But the sender works on one batch at a time, so only the last one
// can be in doubt: a crash may have left all of its lines, some, or a piece of one. On open the
// piece is cut off back to the last line end, the lines of the last 1 MiB are remembered, and
// lines of the next batch that are among them are not written again. A batch is at most 1 MiB, so
// that is far enough. If the file was rotated away between crash and restart, the last batch may
// be in both files.
//
// After a failed write or sync nobody knows what is on disk. The file is cut back to where it was
// before the attempt, and opened anew, so the next attempt writes every byte again.

import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MeterFastError } from '../errors.ts'
import { repairedLines } from './file-tail.ts'
import { boundedText, type FrozenBatch, type Sink, type SinkAnswer, stoppedAnswer } from './sink.ts'

const MODE = 0o640
const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT
// More lines than a few batches have, fewer than would cost memory.
const LINES_MAX = 4096
// Faults that only a person can mend; all others may pass (a full disk, a failing one).
const MISCONFIGURED = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'EROFS', 'ELOOP'])

/** The `file` sink. One process may write to the path. */
export class FileSink implements Sink {
  readonly name = 'file'
  readonly #path: string
  #file: FileHandle | undefined
  /** The newest lines of the file, oldest first: they must not be written again. */
  readonly #written = new Set<string>()
  #closed = false

  constructor(path: string) {
    this.#path = path
  }

  async deliver(batch: FrozenBatch, signal: AbortSignal): Promise<SinkAnswer> {
    if (this.#closed)
      throw new MeterFastError('METER_MISUSE', `the sink "${this.#path}" is closed.`)
    if (signal.aborted) return stoppedAnswer()
    try {
      await this.#reopenIfMoved()
      const file = this.#file ?? (await this.#open())
      await this.#append(file, batch.texts)
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

  async #append(file: FileHandle, texts: readonly string[]): Promise<void> {
    const fresh = texts.filter((text) => !this.#written.has(text))
    const { size } = await file.stat()
    try {
      // appendFile goes on after a short write, so a line is whole or the write has failed.
      await file.appendFile(fresh.map((text) => `${text}\n`).join(''))
      await file.datasync()
    } catch (error) {
      await file.truncate(size).catch(() => undefined)
      throw error
    }
    this.#remember(fresh)
  }

  #remember(lines: readonly string[]): void {
    for (const line of lines) this.#written.add(line)
    for (const line of this.#written) {
      if (this.#written.size <= LINES_MAX) break
      this.#written.delete(line)
    }
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, FLAGS, MODE)
    this.#file = file
    const facts = await file.stat()
    if (!facts.isFile()) throw notOurs(this.#path, 'is not a regular file')
    const lines = await repairedLines(file, facts.size)
    if (lines === undefined) throw notOurs(this.#path, 'ends with a line that is no usage event')
    this.#remember(lines)
    await syncDirectory(dirname(this.#path))
    return file
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
