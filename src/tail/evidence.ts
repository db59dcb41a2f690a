// What proves a generation: the proof of its beginning, which grows with the file, and the guard
// before its position. Taken from its own file while that is certainly what was read, and asked of
// every file that may be it.

import type { GenerationFile } from './generation-file.ts'
import type { GenerationRecord } from './identity.ts'
import { begins, type Prefix, type Proof, proofOf, sameLines } from './proof.ts'

interface Guard {
  /** Null where none was taken, because the bytes came from a .gz. */
  readonly hash: string | null
  readonly offset: number
}

export class Evidence {
  #proof: Proof | undefined
  /** What the file began with while it had no complete line. */
  #torn: Prefix | undefined
  #guard: Guard | undefined

  static of(record: GenerationRecord): Evidence {
    const { proof: hash, proofBytes: bytes, lines = [], repeats = false, guard, offset } = record
    const evidence = new Evidence()
    if (bytes > 0) evidence.#proof = { hash, bytes, lines, repeats, isWhole: false }
    evidence.#guard = { hash: guard, offset }
    return evidence
  }

  /** A line was complete when the file was last looked at. */
  get isProven(): boolean {
    return this.#proof !== undefined
  }

  /** No later byte can make the proof longer. */
  get isWhole(): boolean {
    return this.#proof?.isWhole === true
  }

  /** How far what was read is guarded. */
  get guardedBytes(): number {
    return this.#guard?.hash ? this.#guard.offset : 0
  }

  get guard(): Guard {
    return this.#guard ?? { hash: null, offset: 0 }
  }

  /** One of the first lines occurs twice. */
  get repeats(): boolean {
    return this.#proof?.repeats === true
  }

  get beginning(): Pick<GenerationRecord, 'proof' | 'proofBytes' | 'lines' | 'repeats'> {
    const { hash: proof = '', bytes: proofBytes = 0, lines, repeats } = this.#proof ?? {}
    return { proof, proofBytes, ...(lines && { lines }), ...(repeats && { repeats }) }
  }

  /** How many bytes of `head` are certainly those that it began with. */
  sameBytes(head: Uint8Array): number {
    if (this.#proof === undefined) return 0
    const { bytes, lines } = this.#proof
    return begins(head, this.#proof) ? bytes : sameLines(head, lines).bytes
  }

  /** Takes the longest proof that `head` allows. A `finished` file gets no more bytes. */
  prove(head: Uint8Array, finished = false): void {
    const proof = proofOf(head, finished)
    if (proof === undefined || proof.bytes < (this.#proof?.bytes ?? 0)) return
    // Written anew since the last look: the next one decides what that means.
    if (this.#proof !== undefined && !begins(head, this.#proof)) return
    if (this.#torn !== undefined && !begins(head, this.#torn)) return
    this.#proof = proof
  }

  /** The file is known to be it: what it begins with now is what it will be known by. */
  renew(head: Uint8Array): void {
    if (this.#proof !== undefined && !begins(head, this.#proof)) this.#proof = undefined
    if (this.#torn !== undefined && !begins(head, this.#torn)) this.#torn = undefined
    this.prove(head)
  }

  /** False when less than a line was there, and it is not there any more. */
  holdsTorn(head: Uint8Array): boolean {
    const holds = this.#torn === undefined || begins(head, this.#torn)
    if (holds) this.#torn = proofOf(head) === undefined ? proofOf(head, true) : undefined
    return holds
  }

  /** The bytes before the last guard are what they were. */
  async isGuarded(file: GenerationFile): Promise<boolean> {
    const guard = this.#guard
    return !guard?.hash || (await file.guardAt(guard.offset)) === guard.hash
  }

  /** Guards the bytes before `offset`, as far as the file is still what was read. */
  async takeGuard(file: GenerationFile, offset: number): Promise<void> {
    if (this.#guard?.offset === offset) return
    if (file.compressed) this.#guard = { hash: null, offset }
    else if ((await this.isGuarded(file)) && (await this.#isBegun(file))) {
      const hash = await file.guardAt(offset)
      if (hash !== undefined) this.#guard = { hash, offset }
    }
  }

  /** It begins as it began; asked only as long as no guard was taken. */
  async #isBegun(file: GenerationFile): Promise<boolean> {
    if (this.#proof === undefined || this.guardedBytes > 0) return true
    return begins(await file.head(), this.#proof)
  }
}
