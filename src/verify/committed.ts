// Where the engine of a stream stands in the state: it is taken up as an agent would take it up,
// asked, and let go, so that no more than its sums stay in memory.

import type { StreamSettings } from '../agent/sources.ts'
import { readSettings } from '../durable/history.ts'
import { type StreamRecord, streamPages } from '../durable/records.ts'
import type { StateReader } from '../durable/state.ts'
import { type ClosedSegment, createEngine, type EngineOptions } from '../native.ts'
import type { GenerationRecord } from '../tail/identity.ts'
import type { StreamPlace } from '../tail/listing.ts'
import type { PieceSums } from './sums.ts'

export type AgentStreamRecord = StreamRecord<StreamPlace, GenerationRecord>

/** What is open: sums, and which segment it is of. */
export type OpenSums = PieceSums &
  Pick<ClosedSegment, 'epoch' | 'windowStartMs' | 'windowMs' | 'part' | 'outcomes'>

export interface Committed {
  readonly record: AgentStreamRecord
  readonly options: EngineOptions
  /** Bytes of the last generation that are folded. */
  readonly offset: number
  /** Lines since the stream began, in the order of OUTCOMES. */
  readonly counters: BigInt64Array
  readonly hasOpenSegment: boolean
  readonly open: OpenSums
}

/**
 * Undefined when the state does not say how the stream is read.
 * @throws {MeterFastError} METER_STATE_CORRUPT when its engine cannot be taken up
 */
export async function readCommitted(
  state: StateReader,
  record: AgentStreamRecord,
): Promise<Committed | undefined> {
  const settings = readSettings<StreamSettings>(state, record.history?.settings ?? '')
  if (settings === undefined) return undefined
  const engine = createEngine(settings.engine)
  try {
    await engine.restore(record.head, streamPages(state, record.stream))
    return {
      record,
      options: settings.engine,
      offset: engine.offset(),
      counters: engine.counters(),
      hasOpenSegment: engine.hasOpenSegment(),
      open: openSums(await engine.openTotals()),
    }
  } finally {
    engine.close()
  }
}

/** Without the pages of keys, which may be many. */
export function openSums(segment: ClosedSegment): OpenSums {
  const { epoch, windowStartMs, windowMs, part, outcomes, projects, reasons } = segment
  const copied = { projects: projects.map((page) => new Uint8Array(page)) }
  return {
    epoch,
    windowStartMs,
    windowMs,
    part,
    outcomes,
    ...copied,
    reasons: new Uint8Array(reasons),
  }
}
