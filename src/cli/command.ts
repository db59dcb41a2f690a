// What every command has in common: where it reads and writes, and how its flags are read.

import { type ParseArgsConfig, parseArgs } from 'node:util'
import { nearestWord } from '../config/problems.ts'
import { MeterFastError } from '../errors.ts'
import type { Display } from './display.ts'

/** The world of a command. stdout is data, stderr is for people. */
export interface CommandIo {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: NodeJS.WritableStream
  /** Text for people; control characters in it are shown, not obeyed. */
  readonly stderr: (text: string) => void
  readonly env: NodeJS.ProcessEnv
  /** The terminal that stderr is; not there without one. */
  readonly terminal?: {
    /** Writes control characters too. */
    readonly redraw: (text: string) => void
    readonly display: () => Display
  }
  /** Aborted by SIGTERM and SIGINT. */
  readonly signal: AbortSignal
  /** Calls at each SIGHUP from now on, which else ends the process. */
  readonly onHangup?: (heard: () => void) => void
}

/** One flag: what it takes, and its sentence in `--help`. */
export interface Flag {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** What a value looks like, e.g. `60s`; empty for a boolean. */
  readonly value?: string
  /** The values that it takes, where they are few. */
  readonly choices?: readonly string[]
  /** It may be given several times; its values are in `lists`. */
  readonly multiple?: boolean
  readonly sentence: string
}

export interface ParsedFlags<Name extends string> {
  readonly texts: Partial<Record<Name, string>>
  readonly lists: Partial<Record<Name, readonly string[]>>
  readonly given: ReadonlySet<Name>
  readonly positionals: readonly string[]
}

/**
 * Reads flags; one that is not given may come from its environment twin, METER_FAST_<NAME>.
 * A boolean twin is on when it is `1` or `true`.
 * @throws {MeterFastError} METER_USAGE
 */
export function readFlags<Name extends string>(
  command: string,
  flags: Readonly<Record<Name, Flag>>,
  args: string[],
  env: NodeJS.ProcessEnv,
): ParsedFlags<Name> {
  const names = Object.keys(flags) as Name[]
  const parsed = parseFlags(command, args, optionsOf(flags))
  const texts: Partial<Record<Name, string>> = {}
  const lists: Partial<Record<Name, readonly string[]>> = {}
  const given = new Set<Name>()
  for (const name of names) {
    // An empty variable counts as not set.
    const value = parsed.values[name] ?? (env[environmentTwin(name)] || undefined)
    if (flags[name].multiple) lists[name] = [value ?? []].flat().map(String)
    else if (typeof value === 'string' && flags[name].type === 'string') texts[name] = value
    if (value === true || value === '1' || value === 'true') given.add(name)
  }
  return { texts, lists, given, positionals: parsed.positionals }
}

/** Flags as parseArgs of node:util wants them. */
export function optionsOf(
  flags: Readonly<Record<string, Flag>>,
): NonNullable<ParseArgsConfig['options']> {
  const all = Object.entries(flags).map(([name, { type, short, multiple = false }]) => {
    return [name, { type, multiple, ...(short !== undefined && { short }) }] as const
  })
  return Object.fromEntries(all)
}

/**
 * parseArgs of node:util; a flag that is not known is told with the one that was meant.
 * @throws {MeterFastError} METER_USAGE
 */
export function parseFlags(
  command: string,
  args: string[],
  options: NonNullable<ParseArgsConfig['options']>,
  allowPositionals = true,
): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals })
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split('. ')[0] ?? ''
    const [, unknown] = /^Unknown option '--([^']+)'/.exec(reason) ?? []
    const meant = unknown === undefined ? undefined : nearestWord(unknown, Object.keys(options))
    if (meant === undefined) throw usage(command, reason)
    const text = `${command}: ${reason}; did you mean --${meant}?`
    throw new MeterFastError('METER_USAGE', text, { cause })
  }
}

/** Text from a log, a name or a server, fit for a terminal: no escapes, no bidi tricks. */
export function visible(text: string): string {
  return text.replace(/\p{C}/gu, '?')
}

export function environmentTwin(flag: string): string {
  return `METER_FAST_${flag.toUpperCase().replaceAll('-', '_')}`
}

export function usage(command: string, problem: string): MeterFastError {
  return new MeterFastError(
    'METER_USAGE',
    `${command}: ${problem}; "meter-fast ${command} --help" shows what it takes`,
  )
}

/** A flag's value, which must be one of `choices`. */
export function choice<const T extends string>(
  command: string,
  flag: string,
  text: string,
  choices: readonly T[],
): T {
  const found = choices.find((known) => known === text)
  if (found !== undefined) return found
  throw usage(command, `--${flag} must be one of ${choices.join(', ')}, not "${text}"`)
}

/** Writes and waits until the stream has room; a closed pipe ends the command quietly. */
export async function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  if (!stream.write(text)) {
    await new Promise<void>((resolve) => stream.once('drain', resolve))
  }
}
