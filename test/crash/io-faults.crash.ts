// A disk that fails: each call of a run that changes a file fails once (EIO, ENOSPC, half a write),
// or it and all later ones on the state do. The agent ends with 74 and a clear word, or it goes on;
// either way a clean run then gives the exact truth, and nothing reached the sink that no commit
// holds.

import { beforeAll, describe, expect, test } from 'vitest'
import { scratch } from '../agent/rig.ts'
import { build } from '../cli/build.ts'
import { buildFaults, SOCKET } from './faulty-agent.ts'
import { FULL, JOBS, ONE_POINT, SEED } from './settings.ts'
import type { Story, Told } from './story.ts'
import { sweep, swept } from './sweep.ts'

const STORY: Story = { log: 'dated', sink: 'file', follows: false }
const USAGE = 'usage.ndjson'
let library = ''

beforeAll(async () => {
  await build()
  library = buildFaults(await scratch())
})

/** Calls of LMDB itself: when one of them fails, it overwrites the memory of its process. */
const LMDB_FILES = /^state\/state\.mdb(-lock)?$/

/**
 * What an agent may do when a call fails: end and say why, or go on (and then stop when told).
 * Where LMDB's own call failed the agent may also die by a signal, which costs as little as a kill;
 * a disk that is full is seen before such a call, and does not get here outside of this test.
 */
function endedWell({ endings, stderr, points }: Told): string[] {
  const [ending] = endings
  if (ending === 0) return []
  if (ending === 74 && /METER_DISK: .{20,}/.test(stderr)) return []
  const isLmdb = points.some(({ path, hit }) => hit && LMDB_FILES.test(path))
  if (isLmdb && (ending === 'SIGSEGV' || ending === 'SIGABRT')) return []
  return [`it ended with ${ending}`]
}

/** A whole commit comes before anything is written to the sink: its sync, then its meta page. */
function sentOnlyCommitted({ points }: Told): string[] {
  const store = 'state/state.mdb'
  const sentAt = points.findIndex(({ path, call }) => path === USAGE && call !== 'open')
  if (sentAt < 0) return []
  const done = points.slice(0, sentAt).filter(({ path, hit }) => path === store && !hit)
  const syncedAt = done.findIndex(({ call }) => call === 'fdatasync')
  const isCommitted = syncedAt >= 0 && done.slice(syncedAt).some(({ call }) => call === 'pwrite64')
  return isCommitted ? [] : ['it sent what no commit holds']
}

const check = (told: Told) => [...endedWell(told), ...sentOnlyCommitted(told)]

describe('a call that fails costs no usage', () => {
  const once = ['EIO'] as const
  test.each(FULL ? [...once, 'ENOSPC' as const, 'short' as const] : once)(
    '%s once, at any point',
    async (does) => {
      const paths = (path: string) => path !== SOCKET
      const setup = { library, seed: SEED, does, paths, jobs: JOBS.busy, check }
      const found = await sweep(STORY, setup)
      console.log(swept(`${does} once`, found))
      expect(found.problems, `METER_FAST_SEED=${SEED}`).toEqual([])
      expect(found.points.length).toBeGreaterThan(ONE_POINT ? 0 : 20)
    },
    600_000,
  )

  const onwards = ['ENOSPC'] as const
  test.each(FULL ? [...onwards, 'EIO' as const] : onwards)(
    '%s at any point and from then on',
    async (does) => {
      const paths = (path: string) => path.startsWith('state/')
      const setup = { library, seed: SEED, does, onwards: 'state', paths, jobs: JOBS.busy, check }
      const found = await sweep(STORY, setup)
      console.log(swept(`${does} from a point on`, found))
      expect(found.problems, `METER_FAST_SEED=${SEED}`).toEqual([])
      expect(found.points.length).toBeGreaterThan(ONE_POINT ? 0 : 20)
    },
    600_000,
  )
})
