// A log directory that anything happens to, and a model of it: which lines are where, which of
// them an agent can still reach, and which are lost for good. It knows files and lines and
// nothing of how the product follows them.
//
// A line is reachable while a file with a name has it, or a file that the agent has open. An agent
// opens every file of the stream when it looks; when it ends, all of that is lost.

import {
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'

const LIVE = 'a.log'

/** What a file holds; one that is written has the writer's lines as they are. */
interface LogFile {
  text: string
  /** At the last look of an agent. */
  seen: string
  readonly inode: string
  names: number
}

export type Rotation = 'dated' | 'numbered'

export class TailWorld {
  /** Every line that was written as a line of its own. */
  readonly written = new Set<string>()
  /** Lines behind a cut that no commit knows of yet: they may be read or not, but once. */
  readonly optional = new Set<string>()
  /** Files were cut, emptied or copied: a gap record may exist although nothing is missing. */
  mayHaveGaps = false
  /** A copy has a later name than its lines have: where its original is gone, age is unknown. */
  mayReorder = false
  readonly #directory: string
  readonly #rotation: Rotation
  readonly #byName = new Map<string, LogFile>()
  #held = new Set<LogFile>()
  #file: LogFile
  #fd: number
  #pending = ''
  #cut: LogFile | undefined
  #count = 0
  #rotations = 0

  constructor(directory: string, rotation: Rotation) {
    this.#directory = directory
    this.#rotation = rotation
    ;[this.#file, this.#fd] = this.#open()
  }

  #path(name: string): string {
    return join(this.#directory, name)
  }

  #open(): [LogFile, number] {
    const fd = openSync(this.#path(LIVE), 'a')
    const known = this.#byName.get(LIVE)
    const file = known ?? { text: '', seen: '', inode: String(fstatSync(fd).ino), names: 1 }
    this.#byName.set(LIVE, file)
    return [file, fd]
  }

  #made(name: string, text: string): LogFile {
    return { text, seen: '', inode: String(statSync(this.#path(name)).ino), names: 1 }
  }

  close(): void {
    closeSync(this.#fd)
  }

  #append(text: string): void {
    writeSync(this.#fd, text)
    this.#file.text += text
  }

  /** Ends an unfinished line, then writes `count` whole ones. */
  write(count: number, bytes: number): void {
    this.#append(this.#pending)
    this.#pending = ''
    for (let i = 0; i < count; i += 1) this.#append(this.#nextLine(bytes))
  }

  writePart(bytes: number): void {
    if (this.#pending !== '') return
    const line = this.#nextLine(bytes)
    const at = 1 + (bytes % (line.length - 1))
    this.#append(line.slice(0, at))
    this.#pending = line.slice(at)
  }

  /** No part of a line can be taken for a line. */
  #nextLine(bytes: number): string {
    this.#count += 1
    const line = `line ${String(this.#count).padStart(6, '0')}${'.'.repeat(bytes)} end`
    const lines = this.#cut === this.#file ? this.optional : this.written
    lines.add(line)
    return `${line}\n`
  }

  get #rotatedNames(): string[] {
    return [...this.#byName.keys()].filter((name) => name !== LIVE).sort()
  }

  /** A header that every file begins with. */
  header(): void {
    if (this.#file.text === '') this.#append('the same first line\n')
  }

  get #date(): string {
    return `2026${String(this.#rotations).padStart(4, '0')}`
  }

  /** The writer goes on in the renamed file until reopen(). */
  rename(): void {
    if (!this.#byName.has(LIVE)) return
    this.#rotations += 1
    if (this.#rotation === 'numbered') this.#shift()
    this.#move(LIVE, this.#rotation === 'dated' ? `${LIVE}.${this.#date}` : `${LIVE}.1`)
  }

  #shift(): void {
    const numberOf = (name: string): number => Number(name.split('.')[2])
    for (const name of this.#rotatedNames.sort((a, b) => numberOf(b) - numberOf(a))) {
      const [base, live, index, ...rest] = name.split('.')
      this.#move(name, [base, live, Number(index) + 1, ...rest].join('.'))
    }
  }

  #move(from: string, to: string): void {
    const file = this.#byName.get(from)
    if (file === undefined) return
    this.#drop(to)
    renameSync(this.#path(from), this.#path(to))
    this.#byName.delete(from)
    this.#byName.set(to, file)
  }

  #drop(name: string): void {
    const file = this.#byName.get(name)
    if (file === undefined) return
    file.names -= 1
    this.#byName.delete(name)
  }

  /** It could not reopen: its file gets its old name back. */
  renameBack(): void {
    const name = this.#rotatedNames.find((one) => this.#byName.get(one) === this.#file)
    if (name !== undefined && !this.#byName.has(LIVE)) this.#move(name, LIVE)
  }

  reopen(): void {
    this.write(0, 0)
    closeSync(this.#fd)
    ;[this.#file, this.#fd] = this.#open()
  }

  gzip(choice: number): void {
    const plain = this.#rotatedNames.filter((name) => !name.endsWith('.gz'))
    const name = plain[choice % Math.max(1, plain.length)]
    const file = name === undefined ? undefined : this.#byName.get(name)
    if (name === undefined || file === undefined || file === this.#file) return
    writeFileSync(this.#path('packed.tmp'), gzipSync(readFileSync(this.#path(name))))
    renameSync(this.#path('packed.tmp'), this.#path(`${name}.gz`))
    this.#drop(`${name}.gz`)
    this.#byName.set(`${name}.gz`, this.#made(`${name}.gz`, file.text))
    unlinkSync(this.#path(name))
    this.#drop(name)
  }

  delete(choice: number): void {
    const names = [...this.#byName.keys()].sort()
    const name = names[choice % Math.max(1, names.length)]
    if (name === undefined) return
    unlinkSync(this.#path(name))
    this.#drop(name)
  }

  /** A copy that is kept beside the live file: of a short one nobody can tell that it is one. */
  copy(): void {
    const file = this.#byName.get(LIVE)
    if (file !== undefined && file.text.length > 1_100) this.#copy(file)
  }

  copyTruncate(): void {
    const file = this.#byName.get(LIVE)
    if (file !== undefined) this.#copy(file)
    this.truncate()
  }

  #copy({ text }: LogFile): void {
    this.mayHaveGaps = true
    this.mayReorder = true
    this.#rotations += 1
    const isDated = this.#rotation === 'dated'
    if (!isDated) this.#shift()
    const name = isDated ? `${LIVE}.${this.#date}` : `${LIVE}.1`
    copyFileSync(this.#path(LIVE), this.#path(name))
    this.#byName.set(name, this.#made(name, text))
  }

  /** The live file is emptied; a line that was cut in two is none. */
  truncate(): void {
    const file = this.#byName.get(LIVE)
    if (file === undefined) return
    this.mayHaveGaps = true
    truncateSync(this.#path(LIVE))
    this.#tear(file)
    file.text = ''
  }

  /** What is written behind a cut line is no line. */
  #tear(file: LogFile): void {
    if (file !== this.#file || this.#pending === '') return
    this.written.delete(file.text.slice(file.text.lastIndexOf('\n') + 1) + this.#pending.trimEnd())
  }

  /** The power fails: the live file loses its end, and its writer begins with a line of its own. */
  losePower(share: number): void {
    const file = this.#byName.get(LIVE)
    // Beside a copy of what it was nobody can tell which of both goes on.
    if (file === undefined || file !== this.#file || this.mayReorder) return
    this.mayHaveGaps = true
    this.#cut = file
    this.#tear(file)
    this.#pending = ''
    const keep = Math.floor((file.text.length * share) / 1_000)
    truncateSync(this.#path(LIVE), keep)
    file.text = file.text.slice(0, keep)
  }

  /** An agent that looked after the cut has committed where it goes on. */
  committed(): void {
    this.#cut = undefined
  }

  /** An agent looks: from now on it has every file open. */
  looked(): void {
    for (const file of this.#byName.values()) this.#held.add(file)
    for (const file of this.#held) file.seen = file.text
  }

  /** The agent ends. */
  ended(): void {
    this.#held = new Set()
  }

  /** All complete lines that an agent can reach. */
  reachable(): Set<string> {
    const files = new Set([...this.#byName.values(), ...this.#held])
    return new Set([...files].flatMap((file) => linesOf(file.text)))
  }

  get liveInode(): string | undefined {
    return this.#byName.get(LIVE)?.inode
  }

  /** The file with this inode that is open or has a name: what an agent saw, and what it grew. */
  seenOf(inode: string): string | undefined {
    const files = [...this.#byName.values(), ...this.#held]
    const file = files.find((one) => one.inode === inode)
    return file?.text.startsWith(file.seen) ? file.text : file?.seen
  }

  /** A file with a name begins with these bytes. */
  isThere(beginning: string): boolean {
    return [...this.#byName.values()].some(({ text }) => text.startsWith(beginning))
  }

  /** The model against the disk. */
  check(): void {
    const found = readdirSync(this.#directory).sort()
    const known = [...this.#byName.keys()].sort()
    if (JSON.stringify(found) !== JSON.stringify(known)) throw new Error(`${found} is not ${known}`)
    for (const [name, { text }] of this.#byName) {
      const bytes = readFileSync(this.#path(name))
      const content = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
      if (content !== text) throw new Error(`${name} holds other bytes than the model says`)
    }
  }
}

/** The whole lines of a text: of one that was cut no part can be taken for a line. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => /^line \d{6}\.* end$/.test(line))
}
