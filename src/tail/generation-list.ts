// The generations of one stream: which file is which, in the order they are read.
//
// Every listed file is held open: as one of the generations, or as a copy of one. So between
// two looks an inode cannot come to mean another file, and content decides only about files
// that are seen for the first time, or again after a restart.

import { basename } from 'node:path'
import { Generation } from './generation.ts'
import type { GenerationFile } from './generation-file.ts'
import {
  type GenerationRecord,
  identify,
  needsGuard,
  provesSame,
  type Verdict,
} from './identity.ts'
import type { StreamPlace } from './listing.ts'
import type { Look } from './look.ts'
import { type TailProblem, unreadable } from './problem.ts'
import { isGzip, withoutGzip } from './rotation.ts'

/** Looks in a row that must miss a file before it counts as gone: a rename can hide it from one. */
const MISSES_MAX = 3
/**
 * A file at a rotated name without a complete line may be a copy that begins; when nothing was
 * written to it for so long, it is none.
 */
const COPY_BEGINS_MS = 2_000

/** Why bytes were not read. */
export type GapReason =
  /** Its file was not found again after a restart. */
  | 'vanished'
  /** It was emptied or written anew before its end was reached. */
  | 'truncated'
  /** It is shorter than what was read of it. */
  | 'shrunk'
  /** A .gz that cannot be inflated to its end. */
  | 'damaged'
  /** It grew after it was read to its end and a newer generation had begun. */
  | 'late'

/** Bytes of a stream that were not read. */
export interface GapRecord {
  readonly stream: string
  readonly generation: number
  /** Base name at the last look. */
  readonly name: string
  /** The first byte that may be missing. */
  readonly offset: number
  readonly reason: GapReason
}

export class GenerationList {
  /** Finished ones first; only those that were never handed out may still change places. */
  all: Generation[] = []
  readonly gaps: GapRecord[] = []
  /** The last look answered all questions: the same directory means the same files. */
  settled = false
  readonly #place: StreamPlace
  #nextNumber = 0

  constructor(place: StreamPlace) {
    this.#place = place
  }

  resume(records: readonly GenerationRecord[]): void {
    this.all = records.map(Generation.resume)
    for (const { generation } of records) {
      this.#nextNumber = Math.max(this.#nextNumber, generation + 1)
    }
  }

  /** Oldest first: the first one is the one to read. */
  get unfinished(): Generation[] {
    return this.all.filter((one) => !one.finished)
  }

  readonly isHeld = (key: string): boolean =>
    this.all.some((one) => one.file?.key === key || one.copies.some((copy) => copy.key === key))

  /** Takes over what a look found, then asks every file for its size. */
  async update(seen: Look, refused: TailProblem[]): Promise<void> {
    this.settled = seen.complete
    this.#rename(seen)
    // A proof must be as long as it can be before it is compared: a file that was empty at the
    // last look may be a .gz by now.
    await this.measure([...this.all], refused)
    await this.#adopt(seen, refused)
    await this.measure([...this.all], refused)
    await this.#forget(seen.complete)
    // A rename can hide a file from one listing: what is missed is looked for a few times.
    if (this.all.some((one) => one.misses > 0 && one.misses < MISSES_MAX)) this.settled = false
  }

  gap(one: Generation, reason: GapReason, offset: number): void {
    const { stream } = this.#place
    this.gaps.push({ stream, generation: one.number, name: one.name, offset, reason })
  }

