// Anything happens to a log directory, in any order, while an agent looks, commits and is killed:
// every line that can be reached is read once and in order, and what cannot is told.
// METER_FAST_SEEDS=N runs N sequences instead of the default, METER_FAST_SEED=S those of a seed; a
// failure prints its seed and the shortest sequence that fails.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { GenerationRecord } from '../../src/tail/identity.ts'
import { gapText, Reader } from './tail-reader.ts'
import { linesOf, type Rotation, TailWorld } from './tail-world.ts'

const RUNS = Number(process.env['METER_FAST_SEEDS'] ?? 300)
const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 1e9))

/** Each of these as often as it stands here. */
const ACTIONS = [
  ...['write', 'write', 'write', 'write', 'writeLong', 'part', 'look', 'look', 'look'],
  ...['commit', 'commit', 'restart', 'restart', 'powerLoss', 'reboot'],
  ...['rename', 'reopen', 'rotate', 'rotate', 'rotateTwice', 'renameBack'],
  ...['gzip', 'gzip', 'truncate', 'copytruncate', 'copy', 'delete'],
] as const
type Action = (typeof ACTIONS)[number]

interface Commit {
  readonly records: GenerationRecord[]
  /** What was claimed, `|` and so on as line ends. */
  readonly text: string
  readonly gaps: readonly string[]
  /** What was claimed of each generation that goes on, as far as the model knows it. */
  readonly beginnings: ReadonlyMap<number, string>
}

const NOTHING: Commit = { records: [], text: '', gaps: [], beginnings: new Map() }

class Run {
  readonly world: TailWorld
  readonly #directory: string
  readonly #withHeaders: boolean
  #reader: Reader
  #base: Commit = NOTHING
  #commits: Commit[] = [NOTHING]
  #boots = 1
  #hasLooked = false
  /** Gaps that must come in this life, by generation. */
  #missing: number[] = []

  constructor(directory: string, rotation: Rotation, withHeaders: boolean) {
    this.#directory = directory
    this.#withHeaders = withHeaders
    this.world = new TailWorld(directory, rotation)
    this.#reader = this.#life()
  }

  #life(): Reader {
    return new Reader(undefined, this.#base.records, `boot ${this.#boots}`, this.#directory)
  }

  async do(action: Action, choice: number): Promise<void> {
    const { world } = this
    if (this.#withHeaders && action.startsWith('write')) world.header()
    const rotate = (): void => {
      world.rename()
      world.reopen()
    }
    const steps: Record<Action, () => unknown> = {
      write: () => world.write(1 + (choice % 4), choice % 40),
      writeLong: () => world.write(1 + (choice % 3), 200 + (choice % 200)),
      part: () => world.writePart(choice % 60),
      look: () => this.look(),
      commit: () => this.#commit(),
      restart: () => this.#restart(choice, () => undefined),
      reboot: () => this.#restart(choice, () => this.#boot()),
      powerLoss: () => this.#losePower(choice),
      rename: () => world.rename(),
      reopen: () => world.reopen(),
      rotate,
      rotateTwice: () => {
        rotate()
        world.write(1, choice % 100)
        rotate()
      },
      renameBack: () => world.renameBack(),
      gzip: () => world.gzip(choice),
      truncate: () => world.truncate(),
      copytruncate: () => world.copyTruncate(),
      copy: () => world.copy(),
      delete: () => world.delete(choice),
    }
    await steps[action]()
  }

  async look(looks = 1): Promise<void> {
    if (!this.#hasLooked) this.#note()
    this.#hasLooked = true
    await this.#reader.read(looks)
    this.world.looked()
  }

  async #commit(): Promise<void> {
    const records = await this.#reader.commit()
    // Without a look nothing is known but what was known before.
    const beginnings = new Map(this.#hasLooked ? [] : this.#base.beginnings)
    for (const { generation, inode, offset, finished, proofBytes } of records) {
      const text = this.world.seenOf(inode)
      const isProven = this.#hasLooked && !finished && proofBytes > 0 && text !== undefined
      if (isProven) beginnings.set(generation, text.slice(0, Math.max(offset, proofBytes)))
    }
    this.#commits.push({ records, text: this.#claimed, gaps: this.#gaps, beginnings })
    this.world.committed()
  }

  /** What was read in all lives up to now, without what no commit may claim. */
  get #claimed(): string {
    const text = this.#base.text + this.#reader.text.replaceAll(/[|~]/g, '\n')
    return text.slice(0, text.lastIndexOf('\n') + 1)
  }

  #told: string[] = []
  get #gaps(): string[] {
    this.#told.push(...this.#reader.follower.takeGaps().map(gapText))
    return [...this.#base.gaps, ...this.#told]
  }

  /** After a boot the first line is all that tells a file that lost its end: it must differ. */
  #boot(): void {
    if (!this.#withHeaders) this.#boots += 1
  }

  async #restart(choice: number, meanwhile: () => void): Promise<void> {
    // Most often from the last commit, now and then from any.
    const last = this.#commits.length - 1
    this.#base = this.#commits[choice % 3 === 0 ? choice % (last + 1) : last] ?? NOTHING
    await this.#reader.follower.close()
    this.world.ended()
    meanwhile()
    this.#told = []
    this.#reader = this.#life()
    this.#hasLooked = false
  }

