// The generations of one stream, in the order they are read, and what of them is missing.
//
// Positions never move back. A file that lost what was read of it, or that comes back after its
// generation was given up, goes on as a generation of its own, from the byte where reading goes
// on. So each pair of generation and byte is read at most once, whatever happens to files.

import type { GapReason, GapRecord } from './gap.ts'
import { Generation } from './generation.ts'
import type { GenerationFile } from './generation-file.ts'
import type { GenerationRecord } from './identity.ts'
import type { StreamPlace } from './listing.ts'
import type { Look } from './look.ts'

export type { GapRecord } from './gap.ts'

/**
 * An empty directory says nothing about its files at first: it may have been unmounted or moved
 * away. In the end nothing may wait for them any longer.
 */
const EMPTY_MAX_MS = 300_000

export class GenerationList {
  /** Finished ones first; only those that nobody began to read may still change places. */
  all: Generation[] = []
  readonly gaps: GapRecord[] = []
  /** The last look answered all questions: the same directory means the same files. */
  settled = false
  readonly place: StreamPlace
  readonly #boot: string
  #nextNumber = 0
  #emptySinceMs: number | undefined

  constructor(place: StreamPlace, boot: string) {
    this.place = place
    this.#boot = boot
  }

  resume(records: readonly GenerationRecord[]): void {
    this.all = records.map((record) => Generation.resume(record, this.#boot))
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

  byNumber(number: number): Generation | undefined {
    return this.all.find((one) => one.number === number)
  }

  /** Takes over the names that a look saw. */
  rename(seen: Look): void {
    const names = [...seen.keys.keys()]
    const tells = seen.complete && (seen.over || this.#isBelieved(names))
    for (const one of this.all) {
      // The last name of several: a hard link does not take a file away from its writer.
      const listed = names.findLastIndex((name) => one.file?.key === seen.keys.get(name))
      const name = names[listed]
      one.listed = listed
      one.live = name === this.place.liveName
      one.name = name ?? one.name
      one.misses = name === undefined ? one.misses + Number(tells) : 0
    }
  }

  #isBelieved(names: readonly string[]): boolean {
    if (names.length > 0) {
      this.#emptySinceMs = undefined
      return true
    }
    this.#emptySinceMs ??= performance.now()
    return performance.now() - this.#emptySinceMs >= EMPTY_MAX_MS
  }

  create(file: GenerationFile, listed: number, name: string): Generation {
    const one = this.#make(file, listed, name)
    this.#insert(one)
    return one
  }

  /** What the file of `one` holds now that it was emptied or written anew. */
  createFrom(one: Generation, file: GenerationFile): Generation {
    const next = this.#make(file, one.listed, one.name)
    next.live = one.live
    // A name that is gone says nothing about age.
    if (one.listed < 0) this.#insertBehind(one, next)
    else this.#insert(next)
    return next
  }

  /**
   * The file of `one` goes on from `offset` as a generation of its own: in its place, or where its
   * age wants it when `one` was finished. By its content it is that one from now on.
   */
  succeed(one: Generation, file: GenerationFile, offset: number, head: Uint8Array): Generation {
    const next = this.#make(file, one.listed, one.name)
    next.live = one.live
    next.goOnAt(offset, head)
    next.copies.push(...one.copies.splice(0))
    one.leave()
    if (one.finished) this.#insert(next)
    else this.#insertBehind(one, next)
    one.lost = true
    return next
  }

  remove(one: Generation): void {
    this.all = this.all.filter((other) => other !== one)
  }

  /** Puts one that nobody began to read where the age of its name wants it. */
  order(one: Generation): void {
    if (one.listed < 0) return
    this.remove(one)
    this.#insert(one)
  }

  /** Nothing more of it is read, though it may have had more. */
  lose(one: Generation, reason: GapReason): void {
    one.lost = true
    // Without a complete line nothing is known to be missing.
    if (!one.isProven) return
    const seenBytes = Number.isFinite(one.sizeBytes) ? one.sizeBytes : 0
    this.gap(one, reason, one.readOffset, null, Math.max(0, seenBytes - one.readOffset))
  }

  /** Bytes from `offset` to `end` are missing, or may be; `bytes` were certainly not read. */
  gap(one: Generation, reason: GapReason, offset: number, end: number | null, bytes: number): void {
    const { stream } = this.place
    const { number: generation, name, bootChanged } = one
    this.gaps.push({ stream, generation, name, offset, end, bytes, reason, bootChanged })
  }

  /** The last ordinal is kept, so that none is ever used twice. */
  isLast(one: Generation): boolean {
    return one.number === this.#nextNumber - 1
  }

  #make(file: GenerationFile, listed: number, name: string): Generation {
    const one = Generation.create(this.#nextNumber, name, file, this.#boot)
    this.#nextNumber += 1
    one.listed = listed
    one.live = name === this.place.liveName
    return one
  }

  /** Adds a generation before those that are newer, as far as nobody began to read them. */
  #insert(one: Generation): void {
    // Known ones keep their order: a name that is gone says nothing about age.
    // One that ended without a byte was never begun, and may lie before one that is read.
    const isLater = (other: Generation): boolean => !other.started && !other.finished
    const newer = this.all.findIndex((other) => isLater(other) && other.listed > one.listed)
    this.all.splice(newer < 0 ? this.all.length : newer, 0, one)
  }

  #insertBehind(one: Generation, next: Generation): void {
    this.all.splice(this.all.indexOf(one) + 1, 0, next)
  }
}
