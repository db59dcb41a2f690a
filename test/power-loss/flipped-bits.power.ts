// One flipped bit anywhere in a state: opening it and going on is refused with what is wrong and
// what to do, or it makes no difference. Never another value, never another bill, never a crash or
// a process that hangs.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { build as buildProduct } from '../cli/build.ts'
import { Dice } from '../reference/dice.ts'
import { type Cut, fault, isCommit, knownAt, makeCut, steps, withWholeLog } from './cuts.ts'
import { type Flip, Flips, flipped } from './flips.ts'
import { PAGE_BYTES, type PageKind, pageKinds } from './picture.ts'
import { IS_FULL, scratch } from './places.ts'
import { type Recording, record } from './recording.ts'
import { storeState } from './stored-state.ts'
import { type Outcome, runTrials, type Trial } from './trials.ts'

const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 1e9))
const STORE_TRIALS = IS_FULL ? 10_000 : 500
const AGENT_TRIALS = IS_FULL ? 2_000 : 120
const STORED_COMMITS = 20
const FILE = 'state/state.mdb'

beforeAll(async () => {
  await buildProduct()
}, 120_000)

interface Damaged extends Trial {
  readonly kind: PageKind
  readonly what: string
}

/** Counts what became of damage, by kind of page, and keeps what should not have been. */
class Tally {
  readonly #faults: object[] = []
  readonly #refused = new Map<PageKind, number>()
  readonly #same = new Map<PageKind, number>()

  add({ kind, what }: Damaged, outcome: Outcome, found: object | undefined): void {
    const counts = outcome.outcome === 'refused' ? this.#refused : this.#same
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    if (found !== undefined) this.#faults.push({ what, ...found })
  }

  refused(kind: PageKind): number {
    return this.#refused.get(kind) ?? 0
  }

  /** Prints the counts, and fails when there is anything but refusals and no effect. */
  report(what: string): void {
    const same = (kind: PageKind): number => this.#same.get(kind) ?? 0
    const kinds = [...new Set([...this.#refused.keys(), ...this.#same.keys()])].sort()
    const count = kinds.reduce((sum, kind) => sum + this.refused(kind) + same(kind), 0)
    const words = kinds.map((kind) => `${kind} ${this.refused(kind)}/${same(kind)}`)
    const told = `METER_FAST_SEED=${SEED}, ${count} ${what}`
    console.log(`${told}, refused/without effect: ${words.join(', ')}`)
    expect({ faults: this.#faults.length, some: this.#faults.slice(0, 10) }, told).toEqual({
      faults: 0,
      some: [],
    })
  }
}

/** What is wrong with a refusal: it names the file, the place in it, and what to do. */
function refusalFault(outcome: Extract<Outcome, { outcome: 'refused' }>): object | undefined {
  const { code, message } = outcome
  const isClear =
    /^state "[^"]*state\.mdb" (is damaged: .{10}|has format \d).*move .*start again/.test(message)
  return code === 'METER_STATE_CORRUPT' && isClear ? undefined : outcome
}

/** Makes the state that is damaged, and what a trial of it is. */
async function storedState(dice: Dice) {
  const base = scratch()
  const { file, marks } = await storeState(join(base, 'base'), dice, STORED_COMMITS)
  let trials = 0
  const trial = (bytes: Buffer, kind: PageKind, what: string): Damaged => {
    trials += 1
    const directory = join(base, `${trials}`)
    mkdirSync(join(directory, 'state'), { recursive: true, mode: 0o700 })
    writeFileSync(join(directory, FILE), bytes)
    return { job: 'store', directory, marks, kind, what }
  }
  return { file, trial }
}

/** Reads and writes each state; anything but the right values or a clear refusal is a fault. */
async function readAndWrite(trials: Iterable<Damaged>): Promise<Tally> {
  const tally = new Tally()
  await runTrials(trials, (trial, outcome) => {
    const isRight = outcome.outcome === 'done' && outcome.differences.length === 0
    const found =
      outcome.outcome === 'refused' ? refusalFault(outcome) : isRight ? undefined : outcome
    tally.add(trial, outcome, found)
    rmSync(trial.directory, { recursive: true })
  })
  return tally
}

describe.concurrent('damage is refused or has no effect', () => {
  test('one flipped bit, for whoever reads and writes the state', async () => {
    const dice = new Dice(SEED)
    const { file, trial } = await storedState(dice)
    const flips = new Flips(file)
    const trials = Array.from({ length: STORE_TRIALS }, () => flips.next(dice))
    function* damaged(): Generator<Damaged> {
      for (const flip of trials) yield trial(flipped(file, flip), flip.kind, placeOf(flip))
    }
    const tally = await readAndWrite(damaged())
    tally.report('states with a flipped bit')
    for (const kind of ['meta', 'branch', 'leaf', 'overflow', 'body', 'free list'] as const) {
      expect(tally.refused(kind), kind).toBeGreaterThan(0)
    }
    expect(tally.refused('free')).toBe(0)
  })

  test('a page of zeros, for whoever reads and writes the state', async () => {
    const dice = new Dice(SEED + 2)
    const { file, trial } = await storedState(dice)
    function* damaged(): Generator<Damaged> {
      for (const [page, kind] of pageKinds(file).entries()) {
        // Of long values and free pages there are hundreds.
        if (!IS_FULL && ['overflow', 'free'].includes(kind) && dice.chance(0.95)) continue
        const bytes = Buffer.from(file).fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
        yield trial(bytes, kind, `zeros in page ${page} (${kind})`)
      }
    }
    const tally = await readAndWrite(damaged())
    tally.report('states with a page of zeros')
    expect(tally.refused('leaf')).toBeGreaterThan(0)
  })

  test('one flipped bit, for an agent that goes on with its bill', async () => {
    const dice = new Dice(SEED + 1)
    const recording = await record(dice, 'gateway')
    const tally = new Tally()
    await runTrials(agentTrials(recording, dice), (trial, outcome) => {
      const isRefused = outcome.outcome === 'refused'
      tally.add(
        trial,
        outcome,
        isRefused ? refusalFault(outcome) : fault(recording, trial, outcome),
      )
      rmSync(trial.directory, { recursive: true })
    })
    tally.report('agents with a flipped bit')
    expect(tally.refused('leaf')).toBeGreaterThan(0)
  })
})

/** The same number of flips in the state after every commit of a run. */
function* agentTrials(recording: Recording, dice: Dice): Generator<Cut & Damaged> {
  const each = AGENT_TRIALS / [...steps(recording)].filter(isCommit).length
  let commits = 0
  for (const step of steps(recording)) {
    if (!isCommit(step)) continue
    commits += 1
    const tree = step.disk.afterPowerLoss(dice, 'kept')
    const file = tree.get(FILE) ?? Buffer.alloc(0)
    const flips = new Flips(file)
    for (let trial = 0; trial < each; trial += 1) {
      const flip = flips.next(dice)
      const damaged = new Map(tree).set(FILE, flipped(file, flip))
      const known = knownAt(recording, step.atMs, dice)
      const what = `${placeOf(flip)}, ${step.what}`
      const cut = makeCut(recording, damaged, known, { what, commits })
      yield { ...withWholeLog(cut, recording), kind: flip.kind }
    }
  }
}

function placeOf({ at, bit, kind }: Flip): string {
  return `bit ${bit} of byte ${at % PAGE_BYTES} of page ${Math.floor(at / PAGE_BYTES)} (${kind})`
}
