// `meter-fast check`: every problem of a configuration and of the machine it shall run on.
//
// The result, problems included, is data and goes to stdout; only a wrong command line or a missing
// file is an error, and thrown.

import { askSink } from '../agent/ask-sink.ts'
import type { Config } from '../config/config.ts'
import { resolveFormat } from '../config/formats.ts'
import { configSchema } from '../config/json-schema.ts'
import { type Inspection, inspectConfig, type LoadOptions, reportValues } from '../config/load.ts'
import { CONFIG_FLAGS } from '../config/overrides.ts'
import { type FormatMap, isClientKey } from '../config/presets.ts'
import {
  configInvalid,
  isError,
  type Problem,
  renderProblem,
  sortProblems,
} from '../config/problems.ts'
import { formatDuration } from '../config/units.ts'
import type { Values } from '../config/values.ts'
import { MeterFastError } from '../errors.ts'
import { wrapped } from './cells.ts'
import { pathProblems } from './check-paths.ts'
import { environmentTwin, parseFlags, visible } from './command.ts'
import { type Display, displayOf } from './display.ts'
import { problemCounts, problemLines } from './problem-lines.ts'
import { counted } from './quantities.ts'

export interface CheckIo {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly env: NodeJS.ProcessEnv
  /** What stdout shows; without it lines are as long as they are. */
  readonly display?: Display
}

const EXIT_OK = 0
const EXIT_AWAY = 69
const EXIT_CONFIG = 78

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

const OWN_FLAGS = {
  config: { type: 'string', short: 'c' },
  schema: { type: 'boolean' },
  json: { type: 'boolean' },
  'no-environment': { type: 'boolean' },
  online: { type: 'boolean' },
} as const

/**
 * Checks the configuration of `-c FILE`, or prints its JSON Schema (`--schema`). `--json` prints
 * one object with problems and the origin of every value; `--no-environment` leaves the machine
 * out; `--online` asks the sink too, once all else is well. The flags of the configuration's fields
 * are read as `run` reads them.
 *
 * @returns the exit code: 0, 78 when there is a problem that is not only a warning, or 69 when it
 * is that the sink is away.
 * @throws {MeterFastError} METER_USAGE for a bad flag, METER_INPUT_MISSING without a readable file.
 */
export async function check(args: string[], io: CheckIo): Promise<number> {
  const flags = readFlags(args)
  const isOn = (name: string): boolean =>
    flags[name] === true || ['1', 'true'].includes(io.env[environmentTwin(name)] ?? '')
  if (isOn('schema')) {
    io.stdout(`${JSON.stringify(configSchema(), null, 2)}\n`)
    return EXIT_OK
  }
  const path = flags['config'] ?? io.env[environmentTwin('config')]
  if (typeof path !== 'string' || path === '') {
    throw new MeterFastError('METER_USAGE', 'check needs a configuration: add -c FILE')
  }
  const asked = { env: io.env, flags }
  const found = await inspectAll(path, asked, !isOn('no-environment'))
  const { config, values } = found
  // What is wrong already would only be found again there.
  const online = isOn('online') && !found.problems.some(isError) ? await askOnline(found) : []
  const all = sortProblems([...found.problems, ...online])
  const display = io.display ?? displayOf({}, {})
  io.stdout(isOn('json') ? asJson(path, all, values) : asText(path, all, config, display))
  if (!all.some(isError)) return EXIT_OK
  return online.some(({ isAway }) => isAway) ? EXIT_AWAY : EXIT_CONFIG
}

/** What the sink itself says of the configuration. */
async function askOnline({ config, values }: Inspection) {
  if (config === undefined || values === undefined) return []
  const findings = await askSink(config)
  return findings.map((finding) => ({ ...finding, at: values.at(finding.key) }))
}

/** All that is wrong with the configuration at `path`, and of the machine if that is asked for. */
export async function inspectAll(
  path: string,
  options: LoadOptions,
  withMachine: boolean,
): Promise<Inspection> {
  const { problems, config, values } = inspectConfig(path, options)
  const found = [...problems, ...(values === undefined ? [] : doubts(values))]
  if (values !== undefined && withMachine) found.push(...(await pathProblems(values)))
  return { problems: sortProblems(found), config, values }
}

