// `meter-fast scan`: totals of log files, without state. The first user of the public API.

import { formatProblems, type ResolvedFormat, resolveFormat } from '../config/formats.ts'
import { loadConfig } from '../config/load.ts'
import { ENVELOPES, PRESET_NAMES } from '../config/presets.ts'
import { oneOf } from '../config/problems.ts'
import { parseDurationMs } from '../config/units.ts'
import { MeterFastError } from '../errors.ts'
import { detectFormat } from '../meter/format.ts'
import { type LineCounts, Meter, type MeterOptions } from '../meter.ts'
import { type CommandIo, choice, readFlags, usage, write } from './command.ts'
import { displayOf } from './display.ts'
import { SCAN_FLAGS } from './flags.ts'
import { Progress } from './progress.ts'
import {
  feedInput,
  findInputs,
  groupStreams,
  lookAt,
  type ScanInput,
  type ScanStream,
} from './scan-inputs.ts'
import { reportCsv, reportJson, ScanTotals, sumCounts } from './scan-report.ts'
import { reportTable } from './scan-table.ts'

const FORMAT_NAMES = ['auto', ...PRESET_NAMES]
const PIPE_LOOK_BYTES_MAX = 64 * 1024 * 1024

type Settings = Omit<MeterOptions, 'stream' | 'format'> & {
  readonly format: ResolvedFormat | 'auto'
}

/** @returns the exit code */
export async function scan(args: string[], io: CommandIo): Promise<number> {
  const { texts, given, positionals } = readFlags('scan', SCAN_FLAGS, args, io.env)
  if (positionals.length === 0) throw usage('scan', 'name at least one file, or - for stdin')
  const forms = (['json', 'csv', 'events'] as const).filter((form) => given.has(form))
  if (forms.length > 1) throw usage('scan', `choose one of --${forms.join(' and --')}`)
  const settings = readSettings(texts, io, given.has('events'))
  const inputs = await findInputs(positionals, io.stdin)
  const run = new ScanRun(settings, given.has('events'), new Progress(io, totalBytes(inputs)), io)
  for (const stream of groupStreams(inputs, texts.stream ?? 'scan')) await run.scan(stream)
  run.progress.end()
  const counts = sumCounts(run.counts)
  const { bytes } = run.progress
  if (given.has('json')) await write(io.stdout, reportJson(bytes, counts, run.totals.rows()))
  else if (given.has('csv')) await write(io.stdout, reportCsv(run.totals.rows()))
  else if (!given.has('events')) {
    const display = displayOf(io.stdout, io.env)
    await write(io.stdout, reportTable(bytes, counts, run.totals.rows(), display))
  }
  return finish(counts, run.damages, given.has('strict'), io)
}

/** One scan over all streams: what came of it so far. */
class ScanRun {
  readonly totals = new ScanTotals()
  readonly counts: LineCounts[] = []
  readonly progress: Progress
  readonly damages: MeterFastError[] = []
  readonly #settings: Settings
  readonly #events: boolean
  readonly #io: CommandIo

  constructor(settings: Settings, events: boolean, progress: Progress, io: CommandIo) {
    this.#settings = settings
    this.#events = events
    this.progress = progress
    this.#io = io
  }

