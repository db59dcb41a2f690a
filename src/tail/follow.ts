// Follows one stream over renames, new files, unlinks and restarts; says what to read next.
//
// Promises. Every generation that a look saw is read once, from its first byte to its last, in
// the order of age, or there is a gap record that says what was not. A file is held open from
// the first look until it was read to its end and has no name any more: a rotation under any
// name cannot hide it, an unlink cannot take it, and its inode cannot come to mean another
// file. A known file is read on at its offset under any name, after a restart too.
//
// What may go wrong: a file that was made and deleted between two looks was never seen. Lines that
// were written and then cut off, by a truncation or with the power, between two looks are gone.
//
// One caller at a time: refresh() may not run while bytes of current() are being read.

import { MeterFastError } from '../errors.ts'
import { adoptOpened } from './adopt.ts'
import { bootId } from './boot.ts'
import { forgetGone, MISSES_MAX, measureAll } from './changes.ts'
import { DirectoryStamp } from './directory-stamp.ts'
import type { Generation } from './generation.ts'
import type { GenerationFile } from './generation-file.ts'
import { type GapRecord, GenerationList } from './generation-list.ts'
import type { HeldFiles, HeldGeneration } from './held.ts'
import { heldOf, letGo } from './held-list.ts'
import type { GenerationRecord } from './identity.ts'
import type { StreamPlace } from './listing.ts'
import { type Look, look } from './look.ts'
import { ProblemLog, problemOf, systemCode, type TailProblem } from './problem.ts'
import { isGzip } from './rotation.ts'

/** A directory that is renamed in all the time is taken as it is after so many looks. */
const UNSTABLE_LOOKS_MAX = 10

/** The generation to read now. */
export interface CurrentGeneration {
  readonly generation: number
  readonly name: string
  /** Valid until the next refresh() or close(). */
  readonly fd: number
  /** Read it through readCompressed(), not through `fd`. */
  readonly compressed: boolean
  /** Where reading goes on, in uncompressed bytes. */
  readonly offset: number
  /** The last look saw bytes that were not read. */
  readonly unread: boolean
}

export class StreamFollower implements HeldFiles {
  readonly place: StreamPlace
  readonly #list: GenerationList
  readonly #stamp = new DirectoryStamp()
  readonly #refusals = new ProblemLog()
  readonly #problems: TailProblem[] = []
  /** Opened by looks that renames ran through: what they are is decided by a stable one. */
  readonly #carried: GenerationFile[] = []
  #unstableLooks = 0
  #hasLooked = false
  #over = false

  /** `boot` is what tells one boot of the machine from another. */
  constructor(place: StreamPlace, boot: string = bootId()) {
    this.place = place
    this.#list = new GenerationList(place, boot)
  }

  /** Goes on from a commit. Call it at most once, before the first refresh(). */
  resume(records: readonly GenerationRecord[]): void {
    this.#list.resume(records)
  }

  /** Looks at the directory and the files: call it on every wake-up, before reading. */
  async refresh(): Promise<void> {
    const list = this.#list
    const refused: TailProblem[] = []
    if (this.#stamp.isUnchanged(this.place.directory)) {
      await measureAll(list, list.unfinished, refused)
      // Something changed that only a listing can tell more about.
      if (!list.settled) this.#stamp.forget()
    } else {
      await this.#look(refused)
    }
    for (const one of list.unfinished) this.#settle(one)
  }

