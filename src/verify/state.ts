// What verify needs to know of a state before it compares: which generations have logs to be looked
// for, what is kept in quarantine, and what a damaged value was about.

import { join } from 'node:path'
import { nameAt, numberAt } from '../durable/keys.ts'
import type { NotingReader } from '../durable/noting-reader.ts'
import { quarantineKeys, quarantineRecord } from '../durable/quarantine.ts'
import { createEngine, OUTCOMES } from '../native.ts'
import type { AgentStreamRecord, Committed } from './committed.ts'
import type { Course } from './course.ts'
import type { Place } from './difference.ts'
import type { SoughtGeneration } from './log-match.ts'

/** The generations of a stream, with all that is known of their files. */
export function soughtGenerations(
  { stream, generations }: Course,
  record: AgentStreamRecord | undefined,
  committed: Committed | undefined,
): SoughtGeneration[] {
  return generations.map(({ facts }) => {
    const { generation, endOffset, guard } = facts
    const now = record?.generations.find((one) => one.generation === generation)
    const ended =
      guard !== null && endOffset !== null ? { hash: guard, offset: endOffset } : undefined
    const read = now && now.guard !== null ? { hash: now.guard, offset: now.offset } : undefined
    return {
      stream,
      facts,
      guard: ended ?? read,
      lines: now?.repeats === true ? [] : (now?.lines ?? []),
      key: now && `${now.dev}:${now.inode}`,
      path: now && record && join(record.place.directory, now.name),
      ageOf: (head) => (committed === undefined ? 'younger' : ageOf(head, committed)),
    }
  })
}

/** Of the first line with a clock, beside the window that the stream was in last. */
function ageOf(head: Uint8Array, { options, open }: Committed): 'older' | 'same' | 'younger' {
  const engine = createEngine(options)
  try {
    engine.feedSync(head)
    const startMs = engine.windowStartMs()
    if (startMs < 0 || startMs > open.windowStartMs) return 'younger'
    return startMs < open.windowStartMs ? 'older' : 'same'
  } finally {
    engine.close()
  }
}

/** Lines in quarantine, by stream and generation, in the order of OUTCOMES. */
export function keptQuarantine(state: NotingReader): Map<string, Map<number, BigInt64Array>> {
  const kept = new Map<string, Map<number, BigInt64Array>>()
  for (const key of quarantineKeys(state)) {
    const record = state.reading(key, () => quarantineRecord(state, key))
    if (record === undefined) continue
    const { place, lines } = record
    const ofStream = kept.get(place.stream) ?? new Map<number, BigInt64Array>()
    kept.set(place.stream, ofStream)
    const counts = ofStream.get(place.generation) ?? new BigInt64Array(OUTCOMES.length)
    ofStream.set(place.generation, counts)
    for (const { outcome } of lines) counts[outcome] = (counts[outcome] ?? 0n) + 1n
  }
  return kept
}

/** Key prefixes whose second field is a window, and those whose second field is a stream. */
const OF_WINDOWS = new Set(['ledger', 'unattributed'])
const OF_STREAMS = new Set(['stream', 'page', 'generation', 'checkpoint', 'history'])

/** Families whose values are all read by the comparisons. */
const COMPARED = ['ledger/', 'unattributed/', 'spool/', 'accepted/', 'rejected/', 'quarantine/']

/** Reads what nothing was compared with, so that damage in it is noted too. */
export function readTheRest(state: NotingReader, onKey: () => void): void {
  for (const key of state.keys('')) {
    onKey()
    if (!COMPARED.some((prefix) => key.startsWith(prefix))) state.get(key)
  }
}

/** What damaged values were about, as far as their keys tell, and what is wrong with them. */
export function* damagedPlaces(state: NotingReader): Generator<readonly [Place, string]> {
  for (const [key, message] of state.damaged) yield [placeOf(key), message]
}

function placeOf(key: string): Place {
  const [prefix = ''] = key.split('/')
  if (OF_STREAMS.has(prefix)) return { stream: nameAt(key, 1) }
  if (!OF_WINDOWS.has(prefix)) return { stream: '' }
  const [, , , , , part = ''] = key.split('/')
  const [, replay = '', number = ''] = /^(r?)(\d+)$/.exec(part) ?? []
  return {
    stream: nameAt(key, 2),
    windowStartMs: numberAt(key, 1),
    windowMs: numberAt(key, 4),
    epoch: numberAt(key, 3),
    part: `${replay}${Number(number)}`,
  }
}
