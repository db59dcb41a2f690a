// A power cut at any moment of a real run: the directory is rebuilt as a disk may have left it, and
// the real agent goes on in it. In the end the receiver has what the whole log says: nothing lost,
// nothing doubled, every id with the bytes that it always has.
//
// Writers of logs do not sync them, so the log may have lost its end too. What the agent had
// committed of it counts; it goes on at the end of what is left, says that there is a gap, and
// never reads from 0.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { build as buildProduct } from '../cli/build.ts'
import { Dice } from '../reference/dice.ts'
import { backups, type Cut, cuts, discard, fault, steps } from './cuts.ts'
import { CONFIG, IS_FULL, LOG } from './places.ts'
import { type Recording, record } from './recording.ts'
import { runTrials } from './trials.ts'

const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 1e9))
/** Directories for each sink and kind of log; a log that shrank takes longer to judge. */
const TRIALS = IS_FULL ? { whole: 1_000, shrunk: 400 } : { whole: 100, shrunk: 50 }

const recordings = new Map<string, Recording>()
beforeAll(async () => {
  await buildProduct()
  const kinds = ['gateway', 'file'] as const
  const made = kinds.map(async (kind, index) => {
    recordings.set(kind, await record(new Dice(SEED + index), kind))
  })
  await Promise.all(made)
}, 240_000)

function recordingOf(kind: string): Recording {
  const recording = recordings.get(kind)
  if (recording === undefined) throw new Error(`no recording of a ${kind} sink`)
  return recording
}

interface Tally {
  readonly faults: readonly object[]
  readonly directories: number
  readonly withGap: number
}

/** Lets the agent go on in each directory; what is not as it should be is kept. */
async function goOn(recording: Recording, trials: Iterable<Cut>): Promise<Tally> {
  const faults: object[] = []
  let [directories, withGap] = [0, 0]
  await runTrials(trials, (cut, outcome) => {
    directories += 1
    withGap += Number(outcome.outcome === 'done' && outcome.gaps.length > 0)
    const found = fault(recording, cut, outcome)
    if (found !== undefined) faults.push({ what: cut.what, ...found })
    discard(cut, recording)
  })
  return { faults: faults.slice(0, 10), directories, withGap }
}

describe.concurrent('what comes in the end is exact', () => {
  test.each([
    ['gateway', 'whole'],
    ['file', 'whole'],
    ['gateway', 'shrunk'],
    ['file', 'shrunk'],
  ] as const)('after a power cut, %s sink, %s log', async (kind, logs) => {
    const recording = recordingOf(kind)
    const trials = cuts(recording, new Dice(SEED), TRIALS[logs], logs)
    const { faults, directories, withGap } = await goOn(recording, trials)
    const told = `power loss, ${kind} sink, ${logs} log, METER_FAST_SEED=${SEED}`
    console.log(`${told}: ${directories} directories rebuilt and continued, ${withGap} with a gap`)
    expect(faults, told).toEqual([])
    expect(directories).toBeGreaterThan(TRIALS[logs] / 2)
    expect(withGap > 0).toBe(logs === 'shrunk')
  })

  test.each(['gateway', 'file'])('with a state from an older backup, %s sink', async (kind) => {
    const recording = recordingOf(kind)
    const tally = await goOn(recording, backups(recording, new Dice(SEED)))
    console.log(`older backups, ${kind} sink: ${tally.directories} states restored and continued`)
    expect(tally.faults).toEqual([])
    expect(tally.directories).toBeGreaterThan(3)
  })
})

describe('the simulated disk', () => {
  test.each(['gateway', 'file'])('ends with the files of the run, %s sink', (kind) => {
    const recording = recordingOf(kind)
    const disk = [...steps(recording)].at(-1)?.disk
    const tree = disk?.afterPowerLoss(new Dice(SEED), 'kept') ?? new Map<string, null>()
    const found = readdirSync(recording.directory, { recursive: true, encoding: 'utf8' })
    const written = found.filter((path) => path !== CONFIG && path !== LOG)
    expect([...tree.keys()].sort()).toEqual(written.sort())
    for (const [path, bytes] of tree) {
      // The table of readers is written through memory.
      if (bytes === null || path.endsWith('-lock')) continue
      expect(readFileSync(join(recording.directory, path)).equals(bytes), path).toBe(true)
    }
  })
})
