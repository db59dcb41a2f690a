// What the state lets go of, and when: accepted events after their retention, ledger rows and
// unattributed usage into sums of days, and the history of generations nobody can ask about.

import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Retention } from '../../src/agent/retention.ts'
import { generationsOf, historyOf, readCheckpoint } from '../../src/durable/history.ts'
import { ledgerRows } from '../../src/durable/ledger.ts'
import { ledgerDays, readUnattributedDay } from '../../src/durable/ledger-days.ts'
import { unattributedKeys } from '../../src/durable/records.ts'
import { acceptedBatches } from '../../src/durable/settled.ts'
import { openState, type StateStore } from '../../src/durable/store.ts'
import { unattributedRows, usageRows } from '../../src/emit/usage-page.ts'
import { stateNative } from '../../src/native.ts'
import { line } from './bills.ts'
import { config, Receiver, runOnce, scratch } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const STREAM = 'file/n1/access.log'
const ALL = Number.MAX_SAFE_INTEGER

/** A state of two windows on each of two days, rotated in between; all was accepted at `nowMs`. */
async function oldState(nowMs: number) {
  const directory = await scratch()
  const path = join(directory, 'access.log')
  const settings = config(directory)
  const day = (startMs: number) =>
    [0, HOUR_MS]
      .flatMap((ms) => [
        line(startMs + ms, { project: 'p-b', sent: 5 }),
        line(startMs + ms, { project: 'p-a', ms: 1_500 }),
        line(startMs + ms, { project: null, sent: 7 }),
        line(startMs + ms, { project: 'Not Good', sent: 11 }),
      ])
      .join('')
  writeFileSync(path, day(START_MS))
  const run = () => runOnce(settings, { sink: new Receiver(), now: () => nowMs })
  await run()
  renameSync(path, `${path}.1`)
  writeFileSync(path, day(START_MS + DAY_MS))
  await run()
  const store = await openState(settings.state.dir, stateNative)
  const retention = new Retention(store, settings.state)
  return { store, settings, sweepAt: (atMs: number) => retention.sweep(atMs, 0) }
}

function windows(store: StateStore): number[] {
  return Array.from(ledgerRows(store), ({ windowStartMs }) => windowStartMs)
}

describe('retention', () => {
  test('forgets accepted events, with their bytes, and not a moment earlier', async () => {
    const nowMs = START_MS + 2 * DAY_MS
    const { store, settings, sweepAt } = await oldState(nowMs)
    const { acceptedRetentionMs } = settings.state
    sweepAt(nowMs + acceptedRetentionMs)
    expect([...acceptedBatches(store, 0, ALL)].length).toBeGreaterThan(0)
    sweepAt(nowMs + acceptedRetentionMs + 1)
    expect([...acceptedBatches(store, 0, ALL)]).toEqual([])
    expect([...store.entries('spool/batch/')]).toEqual([])
    await store.close()
  })

  test('sums ledger rows per stream and day, and no sum is lost', async () => {
    const { store, settings, sweepAt } = await oldState(START_MS + 2 * DAY_MS)
    const before = windows(store)
    expect(before).toHaveLength(4)
    sweepAt(START_MS + 2 * HOUR_MS + settings.state.ledgerRetentionMs)
    expect(windows(store)).toEqual(before.slice(2))
    const [day, ...others] = ledgerDays(store)
    expect(others).toEqual([])
    expect(day).toMatchObject({
      stream: STREAM,
      dayMs: Date.UTC(2026, 10, 2),
      pieces: 2,
      lines: { metered: '4', 'unattributed.no_project': '2', 'unattributed.bad_project': '2' },
    })
    expect([...usageRows(day?.projects ?? new Uint8Array())]).toMatchObject([
      { project: 'p-a', requests: 2n, connectionMs: 3_000n, connectionSeconds: 3n },
      { project: 'p-b', requests: 2n, egressBytes: 10n },
    ])
    const reasons = [...unattributedRows(day?.reasons ?? new Uint8Array())]
    expect(reasons.map(({ reason, egressBytes }) => [reason, egressBytes]).sort()).toEqual([
      ['bad_project', 22n],
      ['no_project', 14n],
    ])
    await store.close()
  })

  test('sums unattributed usage per stream and day, by reason, project and route', async () => {
    const { store, settings, sweepAt } = await oldState(START_MS + 2 * DAY_MS)
    sweepAt(START_MS + 3 * DAY_MS + settings.state.ledgerRetentionMs)
    expect([...unattributedKeys(store, 0, ALL)]).toEqual([])
    for (const dayMs of [Date.UTC(2026, 10, 2), Date.UTC(2026, 10, 3)]) {
      const page = readUnattributedDay(store, dayMs, STREAM) ?? new Uint8Array()
      const rows = [...unattributedRows(page)].map((row) => [row.project, row.egressBytes])
      expect(rows.sort()).toEqual([
        ['"Not Good"', 22n],
        ['null', 14n],
      ])
    }
    await store.close()
  })
})

test('the history of a generation is forgotten when its file and its time are gone', async () => {
  const directory = await scratch()
  const path = join(directory, 'access.log')
  const rest = { state: { dir: join(directory, 'state'), ledger_retention: '1h' } }
  const settings = config(directory, { rest })
  const run = (nowMs: number) => runOnce(settings, { sink: new Receiver(), now: () => nowMs })
  const look = async () => {
    const store = await openState(settings.state.dir, stateNative)
    const generations = generationsOf(store, STREAM).map(({ generation }) => generation)
    const history = [...historyOf(store, STREAM)].map(({ at }) => at.generation)
    const checkpoint = readCheckpoint(store, STREAM, 1) !== undefined
    await store.close()
    return { generations, history, checkpoint }
  }
  for (const [round, nowMs] of [START_MS, START_MS + 1, START_MS + 2].entries()) {
    writeFileSync(path, line(START_MS + round * 60_000))
    await run(nowMs)
    renameSync(path, join(directory, `elsewhere-${round}`))
  }
  // Settings at the beginning, and a close by time at the end of each run.
  expect(await look()).toEqual({
    generations: [0, 1, 2],
    history: [0, 0, 1, 2],
    checkpoint: true,
  })
  writeFileSync(path, line(START_MS + 180_000))
  await run(START_MS + HOUR_MS + 3)
  const kept = await look()
  expect(kept.generations).not.toContain(0)
  expect(kept.generations).toContain(3)
  expect(kept.history).not.toContain(0)
  expect(kept.history).toContain(3)
})
