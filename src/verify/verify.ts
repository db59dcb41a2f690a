// Proves a state against the logs, and against itself.
//
//   logs ──computed again──▶ pieces ══ rows of the ledger ══ usage events
//                                └──── open totals            (queued, held, accepted, refused)
//
// Everything is read from one picture of the state, while an agent may go on with it. Streams are
// taken one after the other, pieces are dropped once they are compared, and sums are compared by
// project: memory hangs on the number of pieces in the ledger, not on lines or keys.

import { historyStreams } from '../durable/history.ts'
import { NotingReader } from '../durable/noting-reader.ts'
import { streams } from '../durable/records.ts'
import { openStatePicture } from '../durable/store.ts'
import { MeterFastError } from '../errors.ts'
import { crc32c } from '../native.ts'
import type { GenerationRecord } from '../tail/identity.ts'
import type { StreamPlace } from '../tail/listing.ts'
import { type AgentStreamRecord, type Committed, readCommitted } from './committed.ts'
import { type Course, readCourse } from './course.ts'
import { type Difference, Differences, notAsWritten } from './difference.ts'
import { emptyLedger, type LedgerSurvey, surveyLedger } from './ledger.ts'
import { LogMatch, type SoughtGeneration } from './log-match.ts'
import { checkLogs, type StreamCoverage, type StreamEvidence } from './logs.ts'
import { checkPieces } from './pieces.ts'
import { damagedPlaces, keptQuarantine, readTheRest, soughtGenerations } from './state.ts'

export type { Difference } from './difference.ts'
export type { StreamCoverage, Uncovered } from './logs.ts'

export interface VerifyReport {
  /** The commit that was verified. */
  readonly commit: number
  readonly streams: readonly StreamCoverage[]
  /** Pieces in the ledger, and those of which all usage events were compared. */
  readonly events: { readonly pieces: number; readonly checkedPieces: number }
  /** The first ones, and how many there are. */
  readonly differences: readonly Difference[]
  readonly differencesTotal: number
  /** Logs that do not begin as they were read. */
  readonly altered: readonly string[]
  /** Files that are no generation of a stream of this state. */
  readonly strangers: readonly string[]
}

export interface VerifyOptions {
  /** Paths of the logs; called again while files are rotated. */
  readonly logs: () => Promise<readonly string[]>
  /** Told of bytes to compute in all, and of those that were. */
  readonly onBytes?: (computed: number, total: number) => void
  readonly signal?: AbortSignal
}

/**
 * Verifies the state in `directory`.
 * @throws {MeterFastError} METER_INPUT_MISSING without a state, or when no file is a generation of
 *   it, METER_STATE_CORRUPT when the state cannot be opened, METER_DISK when it cannot be read.
 */
export async function verifyState(
  directory: string,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const picture = await openStatePicture(directory, { crc32c })
  try {
    return await new Verification(new NotingReader(picture), options).run(directory)
  } finally {
    await picture.close()
  }
}

/** A stream of the state. */
interface StreamFacts {
  readonly course: Course
  readonly committed: Committed | undefined
  readonly sought: readonly SoughtGeneration[]
}

class Verification {
  readonly #state: NotingReader
  readonly #options: VerifyOptions
  readonly #differences = new Differences()

  constructor(state: NotingReader, options: VerifyOptions) {
    this.#state = state
    this.#options = options
  }

