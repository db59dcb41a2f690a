// `meter-fast bench`: the whole path of meter-fast and of its peers on the same synthetic logs.
// Ratios are what counts; absolute times only inform.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MeterFastError } from 'meter-fast'
import { contenders } from './contenders.ts'
import { makeCorpus } from './corpus.ts'
import { type DurabilityOutcome, measureDurability } from './durability.ts'
import { measure, type Outcome } from './measure.ts'
import { type MemoryOutcome, measureMemory } from './memory.ts'
import type { MicroOutcome } from './micro.ts'
import { renderDurability, renderMemory, renderMicro, renderOutcome } from './report.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'

export interface BenchIo {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: (text: string) => void
  readonly env: NodeJS.ProcessEnv
}

interface BenchSettings {
  readonly scenarios: readonly Scenario[]
  readonly lines: number
  readonly repetitions: number
  readonly memoryLines: number
  readonly micro: boolean
  readonly memory: boolean
  /** Keys of the log of the durability bench; 0: it is not run. */
  readonly durabilityKeys: number
  readonly json: boolean
}

/** Of the parts, measured one by one. */
const MICRO_ROUTES = 2000
const FLAGS = {
  scenario: { type: 'string' },
  lines: { type: 'string', default: '500000' },
  repetitions: { type: 'string', default: '5' },
  micro: { type: 'boolean', default: false },
  memory: { type: 'boolean', default: false },
  durability: { type: 'string', default: '0' },
  'memory-lines': { type: 'string', default: '2600000' },
  json: { type: 'boolean', default: false },
} as const

/**
 * Prints a table per scenario, or with `--json` one object.
 *
 * `--scenario` one of scenarios.ts (all by default), `--lines` per log (1,000 to 100,000,000,
 * default 500,000), `--repetitions` (1 to 100, default 5). `--micro` also measures the parts
 * of the path one by one (it needs the development package tinybench), `--memory` the peak memory
 * of a scan of `--memory-lines` lines (2,600,000, about 1 GB), `--durability N` what commits cost
 * an agent on a log of N keys. Each flag has an environment twin,
 * such as METER_FAST_LINES. Logs are made in a directory of the system's temporary folder, which
 * is removed at the end.
 *
 * @returns the exit code: 0, or 1 when a contender's answer was wrong.
 * @throws {MeterFastError} METER_USAGE for a bad flag.
 */
export async function bench(args: string[], io: BenchIo): Promise<number> {
  const settings = readSettings([...twinArgs(io.env), ...args])
  const directory = await mkdtemp(join(tmpdir(), 'meter-fast-bench-'))
  try {
    const outcomes: Outcome[] = []
    for (const scenario of settings.scenarios) {
      const outcome = await runScenario(directory, scenario, settings, io)
      outcomes.push(outcome)
      if (!settings.json) io.stdout.write(renderOutcome(outcome))
    }
    const micro = settings.micro ? await runMicro(directory, settings, io) : null
    const memory = settings.memory ? await runMemory(directory, settings, io) : null
    const durability =
      settings.durabilityKeys > 0 ? await runDurability(directory, settings, io) : null
    const report = { scenarios: outcomes, micro, memory, durability }
    if (settings.json) io.stdout.write(`${JSON.stringify(report)}\n`)
    const answers = [
      ...outcomes.flatMap(({ standings }) => standings),
      ...[micro, memory, durability],
    ]
    return answers.every((answer) => answer === null || answer.wrong === null) ? 0 : 1
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function runScenario(
  directory: string,
  scenario: Scenario,
  { lines, repetitions }: BenchSettings,
  io: BenchIo,
): Promise<Outcome> {
  const { name } = scenario
  const { present, absent } = contenders()
  for (const peer of absent) io.stderr(`${peer.name} is not there: ${peer.remedy}\n`)
  io.stderr(`${name}: making ${lines} lines, then ${repetitions} runs of each contender\n`)
  const corpus = await makeCorpus({ ...scenario, directory, lines })
  const oneLine = await makeCorpus({ ...scenario, directory, name: 'one', lines: 1 })
  const outcome = await measure(name, { corpus, oneLine }, present, repetitions)
  await rm(corpus.path)
  return outcome
}

async function runMicro(
  directory: string,
  { lines, json }: BenchSettings,
  io: BenchIo,
): Promise<MicroOutcome> {
  io.stderr(`micro: making ${lines} lines\n`)
  // Loaded here only: an installed package has no tinybench.
  const { measureMicro } = await import('./micro.ts')
  const settings = {
    directory,
    name: 'micro',
    format: 'datum',
    lines,
    routes: MICRO_ROUTES,
  } as const
  const micro = await measureMicro(await makeCorpus(settings))
  if (!json) io.stdout.write(renderMicro(micro))
  return micro
}

async function runMemory(
  directory: string,
  { memoryLines, json }: BenchSettings,
  io: BenchIo,
): Promise<MemoryOutcome> {
  io.stderr(`memory: making ${memoryLines} lines\n`)
  const memory = await measureMemory(directory, memoryLines)
  if (!json) io.stdout.write(renderMemory(memory))
  return memory
}

async function runDurability(
  directory: string,
  { durabilityKeys, lines, json }: BenchSettings,
  io: BenchIo,
): Promise<DurabilityOutcome> {
  io.stderr(`durability: making ${lines} lines of ${durabilityKeys} keys\n`)
  const durability = await measureDurability(directory, durabilityKeys, lines)
  if (!json) io.stdout.write(renderDurability(durability))
  return durability
}

function readSettings(args: string[]): BenchSettings {
  const values = parseFlags(args)
  const scenarios = SCENARIOS.filter(({ name }) => [undefined, name].includes(values.scenario))
  if (scenarios.length === 0) {
    const names = SCENARIOS.map(({ name }) => name).join(', ')
    throw usage(`--scenario must be one of ${names}, not "${values.scenario}"`)
  }
  return {
    scenarios,
    lines: integer('lines', values.lines, 1000, 100_000_000),
    repetitions: integer('repetitions', values.repetitions, 1, 100),
    memoryLines: integer('memory-lines', values['memory-lines'], 1000, 100_000_000),
    durabilityKeys: integer('durability', values.durability, 0, 10_000_000),
    micro: values.micro,
    memory: values.memory,
    json: values.json,
  }
}

/** Flags from the environment, such as METER_FAST_LINES; they come first, so that a flag wins. */
function twinArgs(env: NodeJS.ProcessEnv): string[] {
  return Object.entries(FLAGS).flatMap(([flag, { type }]) => {
    const text = env[`METER_FAST_${flag.toUpperCase().replaceAll('-', '_')}`]
    if (text === undefined || text === '') return []
    if (type === 'string') return [`--${flag}=${text}`]
    return text === 'true' || text === '1' ? [`--${flag}`] : []
  })
}

function parseFlags(args: string[]) {
  try {
    return parseArgs({ args, options: FLAGS, strict: true, allowPositionals: false }).values
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause))
  }
}

function integer(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw usage(`--${flag} must be a whole number from ${min} to ${max}, not "${text}"`)
}

function usage(problem: string): MeterFastError {
  return new MeterFastError('METER_USAGE', `bench: ${problem}.`)
}
