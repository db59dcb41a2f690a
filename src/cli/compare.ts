// `meter-fast compare`: two sets of usage events, and what their differences come from.

import { CAUSE_NAMES, type Cause } from '../compare/causes.ts'
import { compareSets } from '../compare/compare.ts'
import { HARD_CODED } from '../compare/dimension-use.ts'
import {
  type EventSet,
  type Hours,
  type Input,
  readEventSet,
  type Side,
} from '../compare/event-set.ts'
import { type LogEvidence, type LogSettings, readLogs } from '../compare/log-evidence.ts'
import { HOUR_MS } from '../compare/tally.ts'
import { resolveFormat } from '../config/formats.ts'
import { loadConfig } from '../config/load.ts'
import { PRESET_NAMES } from '../config/presets.ts'
import { MeterFastError } from '../errors.ts'
import { detectFormat } from '../meter/format.ts'
import { type CommandIo, choice, readFlags, usage, write } from './command.ts'
import { type CompareFacts, compareJson, compareText } from './compare-report.ts'
import { displayOf } from './display.ts'
import { COMPARE_FLAGS } from './flags.ts'
import { findLogs } from './log-paths.ts'
import { Progress } from './progress.ts'
import { findInputs, inputChunks, lookAt, type ScanInput } from './scan-inputs.ts'
import { timeMs } from './time.ts'

const LINE_BYTES_MAX = 1024 * 1024

type Texts = Partial<Record<keyof typeof COMPARE_FLAGS, string>>

/** @returns the exit code */
export async function compare(args: string[], io: CommandIo): Promise<number> {
  const { texts, lists, given, positionals } = readFlags('compare', COMPARE_FLAGS, args, io.env)
  const [first, second, ...more] = positionals
  if (first === undefined || second === undefined) {
    throw usage('compare', 'name two sets of events: files, or globs in quotes')
  }
  // A shell expands `--logs access*` into one value of the flag and arguments behind it.
  const patterns = [...(lists.logs ?? []), ...more]
  if (more.length > 0 && !lists.logs?.length) {
    throw usage('compare', 'name two sets of events, not more; put globs into quotes')
  }
  const hours = hoursOf(texts)
  const causes = causesOf(texts.causes)
  const hardCoded = literalsOf(texts['hard-coded'])
  const [a, b] = [await inputsOf(first, io), await inputsOf(second, io)]
  const logs = patterns.length > 0 ? await logInputs(patterns, io) : []
  const progress = new Progress(io, totalBytes([...a, ...b, ...logs]))
  const sets = [
    await readSet(a, hours, progress, io),
    await readSet(b, hours, progress, io),
  ] as const
  const isSwapped = firstSide(sets, texts.first) === 'ours'
  const log = await evidence(logs, texts, progress, io)
  progress.end()
  const [pipeline, ours] = isSwapped ? [sets[1], sets[0]] : sets
  const byHour = given.has('by-hour')
  const comparison = compareSets({ pipeline, ours, log }, { hours, byHour, causes, hardCoded })
  const names = isSwapped ? ([second, first] as const) : ([first, second] as const)
  const facts: CompareFacts = { comparison, pipeline, ours, names, log }
  const isJson = given.has('json')
  const display = displayOf(io.stdout, io.env)
  await write(io.stdout, isJson ? compareJson(facts) : compareText(facts, display))
  if (comparison.isExplained) return 0
  throw new MeterFastError(
    'METER_CHECK_FAILED',
    `the sets differ by what no cause explains: see the report.${advice(log, texts.causes)}`,
  )
}

function advice(log: LogEvidence | undefined, causes: string | undefined): string {
  if (log === undefined) return ' Give the logs that both were made of with --logs.'
  if (causes !== undefined) return ' Not every cause was allowed to explain: see --causes.'
  return ' It also says which side differs from what the logs make it.'
}

/** Which side the first set is, by its ids unless it is said. */
function firstSide([a, b]: readonly [EventSet, EventSet], said: string | undefined): Side {
  if (said !== undefined) return choice('compare', 'first', said, ['pipeline', 'ours'])
  if (a.side !== b.side) {
    if (a.side !== undefined) return a.side
    return b.side === 'ours' ? 'pipeline' : 'ours'
  }
  const what = a.side === undefined ? 'no ids that are known' : `ids of the same kind (${a.side})`
  throw usage('compare', `both sets have ${what}: say with --first which one is the first`)
}