  async run(directory: string): Promise<VerifyReport> {
    const facts = await this.#readStreams()
    const sought = facts.flatMap((one) => one.sought)
    const logs = await LogMatch.find(this.#options.logs, sought)
    try {
      if (logs.size === 0) throw nothingFound(directory, sought.length, logs.strangers)
      return await this.#compare(facts, logs)
    } finally {
      await logs.close()
    }
  }

  async #readStreams(): Promise<StreamFacts[]> {
    const records = new Map<string, AgentStreamRecord>()
    for (const record of streams<StreamPlace, GenerationRecord>(this.#state)) {
      records.set(record.stream, record)
    }
    const names = [...new Set([...records.keys(), ...historyStreams(this.#state)])].sort()
    const facts: StreamFacts[] = []
    for (const name of names) {
      this.#goesOn()
      const record = records.get(name)
      const committed = record && (await this.#readCommitted(record))
      const now = { offset: committed?.offset, generations: record?.generations }
      const course = readCourse(this.#state, name, now)
      facts.push({ course, committed, sought: soughtGenerations(course, record, committed) })
    }
    return facts
  }

  async #readCommitted(record: AgentStreamRecord): Promise<Committed | undefined> {
    const { stream } = record
    try {
      return await readCommitted(this.#state, record)
    } catch (error) {
      if (!(error instanceof MeterFastError) || error.code !== 'METER_STATE_CORRUPT') throw error
      this.#differences.add('state', { stream }, notAsWritten(error.message))
      return undefined
    }
  }

  async #compare(facts: readonly StreamFacts[], logs: LogMatch): Promise<VerifyReport> {
    const survey = await surveyLedger(this.#state, this.#differences, () => this.#goesOn())
    const coverage = await this.#checkStreams(facts, logs, survey)
    readTheRest(this.#state, () => this.#goesOn())
    for (const [place, message] of damagedPlaces(this.#state)) {
      this.#differences.add('state', place, notAsWritten(message))
    }
    const found = facts.flatMap(({ sought }) => sought.map((one) => logs.of(one)))
    const altered = found.flatMap((log) => (log?.isAltered ? [log.file.path] : []))
    const { pieces, checkedPieces } = survey.events
    return {
      commit: this.#state.sequence,
      streams: coverage,
      events: { pieces, checkedPieces },
      differences: this.#differences.list,
      differencesTotal: this.#differences.total,
      altered,
      strangers: logs.strangers,
    }
  }

  async #checkStreams(
    facts: readonly StreamFacts[],
    logs: LogMatch,
    survey: LedgerSurvey,
  ): Promise<StreamCoverage[]> {
    const kept = keptQuarantine(this.#state)
    const total = totalBytes(facts, logs)
    let computed = 0
    const coverage: StreamCoverage[] = []
    for (const { course, committed, sought } of this.#withForgotten(facts, survey)) {
      const { stream } = course
      const ledger = survey.streams.get(stream) ?? emptyLedger(stream)
      ledger.pieces.sort(course)
      checkPieces(this.#differences, course, ledger, committed)
      const one = await checkLogs({
        state: this.#state,
        differences: this.#differences,
        ...{ course, committed, ledger },
        quarantined: kept.get(stream) ?? new Map(),
        ...logsOf(sought, logs),
        onBytes: (bytes) => {
          this.#goesOn()
          computed += bytes
          this.#options.onBytes?.(computed, total)
        },
      })
      coverage.push(one)
    }
    return coverage
  }

  /** Also streams of which only rows of the ledger are left. */
  #withForgotten(facts: readonly StreamFacts[], { streams: rows }: LedgerSurvey): StreamFacts[] {
    const known = new Set(facts.map(({ course }) => course.stream))
    const names = [...rows.keys()].filter((name) => !known.has(name))
    const forgotten = names.map((name): StreamFacts => {
      return { course: readCourse(this.#state, name, {}), committed: undefined, sought: [] }
    })
    return [...facts, ...forgotten]
  }

  /** @throws when it was stopped */
  #goesOn(): void {
    if (this.#options.signal?.aborted) {
      throw new MeterFastError('METER_USAGE', 'stopped before all was compared: nothing is proven')
    }
  }
}

/** The logs of one stream by the numbers of their generations. */
function logsOf(
  sought: readonly SoughtGeneration[],
  logs: LogMatch,
): Pick<StreamEvidence, 'logOf' | 'isShared'> {
  const found = new Map(sought.map((one) => [one.facts.generation, logs.of(one)]))
  return {
    logOf: (generation) => found.get(generation),
    isShared: (generation) => {
      const file = found.get(generation)?.file
      return [...found.values()].filter((log) => log !== undefined && log.file === file).length > 1
    },
  }
}

function totalBytes(facts: readonly StreamFacts[], logs: LogMatch): number {
  const hasLog = (sought: readonly SoughtGeneration[], generation: number): boolean =>
    sought.some((one) => one.facts.generation === generation && logs.of(one) !== undefined)
  return facts.reduce((sum, { course, sought }) => {
    const found = course.generations.filter((one) => hasLog(sought, one.facts.generation))
    return sum + found.reduce((bytes, one) => bytes + ((one.readTo ?? 0) - one.readFrom), 0)
  }, 0)
}

function nothingFound(
  directory: string,
  generations: number,
  strangers: readonly string[],
): MeterFastError {
  const what =
    generations === 0
      ? `no log was read into the state "${directory}" yet`
      : `none of ${strangers.length} files is one of the ${generations} logs that were read into ` +
        `the state "${directory}"`
  return new MeterFastError(
    'METER_INPUT_MISSING',
    `${what}: nothing can be verified. Name the logs that the agent reads, rotated ones too.`,
  )
}
