// One generation of a stream while it is followed: where it is, how far it was read, what
// proves it. The rules are in identity.ts and follow.ts; this is the state that they decide on.

import { isOtherBoot } from './boot.ts'
import { Evidence } from './evidence.ts'
import type { FileFacts, GenerationFile } from './generation-file.ts'
import { type GenerationRecord, identify, type KnownGeneration, type Verdict } from './identity.ts'

/** What its own file is, looked at again, and what it is like now. */
export interface Measured {
  readonly kind: Verdict['kind']
  readonly sizeBytes: number
  /** Its first complete line came since the last look. */
  readonly newlyProven: boolean
}

export class Generation {
  readonly number: number
  name: string
  /** Undefined while the file of a committed record is looked for, and after its loss. */
  file: GenerationFile | undefined
  /** Files with the same content. They are held so that their inodes mean nothing else. */
  readonly copies: GenerationFile[] = []
  /** Bytes that a commit may claim, and bytes that were read. */
  offset = 0
  readOffset = 0
  finished = false
  /** It was first seen in this very look. */
  fresh = false
  /** Something of it was read: its place in the order is fixed. */
  started = false
  /** No byte of it can be read any more, though its end was not known to be reached. */
  lost = false
  /** Deleted and done with, or its file is that of a later one: it is not looked for any more. */
  left = false
  /** Bytes behind its end that a gap record tells of. */
  lateBytes = 0
  /** A commit was told that it is finished. */
  told = false
  /** Its file was emptied or written anew: a copy may hold the rest, until that is settled. */
  cut = false
  /** At the live name, and anywhere in the directory, at the last look. */
  live = false
  listed = 0
  /** It was unlinked before the last look began. */
  wasUnlinked = false
  /** Complete looks in a row that did not see it. */
  misses = 0
  /** Uncompressed bytes at the last look; infinite for a .gz until it was read to its end. */
  sizeBytes = 0
  /** Its size at the first look that saw a newer generation, and whether the next one agreed. */
  settledBytes: number | undefined
  settled = false

  /** The boot of the machine now, and the one under which the file was last held. */
  readonly #boot: string
  #heldBoot: string | undefined
  #dev: string
  #inode: string
  #born: string | undefined
  #evidence = new Evidence()
  #facts: FileFacts | undefined

  private constructor(number: number, name: string, dev: string, inode: string, boot: string) {
    this.number = number
    this.name = name
    this.#dev = dev
    this.#inode = inode
    this.#boot = boot
    this.#heldBoot = boot
  }

  static create(number: number, name: string, file: GenerationFile, boot: string): Generation {
    const generation = new Generation(number, name, file.dev, file.inode, boot)
    generation.hold(file)
    generation.fresh = true
    return generation
  }

  static resume(record: GenerationRecord, boot: string): Generation {
    const { generation: number, name, dev, inode } = record
    const generation = new Generation(number, name, dev, inode, boot)
    generation.#heldBoot = record.boot
    generation.#born = record.born
    generation.offset = record.offset
    generation.readOffset = record.offset
    generation.finished = record.finished
    generation.lost = record.lost === true
    generation.left = record.left === true
    generation.lateBytes = record.lateBytes ?? 0
    generation.told = record.finished
    generation.started = record.begun === true || record.offset > 0 || record.finished
    generation.#evidence = Evidence.of(record)
    return generation
  }

