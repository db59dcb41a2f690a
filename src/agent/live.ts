// The state while it changes, for people who watch it: one picture after another, each of one
// commit, read as another process. What was used between two pictures is what is open now and was
// not open then, and the ledger rows of the pieces that closed in between.
//
// A picture costs what the open totals of all streams cost to load, so whoever takes one after the
// other should leave time in between. It counts nothing that the state does not count already.

import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type Counts, readCounters } from '../durable/counters.ts'
import { nameField } from '../durable/keys.ts'
import { ledgerKeysBetween, readLedgerRow } from '../durable/ledger.ts'
import { endedLines, streams } from '../durable/records.ts'
import { type SpoolCounts, spoolCounts, waitingBatches } from '../durable/spool-records.ts'
import type { StateReader } from '../durable/state.ts'
import { openStatePicture, stateWrittenAtMs } from '../durable/store.ts'
import { type LineCounts, lineCounts } from '../meter.ts'
import { crc32c, OUTCOMES } from '../native.ts'
import type { GenerationRecord } from '../tail/identity.ts'
import type { StreamPlace } from '../tail/listing.ts'
import { type AgentStreamRecord, type Committed, readCommitted } from '../verify/committed.ts'
import { projectSums } from '../verify/sums.ts'
import { holderOf } from './status.ts'
import { GRACE_MS } from './streams.ts'

/** Usage of one project. */
export interface LiveUsage {
  readonly requests: bigint
  readonly egressBytes: bigint
  readonly ingressBytes: bigint
}
export type UsageByProject = ReadonlyMap<string, LiveUsage>

export interface LiveStream {
  readonly stream: string
  readonly linesRead: bigint
  /** Null before the first time in the log. */
  readonly windowStartMs: number | null
  readonly windowMs: number
  readonly isOpen: boolean
  /** When the wall clock closes the window, if all is read by then. */
  readonly closesAtMs: number | null
  /** Bytes of known files that are not read; null where nobody can tell, as for a .gz. */
  readonly unreadBytes: number | null
}

export interface LivePicture {
  /** The wall clock. */
  readonly atMs: number
  /** Process that holds the state; null when none does. */
  readonly agentPid: number | null
  readonly commits: number
  /** The wall clock at the last commit. */
  readonly committedAtMs: number
  readonly streams: readonly LiveStream[]
  /** Over all streams, those that ended too. */
  readonly lines: LineCounts
  readonly spool: SpoolCounts & { readonly oldestMs: number | null }
  readonly counts: Counts
  /** Usage in the open windows. */
  readonly open: UsageByProject
  /** Usage since the picture before; undefined where that is not known, as for the first one. */
  readonly used: UsageByProject | undefined
}

/** Where a stream stood in the picture before. */
interface Stand {
  readonly windowStartMs: number
  readonly isOpen: boolean
  readonly linesRead: bigint
  /** Ledger keys of the pieces of its window that had closed. */
  readonly closed: ReadonlySet<string>
}

const NOTHING: LiveUsage = { requests: 0n, egressBytes: 0n, ingressBytes: 0n }

export class LiveState {
  readonly #directory: string
  /** Of the picture before; the stands by stream as it is named in keys. */
  #sequence = -1
  #committedAtMs = 0
  #committed: readonly Committed[] = []
  #stands: ReadonlyMap<string, Stand> | undefined
  #open: UsageByProject = new Map()

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * The picture as of the last commit.
   * @throws {MeterFastError} METER_INPUT_MISSING, METER_STATE_CORRUPT, METER_DISK
   */
  async read(): Promise<LivePicture> {
    const state = await openStatePicture(this.#directory, { crc32c })
    this.#committedAtMs = stateWrittenAtMs(this.#directory)
    try {
      // Without a commit since, nothing is loaded again.
      const isSame = state.sequence === this.#sequence
      if (!isSame) this.#committed = await readAll(state)
      this.#sequence = state.sequence
      const used = isSame ? new Map() : this.#step(state)
      return this.#picture(state, used)
    } finally {
      await state.close()
    }
  }

  /** Goes on to this picture; gives the usage since the one before. */
  #step(state: StateReader): UsageByProject | undefined {
    const committed = this.#committed
    const open = sumOf(committed.map((one) => (one.hasOpenSegment ? one.open.projects : [])))
    const used = this.#stands && difference([open, ...this.#closed(state)], this.#open)
    this.#open = open
    this.#stands = standsOf(state, committed)
    return used
  }

  #picture(state: StateReader, used: UsageByProject | undefined): LivePicture {
    const lines = endedLines(state, OUTCOMES)
    for (const { counters } of this.#committed) {
      counters.forEach((count, index) => {
        lines[index] = (lines[index] ?? 0n) + count
      })
    }
    const [oldest] = waitingBatches(state, 'queue')
    return {
      atMs: Date.now(),
      agentPid: holderOf(this.#directory),
      commits: state.sequence,
      committedAtMs: this.#committedAtMs,
      streams: this.#committed.map(liveStream),
      lines: lineCounts(lines),
      spool: { ...spoolCounts(state), oldestMs: oldest?.timeMs ?? null },
      counts: readCounters(state),
      open: this.#open,
      used,
    }
  }

