// The end of an NDJSON file of usage events: cuts off what a crash or a power loss left of the last
// write, and gives the ids of the last events. Cuts nothing that does not look like our own damaged
// line, so a wrong path in the configuration never costs somebody a file.
//
// A kill leaves a beginning of what was written. A power loss may leave any sectors of it and zeros
// in the place of others, also in the middle of whole lines. All of that lies behind what was
// synced before, so the file is cut before its first damaged line, and whole lines behind that are
// appended again; what was lost of the batch is written when the batch is delivered again.

import type { FileHandle } from 'node:fs/promises'

/** How far back damage is looked for, and how much is read at once: more than a batch has. */
const TAIL_BYTES_MAX = 1024 * 1024

const LF = 0x0a
const EVENT_START = Buffer.from('{"specversion":"1.0","id":"')
const ID_END = EVENT_START.length + 26

/**
 * Takes damaged lines out of the last 1 MiB of the file. False, and nothing changed, when what is
 * damaged is not ours.
 */
export async function repairTail(file: FileHandle, size: number): Promise<boolean> {
  const start = Math.max(0, size - TAIL_BYTES_MAX)
  // The first piece may be the end of a longer line; no event is equal to such an end.
  const pieces = piecesOf(await readAt(file, start, size - start))
  const firstBad = pieces.findIndex((piece) => !isWhole(piece))
  if (firstBad < 0) return true
  const [before, after] = [pieces.slice(0, firstBad), pieces.slice(firstBad)]
  const behind = after.filter(isWhole)
  const isOurs =
    (firstBad > 0 || start === 0) &&
    after.every((piece) => (isWhole(piece) ? isEvent(piece) : looksTorn(piece)))
  if (!isOurs) return false
  await file.truncate(start + Buffer.concat(before).length)
  if (behind.length > 0) await file.appendFile(Buffer.concat(behind))
  await file.datasync()
  return true
}

/** The ids of the last events of a file without damage, the newest first, at most `count`. */
export async function newestIds(file: FileHandle, count: number): Promise<string[]> {
  const ids: string[] = []
  let { size: end } = await file.stat()
  // Where the line begins that ends behind `end`.
  let rest: Buffer = Buffer.alloc(0)
  while (end > 0 && ids.length < count && rest.length <= TAIL_BYTES_MAX) {
    const start = Math.max(0, end - TAIL_BYTES_MAX)
    const bytes = Buffer.concat([await readAt(file, start, end - start), rest])
    const first = start === 0 ? 0 : bytes.indexOf(LF) + 1
    rest = bytes.subarray(0, first || bytes.length)
    if (first > 0 || start === 0) ids.push(...idsOf(bytes.subarray(first)).reverse())
    end = start
  }
  return ids.slice(0, count)
}

function idsOf(bytes: Buffer): string[] {
  const events = piecesOf(bytes).filter(isEvent)
  return events.map((line) => line.toString('latin1', EVENT_START.length, ID_END))
}

/** Lines with their ends; the last piece may have none. */
function piecesOf(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(LF, at) + 1 || bytes.length
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}

function isWhole(piece: Buffer): boolean {
  return piece.at(-1) === LF && !piece.includes(0)
}

function isEvent(line: Buffer): boolean {
  return line.subarray(0, EVENT_START.length).equals(EVENT_START)
}

/** A beginning of one of our events, as far as it has no zeros. */
function looksTorn(piece: Buffer): boolean {
  const zero = piece.indexOf(0)
  const head = piece.subarray(0, Math.min(EVENT_START.length, zero < 0 ? piece.length : zero))
  return head.equals(EVENT_START.subarray(0, head.length))
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
