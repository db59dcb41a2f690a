// Any mix of lines, written in any pieces, rotated anywhere, read in any steps, committed,
// delivered and crashed at any place: what the sink keeps is the oracle's, to the byte, and as
// sums per window when the wall clock closed some.
// METER_FAST_SEEDS=N runs N seeds a case instead of the default.

import { expect, test } from 'vitest'
import { Dice } from '../reference/dice.ts'
import { type LineMixOptions, lineMix } from '../reference/line-mix.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { SlowMeter } from '../reference/slow-meter.ts'
import { difference, line, SAME, sumsPerWindow } from './bills.ts'
import { config, fileStream, Receiver, scratch } from './rig.ts'
import { DiskLog, pieces } from './steady-log.ts'
import { StreamModel } from './stream-model.ts'

const SEEDS = Number(process.env['METER_FAST_SEEDS'] ?? 8)
const LINES = 500
const STREAM = 'file/n1/access.log'

interface Case {
  readonly name: string
  readonly envelope: 'raw' | 'cri'
  readonly byTime: boolean
  readonly seeds?: number
  readonly lines?: number
  readonly mix?: LineMixOptions
  readonly keysMax?: number
}

/** A live file never ends: what begins in it must end in it, or the oracle sees a cut part. */
const ENDS = {
  raw: '\n',
  cri: '\n2026-11-02T12:00:00Z stdout F end\n2026-11-02T12:00:00Z stderr F end\n',
}

const CASES: readonly Case[] = [
  { name: 'raw lines', envelope: 'raw', byTime: false },
  { name: 'CRI lines', envelope: 'cri', byTime: false },
  { name: 'raw lines, closed by time', envelope: 'raw', byTime: true },
  { name: 'CRI lines, closed by time', envelope: 'cri', byTime: true },
  { name: 'few keys a segment', envelope: 'raw', byTime: true, seeds: SEEDS / 2, keysMax: 2 },
  {
    ...{ name: 'sums near 2^63', envelope: 'raw', byTime: true, seeds: SEEDS / 4, lines: 2_000 },
    mix: { isHuge: true, faultShare: 0.05 },
  },
]

const ALL = CASES.flatMap((one) =>
  Array.from({ length: Math.ceil(one.seeds ?? SEEDS) }, (_, at) => ({ ...one, seed: at + 1 })),
)

test.each(ALL)('$name, seed $seed: what is delivered is the oracle’s', async (one) => {
  const { seed, envelope, byTime, mix, lines = LINES, keysMax = 1_000_000 } = one
  const dice = new Dice(seed)
  const directory = await scratch()
  const streams = [fileStream(directory, { envelope })]
  const settings = config(directory, { streams, rest: { limits: { keys_max: keysMax } } })
  const log = new DiskLog(directory, dice.pick(['dated', 'numbered']))
  const place = { stream: STREAM, directory, liveName: 'access.log', attempt: undefined }
  const receiver = new Receiver()
  const model = await StreamModel.open(settings, place, receiver)
  const bytes = Buffer.concat([
    lineMix(seed, lines, { ...mix, envelope }),
    Buffer.from(ENDS[envelope]),
  ])
  for (const piece of pieces(bytes, dice, bytes.length / 20)) {
    log.write(piece)
    await someSteps(model, log, dice, byTime)
  }
  await model.finish()

  const options = { stream: STREAM, envelope, keysMax }
  const wanted = slowEvents(log.generations, options)
  expect(receiver.changed).toEqual([])
  if (byTime) expect(sumsPerWindow(receiver.texts)).toEqual(sumsPerWindow(wanted))
  else expect(difference(receiver.texts, wanted)).toEqual(SAME)
  expect(model.gaps).toEqual([])
  expect(countsOf(model)).toEqual(countsOfOracle(log.generations, options))
  await model.close()
})

async function someSteps(
  model: StreamModel,
  log: DiskLog,
  dice: Dice,
  byTime: boolean,
): Promise<void> {
  if (dice.chance(0.12)) log.rotate()
  if (dice.chance(0.7)) await model.read(1 + dice.below(dice.pick([500, 5_000, 100_000])))
  if (byTime && dice.chance(0.3)) await model.closeByTime()
  if (dice.chance(0.3)) await model.stage()
  if (dice.chance(0.4)) await model.commit()
  if (dice.chance(0.2)) await model.deliver()
  if (dice.chance(0.25)) await model.crash()
}

/** Lines by outcome, 0 left out. */
function countsOf({ lines }: StreamModel): Record<string, number> {
  const { metered, lenient, ignored, unattributed, quarantined } = lines
  const groups = Object.entries({ ignored, unattributed, quarantined }).flatMap(([group, counts]) =>
    Object.entries(counts).map(([name, count]) => [`${group}.${name}`, count] as const),
  )
  const all = [['metered', metered] as const, ['lenient', lenient] as const, ...groups]
  return numbers(all.map(([name, count]) => [name, Number(count)]))
}

function countsOfOracle(files: readonly Buffer[], options: object): Record<string, number> {
  return numbers([...new SlowMeter(options, 'quarantine').read(files).outcomes])
}

function numbers(counts: readonly (readonly [string, number])[]): Record<string, number> {
  const kept = counts.filter(([, count]) => count > 0)
  return Object.fromEntries(kept.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

test('a segment of more events than one commit holds goes on after a crash', async () => {
  const directory = await scratch()
  const settings = config(directory)
  const log = new DiskLog(directory)
  const place = { stream: STREAM, directory, liveName: 'access.log', attempt: undefined }
  const receiver = new Receiver()
  const model = await StreamModel.open(settings, place, receiver)
  const startMs = Date.UTC(2026, 10, 2, 12)
  const lines = Array.from({ length: 20_000 }, (_, at) => line(startMs, { project: `p-${at}` }))
  log.write(Buffer.from(lines.join('') + line(startMs + 60_000)))
  await model.read(Number.MAX_SAFE_INTEGER)
  await model.commit()
  await model.deliver()
  const first = receiver.stored.size
  await model.crash()
  await model.finish()
  const wanted = slowEvents(log.generations, { stream: STREAM })
  expect(first).toBeGreaterThan(0)
  expect(first).toBeLessThan(wanted.length)
  expect(receiver.changed).toEqual([])
  expect(difference(receiver.texts, wanted)).toEqual(SAME)
  await model.close()
})
