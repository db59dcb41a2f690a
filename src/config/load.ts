// Loads a configuration file: read, checked as a whole, resolved.
//
// Everything wrong is found in one pass. `inspectConfig` gives it as data, with the origin of
// every value; `loadConfig` throws it as one error.

import { readFileSync } from 'node:fs'
import { MeterFastError } from '../errors.ts'
import { resolveCatalog } from './catalog-choice.ts'
import { buildConfig, type Config, missingStateDefault } from './config.ts'
import { readOverrides, replacedKeys } from './overrides.ts'
import {
  configInvalid,
  isError,
  type Problem,
  ProblemList,
  renderProblem,
  sortProblems,
} from './problems.ts'
import { applyRules } from './rules.ts'
import { isNull, readYaml } from './source.ts'
import { Values } from './values.ts'

export interface LoadOptions {
  /** Read for `${NAME}` in the file and for the twins METER_FAST_*. */
  readonly env: NodeJS.ProcessEnv
  /** Values by flag name without dashes, as parseArgs gives them for CONFIG_FLAGS. */
  readonly flags?: Readonly<Record<string, unknown>>
  /** Whether `run --once` asks: changes the default of on_missing_state. */
  readonly once?: boolean
  /** Is told what is legal and surely not meant. */
  readonly onWarning?: (text: string) => void
}

export interface Inspection {
  /** In the order of the file. */
  readonly problems: readonly Problem[]
  /** Undefined when there is a problem that is not only a warning. */
  readonly config: Config | undefined
  /** Undefined when the file is no YAML. */
  readonly values: Values | undefined
}

/**
 * Reads and resolves the configuration at `path`; flag over environment over file over default.
 *
 * @throws {MeterFastError} METER_INPUT_MISSING when the file cannot be read, METER_CONFIG_INVALID
 * with all problems, a line each.
 */
export function loadConfig(path: string, options: LoadOptions): Config {
  const { config, problems } = inspectConfig(path, options)
  if (config === undefined) throw configInvalid(path, problems.filter(isError))
  for (const problem of problems) options.onWarning?.(renderProblem(problem))
  return config
}

/**
 * Everything that is known about the configuration at `path`, right or wrong.
 *
 * @throws {MeterFastError} METER_INPUT_MISSING when the file cannot be read.
 */
export function inspectConfig(path: string, options: LoadOptions): Inspection {
  const list = new ProblemList()
  const read = readYaml(path, readText(path), options.env, list.error)
  if (read === undefined) {
    return { problems: sortProblems(list.found), config: undefined, values: undefined }
  }
  const root = isNull(read) ? { at: read.at, path: '', kind: 'map' as const, entries: [] } : read
  const overrides = readOverrides(options.flags ?? {}, options.env)
  const isReplaced = replacedKeys(root, overrides)
  // A variable that is missing where a flag stands instead is no problem.
  const variables = list.found.splice(0).filter(({ key }) => !isReplaced(key))
  const values = new Values(root, overrides, isReplaced, list.error)
  applyRules(values, list.error)
  const catalog = resolveCatalog(values, list)
  const problems = sortProblems([...variables, ...list.found])
  const isGood = catalog !== undefined && !problems.some(isError)
  return {
    problems,
    config: isGood ? buildConfig(values, catalog, options.once ?? false) : undefined,
    values,
  }
}

/** A value as `check --json` shows it. */
export interface ValueReport {
  readonly key: string
  readonly value: unknown
  readonly from: string
  readonly at: string
}

/** Every value, resolved, with where it came from; those that are wrong are left out. */
export function reportValues(values: Values, once = false): ValueReport[] {
  const rows = values.entries().map(([key, { value, from, at }]) => ({
    key,
    value: value instanceof Map ? Object.fromEntries(value) : value,
    from,
    at: at.label,
  }))
  if (!values.has('on_missing_state')) {
    const value = missingStateDefault(values, once)
    rows.push({ key: 'on_missing_state', value, from: 'default', at: 'default' })
  }
  return rows.filter(({ value }) => value !== undefined)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const todo = 'Name a configuration file that this user may read.'
    throw new MeterFastError('METER_INPUT_MISSING', `${path} cannot be read: ${reason}. ${todo}`, {
      cause,
    })
  }
}