  /** The machine was started anew since its file was last held. */
  get bootChanged(): boolean {
    return isOtherBoot(this.#heldBoot, this.#boot)
  }

  /** Its file has no name any more. Asked anew each time: compressors unlink while we look. */
  get unlinked(): boolean {
    return this.file?.facts().unlinked === true
  }

  /** Device and inode of its file, or of the one that it had. */
  get key(): string {
    return `${this.#dev}:${this.#inode}`
  }

  /** What the last look saw of its file; undefined before the first one. */
  get facts(): FileFacts | undefined {
    return this.file === undefined ? undefined : this.#facts
  }

  /** A line of it was complete when it was last looked at. */
  get isProven(): boolean {
    return this.#evidence.isProven
  }

  /** What it begins with says little about other files. */
  get repeats(): boolean {
    return this.#evidence.repeats
  }

  /** How many bytes of `head` are certainly those that it began with. */
  sameBytes(head: Uint8Array): number {
    return this.#evidence.sameBytes(head)
  }

  hold(file: GenerationFile): void {
    this.file = file
    this.#dev = file.dev
    this.#inode = file.inode
    this.#born = file.born
    this.#heldBoot = this.#boot
    this.#facts = undefined
    this.misses = 0
    this.wasUnlinked = false
    this.cut = false
    this.sizeBytes = file.compressed ? Number.POSITIVE_INFINITY : 0
  }

  /** It was found again: what it begins with now is what it will be known by. */
  goOnIn(file: GenerationFile, head: Uint8Array): void {
    this.hold(file)
    this.#evidence.renew(head)
  }

  /** Of what is in its file, only what lies behind `offset` is its own. */
  goOnAt(offset: number, head: Uint8Array): void {
    this.offset = offset
    this.readOffset = offset
    this.fresh = false
    this.prove(head)
  }

  /** Takes the longest proof that the first bytes of its file allow. */
  prove(head: Uint8Array): void {
    this.#evidence.prove(head)
  }

  /** Its file is that of a later generation now. */
  leave(): void {
    this.file = undefined
    this.live = false
    this.left = true
  }

  known(): KnownGeneration {
    return {
      ...this.#record(this.offset, this.finished, this.#evidence.guard.hash),
      guardOffset: this.#evidence.guard.offset,
      held: this.file !== undefined,
      compressed: this.file?.compressed === true,
      live: this.live,
      unlinked: this.unlinked || this.listed < 0,
      readOffset: this.readOffset,
      bootChanged: this.bootChanged,
      fresh: this.fresh,
    }
  }

  /**
   * Looks at its own file again. While nothing is written to it nothing but that is asked. A file
   * that changed is asked whether it is still what was read: it may have been emptied and filled
   * beyond the position since the last look. What shrank or was written anew keeps the size that
   * it had, so that the caller can tell what is missing.
   */
  async measure(): Promise<Measured> {
    const { file, sizeBytes: before } = this
    if (file === undefined) return { kind: 'continue', sizeBytes: before, newlyProven: false }
    const facts = file.facts()
    const sizeBytes = file.compressed ? before : facts.sizeBytes
    // A file that was emptied may be filled to the very size that it had.
    const written = facts.changedAtMs !== this.#facts?.changedAtMs
    const changed = written || sizeBytes !== before || sizeBytes < this.readOffset
    this.#facts = facts
    const wasProven = this.isProven
    const isJudged = changed && !this.finished && !this.lost && !file.compressed
    const kind = !isJudged ? 'continue' : await this.#judge(file, sizeBytes)
    if (kind === 'continue' && sizeBytes >= before) this.sizeBytes = sizeBytes
    return { kind, sizeBytes, newlyProven: !wasProven && this.isProven }
  }

  async #judge(file: GenerationFile, size: number): Promise<Verdict['kind']> {
    const evidence = this.#evidence
    const shrank = size < Math.max(this.sizeBytes, this.readOffset)
    if (shrank || !evidence.isWhole || evidence.guardedBytes === 0) {
      const head = await file.head()
      const { name, live } = this
      const { dev, inode, born } = file
      const seen = { name, live, size, head, dev, inode, born }
      const verdict = identify([this.known()], { ...seen, guards: new Map(), twins: new Map() })
      if (verdict.kind !== 'continue') return verdict.kind
      if (!evidence.holdsTorn(head)) return 'truncated'
      evidence.renew(head)
    }
    return (await evidence.isGuarded(file)) ? 'continue' : 'truncated'
  }

  /** What a commit claims of it now; hashes are taken at the offset of this call. */
  async record(): Promise<GenerationRecord> {
    const { offset, finished, file } = this
    const evidence = this.#evidence
    const remembered = this.told && file === undefined
    this.told = finished
    if (file !== undefined) {
      if (!evidence.isWhole) evidence.prove(await file.head(), finished)
      await evidence.takeGuard(file, offset)
    }
    // Of a file that is gone or written anew nobody can take it: then the proof must do.
    const guard = evidence.guard.offset === offset ? evidence.guard.hash : null
    const record = this.#record(offset, finished, guard)
    return remembered ? { ...record, remembered } : record
  }

  /** Copies that were deleted are let go. */
  async dropCopies(): Promise<void> {
    for (const copy of this.copies.splice(0)) {
      const { unlinked } = copy.facts()
      if (unlinked) await copy.close()
      else this.copies.push(copy)
    }
  }

  /** Becomes its copy, so that a .gz is known by the file that it was. False without a copy. */
  async promoteCopy(): Promise<boolean> {
    const copy = this.copies.shift()
    if (copy === undefined) return false
    await this.file?.close()
    this.hold(copy)
    return true
  }

  /** Reads on in the copy that holds most, if it is more than was read; else undefined. */
  async goOnInCopy(): Promise<GenerationFile | undefined> {
    const bytesOf = (copy: GenerationFile): number =>
      copy.compressed ? Number.POSITIVE_INFINITY : copy.facts().sizeBytes
    for (const copy of this.copies.toSorted((a, b) => bytesOf(b) - bytesOf(a))) {
      const hasMore = bytesOf(copy) > this.readOffset
      if (!hasMore || !(await this.#evidence.isGuarded(copy))) continue
      this.copies.splice(this.copies.indexOf(copy), 1)
      this.hold(copy)
      return copy
    }
    return undefined
  }

  /** Lets its file go; its copies as well. */
  async release(): Promise<void> {
    const { file } = this
    this.file = undefined
    await file?.close()
    for (const copy of this.copies.splice(0)) await copy.close()
  }

  #record(offset: number, finished: boolean, guard: string | null): GenerationRecord {
    const { number: generation, name } = this
    return {
      ...{ generation, name, dev: this.#dev, inode: this.#inode },
      ...this.#evidence.beginning,
      ...{ guard, offset, finished, ...(this.started && { begun: true }) },
      ...(this.lost && { lost: true }),
      ...(this.left && { left: true }),
      ...(this.lateBytes > 0 && { lateBytes: this.lateBytes }),
      ...(this.#born !== undefined && { born: this.#born }),
      ...(this.#heldBoot !== undefined && { boot: this.#heldBoot }),
    }
  }
}
