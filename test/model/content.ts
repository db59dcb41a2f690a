// What a writer wrote into one generation of its log, whatever became of the files that hold it.
// This is the truth that a bill is compared with.

export class Content {
  /** In the order in which the writer began them. */
  readonly number: number
  bytes: Buffer = Buffer.alloc(0)
  /** The writer can still append to it. */
  isLive = true
  /** How long it was when the writer first wrote into the next one. */
  lengthWhenFollowed: number | undefined
  /** The life that had its file open when a name of it was taken away. */
  heldBy: number | undefined
  /** What that life has had the time to read since: how long it was two looks ago. */
  heldDueBytes = 0
  #lengths: [number, number] = [0, 0]
  /** It had bytes and no whole line yet: who saw it then cannot know it again. */
  wasVague = false
  /** Something was written to it after the next one had begun. */
  isLate = false
  /** Its file was emptied, so that nobody can read on in it. */
  isEmptied = false
  /** How long the longest copy was that was made of it while it was written. */
  copiedBytes = 0
  /** Files that hold it by path, and how much of it: all, for the file it was written to. */
  readonly carriers = new Map<string, number>()

  constructor(number: number) {
    this.number = number
  }

  append(bytes: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, bytes])
    this.wasVague ||= !this.bytes.includes(0x0a)
  }

  /** Bytes that can be read under some name. */
  get survivingBytes(): number {
    return Math.min(this.bytes.length, Math.max(0, ...this.carriers.values()))
  }

  /** Bytes that an agent is to read: without the end of a line that the writer still writes. */
  get dueBytes(): number {
    return this.isLive ? this.bytes.lastIndexOf(0x0a) + 1 : this.bytes.length
  }

  /** It has just lost a name, while the life has it open. */
  isHeldBy(life: number): void {
    this.heldBy = life
    this.heldDueBytes = 0
    this.#lengths = [0, 0]
  }

  /** The life that holds it had the time to look at it. */
  looked(): void {
    const [before, last] = this.#lengths
    this.heldDueBytes = before
    this.#lengths = [last, this.dueBytes]
  }
}
