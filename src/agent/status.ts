// The state as numbers, for people and for tools: read as another process, at any time.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonEntries } from '../durable/codec.ts'
import { type Counts, readCounters } from '../durable/counters.ts'
import { readSettings } from '../durable/history.ts'
import { type QuarantineRecord, quarantined } from '../durable/quarantine.ts'
import {
  endedLines,
  readUnattributed,
  type StreamRecord,
  streams,
  unattributedKeys,
} from '../durable/records.ts'
import { rejectedEvents } from '../durable/settled.ts'
import { type SpoolCounts, spoolCounts, waitingBatches } from '../durable/spool-records.ts'
import type { StateReader } from '../durable/state.ts'
import { openStateReader } from '../durable/store.ts'
import { type UnattributedRow, unattributedRows } from '../emit/usage-page.ts'
import { type LineCounts, lineCounts } from '../meter.ts'
import { crc32c, createEngine, OUTCOMES } from '../native.ts'
import type { GapRecord } from '../tail/generation-list.ts'
import type { GenerationRecord } from '../tail/identity.ts'
import type { StreamPlace } from '../tail/listing.ts'
import type { StreamSettings } from './sources.ts'
import { sumUnattributed } from './sums.ts'

/** Where a stream stands. */
export interface StreamStatus {
  readonly stream: string
  /** The file that is read, or was read last, and how far. */
  readonly file: string
  readonly offset: number
  /** The window that its lines belong to now; null before the first time in the log. */
  readonly windowStartMs: number | null
  readonly windowMs: number
  /** The window has lines that no close has handed over. */
  readonly isOpen: boolean
  readonly lines: LineCounts
}

export interface AgentStatus {
  /** Process that holds the state; null when none does. */
  readonly agentPid: number | null
  /** Commits since the state was made. */
  readonly commits: number
  readonly streams: readonly StreamStatus[]
  /** Over all streams, those that ended and are forgotten too. */
  readonly lines: LineCounts
  readonly spool: SpoolCounts & { readonly oldestMs: number | null }
  readonly counts: Counts
  /** Events that the sink refused, by its reason. */
  readonly rejected: Readonly<Record<string, number>>
  /** Usage without a project that is not billed yet, by reason. */
  readonly unattributed: Readonly<Record<string, { readonly requests: bigint }>>
  /** Quarantined lines that are kept, by reason. */
  readonly quarantined: Readonly<Record<string, number>>
  readonly gaps: readonly (GapRecord & { readonly atMs: number })[]
}

/** A kept line of quarantine, with its place. */
export interface QuarantinedPlace {
  readonly stream: string
  readonly generation: number
  readonly offset: number
  readonly reason: string
  readonly lengthBytes: number
  readonly sha256: string
  /** Null when it is not kept whole. */
  readonly text: string | null
}

/** Usage without a project, summed over windows. */
export type UnattributedUsage = UnattributedRow

/**
 * Reads the state in `directory`; one picture, as of the last commit.
 * @throws {MeterFastError} METER_INPUT_MISSING, METER_STATE_CORRUPT, METER_DISK
 */
export async function readStatus(directory: string): Promise<AgentStatus> {
  return withState(directory, async (state) => {
    const records = [...streams<StreamPlace, GenerationRecord>(state)]
    const [oldest] = waitingBatches(state, 'queue')
    const lines = endedLines(state, OUTCOMES)
    const picture = {
      agentPid: holderOf(directory),
      commits: state.sequence,
      spool: { ...spoolCounts(state), oldestMs: oldest?.timeMs ?? null },
      counts: readCounters(state),
      rejected: countBy(rejectedEvents(state), ({ reason }) => reason),
      unattributed: requestsByReason(state),
      quarantined: countBy(quarantinedLines(state), ({ reason }) => reason),
      gaps: Array.from(jsonEntries<GapRecord & { atMs: number }>(state, 'gap/'), ([, one]) => one),
    }
    const settings = records.map(({ history }) =>
      readSettings<StreamSettings>(state, history?.settings ?? ''),
    )
    // From here on nothing is read of the state: a later turn could see another commit.
    const all: StreamStatus[] = []
    for (const [index, record] of records.entries()) {
      const status = await streamStatus(record, settings[index], lines)
      if (status !== undefined) all.push(status)
    }
    return { ...picture, streams: all, lines: lineCounts(lines) }
  })
}