/**
 * The configuration at `path`, when neither it nor the machine stands against it.
 * @throws {MeterFastError} METER_INPUT_MISSING, METER_CONFIG_INVALID with all problems
 */
export async function checkedConfig(path: string, options: LoadOptions): Promise<Config> {
  const { problems, config } = await inspectAll(path, options, true)
  const errors = problems.filter(isError)
  if (config === undefined || errors.length > 0) throw configInvalid(path, errors)
  for (const problem of problems) options.onWarning?.(renderProblem(problem))
  return config
}

function readFlags(args: string[]): Record<string, unknown> {
  return parseFlags('check', args, { ...CONFIG_FLAGS, ...OWN_FLAGS }, false).values
}

// What is legal and yet surely not meant.
function doubts(values: Values): Problem[] {
  const doubt = (place: string, key: string, what: string, todo: string): Problem => ({
    severity: 'warning',
    at: values.at(place),
    key,
    what,
    todo,
  })
  const found: Problem[] = []
  for (let index = 0; index < values.length('streams'); index += 1) {
    const place = `streams[${index}].format`
    const spec = values.get<string | FormatMap>(place)
    const key = spec === undefined ? undefined : resolveFormat(spec).roleKeys.project
    if (key === undefined || !isClientKey(key)) continue
    const what = `Envoy fills ${key} with what a client sends, who could have others billed`
    const todo = 'take a key that only the operator fills, such as route metadata'
    found.push(doubt(place, `${place}.project`, what, todo))
  }
  if (values.has('observe.route_series_max') && !values.has('observe.listen')) {
    const key = 'observe.route_series_max'
    found.push(doubt(key, key, 'nobody can see it: nothing listens', 'set observe.listen too'))
  }
  const url = new URL(values.get<string>('sink.url') ?? 'https://unset')
  if (url.protocol === 'https:') return found
  if (values.has('sink.tls')) {
    found.push(doubt('sink.tls', 'sink.tls', 'it has no effect on http', 'write an https URL'))
  }
  if (values.has('sink.bearer_file') && !LOOPBACK.test(url.hostname)) {
    const what = 'the token crosses the network in the clear'
    found.push(doubt('sink.url', 'sink.url', what, 'write an https URL'))
  }
  return found
}

function asJson(path: string, problems: readonly Problem[], values: Values | undefined): string {
  const report = {
    ok: !problems.some(isError),
    config: path,
    problems: problems.map(({ severity, at, key, what, todo }) => ({
      severity,
      at: at.label,
      key,
      what,
      todo,
    })),
    values: values === undefined ? [] : reportValues(values),
  }
  return `${JSON.stringify(report, null, 2)}\n`
}

function asText(
  path: string,
  problems: readonly Problem[],
  config: Config | undefined,
  display: Display,
): string {
  const counts = problemCounts(problems)
  const isGood = !problems.some(isError) && config !== undefined
  const verdict = counts === '' ? 'ok' : `ok, ${counts}`
  const summary = isGood ? `${verdict}: ${describeConfig(config)}` : counts
  const last = wrapped(visible(`${path}: ${summary}`), display.columns, 2)
  return `${[...problemLines(problems, display), ...last].join('\n')}\n`
}

function describeConfig(config: Config): string {
  const { sink, state } = config
  return [
    counted(config.streams.length, 'stream entry', 'stream entries'),
    `window ${formatDuration(config.windowMs)}`,
    `state ${state.dir}`,
    `sink ${sink.type}${describeTarget(sink)}`,
  ].join(', ')
}

function describeTarget(sink: Config['sink']): string {
  switch (sink.type) {
    case 'stdout':
      return ''
    case 'file':
      return ` ${sink.path}`
    case 'nats':
      return ` ${sink.servers.join(', ')}, stream ${sink.stream}`
    default:
      return ` ${sink.url}`
  }
}
