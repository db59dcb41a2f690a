// `meter-fast generate`: a seeded synthetic log of Envoy on stdout, and what it must be billed as.
//
// Equal flags give equal bytes, on every machine. `--truth FILE` gets the exact object that
// `scan --json` prints for this log; it is written when all lines are. A reader that closes the
// pipe ends the command quietly, and then the truth file stays empty: it would describe a log that
// nobody read.

import { type FileHandle, open } from 'node:fs/promises'
import { MeterFastError } from '../errors.ts'
import { SyntheticLog } from './generate-lines.ts'
import { readSettings } from './generate-settings.ts'

export interface GenerateIo {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: (text: string) => void
  readonly env: NodeJS.ProcessEnv
}

const BLOCK_BYTES = 256 * 1024

/**
 * Writes the log to `io.stdout` and, when asked, its truth to a file.
 *
 * `--lines` counts access-log lines (0 to 100,000,000, default 100,000); stderr lines of a CRI log
 * come on top. `--projects` and `--routes` are 1 to 1,000,000 (defaults 100 and 1,000), `--seed` is
 * 0 to 4,294,967,295 (1), `--per-second` 1 to 1,000,000 lines of log time (1,000), `--start` an
 * RFC 3339 time (2026-01-01T00:00:00Z), `--format` datum or envoy-gateway, `--envelope` raw or cri.
 * Each flag has an environment twin, such as METER_FAST_PER_SECOND; the flag wins.
 *
 * @returns the exit code, 0.
 * @throws {MeterFastError} METER_USAGE for a bad flag; METER_DISK when a write fails.
 */
export async function generate(args: string[], io: GenerateIo): Promise<number> {
  const settings = readSettings(args, io.env)
  const truthFile = settings.truth === undefined ? undefined : await openTruth(settings.truth)
  try {
    const log = new SyntheticLog(settings)
    const bytes = await writeLog(log, settings.lines, io.stdout)
    await truthFile?.writeFile(`${JSON.stringify(log.truth.report(bytes))}\n`)
  } catch (error) {
    if (!isBrokenPipe(error)) throw asDiskError('the log or its truth', error)
    if (truthFile) io.stderr(`${settings.truth} stays empty: the log was not read to its end.\n`)
  } finally {
    await truthFile?.close()
  }
  return 0
}

/** Returns the number of bytes written. */
async function writeLog(
  log: SyntheticLog,
  lines: number,
  stdout: NodeJS.WritableStream,
): Promise<number> {
  // Failures arrive through the callback of a write; without a listener they would end the process.
  const ignore = () => {}
  stdout.on('error', ignore)
  try {
    let bytes = 0
    let block = ''
    for (let line = 0; line < lines; line++) {
      block += log.next()
      if (block.length < BLOCK_BYTES && line < lines - 1) continue
      await writeBlock(stdout, Buffer.from(block, 'latin1'))
      bytes += block.length
      block = ''
    }
    return bytes
  } finally {
    stdout.off('error', ignore)
  }
}

/** Waits until the reader has taken the block, so that memory stays small behind a slow reader. */
function writeBlock(stdout: NodeJS.WritableStream, block: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stdout.write(block, (error) => (error ? reject(error) : resolve()))
  })
}

async function openTruth(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w')
  } catch (error) {
    throw asDiskError(path, error)
  }
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}

/** A failure of the operating system is a METER_DISK; anything else is left as it is. */
function asDiskError(what: string, cause: unknown): unknown {
  if (!(cause instanceof Error && 'code' in cause)) return cause
  return new MeterFastError(
    'METER_DISK',
    `generate: cannot write ${what}: ${cause.message}. Choose another place or free some space.`,
    { cause },
  )
}