  /** Usage of the pieces that closed since the picture before; those of replays are no traffic. */
  *#closed(state: StateReader): Generator<UsageByProject> {
    const committed = this.#committed
    const stands = this.#stands ?? new Map<string, Stand>()
    const now = new Map(committed.map((one) => [nameField(one.record.stream), one]))
    // A stream that did not change since has no row that is new.
    const moved = [...stands].filter(([name, { isOpen, linesRead }]) => {
      const counters = now.get(name)?.counters
      return isOpen || counters === undefined || lineCounts(counters).read !== linesRead
    })
    const fromMs = Math.min(...moved.map(([, { windowStartMs }]) => windowStartMs))
    const toMs = Math.max(...committed.map(({ open }) => open.windowStartMs), 0)
    if (fromMs > toMs) return
    for (const key of ledgerKeysBetween(state, fromMs, toMs)) {
      const [, windowStart = '', stream = '', , , part = ''] = key.split('/')
      const stand = stands.get(stream)
      // Of a stream that is new, all is.
      const isNew = stand
        ? Number(windowStart) >= stand.windowStartMs && !stand.closed.has(key)
        : now.has(stream)
      const packed = isNew && !part.startsWith('r') && state.get(key)
      if (packed) yield sumOf([readLedgerRow(packed).projects])
    }
  }
}

async function readAll(state: StateReader): Promise<Committed[]> {
  const committed: Committed[] = []
  for (const record of streams<StreamPlace, GenerationRecord>(state)) {
    const one = await readCommitted(state, record)
    if (one !== undefined) committed.push(one)
  }
  return committed
}

function standsOf(state: StateReader, committed: readonly Committed[]): Map<string, Stand> {
  const stands = new Map<string, Stand>()
  for (const { record, open, hasOpenSegment: isOpen, counters } of committed) {
    const windowStartMs = Math.max(0, open.windowStartMs)
    const name = nameField(record.stream)
    const ofWindow = [...ledgerKeysBetween(state, windowStartMs, windowStartMs)]
    const closed = new Set(ofWindow.filter((key) => key.split('/')[2] === name))
    stands.set(name, { windowStartMs, isOpen, linesRead: lineCounts(counters).read, closed })
  }
  return stands
}

function liveStream({ record, open, hasOpenSegment: isOpen, counters }: Committed): LiveStream {
  const { windowMs } = open
  const windowStartMs = open.windowStartMs < 0 ? null : open.windowStartMs
  return {
    stream: record.stream,
    linesRead: lineCounts(counters).read,
    windowStartMs,
    windowMs,
    isOpen,
    closesAtMs: isOpen && windowStartMs !== null ? windowStartMs + windowMs + GRACE_MS : null,
    unreadBytes: unreadBytes(record),
  }
}

/** Of the files that the state knows and that are still where it saw them. */
function unreadBytes({ place, generations }: AgentStreamRecord): number | null {
  let bytes = 0
  for (const { name, dev, inode, offset, finished } of generations) {
    if (finished) continue
    if (name.endsWith('.gz')) return null
    const facts = statOf(join(place.directory, name))
    if (facts === undefined) return null
    const isSame = `${facts.dev}` === dev && `${facts.ino}` === inode
    if (isSame) bytes += Math.max(0, Number(facts.size) - offset)
  }
  return bytes
}

function statOf(path: string) {
  try {
    return statSync(path, { bigint: true })
  } catch {
    return undefined
  }
}

function sumOf(pages: readonly (readonly Uint8Array[])[]): UsageByProject {
  const sums = new Map<string, LiveUsage>()
  for (const page of pages) {
    for (const { name, amounts } of projectSums(page)) {
      sums.set(name, added(sums.get(name) ?? NOTHING, amounts, 1n))
    }
  }
  return sums
}

/**
 * What `parts` sum up to beyond `before`; projects without any are left out. Undefined when there
 * is less than before: this is another state, or an older copy of it.
 */
function difference(
  parts: readonly UsageByProject[],
  before: UsageByProject,
): UsageByProject | undefined {
  const sums = new Map<string, LiveUsage>()
  for (const [part, sign] of [...parts.map((one) => [one, 1n] as const), [before, -1n] as const]) {
    for (const [name, usage] of part) {
      sums.set(name, added(sums.get(name) ?? NOTHING, usage, sign))
    }
  }
  for (const [name, { requests, egressBytes, ingressBytes }] of sums) {
    if (requests < 0n) return undefined
    if (requests === 0n && egressBytes === 0n && ingressBytes === 0n) sums.delete(name)
  }
  return sums
}

function added(sum: LiveUsage, more: LiveUsage, sign: bigint): LiveUsage {
  return {
    requests: sum.requests + sign * more.requests,
    egressBytes: sum.egressBytes + sign * more.egressBytes,
    ingressBytes: sum.ingressBytes + sign * more.ingressBytes,
  }
}
