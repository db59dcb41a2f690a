// The flags of the benchmark, and their environment twins.

import { parseArgs } from 'node:util'
import { MeterFastError } from 'meter-fast'
import { SCENARIOS, type Scenario } from './scenarios.ts'

export interface BenchSettings {
  /** None when only parts are asked for. */
  readonly scenarios: readonly Scenario[]
  readonly lines: number
  readonly repetitions: number
  readonly memoryLines: number
  readonly micro: boolean
  readonly memory: boolean
  /** Keys of the log of the durability bench; 0: it is not run. */
  readonly durabilityKeys: number
  /** How long a node is watched; 0: it is not. */
  readonly steadySeconds: number
  /** Lines a second of that node. */
  readonly steadyPerSecond: number
  readonly workers: boolean
  readonly delivery: boolean
  readonly deliveryEvents: number
  readonly json: boolean
}

const FLAGS = {
  scenario: { type: 'string' },
  lines: { type: 'string', default: '500000' },
  repetitions: { type: 'string', default: '5' },
  micro: { type: 'boolean', default: false },
  memory: { type: 'boolean', default: false },
  durability: { type: 'string', default: '0' },
  steady: { type: 'string', default: '0' },
  'per-second': { type: 'string', default: '10000' },
  workers: { type: 'boolean', default: false },
  delivery: { type: 'boolean', default: false },
  'delivery-events': { type: 'string', default: '1000000' },
  'memory-lines': { type: 'string', default: '2600000' },
  json: { type: 'boolean', default: false },
} as const

/** @throws {MeterFastError} METER_USAGE for a bad flag. */
export function readSettings(args: string[], env: NodeJS.ProcessEnv): BenchSettings {
  const values = parseFlags([...twinArgs(env), ...args])
  const scenarios = SCENARIOS.filter(({ name }) => [undefined, name].includes(values.scenario))
  if (scenarios.length === 0) {
    const names = SCENARIOS.map(({ name }) => name).join(', ')
    throw usage(`--scenario must be one of ${names}, not "${values.scenario}"`)
  }
  const settings = {
    lines: integer('lines', values.lines, 1000, 100_000_000),
    repetitions: integer('repetitions', values.repetitions, 1, 100),
    memoryLines: integer('memory-lines', values['memory-lines'], 1000, 100_000_000),
    durabilityKeys: integer('durability', values.durability, 0, 10_000_000),
    steadySeconds: integer('steady', values.steady, 0, 86_400),
    steadyPerSecond: integer('per-second', values['per-second'], 1, 1_000_000),
    micro: values.micro,
    memory: values.memory,
    workers: values.workers,
    delivery: values.delivery,
    deliveryEvents: integer('delivery-events', values['delivery-events'], 1000, 100_000_000),
    json: values.json,
  }
  const { micro, memory, workers, delivery, durabilityKeys, steadySeconds } = settings
  const hasParts = micro || memory || workers || delivery || durabilityKeys + steadySeconds > 0
  return { ...settings, scenarios: hasParts && values.scenario === undefined ? [] : scenarios }
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
