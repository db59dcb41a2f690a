// The log files of one stream, as a writer, a log rotation and an operator change them: real files,
// and beside them the truth about what was written (content.ts).

import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Content } from './content.ts'
import { criLines, lineText } from './log-line.ts'
import type { Line } from './sequence.ts'
import type { Simulation } from './simulation.ts'
import { real } from './system.ts'

/** A file that was rotated away; `tmp` and `gz` are there while it is being compressed. */
interface Rotated {
  name: string
  readonly content: Content
  step: 'plain' | 'tmp' | 'both' | 'packed'
}

/** A proof covers less. */
const COPY_BYTES_MIN = 1_100

export interface LogPlace {
  /** The stream's name. */
  readonly stream: string
  readonly directory: string
  readonly liveName: string
  readonly isCri: boolean
  readonly rotation: 'dated' | 'numbered'
}

export class StreamLog {
  readonly place: LogPlace
  /** Everything that was ever written, in order. */
  readonly contents: Content[] = []
  /** No line can come any more: a higher attempt exists, or the directory is gone. */
  isOver = false
  readonly #simulation: Simulation
  /** Which contents an inode has held, oldest first. */
  readonly #byInode = new Map<string, Content[]>()
  /** Oldest first. */
  readonly #rotated: Rotated[] = []
  #fd = -1
  /** Of the generation before, until it is rotated again: a writer may be late. */
  #lateFd = -1
  #lateContent: Content | undefined
  #hasLiveFile = false
  /** Bytes of the writer that come with its next write. */
  #withheld = Buffer.alloc(0)
  #openPart = ''
  /** Looks of the agent before the writer goes on in a file that was emptied. */
  #quietLooks = 0
  #serial = 0
  #rotations = 0

  constructor(place: LogPlace, simulation: Simulation) {
    this.place = place
    this.#simulation = simulation
    real.mkdirSync(place.directory, { recursive: true })
    this.#openLive()
  }

  /** Contents that a file with this inode holds or held. */
  contentsOf(inode: string): readonly Content[] {
    return this.#byInode.get(inode) ?? []
  }