  #rename(seen: Look): void {
    const names = [...seen.keys.keys()]
    for (const one of this.all) {
      // The last name of several: a hard link does not take a file away from its writer.
      const listed = names.findLastIndex((name) => one.file?.key === seen.keys.get(name))
      const name = names[listed]
      one.listed = listed
      one.live = name === this.#place.liveName
      one.name = name ?? one.name
      one.misses = name === undefined ? one.misses + Number(seen.complete) : 0
    }
  }

  /**
   * Finds out what each newly opened file is: a .gz after every plain file, because it may be a
   * copy of one; those with a known inode before others, because they are sure; then by age.
   */
  async #adopt(seen: Look, refused: TailProblem[]): Promise<void> {
    const names = [...seen.keys.keys()]
    const ageOf = ({ key }: GenerationFile): number =>
      names.findLastIndex((name) => seen.keys.get(name) === key)
    const wanted = this.all.filter((one) => one.file === undefined).map(keyOf)
    const rankOf = (file: GenerationFile): number =>
      Number(file.compressed) * 2 + Number(!wanted.includes(file.key))
    const files = [...seen.opened].sort((a, b) => rankOf(a) - rankOf(b) || ageOf(a) - ageOf(b))
    for (const file of files) {
      const listed = ageOf(file)
      try {
        const kept = await this.#adoptFile(file, listed, names)
        if (kept) continue
      } catch (error) {
        refused.push(unreadable(file.path, error))
      }
      this.settled = false
      await file.close()
    }
  }

  /** False for a file that nothing can be said of yet. */
  async #adoptFile(
    file: GenerationFile,
    listed: number,
    names: readonly string[],
  ): Promise<boolean> {
    const name = names[listed] ?? basename(file.path)
    const live = name === this.#place.liveName
    const { sizeBytes, changedAtMs } = file.facts()
    const head = await file.head()
    const verdict = await this.#identify(file, name, sizeBytes, head)
    if (verdict.kind === 'waiting') {
      const unpacked = isGzip(name) && names.includes(withoutGzip(name))
      if (unpacked || Date.now() - changedAtMs < COPY_BEGINS_MS) return false
    }
    const known = 'generation' in verdict ? this.#byNumber(verdict.generation) : undefined
    if (known !== undefined && verdict.kind === 'copy') {
      known.copies.push(file)
      return true
    }
    const one = known ?? this.#create(file, listed, name)
    one.hold(file)
    one.prove(head)
    one.name = name
    one.listed = listed
    one.live = live
    if (verdict.kind === 'shrunk' && file.compressed) this.#lose(one, 'damaged')
    return true
  }

  async #identify(
    file: GenerationFile,
    name: string,
    sizeBytes: number,
    head: Uint8Array,
  ): Promise<Verdict> {
    const known = this.all.map((one) => one.known())
    const guards = new Map<number, string>()
    for (const record of known) {
      if (!needsGuard(record, file.compressed) || !provesSame(record, head)) continue
      const guard = await file.guardAt(record.offset)
      if (guard !== undefined) guards.set(record.offset, guard)
    }
    const size = file.compressed ? undefined : sizeBytes
    const live = name === this.#place.liveName
    return identify(known, { name, live, size, head, guards, dev: file.dev, inode: file.inode })
  }

  #byNumber(number: number): Generation | undefined {
    return this.all.find((one) => one.number === number)
  }

  /** Adds a generation before those that are newer, as far as nobody began to read them. */
  #create(file: GenerationFile, listed: number, name: string): Generation {
    const one = Generation.create(this.#nextNumber, name, file)
    this.#nextNumber += 1
    one.listed = listed
    one.live = name === this.#place.liveName
    // Known ones keep their order: a name that is gone says nothing about age.
    const newer = this.all.findIndex((other) => !other.started && other.listed > listed)
    this.all.splice(newer < 0 ? this.all.length : newer, 0, one)
    return one
  }

  async measure(generations: readonly Generation[], refused: TailProblem[]): Promise<void> {
    for (const one of generations) {
      try {
        const { kind } = await one.measure()
        if (kind === 'truncated') await this.#truncate(one)
        else this.#noteSize(one, kind === 'shrunk')
      } catch (error) {
        refused.push(unreadable(one.name, error))
      }
    }
  }

  #noteSize(one: Generation, shrunk: boolean): void {
    if (shrunk && !one.shrunk) this.gap(one, 'shrunk', one.sizeBytes)
    one.shrunk = shrunk
    const late = one.finished && one.file?.compressed === false && one.sizeBytes > one.offset
    if (!late) return
    this.gap(one, 'late', one.offset)
    one.offset = one.sizeBytes
    one.readOffset = one.sizeBytes
  }

  /** The old content is lost; what is in the file now is a generation of its own. */
  async #truncate(one: Generation): Promise<void> {
    const { file, name, listed } = one
    if (file === undefined) return
    this.#lose(one, 'truncated')
    one.file = undefined
    one.live = false
    const next = this.#create(file, listed, name)
    await next.measure()
  }

  #lose(one: Generation, reason: GapReason): void {
    one.lost = true
    // Without a complete line nothing is known to be missing.
    if (one.known().proofBytes > 0) this.gap(one, reason, one.readOffset)
  }

  /** Lets go of what has no file any more: lost when it was not finished. */
  async #forget(complete: boolean): Promise<void> {
    for (const one of [...this.all]) {
      await one.dropCopies()
      // A compressor makes the .gz before it unlinks: the look that begins after the unlink
      // sees the copy, the look that the unlink fell into may not.
      const deleted = one.wasUnlinked && complete
      const missed = one.misses >= MISSES_MAX
      one.wasUnlinked = one.unlinked
      if (one.finished) await this.#forgetFinished(one, deleted || missed)
      else if (missed && one.file === undefined && !one.lost) this.#lose(one, 'vanished')
    }
  }

  async #forgetFinished(one: Generation, gone: boolean): Promise<void> {
    if (!gone && !one.unlinked) return
    if (await one.promoteCopy()) return
    if (!gone) {
      this.settled = false
      return
    }
    // The last ordinal is kept, so that none is ever used twice.
    if (one.number === this.#nextNumber - 1) return
    await one.release()
    this.all = this.all.filter((other) => other !== one)
  }
}

function keyOf(one: Generation): string {
  const { dev, inode } = one.known()
  return `${dev}:${inode}`
}
