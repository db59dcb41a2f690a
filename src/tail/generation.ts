// One generation of a stream while it is followed: where it is, how far it was read, what
// proves it. The rules are in identity.ts and follow.ts; this is the state that they decide on.

import type { GenerationFile } from './generation-file.ts'
import {
  type GenerationRecord,
  identify,
  type KnownGeneration,
  PROOF_BYTES_MAX,
  type Proof,
  proofOf,
  provesSame,
  type Verdict,
} from './identity.ts'

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
  /** It was handed out for reading: its place in the order is fixed. */
  started = false
  /** No byte of it can be read any more, though its end was not reached. */
  lost = false
  /** It was cut below what was read, and this was reported. */
  shrunk = false
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

  #dev: string
  #inode: string
  #proof: Proof | undefined
  /** The guard and the offset that it was taken at. */
  #guard: { hash: string | null; offset: number } | undefined

  private constructor(number: number, name: string, dev: string, inode: string) {
    this.number = number
    this.name = name
    this.#dev = dev
    this.#inode = inode
  }

  static create(number: number, name: string, file: GenerationFile): Generation {
    const generation = new Generation(number, name, file.dev, file.inode)
    generation.hold(file)
    return generation
  }

  static resume(record: GenerationRecord): Generation {
    const generation = new Generation(record.generation, record.name, record.dev, record.inode)
    generation.offset = record.offset
    generation.readOffset = record.offset
    generation.finished = record.finished
    generation.started = true
    if (record.proofBytes > 0) {
      generation.#proof = { hash: record.proof, bytes: record.proofBytes }
    }
    generation.#guard = { hash: record.guard, offset: record.offset }
    return generation
  }

  /** Its file has no name any more. Asked anew each time: compressors unlink while we look. */
  get unlinked(): boolean {
    return this.file?.facts().unlinked === true
  }

  hold(file: GenerationFile): void {
    this.file = file
    this.#dev = file.dev
    this.#inode = file.inode
    this.misses = 0
    this.wasUnlinked = false
    this.sizeBytes = file.compressed ? Number.POSITIVE_INFINITY : 0
  }

  known(): KnownGeneration {
    return {
      ...this.#record(this.offset, this.finished, this.#guard?.hash ?? null),
      held: this.file !== undefined,
      compressed: this.file?.compressed === true,
      live: this.live,
      unlinked: this.unlinked || this.listed < 0,
      readOffset: this.readOffset,
    }
  }

  /**
   * Looks at its own file again: its size, and, while it can still tell something, its first
   * bytes. The proof grows with the file, but only as long as it begins as it began.
   */
  async measure(): Promise<Verdict> {
    const unchanged: Verdict = { kind: 'continue', generation: this.number }
    const { file } = this
    if (file === undefined) return unchanged
    const facts = file.facts()
    if (file.compressed) return unchanged
    const grew = facts.sizeBytes !== this.sizeBytes
    this.sizeBytes = facts.sizeBytes
    const short = grew && (this.#proof?.bytes ?? 0) < PROOF_BYTES_MAX
    if (this.finished || !(short || this.sizeBytes < this.readOffset)) return unchanged
    const head = await file.head()
    const { name, live, sizeBytes: size } = this
    const candidate = { name, live, size, head, dev: file.dev, inode: file.inode }
    const verdict = identify([this.known()], { ...candidate, guards: new Map() })
    if (verdict.kind === 'continue') this.prove(head)
    return verdict
  }

  /** What a commit claims of it now; hashes are taken at the offset of this call. */
  async record(): Promise<GenerationRecord> {
    const { offset, finished, file } = this
    if (file !== undefined) {
      if ((this.#proof?.bytes ?? 0) < PROOF_BYTES_MAX) this.prove(await file.head(), finished)
      if (this.#guard?.offset !== offset) {
        const hash = file.compressed ? null : await file.guardAt(offset)
        if (hash !== undefined) this.#guard = { hash, offset }
      }
    }
    return this.#record(offset, finished, this.#guard?.hash ?? null)
  }

  /** Takes the longest proof that `head` allows. A `finished` file gets no more bytes. */
  prove(head: Uint8Array, finished = false): void {
    const proof = proofOf(head, finished)
    if (proof === undefined || proof.bytes <= (this.#proof?.bytes ?? 0)) return
    // Written anew since the last look: the next refresh decides what that means.
    if (this.#proof !== undefined && !provesSame(this.known(), head)) return
    this.#proof = proof
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

  async release(): Promise<void> {
    const { file } = this
    this.file = undefined
    await file?.close()
    for (const copy of this.copies.splice(0)) await copy.close()
  }

  #record(offset: number, finished: boolean, guard: string | null): GenerationRecord {
    return {
      generation: this.number,
      name: this.name,
      dev: this.#dev,
      inode: this.#inode,
      proof: this.#proof?.hash ?? '',
      proofBytes: this.#proof?.bytes ?? 0,
      guard,
      offset,
      finished,
    }
  }
}
