// One change to the files of a stream, met by an agent in three ways: it ran all the time, it was
// stopped and started again after the change, or it was killed and goes on from an older commit.
// A row says what is read in the end; it says it once, because it must not depend on the way.

import { expect } from 'vitest'
import type { GenerationRecord } from '../../src/tail/identity.ts'
import { Reader } from './tail-reader.ts'

export const WAYS = ['up', 'down', 'killed'] as const
export type Way = (typeof WAYS)[number]

type Step = () => Promise<unknown>
type PerWay<T> = T | (Partial<Record<Way, T>> & { readonly else: T })

export interface Row {
  readonly name: string
  /** `<n>` of a container's log; a plain file otherwise. */
  readonly attempt?: number
  /** Written, read and committed. */
  readonly first: Step
  /** Written and read; the commit of it is what a killed agent did not reach. */
  readonly second?: Step
  readonly change: Step
  /** Written after the change was looked at, where an agent ran. */
  readonly later?: Step
  /** The machine is started anew with the change: no agent runs meanwhile. */
  readonly reboots?: boolean
  readonly ways?: readonly Way[]
  /** All that was read in the end, `|` where a generation ended. */
  readonly text: PerWay<string>
  /** All gaps, as Reader.gaps() tells them; none by default. */
  readonly gaps?: PerWay<readonly string[]>
  readonly problems?: readonly string[]
}

/** Every row in every way that it can be met. */
export function inEveryWay(rows: readonly Row[]): { name: string; way: Way; row: Row }[] {
  return rows.flatMap((row) => {
    const possible = row.ways ?? (row.reboots ? (['down', 'killed'] as const) : WAYS)
    return possible.map((way) => ({ name: row.name, way, row }))
  })
}

function forWay<T>(value: PerWay<T>, way: Way): T {
  const isPerWay = typeof value === 'object' && value !== null && 'else' in value
  return isPerWay ? (value[way] ?? value.else) : (value as T)
}

export async function play(row: Row, way: Way): Promise<void> {
  const before = new Reader(row.attempt, [], 'boot 1')
  await row.first()
  await before.read()
  const committed = { records: await before.commit(), text: before.text, gaps: before.gaps() }
  await row.second?.()
  await before.read()
  const found = await {
    up: () => goOn(row, before, committed.gaps),
    down: async () => {
      const { text } = before
      const gaps = [...committed.gaps, ...before.gaps()]
      return comeBack(row, { records: await before.stop(), text, gaps })
    },
    killed: async () => {
      await before.stop()
      return comeBack(row, committed)
    },
  }[way]()
  const { gaps = [], problems = [] } = row
  const wanted = { text: forWay(row.text, way), gaps: forWay(gaps, way), problems }
  expect(found).toEqual(wanted)
}

async function goOn(row: Row, reader: Reader, before: readonly string[]) {
  await row.change()
  await reader.read(6)
  await row.later?.()
  const text = await reader.read(6)
  return { text, gaps: [...before, ...reader.gaps()], problems: problemsOf(reader) }
}

interface Committed {
  readonly records: GenerationRecord[]
  readonly text: string
  readonly gaps: readonly string[]
}

async function comeBack(row: Row, { records, text, gaps }: Committed) {
  await row.change()
  const reader = new Reader(row.attempt, records, row.reboots ? 'boot 2' : 'boot 1')
  await reader.read(6)
  await row.later?.()
  await reader.read(6)
  // And once more from what it committed: nothing is read or missed again.
  const again = new Reader(row.attempt, await reader.commit(), row.reboots ? 'boot 2' : 'boot 1')
  expect(await again.read(6)).toBe('')
  expect(again.gaps()).toEqual([])
  const all = [...gaps, ...reader.gaps()]
  return { text: text + reader.text, gaps: all, problems: problemsOf(reader) }
}

function problemsOf(reader: Reader): string[] {
  return reader.follower.takeProblems().map(({ reason }) => reason)
}
