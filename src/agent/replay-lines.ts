// Reads quarantined lines again, now that the cause is mended: a format that maps the right key, a
// limit that is high enough, a newer version.
//
// Lines that are billed now become replayed pieces of the windows of their own clocks; the same
// step takes them out of quarantine. A record that is no request (a start or periodic one) stays
// there for ever: its amounts are part of the one that ended its request. The end of a long-lived
// request bills what its stream does not remember as billed before.

import { Counters } from '../durable/counters.ts'
import { readSettings } from '../durable/history.ts'
import {
  keepQuarantined,
  type QuarantinedLine,
  type QuarantineRecord,
  quarantineKeys,
  quarantineRecord,
} from '../durable/quarantine.ts'
import { streamPages } from '../durable/records.ts'
import type { StateReader, StateStore } from '../durable/state.ts'
import { usageRows } from '../emit/usage-page.ts'
import {
  type ClosedSegment,
  createEngine,
  type Engine,
  type EngineOptions,
  OUTCOMES,
} from '../native.ts'
import type { Done } from './replay.ts'
import { stageReplay } from './replay-piece.ts'
import { presentSettings, type StreamSettings } from './sources.ts'
import { sumByKey } from './sums.ts'

const METERED = OUTCOMES.indexOf('metered')
const LF_BYTE = 0x0a
const LF = Uint8Array.of(LF_BYTE)
/** Pages of long-lived requests have names that begin with it (native/aggregate). */
const LONG_STREAM_PAGE = 's'.charCodeAt(0)

/** One record, the lines that one commit quarantined, is one step. `reason`: those only. */
export async function* replayLines(
  store: StateStore,
  reason: string | undefined,
  nowMs: number,
): AsyncGenerator<Done> {
  for (const key of quarantineKeys(store)) {
    const record = quarantineRecord(store, key)
    if (record === undefined) continue
    const lines = await replayRecord(store, record, reason, nowMs)
    if (lines === 0) continue
    new Counters(store).add('lines_replayed', lines)
    yield { lines }
  }
}

/** Resolves to how many lines are billed now. */
async function replayRecord(
  store: StateStore,
  record: QuarantineRecord,
  reason: string | undefined,
  nowMs: number,
): Promise<number> {
  // Of a stream that has ended, those that the lines were read with.
  const { stream } = record.place
  const settings = presentSettings(store, stream) ?? record.place.settings
  const options = readSettings<StreamSettings>(store, settings)?.engine
  if (options === undefined) return 0
  const asked = (line: QuarantinedLine) =>
    line.isWhole && (reason === undefined || OUTCOMES[line.outcome] === `quarantined.${reason}`)
  const reader = await LineReader.open(store, stream, options)
  try {
    const left: QuarantinedLine[] = []
    for (const line of record.lines) {
      const isBilled = asked(line) && (await reader.isBilled(line.text))
      if (!isBilled) left.push(line)
    }
    if (left.length === record.lines.length) return 0
    stagePieces(store, await reader.end(), stream, settings, nowMs)
    keepQuarantined(store, record, left)
    return record.lines.length - left.length
  } finally {
    reader.close()
  }
}

/** Reads lines as their stream would, but lets only requests through. */
class LineReader {
  readonly #engine: Engine
  /** Without identities: it ignores every record that is no request. */
  readonly #probe: Engine

  private constructor(engine: Engine, probe: Engine) {
    this.#engine = engine
    this.#probe = probe
  }

  static async open(
    store: StateReader,
    stream: string,
    options: EngineOptions,
  ): Promise<LineReader> {
    const lines: EngineOptions = { ...options, envelope: 'raw', keepQuarantine: false }
    const { streamId: _streamId, connectionId: _connectionId, ...roles } = options.format.roles
    const probe = createEngine({ ...lines, format: { ...options.format, roles } })
    const engine = createEngine(lines)
    // Requests that the stream remembers as billed in part; all else is as in a new engine.
    const { head } = await probe.snapshot()
    const pages = streamPages(store, stream).filter((page) => page[0] === LONG_STREAM_PAGE)
    await engine.restore(head, pages)
    return new LineReader(engine, probe)
  }

  async isBilled(line: Uint8Array): Promise<boolean> {
    // Only docker wraps lines with an LF inside: fed here, one would be two.
    if (line.includes(LF_BYTE)) return false
    return (await isMetered(this.#probe, line)) && (await isMetered(this.#engine, line))
  }

  /** Resolves to what closed. */
  async end(): Promise<readonly ClosedSegment[]> {
    await this.#engine.endStream()
    return this.#engine.take().closed
  }

  close(): void {
    this.#probe.close()
    this.#engine.close()
  }
}

async function isMetered(engine: Engine, line: Uint8Array): Promise<boolean> {
  const before = engine.counters()[METERED]
  await engine.feed(line)
  await engine.feed(LF)
  return engine.counters()[METERED] !== before
}

function stagePieces(
  store: StateStore,
  closed: readonly ClosedSegment[],
  stream: string,
  settings: string,
  nowMs: number,
): void {
  for (const { epoch, windowStartMs, windowMs, pages } of closed) {
    const rows = sumByKey(pages.flatMap((page) => [...usageRows(page)]))
    if (rows.length === 0) continue
    stageReplay(store, { stream, epoch, windowStartMs, windowMs, settings }, rows, nowMs)
  }
}