  write(lines: readonly Line[], withheldBytes = 0): void {
    const text = lines.map((line) => this.#physical(line)).join('')
    this.#writeText(text, withheldBytes)
  }

  #writeText(text: string, withheldBytes: number): void {
    if (this.isOver) return
    const bytes = Buffer.concat([this.#withheld, Buffer.from(text)])
    const kept = this.#quietLooks > 0 ? bytes.length : Math.min(withheldBytes, bytes.length)
    this.#withheld = bytes.subarray(bytes.length - kept)
    this.#append(bytes.subarray(0, bytes.length - kept))
  }

  #physical(line: Line): string {
    this.#serial += 1
    const text = lineText(line, this.#serial)
    if (!this.place.isCri) return `${text}\n`
    const { at, parts = 1, open } = line
    const all = criLines(text, at, this.#serial, Math.max(parts, open ? 2 : 1))
    const before = this.#openPart
    this.#openPart = open ? (all.pop() ?? '') : ''
    return before + all.join('')
  }

  #append(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#content.append(bytes)
    real.writeSync(this.#fd, bytes)
    this.#simulation.touchOpen(this.#fd)
    const before = this.contents.at(-2)
    if (before !== undefined) before.lengthWhenFollowed ??= before.bytes.length
  }

  get #content(): Content {
    return this.contents.at(-1) as Content
  }

  /** The agent had the time to look at the files. */
  looked(): void {
    const life = this.#simulation.life?.number
    for (const one of this.contents) if (one.heldBy === life) one.looked()
    if (this.#quietLooks === 0) return
    this.#quietLooks -= 1
    if (this.#quietLooks === 0) this.#writeText('', 0)
  }

  /** Writes what was begun, so that the log ends with a line. */
  complete(): void {
    const rest = this.#openPart
    this.#openPart = ''
    this.#quietLooks = 0
    this.#writeText(rest, 0)
  }

  rename(): void {
    if (!this.#hasLiveFile) return
    this.#hasLiveFile = false
    this.#rotations += 1
    const content = this.#content
    const name = this.#freeName()
    this.#move(this.place.liveName, name, [content])
    this.#rotated.push({ name, content, step: 'plain' })
  }

  /** A name for the youngest rotated file; numbered ones make room. */
  #freeName(): string {
    const { liveName, rotation } = this.place
    if (rotation === 'dated') {
      const dot = liveName.startsWith('access') ? '-' : '.'
      return `${liveName}${dot}20261102-${120_000 + this.#rotations}`
    }
    for (const [index, one] of this.#rotated.entries()) {
      this.#finishPacking(one)
      const name = `${liveName}.${this.#rotated.length - index + 1}`
      const suffix = one.step === 'packed' ? '.gz' : ''
      this.#move(one.name + suffix, name + suffix, [one.content])
      one.name = name
    }
    return `${liveName}.1`
  }

  reopen(): void {
    if (this.#hasLiveFile || this.isOver) return
    this.#writeText('', 0)
    if (this.#lateFd >= 0) real.closeSync(this.#lateFd)
    this.#lateFd = this.#fd
    this.#lateContent = this.#content
    this.#content.isLive = false
    this.#openLive()
  }

  #openLive(): void {
    const path = this.#path(this.place.liveName)
    this.#fd = real.openSync(path, 'a')
    this.#hasLiveFile = true
    this.#hold(path, new Content(this.contents.length))
    this.#touchDirectory()
  }

  #hold(path: string, content: Content): void {
    if (!this.contents.includes(content)) this.contents.push(content)
    content.carriers.set(path, Number.POSITIVE_INFINITY)
    this.#know(path, content)
  }

  #know(path: string, content: Content): void {
    const { ino } = real.statSync(path, { bigint: true })
    const inode = String(this.#simulation.inodeOf(ino))
    this.#simulation.knows(ino, { log: this, content })
    this.#byInode.set(inode, [...(this.#byInode.get(inode) ?? []), content])
    this.#simulation.touch(path)
  }

  /** The reopening failed: the file gets its name back. */
  renameBack(): void {
    const last = this.#rotated.at(-1)
    if (this.#hasLiveFile || last?.content !== this.#content || last.step !== 'plain') return
    this.#rotated.pop()
    this.#move(last.name, this.place.liveName, [last.content])
    this.#hasLiveFile = true
  }

  /** Copies the live file beside it; `truncate` makes it copytruncate. */
  copy(): void {
    if (!this.#hasLiveFile || !saysEnough(this.#content.bytes)) return
    this.#rotations += 1
    const content = this.#content
    const name = this.#freeName()
    real.copyFileSync(this.#path(this.place.liveName), this.#path(name))
    content.carriers.set(this.#path(name), content.bytes.length)
    content.copiedBytes = content.bytes.length
    this.#know(this.#path(name), content)
    this.#rotated.push({ name, content, step: 'plain' })
    this.#touchDirectory()
  }

  truncate(): void {
    if (!this.#hasLiveFile || this.#content.wasVague) return
    const path = this.#path(this.place.liveName)
    const content = this.#content
    content.carriers.delete(path)
    content.isEmptied = true
    content.isLive = false
    real.truncateSync(path)
    // Who follows a file cannot see that it was emptied when it is longer than before by then.
    if (this.#simulation.life?.isRunning) this.#quietLooks = 2
    this.#hold(path, new Content(this.contents.length))
  }

  /** The writer appends a line to the generation before. */
  late(): void {
    const content = this.#lateContent
    if (content === undefined || this.isOver) return
    const isPlain = [...content.carriers.values()].includes(Number.POSITIVE_INFINITY)
    const isAlone = this.#rotated.filter((one) => one.content === content).length === 1
    if (!isPlain || !isAlone || !this.#isPlain(content) || !content.lengthWhenFollowed) return
    const bytes = Buffer.from(this.#physicalAlone({ at: 0 }))
    content.append(bytes)
    content.isLate = true
    real.writeSync(this.#lateFd, bytes)
    this.#simulation.touchOpen(this.#lateFd)
  }

  #isPlain(content: Content): boolean {
    return this.#rotated.some((one) => one.content === content && one.step === 'plain')
  }

  #physicalAlone(line: Line): string {
    this.#serial += 1
    const text = lineText(line, this.#serial)
    return this.place.isCri ? criLines(text, line.at, this.#serial, 1).join('') : `${text}\n`
  }

  gzip(which: number, steps: number): void {
    const one = this.#rotated.filter(({ step }) => step !== 'packed')[which]
    if (one === undefined || one.content === this.#content) return
    for (let step = 0; step < steps; step += 1) this.#pack(one)
  }

  #finishPacking(one: Rotated): void {
    while (one.step === 'tmp' || one.step === 'both') this.#pack(one)
  }

  #pack(one: Rotated): void {
    const plain = this.#path(one.name)
    const packed = `${plain}.gz`
    if (one.step === 'plain') {
      real.writeFileSync(`${plain}.tmp`, gzipSync(real.readFileSync(plain), { level: 1 }))
      one.step = 'tmp'
    } else if (one.step === 'tmp') {
      real.renameSync(`${plain}.tmp`, packed)
      one.content.carriers.set(packed, real.statSync(plain).size)
      this.#know(packed, one.content)
      one.step = 'both'
    } else if (one.step === 'both') {
      this.#unlink(plain, one.content)
      one.step = 'packed'
    }
    this.#touchDirectory()
  }

  delete(which: number): void {
    const one = this.#rotated[which]
    if (one === undefined || this.#isHidden(one.content)) return
    this.#finishPacking(one)
    this.#rotated.splice(which, 1)
    this.#unlink(this.#path(one.name + (one.step === 'packed' ? '.gz' : '')), one.content)
    this.#touchDirectory()
  }

  /** The writer is in it, and before it is an empty one, which nobody knows to be over. */
  #isHidden(content: Content): boolean {
    return content === this.#content && this.contents.some(({ bytes }) => bytes.length === 0)
  }

  /** The pod's directory is removed with everything in it. */
  deleteAll(): void {
    for (const one of this.#rotated.splice(0)) {
      this.#finishPacking(one)
      this.#unlink(this.#path(one.name + (one.step === 'packed' ? '.gz' : '')), one.content)
    }
    if (this.#hasLiveFile) this.#unlink(this.#path(this.place.liveName), this.#content)
    this.#hasLiveFile = false
  }

  /** The writer has ended: what it held back is lost, and its log is as long as it is. */
  end(): void {
    this.isOver = true
    this.#content.isLive = false
  }

  /** Real inodes of its files, and of those that the writer has open. */
  inodes(): bigint[] {
    const fds = [this.#fd, this.#lateFd].filter((fd) => fd >= 0)
    const paths = this.contents.flatMap(({ carriers }) => [...carriers.keys()])
    const temporary = this.#rotated.filter(({ step }) => step === 'tmp')
    const all = [...paths, ...temporary.map(({ name }) => `${this.#path(name)}.tmp`)]
    const found = all.map((path) => real.statSync(path, { bigint: true, throwIfNoEntry: false }))
    const open = fds.map((fd) => real.fstatSync(fd, { bigint: true }))
    return [...found, ...open].flatMap((stats) => (stats === undefined ? [] : [stats.ino]))
  }

  close(): void {
    for (const fd of [this.#fd, this.#lateFd]) if (fd >= 0) real.closeSync(fd)
  }

  #move(from: string, to: string, contents: readonly Content[]): void {
    const [before, after] = [this.#path(from), this.#path(to)]
    real.renameSync(before, after)
    for (const { carriers } of contents) {
      const bytes = carriers.get(before)
      carriers.delete(before)
      if (bytes !== undefined) carriers.set(after, bytes)
    }
    this.#touchDirectory()
  }

  #unlink(path: string, content: Content): void {
    const inode = real.statSync(path, { bigint: true }).ino
    content.carriers.delete(path)
    real.unlinkSync(path)
    const life = this.#simulation.life?.number
    if (life !== undefined && this.#simulation.holds(inode)) content.isHeldBy(life)
  }

  #touchDirectory(): void {
    this.#simulation.touch(this.place.directory)
  }

  #path(name: string): string {
    return join(this.place.directory, name)
  }
}

/**
 * A short file, or one that begins with lines without a time of their own, twice the same, is not
 * taken for its copy: two logs may be equal.
 */
function saysEnough(bytes: Buffer): boolean {
  if (bytes.length < COPY_BYTES_MIN) return false
  const lines = bytes.subarray(0, COPY_BYTES_MIN).toString('latin1').split('\n')
  return new Set(lines).size === lines.length
}
