// The end of an NDJSON file of usage events: cuts off what a crash left of a line, and gives the
// last lines. Cuts nothing that does not look like our own torn line, so a wrong path in the
// configuration never costs somebody a file.

import type { FileHandle } from 'node:fs/promises'

/** How far back lines are read. */
export const TAIL_BYTES_MAX = 1024 * 1024

const LF = 0x0a
const EVENT_START = Buffer.from('{"specversion":"1.0","id":"')

/**
 * Truncates the file to its last line end, and returns the whole lines of its last 1 MiB.
 * Undefined, and nothing changed, when what follows the last line end is not ours.
 */
export async function repairedLines(file: FileHandle, size: number): Promise<string[] | undefined> {
  const start = Math.max(0, size - TAIL_BYTES_MAX)
  const tail = await readAt(file, start, size - start)
  const end = tail.lastIndexOf(LF) + 1
  if (end < tail.length) {
    const lineIsWhole = end > 0 || start === 0
    if (!lineIsWhole || !looksTorn(tail.subarray(end))) return undefined
    await file.truncate(start + end)
    await file.datasync()
  }
  // The first piece may be the end of a longer line; no event is equal to such an end.
  return tail.toString('utf8', 0, end).split('\n').slice(0, -1)
}

/** A beginning of one of our events, or the zeros that a lost write leaves. */
function looksTorn(rest: Buffer): boolean {
  const head = rest.subarray(0, EVENT_START.length)
  return head.equals(EVENT_START.subarray(0, head.length)) || rest.every((byte) => byte === 0)
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
