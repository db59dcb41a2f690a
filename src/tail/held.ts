// Deleted log files that this process alone keeps on the disk, and which of them to let go.
//
// A generation that is deleted before it was read stays readable through its descriptor, and its
// bytes stay on the disk, where nobody can see them. While reading stands still, because the sink
// is away and the spool is full, a node could fill up that way. So what is held for bytes that
// were not read has a limit, and nothing is held on the last tenth of a disk: beyond that the
// oldest is let go, with a gap record. What has a name costs nothing, it is on the disk anyway;
// what was read is kept for its writer, who may have it open too.

import { statfs } from 'node:fs/promises'

/** A file without a name that is held open for the rest of its bytes. */
export interface HeldGeneration {
  readonly generation: number
  /** The file system, by its device number. */
  readonly dev: string
  /** A path that leads there although the file and its directory may be gone. */
  readonly path: string
  /** What the file system gets back. */
  readonly diskBytes: number
  /** The last write: the age of its content. */
  readonly changedAtMs: number
}

/** One stream's held files. */
export interface HeldFiles {
  held(): readonly HeldGeneration[]
  /** Closes it; unless a copy has the rest of its bytes, that is a gap. */
  release(generation: number): Promise<void>
}

/** Bytes of a file system: in all, and free for those who are not root. */
export interface DiskRoom {
  readonly totalBytes: number
  readonly freeBytes: number
}

/** The share of a disk that is never used up by what is held. */
const FREE_SHARE = 0.1

/**
 * Which to let go, the oldest first: until all together are within `heldBytesMax`, and until each
 * file system has its free share or nothing of it is held. `rooms` is by device; of one that is
 * not known nothing is asked.
 */
export function toRelease<One extends HeldGeneration>(
  held: readonly One[],
  heldBytesMax: number,
  rooms: ReadonlyMap<string, DiskRoom>,
): One[] {
  let excess = held.reduce((sum, { diskBytes }) => sum + diskBytes, 0) - heldBytesMax
  const missing = new Map<string, number>()
  for (const [dev, { totalBytes, freeBytes }] of rooms) {
    missing.set(dev, totalBytes * FREE_SHARE - freeBytes)
  }
  const oldestFirst = [...held].sort((a, b) => a.changedAtMs - b.changedAtMs)
  return oldestFirst.filter(({ dev, diskBytes }) => {
    const missingThere = missing.get(dev) ?? 0
    if (excess <= 0 && missingThere <= 0) return false
    excess -= diskBytes
    missing.set(dev, missingThere - diskBytes)
    return true
  })
}

async function askSystem(path: string): Promise<DiskRoom> {
  const { bsize, blocks, bavail } = await statfs(path)
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
}

/** Lets go of what is beyond the limits. Asks the system for nothing while nothing is held. */
export async function releaseHeld(
  streams: readonly HeldFiles[],
  heldBytesMax: number,
  askRoom: (path: string) => Promise<DiskRoom> = askSystem,
): Promise<void> {
  const held = streams.flatMap((files) => files.held().map((one) => ({ ...one, files })))
  const rooms = new Map<string, DiskRoom>()
  for (const { dev, path } of held) {
    if (rooms.has(dev)) continue
    // Where the system does not tell, the limit in bytes is all there is to keep.
    const room = await askRoom(path).catch(() => undefined)
    if (room !== undefined) rooms.set(dev, room)
  }
  for (const { generation, files } of toRelease(held, heldBytesMax, rooms)) {
    await files.release(generation)
  }
}
