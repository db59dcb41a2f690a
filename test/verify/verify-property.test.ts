// Whatever happens to a stream and its agent, verify finds no difference, at any commit: lines of
// all kinds in any pieces, rotations, compression, logs that are deleted read or unread, closes by
// time, crashes, other settings. METER_FAST_SEEDS=N runs N seeds a case instead of the default.

import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { config, fileStream, Receiver, scratch } from '../agent/rig.ts'
import { DiskLog, pieces } from '../agent/steady-log.ts'
import { StreamModel } from '../agent/stream-model.ts'
import { Dice } from '../reference/dice.ts'
import { lineMix } from '../reference/line-mix.ts'
import { differencesOf, logsIn, verify } from './rig.ts'

const SEEDS = Number(process.env['METER_FAST_SEEDS'] ?? 6)
const FIRST_SEED = Number(process.env['METER_FAST_SEED'] ?? 1)
const LINES = 600
const STREAM = 'file/n1/access.log'

interface Case {
  readonly name: string
  readonly envelope: 'raw' | 'cri'
  /** Files are deleted, read or not. */
  readonly deletes: boolean
  /** Live files lose their end, or all they have. */
  readonly cuts?: boolean
  readonly isHuge?: boolean
}

const CASES: readonly Case[] = [
  { name: 'raw lines', envelope: 'raw', deletes: false },
  { name: 'CRI lines', envelope: 'cri', deletes: false },
  { name: 'raw lines, logs deleted', envelope: 'raw', deletes: true },
  { name: 'CRI lines, logs deleted', envelope: 'cri', deletes: true },
  { name: 'raw lines, logs cut', envelope: 'raw', deletes: true, cuts: true },
  { name: 'CRI lines, logs cut', envelope: 'cri', deletes: true, cuts: true },
  { name: 'sums near 2^63', envelope: 'raw', deletes: true, isHuge: true },
]

const ALL = CASES.flatMap((one) =>
  Array.from({ length: SEEDS }, (_, at) => ({ ...one, seed: FIRST_SEED + at })),
)

test.each(ALL)('$name, seed $seed: nothing differs', async (one) => {
  const { seed, envelope, deletes, isHuge = false } = one
  const dice = new Dice(seed)
  const directory = await scratch()
  const log = new DiskLog(directory, 'dated')
  const place = { stream: STREAM, directory, liveName: 'access.log', attempt: undefined }
  const receiver = new Receiver()
  let settings = someConfig(directory, envelope, dice)
  let model = await StreamModel.open(settings, place, receiver)
  let verified = 0
  let covered = 0n
  const check = async (): Promise<void> => {
    if (model.sequence === 0) return
    const report = await verify(settings, logsIn(directory)).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'METER_INPUT_MISSING') throw error
      return undefined
    })
    if (report === undefined) return
    expect(differencesOf(report), `seed ${seed}`).toEqual([])
    const [stream] = report.streams
    if (!deletes) expect(stream?.uncovered).toEqual([])
    if (!deletes) expect(stream?.lines.covered).toBe(stream?.lines.total)
    verified += 1
    covered += stream?.lines.covered ?? 0n
  }
  const bytes = lineMix(seed, LINES, { envelope, isHuge })
  begin(log, envelope)
  for (const piece of pieces(Buffer.from(bytes), dice, bytes.length / 30)) {
    log.write(piece)
    someFileWork(log, directory, dice, one)
    if (one.cuts && dice.chance(0.06)) await cutLive(log, model, dice)
    await someSteps(model, dice)
    if (dice.chance(0.06)) {
      await model.close()
      settings = someConfig(directory, envelope, dice)
      model = await StreamModel.open(settings, place, receiver)
    }
    if (dice.chance(0.3)) await check()
  }
  await model.finish()
  await check()
  await model.close()
  expect(verified).toBeGreaterThan(2)
  if (!deletes) expect(covered).toBeGreaterThan(0n)
})

/** Settings that change which windows there are and what is billed. */
function someConfig(directory: string, envelope: 'raw' | 'cri', dice: Dice): Config {
  return config(directory, {
    streams: [fileStream(directory, { envelope: dice.pick([envelope, 'auto']) })],
    rest: {
      window: dice.pick(['60s', '10s', '5m']),
      connection_seconds: dice.pick(['exact', 'per_request_floor']),
      exclude: { response_codes: dice.pick([[], ['200'], ['404']]) },
      limits: { keys_max: dice.pick([1_000_000, 3]), stream_states_max: dice.pick([1_000, 2]) },
    },
  })
}

/**
 * No two logs begin alike: real lines have times of their own, unlike those of this test. And each
 * is longer than a proof, so that it is never known by its name alone.
 */
function begin(log: DiskLog, envelope: 'raw' | 'cri'): void {
  const mark = `${`generation ${log.generations.length} `.repeat(100)}\n`
  log.write(Buffer.from(envelope === 'raw' ? mark : `2026-11-02T12:00:00Z stderr F ${mark}`))
}

function someFileWork(log: DiskLog, directory: string, dice: Dice, one: Case): void {
  if (dice.chance(0.15)) {
    log.rotate()
    begin(log, one.envelope)
  }
  const rotated = readdirSync(directory).filter((name) => name.startsWith('access.log-'))
  const plain = rotated.filter((name) => !name.endsWith('.gz'))
  if (plain.length > 0 && dice.chance(0.1)) {
    const path = join(directory, dice.pick(plain))
    writeFileSync(`${path}.tmp`, gzipSync(readFileSync(path)))
    writeFileSync(`${path}.gz`, readFileSync(`${path}.tmp`))
    rmSync(`${path}.tmp`)
    rmSync(path)
  } else if (one.deletes && rotated.length > 0 && dice.chance(0.1)) {
    rmSync(join(directory, dice.pick(rotated)))
  }
}

/** What a log lost is no difference once the agent has seen it. */
async function cutLive(log: DiskLog, model: StreamModel, dice: Dice): Promise<void> {
  const { size } = statSync(log.path)
  truncateSync(log.path, dice.chance(0.3) ? 0 : size - dice.below(Math.min(size, 3_000)))
  for (let look = 0; look < 3; look += 1) await model.read(Number.MAX_SAFE_INTEGER)
  await model.commit()
}

async function someSteps(model: StreamModel, dice: Dice): Promise<void> {
  if (dice.chance(0.7)) await model.read(1 + dice.below(dice.pick([500, 5_000, 100_000])))
  if (dice.chance(0.2)) await model.closeByTime()
  if (dice.chance(0.3)) await model.stage()
  if (dice.chance(0.5)) await model.commit()
  if (dice.chance(0.2)) await model.deliver()
  if (dice.chance(0.15)) await model.crash()
}