  async #look(refused: TailProblem[]): Promise<void> {
    const list = this.#list
    const carried = this.#carried.splice(0)
    const seen = await look(this.place, list.isHeld, carried, (problem) => refused.push(problem))
    const unstable = seen?.stable === false && this.#unstableLooks < UNSTABLE_LOOKS_MAX
    this.#unstableLooks = unstable ? this.#unstableLooks + 1 : 0
    if (seen === undefined || unstable) {
      this.#carried.push(...(seen?.opened ?? []))
      await measureAll(list, list.unfinished, refused)
    } else {
      this.#over = seen.over
      await this.#takeOver(seen, refused)
    }
    if (seen === undefined || unstable || !list.settled) this.#stamp.forget()
    this.#problems.push(...this.#refusals.news([...refused, ...(seen?.problems ?? [])]))
  }

  /** Takes over what a look found, then asks every file for its size. */
  async #takeOver(seen: Look, refused: TailProblem[]): Promise<void> {
    const list = this.#list
    this.#hasLooked = true
    list.settled = seen.complete
    list.rename(seen)
    // A proof must be as long as it can be before it is compared: a file that was empty at the
    // last look may be a .gz by now.
    await measureAll(list, [...list.all], refused)
    await adoptOpened(list, seen, refused)
    await measureAll(list, [...list.all], refused)
    await forgetGone(list, seen.complete, refused)
    // A rename can hide a file from one listing: what is missed is looked for a few times.
    if (list.all.some((one) => one.misses > 0 && one.misses < MISSES_MAX)) list.settled = false
  }

  /** The oldest generation that is not finished; undefined while there is none to read. */
  current(): CurrentGeneration | undefined {
    for (const lost of this.#list.unfinished) {
      if (!lost.lost || lost.started) break
      // Nobody has to hear of the end of one that was never begun.
      lost.finished = true
    }
    const [one] = this.#list.unfinished
    if (one?.file === undefined) return undefined
    const { number: generation, name, file, readOffset: offset } = one
    const { fd, compressed } = file
    const unread = offset < one.sizeBytes && !one.lost
    one.started ||= unread
    return { generation, name, fd, compressed, offset, unread }
  }

  /**
   * The uncompressed rest of a current() that is compressed; tell progress() after each chunk. The
   * caller may stop after any chunk: the next call goes on there, and nothing is inflated twice.
   */
  async *readCompressed(): AsyncGenerator<Uint8Array> {
    const one = this.#list.unfinished[0]
    if (one?.file?.compressed !== true) {
      throw new MeterFastError('METER_BUG', `${this.place.stream} has no .gz to read; report this.`)
    }
    let endBytes = one.readOffset
    try {
      for (;;) {
        const chunk = await one.file.inflate(endBytes)
        if (chunk === undefined) break
        endBytes += chunk.length
        yield chunk
      }
    } catch (error) {
      if (systemCode(error) !== 'METER_INPUT_DAMAGED') throw error
      this.#problems.push(problemOf(one.file.path, 'damaged', (error as Error).message))
      this.#list.gap(one, 'damaged', endBytes, null, 0)
    }
    one.sizeBytes = endBytes
  }

  /** Of current(): bytes that a commit may claim from now on, and bytes that were read. */
  progress(offset: number, readOffset: number = offset): void {
    const one = this.#list.unfinished[0]
    if (one === undefined || offset < one.offset || readOffset < offset) {
      throw new MeterFastError(
        'METER_BUG',
        `${this.place.stream}: position ${offset} of ${readOffset} read bytes does not follow ` +
          `${one?.offset ?? 'the end of the stream'}; report this.`,
      )
    }
    one.offset = offset
    one.readOffset = readOffset
  }

  /**
   * Finishes current() if it can get no more bytes: it was read to its end, it is not at the live
   * name, a newer generation has bytes, and it did not grow between two looks that both saw a
   * newer one; or the stream is over; or the file is lost. True: end the generation in the
   * engine; current() is the next one, and `ended` may have become true.
   * `emptyCounts` takes a newer generation without bytes for one: use it at the end of input.
   */
  advance(emptyCounts = false): boolean {
    const one = this.#list.unfinished[0]
    if (one === undefined || !(one.lost || this.#isRead(one, emptyCounts))) return false
    one.finished = true
    // A tail without LF has become a line (DESIGN 4.4): all that was read is used.
    one.offset = one.readOffset
    return true
  }

  /** The stream can get no more lines, and all of it was read. */
  get ended(): boolean {
    return this.#over && this.#list.unfinished.length === 0
  }

  /**
   * At the last look, nothing was left to read: windows may be closed by time. What was found too
   * late lies behind the live file and waits for its end, which may be far: its lines are late
   * ones anyway, and no window stays open for them.
   */
  get caughtUp(): boolean {
    // Of one that is lost there is nothing to wait for.
    const isRead = (one: Generation): boolean =>
      one.lost || (one.file !== undefined && one.readOffset >= one.sizeBytes)
    const { unfinished } = this.#list
    const live = unfinished.findIndex((one) => one.live)
    const awaited = live < 0 ? unfinished : unfinished.slice(0, live + 1)
    return this.#carried.length === 0 && awaited.every(isRead)
  }

  /** Bytes that the last look saw and nobody has read; of a .gz none, for its size says nothing. */
  get unreadBytes(): number {
    let bytes = 0
    for (const one of this.#list.all) {
      const isCounted = !one.finished && !one.lost && Number.isFinite(one.sizeBytes)
      if (isCounted) bytes += Math.max(0, one.sizeBytes - one.readOffset)
    }
    return bytes
  }

  /** Generations that were deleted before they were read, as the last look saw them. */
  held(): HeldGeneration[] {
    return heldOf(this.#list)
  }

  /** A file of this stream, or before the first look, one that may be. */
  knows(key: string): boolean {
    const list = this.#list
    return list.isHeld(key) || (!this.#hasLooked && list.all.some((one) => one.key === key))
  }

  /** Lets a generation of held() go. Not while bytes of current() are being read. */
  async release(generation: number): Promise<void> {
    await letGo(this.#list, generation)
  }

  /** What a commit keeps, oldest first. Offsets are those of the moment of the call. */
  async records(): Promise<GenerationRecord[]> {
    return Promise.all(this.#list.all.map((one) => one.record()))
  }

  /** takeGaps() has some to give. */
  get hasGaps(): boolean {
    return this.#list.gaps.length > 0
  }

  /** Gaps since the last call: they belong in the next commit, together with records(). */
  takeGaps(): GapRecord[] {
    return this.#list.gaps.splice(0)
  }

  /** What was refused since the last call, each told once for as long as it lasts. */
  takeProblems(): TailProblem[] {
    return this.#problems.splice(0)
  }

  /** Closes every file. Positions stay what the last commit made of them. */
  async close(): Promise<void> {
    for (const one of this.#list.all) await one.release()
    for (const file of this.#carried.splice(0)) await file.close()
  }

  #settle(one: Generation): void {
    const newer = this.#over || this.#list.all.at(-1) !== one
    one.settled = newer && one.settledBytes === one.sizeBytes
    one.settledBytes = newer ? one.sizeBytes : undefined
  }

  #isRead(one: Generation, emptyCounts: boolean): boolean {
    if (one.file === undefined || one.readOffset < one.sizeBytes) return false
    // Nobody appends to a .gz.
    if (!one.settled && !one.file.compressed) return false
    if (this.#over) return true
    const later = this.#list.all.slice(this.#list.all.indexOf(one) + 1)
    const hasBegun = ({ finished, sizeBytes }: Generation): boolean => finished || sizeBytes > 0
    return (
      !one.live && later.some((other) => isNewer(other, one) && (emptyCounts || hasBegun(other)))
    )
  }
}

/** What is read later may be older: a file that was found, or found again, too late. */
function isNewer(other: Generation, one: Generation): boolean {
  if (other.live) return true
  if (other.listed >= 0 && one.listed >= 0) return other.listed > one.listed
  // A .gz that was deleted beside a file that nobody has compressed yet was the older one.
  const wasPacked = other.listed < 0 && isGzip(other.name)
  if (wasPacked && one.listed >= 0 && !isGzip(one.name)) return false
  return other.number > one.number
}