  async scan(stream: ScanStream): Promise<void> {
    const format = await chooseFormat(this.#settings, stream.inputs, this.#io)
    using meter = new Meter({ ...this.#settings, format, stream: stream.name })
    for (const input of stream.inputs) {
      try {
        await feedInput(meter, input, async (bytes) => {
          this.progress.add(bytes)
          if (this.#events) refuseWithoutClock(meter, format, input)
          await this.#drain(meter)
        })
      } catch (error) {
        if (!(error instanceof MeterFastError) || error.code !== 'METER_INPUT_DAMAGED') throw error
        this.damages.push(error)
      }
    }
    meter.end()
    await this.#drain(meter)
    this.counts.push(meter.counters())
  }

  async #drain(meter: Meter): Promise<void> {
    for (const segment of meter.take()) {
      if (!this.#events) this.totals.add(segment)
      else for (const event of segment.events()) await write(this.#io.stdout, `${event.text}\n`)
    }
  }
}

/** 0 when it cannot be known: a pipe, or compressed bytes among the inputs. */
function totalBytes(inputs: readonly ScanInput[]): number {
  if (!inputs.every((input) => input.kind === 'file')) return 0
  return inputs.reduce((sum, input) => sum + (input.kind === 'pipe' ? 0 : input.sizeBytes), 0)
}

/** Without a time in the line or around it, no line has a window (DESIGN 5.2). */
function refuseWithoutClock(meter: Meter, format: ResolvedFormat, input: ScanInput): void {
  if (format.roles.startTime === undefined && meter.envelope === 'raw') {
    throw new MeterFastError(
      'METER_CONFIG_INVALID',
      `${input.path} has no times: the format maps no startTime and its lines have no envelope. ` +
        'Map startTime, or scan without --events.',
    )
  }
}

function finish(
  counts: LineCounts,
  damages: readonly MeterFastError[],
  strict: boolean,
  io: CommandIo,
): number {
  const quarantined = Object.entries(counts.quarantined)
  if (quarantined.length > 0) {
    const list = quarantined.map(([reason, count]) => `${count} ${reason}`).join(', ')
    io.stderr(`meter-fast: lines in quarantine, not in the totals: ${list}\n`)
  }
  for (const { code, message } of damages) io.stderr(`meter-fast: ${code}: ${message}\n`)
  const [damage] = damages
  if (damage) return damage.exitCode
  return strict && quarantined.length > 0 ? 1 : 0
}

function readSettings(
  texts: Partial<Record<keyof typeof SCAN_FLAGS, string>>,
  io: CommandIo,
  events: boolean,
): Settings {
  const config =
    texts.config === undefined ? undefined : loadConfig(texts.config, { env: io.env, once: true })
  const window = texts.window === undefined ? undefined : parseDurationMs(texts.window)
  const windowMs = texts.window === undefined ? (config?.windowMs ?? 60_000) : (window ?? 0)
  if (windowMs < 1000 || windowMs > 3_600_000 || 3_600_000 % windowMs !== 0) {
    throw usage('scan', `--window must divide one hour and be at least 1s, not "${texts.window}"`)
  }
  const written = config?.streams[0]
  const format = texts.format ?? (written ? written.format : 'auto')
  const chosen =
    typeof format === 'string' && format !== 'auto' ? namedFormat(format, config) : format
  return {
    format: chosen as ResolvedFormat | 'auto',
    envelope: choice('scan', 'envelope', texts.envelope ?? written?.envelope ?? 'auto', ENVELOPES),
    windowMs,
    totalsOnly: !events,
    ...(config && {
      connectionSeconds: config.connectionSeconds,
      dimensions: config.dimensions,
      catalog: config.catalog,
      exclude: config.exclude,
      ...config.limits,
    }),
  }
}

function namedFormat(name: string, config: ReturnType<typeof loadConfig> | undefined) {
  const known = config?.streams.map((stream) => stream.format).find((each) => each.name === name)
  if (known) return known
  const [problem] = formatProblems(name)
  if (problem) {
    const isPreset = FORMAT_NAMES.includes(name)
    const todo = isPreset
      ? `${problem.todo}, and name its file with -c`
      : `choose ${oneOf(FORMAT_NAMES)}`
    throw usage('scan', `--format: ${problem.what}; ${todo}`)
  }
  return resolveFormat(name)
}

/** `--format auto`: `datum`, with a word, when the log fits no preset. */
async function chooseFormat(
  settings: Settings,
  inputs: readonly ScanInput[],
  io: CommandIo,
): Promise<ResolvedFormat> {
  if (settings.format !== 'auto') return settings.format
  const { preset, sawLine } = await detectFormat(inputs.map(lookAt), {
    ...(settings.envelope && { envelope: settings.envelope }),
    ...(settings.lineBytesMax && { lineBytesMax: settings.lineBytesMax }),
    // What was looked at of a pipe is held in memory until it is read.
    ...(inputs.some((input) => input.kind === 'pipe') && { lookBytesMax: PIPE_LOOK_BYTES_MAX }),
  })
  if (preset === undefined) {
    const why = sawLine ? 'the first line fits no preset' : 'no line to choose a format by'
    io.stderr(`meter-fast: ${why}: reading it as datum; --format says otherwise\n`)
  }
  return resolveFormat(preset ?? 'datum')
}
