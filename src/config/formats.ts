// Formats, checked and resolved to what the core is given: paths, and roles as indexes of paths.
//
// formatProblems tells everything that is wrong, for a file with places; resolveFormat throws it.

import { MeterFastError } from '../errors.ts'
import type { EngineFormat, ProjectSource, Role } from '../native.ts'
import {
  type FormatMap,
  type LineDimension,
  PRESET_NAMES,
  PRESETS,
  type Preset,
  type PresetName,
  type ProjectSpec,
  ROLES,
} from './presets.ts'
import { oneOf, shown, suggestion } from './problems.ts'

/** What the core is given, and the same in the words of the configuration. */
export interface ResolvedFormat extends EngineFormat {
  readonly name: PresetName | 'custom'
  readonly roleKeys: Readonly<Partial<Record<Role, string>>>
  /** Names of `dimensions`, in the same order. */
  readonly dimensionNames: readonly string[]
}

/** Something wrong in a format; `key` is the key inside it, empty for the whole. */
export interface FormatProblem {
  readonly key: string
  readonly what: string
  readonly todo: string
}

// DESIGN 4.5: the only text that may become a subject of the billing system.
const PROJECT = /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

// A line has at most 64 containers open at once, so no key lies deeper.
const POINTER_TOKENS_MAX = 64

const MAP_KEYS = ['preset', ...ROLES]

/**
 * Resolves a preset's name or a map of roles, with the dimensions that are read from the line.
 *
 * @throws {MeterFastError} METER_CONFIG_INVALID, with every problem of the format.
 */
export function resolveFormat(
  spec: string | FormatMap,
  lineDimensions: readonly LineDimension[] = [],
): ResolvedFormat {
  const problems = formatProblems(spec)
  if (problems.length > 0) {
    const lines = problems.map(
      ({ key, what, todo }) => `${['format', key].filter(Boolean).join('.')}: ${what}; ${todo}`,
    )
    throw new MeterFastError('METER_CONFIG_INVALID', lines.join('\n'))
  }
  const { preset, ...own }: Partial<FormatMap> =
    typeof spec === 'string' ? { preset: spec as PresetName } : spec
  const map: Preset = { ...(preset && PRESETS[preset]), ...own }
  const roleKeys: Partial<Record<Role, string>> = {}
  for (const role of ROLES) {
    const key = map[role]
    if (typeof key === 'string') roleKeys[role] = key
  }
  const { paths, indexOf } = pathTable()
  const roles = mapValues(roleKeys, indexOf)
  const dimensions = lineDimensions.map(({ from }) => indexOf(from))
  const dimensionNames = lineDimensions.map((dimension) => dimension.name)
  return {
    name: preset ?? 'custom',
    paths,
    roles,
    project: projectSource(map.project),
    dimensions,
    roleKeys,
    dimensionNames,
  }
}

/** Every problem of a preset's name or a map of roles, whatever its type. */
export function formatProblems(spec: unknown): FormatProblem[] {
  if (typeof spec === 'string') return presetProblems(spec)
  if (!isRecord(spec)) {
    return [
      {
        key: '',
        what: `${shown(spec)} is no format`,
        todo: `write ${oneOf(PRESET_NAMES)}, or a map of roles`,
      },
    ]
  }
  const { preset, ...own } = spec
  const problems = preset === undefined ? [] : baseProblems(preset)
  for (const [role, key] of Object.entries(own)) {
    if (!ROLES.includes(role as Role)) {
      problems.push({ key: role, what: 'unknown role', todo: suggestion(role, MAP_KEYS) })
    } else if (role !== 'project' || typeof key === 'string') {
      problems.push(...keyProblems(role, key))
    }
  }
  if (preset !== undefined && problems.some(({ key }) => key === 'preset')) return problems
  const { project, route } = { ...(isPreset(preset) && PRESETS[preset]), ...own }
  return [...problems, ...projectProblems(project, route)]
}