  /** What the base of this life knows, and what is gone by its first look. */
  #note(): void {
    this.#missing = []
    for (const [generation, beginning] of this.#base.beginnings) {
      if (this.world.isThere(beginning)) continue
      this.world.mayHaveGaps = true
      // Of a file with the same first line nobody can tell that it is another one.
      if (!this.#withHeaders) this.#missing.push(generation)
    }
  }

  /** The agent is there again at once, and commits what it saw. */
  async #losePower(choice: number): Promise<void> {
    await this.#restart(choice, () => {
      this.#boot()
      const isKnown = this.#base.records.some(({ inode }) => inode === this.world.liveInode)
      if (isKnown && !this.#withHeaders) this.world.losePower(choice)
      this.world.write(choice % 7, choice % 50)
    })
    await this.look()
    // No machine goes back to a commit of before it lost what came after.
    this.#commits = []
    await this.#commit()
  }

  async end(): Promise<void> {
    const { world } = this
    // A file that is found too late is read after the next rotation.
    for (let rotation = 0; rotation < 2; rotation += 1) {
      world.rename()
      world.reopen()
      world.write(2, 10)
      await this.look(8)
    }
    world.check()
    const read = linesOf(this.#claimed)
    expect(new Set(read).size, 'no line is read twice').toBe(read.length)
    if (!world.mayReorder) expect(read, 'lines are read in order').toEqual([...read].sort())
    const known = new Set([...world.written, ...world.optional])
    expect(read.filter((line) => !known.has(line))).toEqual([])
    const reachable = world.reachable()
    const missing = [...world.written].filter((line) => reachable.has(line) && !read.includes(line))
    expect(missing, 'every line that can be reached is read').toEqual([])
    const gaps = this.#gaps
    if (!world.mayHaveGaps) expect(gaps).toEqual([])
    for (const generation of this.#missing) {
      const told = gaps.slice(this.#base.gaps.length).map((text) => Number(text.split(' ')[1]))
      expect(told, 'what is gone is told').toContain(generation)
    }
  }

  async close(): Promise<void> {
    await this.#reader.follower.close()
    this.world.close()
  }
}

test('every line that can be reached is read once and in order, and gaps are told', async () => {
  const step = fc.tuple(fc.constantFrom(...ACTIONS), fc.nat(999))
  const steps = fc.array(step, { minLength: 5, maxLength: 60 })
  const rotation = fc.constantFrom<Rotation>('dated', 'numbered')
  const property = fc.asyncProperty(rotation, fc.boolean(), steps, async (...parts) => {
    const directory = mkdtempSync(join(tmpdir(), 'tail-property-'))
    const run = new Run(directory, parts[0], parts[1])
    try {
      for (const [action, choice] of parts[2]) await run.do(action, choice)
      await run.end()
    } finally {
      await run.close()
      rmSync(directory, { recursive: true })
    }
  })
  await fc.assert(property, { numRuns: RUNS, seed: SEED })
})
