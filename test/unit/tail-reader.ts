// A stand-in for the agent and its engine, for tests of the tail: it reads what a follower hands
// out to the end, claims whole lines, and ends generations.

import { readSync } from 'node:fs'
import { appendFile, mkdtemp, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach } from 'vitest'
import { StreamFollower } from '../../src/tail/follow.ts'
import type { GapRecord } from '../../src/tail/gap.ts'
import type { GenerationRecord } from '../../src/tail/identity.ts'

/** The directory of the running test's stream. */
export let directory = ''
let open: StreamFollower[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tail-'))
})
afterEach(async () => {
  for (const follower of open) await follower.close()
  open = []
  await rm(directory, { recursive: true, force: true })
})

/**
 * A follower and all that was read through it, with `|` where a generation ended, and `~` where a
 * file goes on elsewhere than behind an unfinished line.
 */
export class Reader {
  text = ''
  readonly follower: StreamFollower
  #claimed = 0
  #generation = -1

  constructor(attempt?: number, records: GenerationRecord[] = [], boot = 'boot', of = directory) {
    const liveName = attempt === undefined ? 'a.log' : `${attempt}.log`
    this.follower = new StreamFollower({ stream: 's', directory: of, liveName, attempt }, boot)
    this.follower.resume(records)
    open.push(this.follower)
  }

  /** Looks `looks` times, reading all there is after each. */
  async read(looks = 4): Promise<string> {
    for (let look = 0; look < looks; look += 1) {
      await this.follower.refresh()
      do await this.#readCurrent()
      while (this.#advance())
    }
    return this.text
  }

  async #readCurrent(): Promise<void> {
    const now = this.follower.current()
    if (now?.unread !== true) return
    // As an engine that is told to seek: what it held of an unfinished line is forgotten.
    if (now.generation !== this.#generation) {
      this.#claimed = now.offset
      if (!/(^|[\n|])$/.test(this.text)) this.text += '~'
    }
    this.#generation = now.generation
    if (now.compressed) {
      let at = now.offset
      for await (const chunk of this.follower.readCompressed()) {
        this.text += Buffer.from(chunk).toString()
        at += chunk.length
        this.follower.progress(at)
      }
      return
    }
    const buffer = Buffer.alloc(1 << 16)
    const bytes = buffer.subarray(0, readSync(now.fd, buffer, 0, buffer.length, now.offset))
    this.text += bytes.toString()
    const readOffset = now.offset + bytes.length
    const whole = bytes.lastIndexOf(10) + 1
    this.follower.progress(whole > 0 ? now.offset + whole : this.#claimed, readOffset)
    this.#claimed = whole > 0 ? now.offset + whole : this.#claimed
  }

  #advance(): boolean {
    const done = this.follower.advance()
    if (done) {
      this.text += '|'
      this.#claimed = 0
    }
    return done
  }

  /** What a commit would keep now; it goes through JSON, as in the state. */
  async commit(): Promise<GenerationRecord[]> {
    return JSON.parse(JSON.stringify(await this.follower.records()))
  }

  /** A crash after a commit: what the next run starts from. */
  async stop(): Promise<GenerationRecord[]> {
    const records = await this.commit()
    await this.follower.close()
    return records
  }

  /** Gaps since the last call, as `reason generation name [offset, end) bytes`. */
  gaps(): string[] {
    return this.follower.takeGaps().map(gapText)
  }
}

export function gapText({ generation, name, offset, end, bytes, reason, bootChanged }: GapRecord) {
  const range = `[${offset}, ${end ?? '?'}) ${bytes}`
  return `${reason} ${generation} ${name} ${range}${bootChanged ? ' after a boot' : ''}`
}

/** So many lines that proof and guard are as long as they get. */
export const lines = (name: string, count = 100): string =>
  Array.from({ length: count }, (_, i) => `${name} line ${i} of a file\n`).join('')

export const at = (name: string): string => join(directory, name)
export const append = (name: string, text: string): Promise<void> => appendFile(at(name), text)
export const move = (from: string, to: string): Promise<void> => rename(at(from), at(to))
/** As a compressor does: the .gz is whole before its original goes. */
export async function gzip(name: string, to = `${name}.gz`): Promise<void> {
  await writeFile(at(to), gzipSync(await readFile(at(name))))
  await unlink(at(name))
}
