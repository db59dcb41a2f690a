// Reads a .gz as the log file that it was: the same bytes at the same uncompressed offsets.
//
// Promises: reads with pread through a handle that stays open, so renames and unlinks do not
// matter; memory is a few chunks, whatever the ratio; several members are one file. A damaged
// file first gives every byte that can be had before the damage, then an error that names it.

import type { FileHandle } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { MeterFastError } from '../errors.ts'

const READ_BYTES = 16 * 1024
/**
 * zlib forgets what it inflated in the call that fails. So a damaged file is inflated again, with
 * ever less data for each call from the failing one on, until nothing is left to be forgotten.
 */
const PIECE_BYTES = [READ_BYTES, 256, 1] as const

interface Pass {
  /** Where pieces of `pieceBytes` begin; before it they are as large as can be. */
  readonly fineFrom: number
  readonly pieceBytes: number
  /** Compressed bytes of all calls that did not fail. */
  consumedBytes: number
}

async function* compressedPieces(file: FileHandle, pass: Pass): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const coarse = at < pass.fineFrom
    const wanted = coarse ? Math.min(READ_BYTES, pass.fineFrom - at) : READ_BYTES
    const { bytesRead, buffer } = await file.read(new Uint8Array(wanted), 0, wanted, at)
    if (bytesRead === 0) return
    at += bytesRead
    const step = coarse ? bytesRead : pass.pieceBytes
    for (let i = 0; i < bytesRead; i += step)
      yield buffer.subarray(i, Math.min(i + step, bytesRead))
  }
}

/** Everything from uncompressed `offset` on; throws what zlib or the file throws. */
async function* inflate(file: FileHandle, offset: number, pass: Pass): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip()
  // The iteration below sees every error; the callback is only there because pipeline wants it.
  pipeline(Readable.from(compressedPieces(file, pass)), gunzip, () => undefined)
  let skipBytes = offset
  try {
    for await (const chunk of gunzip as AsyncIterable<Uint8Array>) {
      const skipped = Math.min(skipBytes, chunk.length)
      skipBytes -= skipped
      if (skipped < chunk.length) yield chunk.subarray(skipped)
    }
  } finally {
    pass.consumedBytes = gunzip.bytesWritten
  }
}

/**
 * The uncompressed bytes of the open .gz `file` from uncompressed `offset` on, in chunks that
 * the caller may keep. `path` only names it in errors. The handle is not closed.
 * @throws {MeterFastError} METER_INPUT_DAMAGED after the last byte before the damage;
 * METER_DISK when the file cannot be read.
 */
export async function* openGenerationStream(
  file: FileHandle,
  offset: number,
  path: string,
): AsyncGenerator<Uint8Array> {
  let given = offset
  let fineFrom = 0
  let damage: unknown
  for (const pieceBytes of PIECE_BYTES) {
    const pass: Pass = { fineFrom, pieceBytes, consumedBytes: 0 }
    try {
      for await (const chunk of inflate(file, given, pass)) {
        given += chunk.length
        yield chunk
      }
      return
    } catch (cause) {
      if (!isZlibError(cause)) throw unreadableError(path, cause)
      damage = cause
    }
    fineFrom = pass.consumedBytes
  }
  throw new MeterFastError(
    'METER_INPUT_DAMAGED',
    `${path} is damaged: ${(damage as Error).message}. Its lines before the damage were read; ` +
      'restore the file to read the rest.',
    { cause: damage },
  )
}

function isZlibError(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code?.startsWith('Z_') === true
}

function unreadableError(path: string, cause: unknown): MeterFastError {
  const text = cause instanceof Error ? cause.message : String(cause)
  return new MeterFastError('METER_DISK', `${path} cannot be read: ${text}. Check the disk.`, {
    cause,
  })
}
