// A disk as the worst file system that keeps the promises of fsync leaves it at a power cut.
//
// Promised: what was written before an fsync or fdatasync of the file began is there after it
// ended, with the size that it needs; what one write to an O_DSYNC descriptor wrote is there after
// it; names are there after an fsync of their directory; a sector of 512 bytes is old or new,
// never both. Everything else may be lost, kept, or half of it, in any order: sectors of one write,
// later writes without earlier ones, the size without the bytes (they are zeros then), the bytes
// without the size (they are gone then), a name without its file's bytes, a file without its name.

import type { Dice } from '../reference/dice.ts'

const SECTOR_BYTES = 512

/**
 * What becomes of all that was not synced: everything is lost; everything is kept, as after a
 * kill; each write is lost or kept as a whole; each sector is.
 */
export const STYLES = ['dropped', 'kept', 'mixed', 'torn'] as const
export type Style = (typeof STYLES)[number]

/** A file's bytes by path; null for a directory. */
export type Tree = ReadonlyMap<string, Buffer | null>

interface Write {
  readonly at: number
  readonly bytes: Buffer
}
/** A change of a file that is not durable yet. */
type Change = Write | { readonly sizeBytes: number }

/** One file, whatever names it has. */
export class DiskFile {
  #durable: Buffer = Buffer.alloc(0)
  #pending: Change[] = []

  /** As a running process sees it. */
  get bytes(): Buffer {
    return changed(this.#durable, this.#pending)
  }

  write(at: number, bytes: Buffer): void {
    this.#pending.push({ at, bytes })
  }

  truncate(sizeBytes: number): void {
    this.#pending.push({ sizeBytes })
  }

  /** Makes the file at least so long. */
  extend(sizeBytes: number): void {
    this.truncate(Math.max(sizeBytes, this.bytes.length))
  }

  /** fsync, fdatasync. */
  sync(): void {
    this.#durable = this.bytes
    this.#pending = []
  }

  /** The end of the last write, which was to an O_DSYNC descriptor. */
  syncLastWrite(): void {
    this.#durable = changed(this.#durable, this.#pending.splice(-1))
  }

  afterPowerLoss(dice: Dice, style: Style): Buffer {
    if (style === 'dropped' || this.#pending.length === 0) return this.#durable
    if (style === 'kept') return this.bytes
    const share = dice.pick([0.1, 0.5, 0.9])
    const pieces = style === 'torn' ? this.#pending.flatMap(sectorsOf) : this.#pending
    const left = pieces.filter(() => dice.chance(share))
    return changed(this.#durable, [...left, { sizeBytes: this.#sizeAfter(dice) }])
  }

  /** A size that the file had, or one that it passed. */
  #sizeAfter(dice: Dice): number {
    const sizes = [this.#durable.length]
    for (const change of this.#pending) {
      const size = sizes.at(-1) ?? 0
      sizes.push('bytes' in change ? Math.max(size, endOf(change)) : change.sizeBytes)
    }
    const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
    const sectors = Math.floor(least / SECTOR_BYTES) + dice.below((most - least) / SECTOR_BYTES + 1)
    return dice.pick([...sizes, Math.max(least, Math.min(most, sectors * SECTOR_BYTES))])
  }
}

/** Files and directories below one that is always there, called ''. */
export class Disk {
  /** null is a directory. */
  readonly #durable = new Map<string, DiskFile | null>()
  #pending: { readonly path: string; readonly file: DiskFile | null | undefined }[] = []

  /** What a running process finds at `path`. */
  find(path: string): DiskFile | null | undefined {
    const last = this.#pending.findLast((change) => change.path === path)
    return last === undefined ? this.#durable.get(path) : last.file
  }

  /** Puts a file or a directory (null) at a path, or nothing (undefined). */
  name(path: string, file: DiskFile | null | undefined): void {
    this.#pending.push({ path, file })
  }

  syncDirectory(directory: string): void {
    const isHere = ({ path }: { path: string }): boolean => parentOf(path) === directory
    for (const { path, file } of this.#pending.filter(isHere)) put(this.#durable, path, file)
    this.#pending = this.#pending.filter((change) => !isHere(change))
  }

  afterPowerLoss(dice: Dice, style: Style): Tree {
    const names = new Map(this.#durable)
    const share = { dropped: 0, kept: 1, mixed: 0.5, torn: 0.5 }[style]
    for (const { path, file } of this.#pending) if (dice.chance(share)) put(names, path, file)
    const tree = new Map<string, Buffer | null>()
    for (const [path, file] of [...names].sort(([one], [other]) => (one < other ? -1 : 1))) {
      // A file is lost with its directory.
      if (parentOf(path) !== '' && tree.get(parentOf(path)) !== null) continue
      tree.set(path, file === null ? null : file.afterPowerLoss(dice, style))
    }
    return tree
  }
}

function put<File>(names: Map<string, File>, path: string, file: File | undefined): void {
  if (file === undefined) names.delete(path)
  else names.set(path, file)
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** `before` with all changes, in their order. */
function changed(before: Buffer, changes: readonly Change[]): Buffer {
  const after = Buffer.alloc(Math.max(before.length, ...changes.map(endOf)))
  before.copy(after)
  let size = before.length
  for (const change of changes) {
    if ('bytes' in change) change.bytes.copy(after, change.at)
    else after.fill(0, Math.min(size, change.sizeBytes))
    size = 'bytes' in change ? Math.max(size, endOf(change)) : change.sizeBytes
  }
  return after.subarray(0, size)
}

function endOf(change: Change): number {
  return 'bytes' in change ? change.at + change.bytes.length : change.sizeBytes
}

/** The pieces of a write that lie in different sectors of the file. */
function sectorsOf(change: Change): Change[] {
  if (!('bytes' in change)) return [change]
  const { at, bytes } = change
  const pieces: Write[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + SECTOR_BYTES - ((at + start) % SECTOR_BYTES))
    pieces.push({ at: at + start, bytes: bytes.subarray(start, end) })
    start = end
  }
  return pieces
}
