// Problems of a configuration: where, which key, what is wrong, what to do about it.
//
// Problems are collected, never thrown one by one: whoever mends a file wants to see all of them
// at once. Only the end of loading makes one error out of them.

import { MeterFastError } from '../errors.ts'

/** Where a value was written; `line` is 0 for a flag or an environment variable. */
export interface Place {
  /** `meter.yaml:3:9`, `METER_FAST_WINDOW` or `--window`. */
  readonly label: string
  readonly line: number
  readonly column: number
}

export interface Problem {
  /** A warning is shown by `check` and stops nothing. */
  readonly severity: 'error' | 'warning'
  readonly at: Place
  /** The key as a path: `streams[0].source_id`; empty for the file as a whole. */
  readonly key: string
  readonly what: string
  readonly todo: string
}

/** Takes a problem at a place; the only way by which readers and rules complain. */
export type Report = (at: Place, key: string, what: string, todo: string) => void

/** Problems as they are found, in that order. */
export class ProblemList {
  readonly found: Problem[] = []

  get hasErrors(): boolean {
    return this.found.some(isError)
  }

  readonly error: Report = (at, key, what, todo) => {
    this.found.push({ severity: 'error', at, key, what, todo })
  }

  readonly warning: Report = (at, key, what, todo) => {
    this.found.push({ severity: 'warning', at, key, what, todo })
  }
}

/** Whether it stops anything. */
export function isError({ severity }: Problem): boolean {
  return severity === 'error'
}

/** `meter.yaml:3:9: window: 60 has no unit; write 60s`. */
export function renderProblem(problem: Problem): string {
  const parts = [problem.at.label]
  if (problem.severity === 'warning') parts.push('warning')
  if (problem.key !== '') parts.push(problem.key)
  return `${parts.join(': ')}: ${problem.what}; ${problem.todo}`
}

/** File by file, in the order of the file; what came by flag or environment first. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map(({ at }) => fileOf(at)))]
  return problems.toSorted(({ at: a }, { at: b }) => {
    const isWritten = Math.sign(a.line) - Math.sign(b.line)
    const file = files.indexOf(fileOf(a)) - files.indexOf(fileOf(b))
    return isWritten || (a.line > 0 ? file : 0) || a.line - b.line || a.column - b.column
  })
}

/** The one error that tells all problems of `path`, a line each. */
export function configInvalid(path: string, problems: readonly Problem[]): MeterFastError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  const lines = problems.map(renderProblem).join('\n')
  return new MeterFastError('METER_CONFIG_INVALID', `${path} has ${count}:\n${lines}`)
}

function fileOf({ label, line, column }: Place): string {
  return label.slice(0, -`:${line}:${column}`.length)
}

/** A value as it is shown in a message: quoted, on one line, never longer than a line. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** `a`, `a or b`, `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}

/** What to do about an unknown word: the nearest known one, or all that are known. */
export function suggestion(word: string, known: readonly string[]): string {
  const meant = nearestWord(word, known)
  return meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`
}

/** The known word nearest to `word`, if it is near enough to have been meant. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, distance: distance(folded(word), folded(name)) }))
    .sort((a, b) => a.distance - b.distance)
  const nearest = ranked[0]
  const near = nearest !== undefined && nearest.distance <= Math.ceil(word.length / 3)
  return near ? nearest.name : undefined
}

// A word that was cut short (`egress`) is as near as a single slip.
function distance(word: string, name: string): number {
  const isBegin = word.length >= 3 && name.startsWith(word) && name !== word
  return isBegin ? 1 : editDistance(word, name)
}

// `sourceId`, `source-id` and `source_id` are one word to a person.
function folded(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '')
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const swap = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const step = Math.min(previous[column] ?? 0, current[column - 1] ?? 0) + 1
      current.push(Math.min(swap, step))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