/** What is wrong with a key of a line: empty, no text, or a malformed JSON Pointer. */
export function keyProblems(at: string, key: unknown): FormatProblem[] {
  if (typeof key !== 'string' || key === '') {
    return [
      {
        key: at,
        what: `${shown(key)} is no key of a line`,
        todo: 'write a key, or a JSON Pointer such as /a/0/b',
      },
    ]
  }
  const isPointer = key.startsWith('/')
  if (isPointer && /~(?![01])/.test(key)) {
    return [
      {
        key: at,
        what: `${shown(key)} is no JSON Pointer`,
        todo: 'write ~ as ~0 and / inside a key as ~1',
      },
    ]
  }
  if (isPointer && key.split('/').length - 1 > POINTER_TOKENS_MAX) {
    return [
      {
        key: at,
        what: 'it lies deeper than a line may nest',
        todo: `use at most ${POINTER_TOKENS_MAX} steps`,
      },
    ]
  }
  return []
}

function presetProblems(name: string): FormatProblem[] {
  if (isPreset(name)) {
    if (PRESETS[name].project !== undefined) return []
    const what = `the lines of ${name} name no project`
    const map = `{ preset: ${name}, project: { constant: NAME } }`
    const todo = `give one in the configuration: format: ${map}`
    return [{ key: '', what, todo }]
  }
  const choose = `choose ${oneOf(PRESET_NAMES)}, or write a map of roles`
  if (name === 'auto') return [{ key: '', what: 'auto is only for scan', todo: choose }]
  return [{ key: '', what: `unknown preset ${shown(name)}`, todo: choose }]
}

function baseProblems(preset: unknown): FormatProblem[] {
  if (isPreset(preset)) return []
  const what = `unknown preset ${shown(preset)}`
  return [{ key: 'preset', what, todo: `choose ${oneOf(PRESET_NAMES)}` }]
}

function isPreset(name: unknown): name is PresetName {
  return PRESET_NAMES.includes(name as PresetName)
}

function projectProblems(project: unknown, route: unknown): FormatProblem[] {
  const problem = (what: string, todo: string): FormatProblem[] => [{ key: 'project', what, todo }]
  const forms = 'write a key, {route: namespace, strip: PREFIX} or {constant: NAME}'
  if (project === undefined) return problem('is missing', forms)
  if (typeof project === 'string') return []
  if (!isRecord(project)) return problem(`${shown(project)} names no project`, forms)
  const { constant, route: part, strip, ...rest } = project
  const isConstant = constant !== undefined && part === undefined && strip === undefined
  const isRoute = constant === undefined && part === 'namespace'
  if (Object.keys(rest).length > 0 || !(isConstant || isRoute)) {
    return problem(`${shown(project)} names no project`, forms)
  }
  if (isConstant && !(typeof constant === 'string' && PROJECT.test(constant))) {
    return problem(`${shown(constant)} is no project`, 'write at most 63 of a-z, 0-9 and inner -')
  }
  if (strip !== undefined && typeof strip !== 'string') {
    return problem(`strip ${shown(strip)} is no text`, 'put quotes around it')
  }
  if (isRoute && route === undefined) {
    return problem("the route's namespace needs a route", 'give the role route a key')
  }
  return []
}

function projectSource(project: ProjectSpec | undefined): ProjectSource {
  if (project === undefined || typeof project === 'string') return { from: 'key' }
  if ('constant' in project) return { from: 'constant', value: project.constant }
  return { from: 'routeNamespace', strip: project.strip ?? '' }
}

// Equal keys share a path, also when one is written as a pointer.
function pathTable(): { paths: string[][]; indexOf: (key: string) => number } {
  const paths: string[][] = []
  const indexes = new Map<string, number>()
  const indexOf = (key: string): number => {
    const tokens = tokensOf(key)
    const name = JSON.stringify(tokens)
    const known = indexes.get(name)
    if (known !== undefined) return known
    indexes.set(name, paths.length)
    return paths.push(tokens) - 1
  }
  return { paths, indexOf }
}

function tokensOf(key: string): string[] {
  if (!key.startsWith('/')) return [key]
  const tokens = key.slice(1).split('/')
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function mapValues<K extends string, A, B>(
  given: Readonly<Partial<Record<K, A>>>,
  change: (value: A) => B,
): Partial<Record<K, B>> {
  const entries = Object.entries(given) as [K, A][]
  return Object.fromEntries(entries.map(([k, v]) => [k, change(v)])) as Partial<Record<K, B>>
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
