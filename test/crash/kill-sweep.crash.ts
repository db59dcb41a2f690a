// The agent is killed at the 1st, 2nd, ... nth call by which it changes a file or writes to the
// sink, until a run finishes untouched. After each kill it runs again to the end, and what a sink
// has that deduplicates by id is, byte for byte, what an uninterrupted run delivers, and what the
// oracle makes of the log.

import { beforeAll, describe, expect, test } from 'vitest'
import { scratch } from '../agent/rig.ts'
import { build } from '../cli/build.ts'
import { buildFaults } from './faulty-agent.ts'
import { FULL, JOBS, ONE_POINT, SEED } from './settings.ts'
import type { Story } from './story.ts'
import { kindOf, sweep, swept } from './sweep.ts'

const STORE = 'state/state.mdb'
let library = ''

beforeAll(async () => {
  await build()
  library = buildFaults(await scratch())
})

interface Case extends Story {
  readonly does: 'kill' | 'torn'
  readonly lives?: number
}

const CASES: readonly Case[] = [
  { log: 'dated', sink: 'file', follows: false, does: 'kill' },
  { log: 'pod', sink: 'gateway', follows: true, does: 'torn' },
]
const MORE_CASES: readonly Case[] = [
  { log: 'dated', sink: 'file', follows: false, does: 'torn' },
  { log: 'pod', sink: 'gateway', follows: true, does: 'kill' },
  { log: 'numbered', sink: 'file', follows: false, does: 'kill', lives: 2 },
  { log: 'dated', sink: 'gateway', follows: false, does: 'kill' },
  { log: 'numbered', sink: 'gateway', follows: false, does: 'torn' },
  { log: 'pod', sink: 'gateway', follows: false, does: 'torn', lives: 2 },
  { log: 'pod', sink: 'file', follows: false, does: 'kill' },
  { log: 'dated', sink: 'file', follows: true, does: 'kill' },
  { log: 'numbered', sink: 'file', follows: true, does: 'torn' },
  { log: 'dated', sink: 'gateway', follows: true, does: 'torn', lives: 2 },
  { log: 'numbered', sink: 'gateway', follows: true, does: 'kill' },
  { log: 'pod', sink: 'file', follows: true, does: 'kill', lives: 2 },
]

function nameOf({ log, sink, follows, does, lives = 1 }: Case): string {
  const how = follows ? 'run on a growing log' : 'run --once'
  return `${how}, ${log} rotation, ${sink} sink, ${does}${lives > 1 ? ` in ${lives} lives` : ''}`
}

describe('killed at any point, the agent loses nothing and doubles nothing', () => {
  const cases = FULL ? [...CASES, ...MORE_CASES] : CASES
  test.each(cases.map((one) => [nameOf(one), one] as const))(
    '%s',
    async (name, one) => {
      const { does, lives = 1 } = one
      // A run that follows a log waits most of the time.
      const jobs = one.follows ? JOBS.waiting : JOBS.busy
      const found = await sweep(one, { library, seed: SEED, does, lives, jobs })
      console.log(swept(name, found))
      expect(found.problems, `METER_FAST_SEED=${SEED}`).toEqual([])
      if (ONE_POINT) return
      const kinds = new Set(found.points.map(kindOf))
      for (const kind of ['writev', 'pwrite64', 'fdatasync'])
        expect(kinds).toContain(`${kind} ${STORE}`)
      if (one.sink === 'file') expect(kinds).toContain('write usage.ndjson')
      else expect([...kinds].filter((kind) => /^write.* socket$/.test(kind))).not.toEqual([])
    },
    600_000,
  )
})
