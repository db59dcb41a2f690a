// The course of a stream: which generations were read in which order, and what happened at which
// place, from the history of its state. It says how the stream can be computed again.
//
// A generation is read from where the one before it left the engine: at 0, or, when a file goes on
// as another generation, at a place that a skip names. Positions of a generation that nobody began
// to read lie between those that were.

import { jsonEntries } from '../durable/codec.ts'
import {
  checkpointsOf,
  type GenerationHistory,
  generationsOf,
  type HistoryEntry,
  historyOf,
} from '../durable/history.ts'
import type { Position } from '../durable/records.ts'
import type { StateReader } from '../durable/state.ts'
import type { GapRecord } from '../tail/generation-list.ts'
import type { GenerationRecord } from '../tail/identity.ts'

/** One generation of a stream that was read. */
export interface CourseGeneration {
  readonly facts: GenerationHistory
  /** What happened in it, in order of place. */
  readonly entries: readonly HistoryEntry[]
  /** The engine can be had as it was at its beginning: as made, or from a checkpoint. */
  readonly start: 'made' | 'checkpoint' | undefined
  /** Bytes from here on were read: a file may go on as another generation. */
  readonly readFrom: number
  /** Bytes up to here were read and committed; null when nobody knows how many. */
  readonly readTo: number | null
  /** It ended there: a tail without LF was a line. */
  readonly isEnded: boolean
  /** From here on its file no longer holds what was read. */
  readonly lostFrom: number
  /** Its file may hold more than was read of it. */
  readonly hasGap: boolean
  /** The generation that was read before it is the one before it here. */
  readonly followsLast: boolean
}

export interface Course {
  readonly stream: string
  readonly generations: readonly CourseGeneration[]
  /** Negative, 0 or positive: `a` lies before, at or behind `b`. */
  compare(a: Position, b: Position): number
}

/** What else the state says of a stream, as long as the stream is not over. */
interface StreamNow {
  /** Where its engine stands, in the generation that was begun last. */
  readonly offset?: number | undefined
  /** What its tail knows. */
  readonly generations?: readonly GenerationRecord[] | undefined
}

/** Reads the course of a stream from the state. */
export function readCourse(store: StateReader, stream: string, now: StreamNow): Course {
  const all = generationsOf(store, stream)
  const checkpoints = checkpointsOf(store, stream)
  const gaps = gapsOf(store, stream)
  const orderOf = orders(all)
  const history = inOrder([...historyOf(store, stream)], orderOf)
  const happened = placeEntries(history, all, orderOf)
  const generations = all.map((facts, index): CourseGeneration => {
    const { generation, endOffset, order } = facts
    const entries = happened[index] ?? []
    const [last, next] = [all[index - 1], happened[index + 1]]
    const isLast = next === undefined
    const isMade = order === 0 && beginsIn(history, generation)
    const made = isMade ? 'made' : undefined
    return {
      facts,
      entries,
      start: checkpoints.has(generation) ? 'checkpoint' : made,
      readFrom: last?.endOffset === null ? (handedOver(entries)?.to ?? 0) : 0,
      readTo: endOffset ?? (isLast ? now.offset : handedOver(next)?.at.offset) ?? null,
      isEnded: endOffset !== null,
      lostFrom: Math.min(...(gaps.get(generation) ?? []).map(lostFrom)),
      hasGap: gaps.has(generation) || isSkipped(facts, now.generations ?? []),
      followsLast: last?.order === order - 1,
    }
  })
  const compare = (a: Position, b: Position): number =>
    orderOf(a.generation) - orderOf(b.generation) || a.offset - b.offset
  return { stream, generations, compare }
}

/** The state knows the stream from its first byte on: its settings begin there. */
function beginsIn(history: readonly HistoryEntry[], generation: number): boolean {
  const isThere = ({ at, kind }: HistoryEntry): boolean =>
    kind === 'settings' && at.generation === generation && at.offset === 0
  return history.some(isThere)
}

/** A generation that goes on with a file begins with a skip from where the one before was left. */
function handedOver(entries: readonly HistoryEntry[]) {
  const skip = entries.find((entry) => entry.kind === 'skip')
  const before = skip === undefined ? [] : entries.slice(0, entries.indexOf(skip))
  return before.every(({ at }) => at.offset === skip?.at.offset) ? skip : undefined
}

/** Place of a generation in the order of reading. */
function orders(all: readonly GenerationHistory[]): (generation: number) => number {
  const known = new Map(all.map(({ generation, order }) => [generation, order]))
  return (generation) => {
    const order = known.get(generation)
    if (order !== undefined) return order
    // Nobody began to read it, or it is forgotten: numbers are given in order of first sight.
    const before = all.filter((one) => one.generation < generation).map((one) => one.order)
    return before.length > 0 ? Math.max(...before) + 0.5 : generation - Number.MAX_SAFE_INTEGER
  }
}

/**
 * Without entries that lie behind later ones: before the first byte of a stream was read, nobody
 * could know which generation is the oldest.
 */
function inOrder(
  history: readonly HistoryEntry[],
  orderOf: (generation: number) => number,
): HistoryEntry[] {
  let next = Number.POSITIVE_INFINITY
  const kept = history.toReversed().filter(({ at }) => {
    const order = orderOf(at.generation)
    if (order > next) return false
    next = order
    return true
  })
  return kept.reverse()
}

/** For each generation, what happened in it. */
function placeEntries(
  history: readonly HistoryEntry[],
  all: readonly GenerationHistory[],
  orderOf: (generation: number) => number,
): HistoryEntry[][] {
  const rest = [...history]
  const takeBefore = (order: number): HistoryEntry[] => {
    const next = rest.findIndex(({ at }) => orderOf(at.generation) >= order)
    return rest.splice(0, next < 0 ? rest.length : next)
  }
  return all.map(({ order }) => {
    takeBefore(order)
    return takeBefore(order + 1)
  })
}

function gapsOf(store: StateReader, stream: string): Map<number, GapRecord[]> {
  const gaps = new Map<number, GapRecord[]>()
  for (const [, gap] of jsonEntries<GapRecord>(store, 'gap/')) {
    if (gap.stream !== stream) continue
    gaps.set(gap.generation, [...(gaps.get(gap.generation) ?? []), gap])
  }
  return gaps
}

/** The tail has given up what came behind the end; that record is kept longer than a gap. */
function isSkipped(
  { generation, endOffset }: GenerationHistory,
  known: readonly GenerationRecord[],
): boolean {
  const record = known.find((one) => one.generation === generation)
  return endOffset !== null && record !== undefined && record.offset !== endOffset
}

/** The first byte that a file may have lost after it was read. */
function lostFrom({ reason, offset }: GapRecord): number {
  return reason === 'shrunk' ? offset : Number.POSITIVE_INFINITY
}