async function inputsOf(pattern: string, io: CommandIo): Promise<ScanInput[]> {
  const paths = pattern === '-' ? ['-'] : await (await findLogs([pattern]))()
  return findInputs(paths, io.stdin)
}

async function logInputs(patterns: readonly string[], io: CommandIo): Promise<ScanInput[]> {
  const paths = await (await findLogs(patterns))()
  return findInputs([...new Set(paths)], io.stdin)
}

/** 0 when it cannot be known. */
function totalBytes(inputs: readonly ScanInput[]): number {
  if (!inputs.every((input) => input.kind === 'file')) return 0
  return inputs.reduce((sum, input) => sum + (input.kind === 'pipe' ? 0 : input.sizeBytes), 0)
}

function opened(inputs: readonly ScanInput[]): Input[] {
  return inputs.map((input) => ({ path: input.path, chunks: inputChunks(input) }))
}

function readSet(
  inputs: readonly ScanInput[],
  hours: Hours,
  progress: Progress,
  io: CommandIo,
): Promise<EventSet> {
  return readEventSet(
    opened(inputs),
    hours,
    (bytes) => progress.add(bytes),
    (path, bytes) => {
      io.stderr(`meter-fast: ${path} ends within an event: its last ${bytes} bytes are left out\n`)
    },
  )
}

async function evidence(
  logs: readonly ScanInput[],
  texts: Texts,
  progress: Progress,
  io: CommandIo,
): Promise<LogEvidence | undefined> {
  if (logs.length === 0) return undefined
  const settings = await logSettings(logs, texts, io)
  return readLogs(opened(logs), settings, (bytes) => progress.add(bytes))
}

/** How the agent was set up: by its configuration, else as `scan` would read the logs. */
async function logSettings(
  logs: readonly ScanInput[],
  texts: Texts,
  io: CommandIo,
): Promise<LogSettings> {
  const config =
    texts.config === undefined ? undefined : loadConfig(texts.config, { env: io.env, once: true })
  if (config === undefined) {
    const name = choice('compare', 'format', texts.format ?? 'auto', ['auto', ...PRESET_NAMES])
    const found = name === 'auto' ? (await detectFormat(logs.map(lookAt))).preset : name
    return { format: resolveFormat(found ?? 'datum'), lineBytesMax: LINE_BYTES_MAX }
  }
  const { windowMs, connectionSeconds, exclude, limits, streams } = config
  const formats = new Map(streams.map(({ format }) => [JSON.stringify(format), format]))
  const [format] = formats.values()
  if (format === undefined || formats.size > 1) {
    throw usage(
      'compare',
      'the streams of the configuration have several formats: compare logs of one',
    )
  }
  return { format, windowMs, connectionSeconds, exclude, ...limits }
}

/** Hours are whole, because an event bills for a window of one hour at most. */
function hoursOf(texts: Texts): Hours {
  const at = (name: 'from' | 'to', otherwise: number): number => {
    const text = texts[name]
    if (text === undefined) return otherwise
    const ms = timeMs('compare', name, text)
    if (ms % HOUR_MS === 0) return ms
    throw usage('compare', `--${name} must be a full hour such as 2026-11-22T12:00:00Z`)
  }
  return {
    fromMs: at('from', Number.NEGATIVE_INFINITY),
    toMs: at('to', Number.POSITIVE_INFINITY),
  }
}

function causesOf(text: string | undefined): readonly Cause[] {
  if (text === undefined) return CAUSE_NAMES
  const names = text.split(',').map((name) => name.trim())
  return names.filter(Boolean).map((name) => choice('compare', 'causes', name, CAUSE_NAMES))
}

function literalsOf(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return HARD_CODED
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [name = '', ...value] = pair.split('=')
      if (name !== '' && value.length > 0) return [name.trim(), value.join('=')]
      throw usage('compare', `--hard-coded must be KEY=VALUE,..., not "${text}"`)
    }),
  )
}
