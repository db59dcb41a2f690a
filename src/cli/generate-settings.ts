// The flags of `meter-fast generate`, checked: every bad value is named with its bounds.
// A flag wins over its environment twin, which wins over the default.

import type { ParseArgsConfig } from 'node:util'
import { MeterFastError } from '../errors.ts'
import { environmentTwin, parseFlags } from './command.ts'
import type { LogSettings } from './generate-lines.ts'
import { LINES_MAX } from './generate-truth.ts'

export interface GenerateSettings extends LogSettings {
  readonly lines: number
  /** Path of the file that gets the truth. */
  readonly truth: string | undefined
}

const PROJECTS_DEFAULT = 100
const FLAGS = [
  'lines',
  'projects',
  'routes',
  'seed',
  'format',
  'envelope',
  'start',
  'per-second',
  'truth',
] as const
type Flag = (typeof FLAGS)[number]
type FlagTexts = Partial<Record<Flag, string>>

const CLOCK_MIN_MS = Date.UTC(2000, 0, 1)
const CLOCK_END_MS = Date.UTC(2100, 0, 1)
const HOUR_AND_MINUTE = String.raw`(?:[01]\d|2[0-3]):[0-5]\d`
const RFC3339 = new RegExp(
  String.raw`^(\d{4}-\d\d-\d\dT${HOUR_AND_MINUTE}:[0-5]\d)(\.\d{1,9})?(Z|[+-]${HOUR_AND_MINUTE})$`,
)

/** @throws {MeterFastError} METER_USAGE */
export function readSettings(args: string[], env: NodeJS.ProcessEnv): GenerateSettings {
  const texts = readFlags(args, env)
  const routes = integer(texts, 'routes', 1000, 1, 1_000_000)
  const projects = integer(texts, 'projects', Math.min(PROJECTS_DEFAULT, routes), 1, 1_000_000)
  if (projects > routes) {
    throw usage('projects', `must be at most --routes (${routes}): a route has one project`)
  }
  const lines = integer(texts, 'lines', 100_000, 0, LINES_MAX)
  const perSecond = integer(texts, 'per-second', 1000, 1, 1_000_000)
  const startMs = startTime(texts.start ?? '2026-01-01T00:00:00Z')
  if (startMs + (lines / perSecond) * 1000 >= CLOCK_END_MS) {
    throw usage('per-second', 'is too small: the log would go on after the year 2099')
  }
  return {
    lines,
    projects,
    routes,
    seed: integer(texts, 'seed', 1, 0, 2 ** 32 - 1),
    format: choice(texts, 'format', ['datum', 'envoy-gateway']),
    envelope: choice(texts, 'envelope', ['raw', 'cri']),
    startMs,
    perSecond,
    truth: texts.truth,
  }
}

/** Flags as texts; what no flag gives may come from its environment twin. */
function readFlags(args: string[], env: NodeJS.ProcessEnv): FlagTexts {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const flag of FLAGS) options[flag] = { type: 'string' }
  const given: Record<string, unknown> = parseFlags('generate', args, options, false).values
  const texts: FlagTexts = {}
  for (const flag of FLAGS) {
    const text = given[flag] ?? env[environmentTwin(flag)]
    if (typeof text === 'string') texts[flag] = text
  }
  return texts
}

function integer(texts: FlagTexts, flag: Flag, byDefault: number, min: number, max: number) {
  const text = texts[flag]
  if (text === undefined) return byDefault
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw usage(flag, `must be a whole number from ${min} to ${max}, not "${text}"`)
}

/** The first of `choices` is the default. */
function choice<const T extends string>(
  texts: FlagTexts,
  flag: Flag,
  choices: readonly [T, ...T[]],
) {
  const text = texts[flag] ?? choices[0]
  const found = choices.find((known) => known === text)
  if (found !== undefined) return found
  throw usage(flag, `must be one of ${choices.join(', ')}, not "${text}"`)
}

function startTime(text: string): number {
  const [, seconds, fraction, zone] = RFC3339.exec(text) ?? []
  const date = new Date(`${seconds}Z`)
  // Date moves 30 February to March; a real date comes back as it was written.
  const real = !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === seconds
  const ms = real ? Date.parse(`${seconds}${(fraction ?? '').slice(0, 4)}${zone}`) : Number.NaN
  if (ms >= CLOCK_MIN_MS && ms < CLOCK_END_MS) return ms
  throw usage('start', `must be an RFC 3339 time from 2000 to 2099, not "${text}"`)
}

function usage(flag: Flag, problem: string): MeterFastError {
  return new MeterFastError('METER_USAGE', `generate: --${flag} ${problem}.`)
}
