// The whole agent in this process, on a log that is written and rotated while it reads, ended at
// random by a stop, or by a clock that fails, which ends it as a crash does: what was staged and
// not committed is lost. What a receiver has in the end is the oracle's.
// METER_FAST_SEEDS=N runs N seeds a case instead of the default.

import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Dice } from '../reference/dice.ts'
import { lineMix } from '../reference/line-mix.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { difference, SAME, sumsPerWindow } from './bills.ts'
import { Clock, config, fileStream, Receiver, RunningAgent, runOnce, scratch } from './rig.ts'
import { DiskLog, pieces, steadyLog } from './steady-log.ts'

const SEEDS = Number(process.env['METER_FAST_SEEDS'] ?? 6)
const STREAM = 'file/n1/access.log'
const RUNS = 6
const START_MS = Date.UTC(2026, 10, 2, 12)

const crash = new Error('the clock is broken')

/** A clock that runs, and that fails for good after so many looks at it. */
function failingClock(clock: Clock, looks: number): () => number {
  let left = looks
  return () => {
    if (left === 0) throw crash
    left -= 1
    return clock.now()
  }
}

/** Runs agents one after the other over `bytes` as they are written; the last one to the end. */
async function live(bytes: Buffer, seed: number, nowMs: number, windowMs: number) {
  const dice = new Dice(seed)
  const directory = await scratch()
  const log = new DiskLog(directory, dice.pick(['dated', 'numbered']))
  const rest = { window: `${windowMs / 1_000}s` }
  const streams = [fileStream(directory, { envelope: 'raw' })]
  const settings = config(directory, { streams, rest })
  const sink = new Receiver()
  const all = pieces(bytes, dice, bytes.length / 40)
  const share = Math.ceil(all.length / RUNS)
  for (let run = 0; run < RUNS; run += 1) {
    const clock = new Clock(nowMs)
    const now = dice.chance(0.5) ? clock.now : failingClock(clock, dice.below(60))
    const agent = new RunningAgent(settings, { sink, now })
    for (const piece of all.splice(0, share)) {
      log.write(piece)
      if (dice.chance(0.15)) log.rotate()
      await delay(dice.below(60))
    }
    // A second of the clock, so that what was read now can be committed.
    if (dice.chance(0.7)) clock.set(nowMs + 2_000)
    await delay(dice.below(200))
    await agent.stop().catch((error: unknown) => expect(error).toBe(crash))
  }
  await runOnce(settings, { sink, now: () => Date.UTC(2100, 0, 1) })
  expect(sink.changed).toEqual([])
  return { texts: sink.texts, wanted: slowEvents(log.generations, { stream: STREAM, windowMs }) }
}

const SEED_LIST = Array.from({ length: SEEDS }, (_, at) => at + 1)

describe.concurrent('agents that stop and crash', () => {
  test.each(SEED_LIST)('deliver the oracle’s events, seed %i', async (seed) => {
    // The clock stands before all windows: none closes by time, and all are near enough to be sent.
    const span = { lines: 1_500, startMs: START_MS, endMs: START_MS + 200_000 }
    const bytes = steadyLog(new Dice(seed), span)
    const { texts, wanted } = await live(bytes, seed, START_MS - 60_000, 1_000)
    expect(difference(texts, wanted)).toEqual(SAME)
  })

  test.each(SEED_LIST)(
    'deliver the oracle’s sums when windows close by time, seed %i',
    async (seed) => {
      const bytes = Buffer.concat([lineMix(seed, 400), Buffer.from('\n')])
      const { texts, wanted } = await live(bytes, seed, Date.UTC(2099, 0, 1), 60_000)
      expect(sumsPerWindow(texts)).toEqual(sumsPerWindow(wanted))
    },
  )
})