/** Every kept line of quarantine, in the order in which they came. */
export async function readQuarantine(directory: string): Promise<QuarantinedPlace[]> {
  return withState(directory, async (state) => [...quarantinedLines(state)])
}

/** Usage without a project that is not billed yet, by reason, project and route of the line. */
export async function readUnattributedUsage(directory: string): Promise<UnattributedUsage[]> {
  return withState(directory, async (state) => {
    return sumUnattributed(unattributed(state))
  })
}

async function withState<T>(
  directory: string,
  read: (state: StateReader) => Promise<T>,
): Promise<T> {
  const state = await openStateReader(directory, { crc32c })
  try {
    return await read(state)
  } finally {
    await state.close()
  }
}

/** Adds the lines of the stream to `sum`. */
async function streamStatus(
  record: StreamRecord<StreamPlace, GenerationRecord>,
  settings: StreamSettings | undefined,
  sum: BigInt64Array,
): Promise<StreamStatus | undefined> {
  if (settings === undefined) return undefined
  const engine = createEngine(settings.engine)
  try {
    // Without its pages: they hold what each key has, and nothing of that is shown.
    await engine.restore(record.head, [])
    const { generations } = record
    const last = generations.find(({ finished }) => !finished) ?? generations.at(-1)
    const counters = engine.counters()
    counters.forEach((count, index) => {
      sum[index] = (sum[index] ?? 0n) + count
    })
    const startMs = engine.windowStartMs()
    return {
      stream: record.stream,
      file: last?.name ?? record.place.liveName,
      offset: last?.offset ?? 0,
      windowStartMs: startMs < 0 ? null : startMs,
      windowMs: engine.windowMs(),
      isOpen: engine.hasOpenSegment(),
      lines: lineCounts(counters),
    }
  } finally {
    engine.close()
  }
}

/** The lock file names its holder; a holder that died cannot clear it. */
export function holderOf(directory: string): number | null {
  try {
    const pid = Number(readFileSync(join(directory, 'lock'), 'latin1').trim())
    return pid > 0 && existsSync(`/proc/${pid}`) ? pid : null
  } catch {
    return null
  }
}

function* quarantinedLines(state: StateReader): Generator<QuarantinedPlace> {
  for (const { place, lines } of quarantined(state)) yield* lines.map((line) => placed(place, line))
}

function placed(
  { stream, generation }: QuarantineRecord['place'],
  line: QuarantineRecord['lines'][number],
): QuarantinedPlace {
  const { offset, lengthBytes, sha256, isWhole } = line
  const reason = (OUTCOMES[line.outcome] ?? '').replace(/^quarantined\./, '')
  const text = isWhole ? Buffer.from(line.text).toString('utf8') : null
  return { stream, generation, offset, reason, lengthBytes, sha256, text }
}

function* unattributed(state: StateReader): Generator<UnattributedRow> {
  for (const key of unattributedKeys(state, 0, Number.MAX_SAFE_INTEGER)) {
    const found = readUnattributed(state, key)
    if (found !== undefined) yield* unattributedRows(found.page)
  }
}

function requestsByReason(state: StateReader): Record<string, { requests: bigint }> {
  const sums: Record<string, { requests: bigint }> = {}
  for (const { reason, requests } of unattributed(state)) {
    sums[reason] = { requests: (sums[reason]?.requests ?? 0n) + requests }
  }
  return sums
}

function countBy<T>(items: Iterable<T>, nameOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[nameOf(item)] = (counts[nameOf(item)] ?? 0) + 1
  return counts
}
