// File patterns of the configuration: `*`, `?` and `[...]` inside one path segment, nothing else.
//
// `*` is any run of characters, `?` any one, `[a-z]` one of a set, `[!a-z]` one not in it, and a
// backslash takes the next character as it is. No wildcard matches a `/` or the dot that begins
// a hidden name. `**` is refused: a tree of unknown depth has no stable stream names. Matching
// takes time proportional to pattern times name, whatever the names are: writers choose them.

import { lstat, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MeterFastError } from '../errors.ts'
import { isMissing, problemOf, type TailProblem, unreadable } from './problem.ts'

type Token = { readonly star: true } | { readonly star: false; matches(char: string): boolean }

/** One path segment of a pattern. */
export interface NamePattern {
  /** The name itself when the segment has no wildcard. */
  readonly literal: string | undefined
  matches(name: string): boolean
}

/** Where a pattern may find files: its name part, looked for in each of the directories. */
export interface PatternPlaces {
  readonly directories: readonly string[]
  readonly name: NamePattern
  readonly problems: readonly TailProblem[]
}

function refuse(pattern: string, what: string): never {
  throw new MeterFastError('METER_CONFIG_INVALID', `pattern "${pattern}": ${what}`)
}

/** Reads the set that begins after `[` at `start`; returns its token and the index behind `]`. */
function parseSet(segment: string, start: number): { token: Token; next: number } {
  const negated = segment[start] === '!' || segment[start] === '^'
  const first = negated ? start + 1 : start
  // A `]` that comes first is a member, as in every shell.
  const end = segment.indexOf(']', first + 1)
  if (end < 0) refuse(segment, 'a "[" has no "]"; write "\\[" for the character itself')
  const members = [...segment.slice(first, end)]
  const ranges: [string, string][] = []
  for (let i = 0; i < members.length; i += 1) {
    const low = members[i] ?? ''
    const high = members[i + 1] === '-' ? members[i + 2] : undefined
    ranges.push([low, high ?? low])
    if (high !== undefined) i += 2
  }
  const matches = (char: string): boolean =>
    ranges.some(([low, high]) => low <= char && char <= high) !== negated
  return { token: { star: false, matches }, next: end + 1 }
}

/** Reads one character, wildcard or set at `start`; `literal` for a plain character. */
function parseToken(
  segment: string,
  start: number,
): { token: Token; next: number; literal?: string } {
  const char = characterAt(segment, start)
  const next = start + char.length
  if (char === '*') {
    if (segment[next] === '*') refuse(segment, '"**" is not supported; name each directory level')
    return { token: { star: true }, next }
  }
  if (char === '?') return { token: { star: false, matches: () => true }, next }
  if (char === '[') return parseSet(segment, next)
  const escaped = char === '\\' && next < segment.length
  const literal = escaped ? characterAt(segment, next) : char
  const end = escaped ? next + literal.length : next
  return { token: { star: false, matches: (other) => other === literal }, next: end, literal }
}

function characterAt(text: string, index: number): string {
  return String.fromCodePoint(text.codePointAt(index) ?? 0)
}

function tokenize(segment: string): { tokens: Token[]; literal: string | undefined } {
  const tokens: Token[] = []
  let literal: string | undefined = ''
  for (let at = 0; at < segment.length; ) {
    const { token, next, literal: plain } = parseToken(segment, at)
    tokens.push(token)
    literal = plain === undefined || literal === undefined ? undefined : literal + plain
    at = next
  }
  return { tokens, literal }
}

/** Remembers only the last star: an earlier one never needs to give a character back. */
function matchTokens(tokens: readonly Token[], chars: readonly string[]): boolean {
  let token = 0
  let char = 0
  let star = -1
  let starChar = 0
  while (char < chars.length) {
    const now = tokens[token]
    if (now?.star === true) {
      star = token
      starChar = char
      token += 1
    } else if (now?.matches(chars[char] ?? '') === true) {
      token += 1
      char += 1
    } else if (star >= 0) {
      token = star + 1
      starChar += 1
      char = starChar
    } else {
      return false
    }
  }
  return tokens.slice(token).every((rest) => rest.star)
}

/** @throws {MeterFastError} METER_CONFIG_INVALID for `**` and for a set that is not closed. */
export function parseNamePattern(segment: string): NamePattern {
  const { tokens, literal } = tokenize(segment)
  if (literal !== undefined) return { literal, matches: (name) => name === literal }
  return {
    literal,
    matches: (name) =>
      (!name.startsWith('.') || segment.startsWith('.')) && matchTokens(tokens, [...name]),
  }
}

async function subdirectories(
  parent: string,
  pattern: NamePattern,
  problems: TailProblem[],
): Promise<string[]> {
  try {
    const entries = await readdir(parent, { withFileTypes: true })
    const found: string[] = []
    for (const entry of entries) {
      if (!pattern.matches(entry.name)) continue
      const path = join(parent, entry.name)
      if (entry.isDirectory()) found.push(path)
      else if (entry.isSymbolicLink()) {
        problems.push(problemOf(path, 'symlink', 'is a symbolic link; name its target instead'))
      }
    }
    return found
  } catch (error) {
    if (!isMissing(error)) problems.push(unreadable(parent, error))
    return []
  }
}

/** A directory that the pattern names outright, below a wildcard: it may not be a link. */
async function namedDirectory(path: string, problems: TailProblem[]): Promise<string[]> {
  try {
    const stats = await lstat(path)
    if (stats.isDirectory()) return [path]
    if (stats.isSymbolicLink()) {
      problems.push(problemOf(path, 'symlink', 'is a symbolic link; name its target instead'))
    }
  } catch (error) {
    if (!isMissing(error)) problems.push(unreadable(path, error))
  }
  return []
}

/**
 * The directories where files of `pattern` may be now, sorted. What comes before the first
 * wildcard is the configured root: links in it are the operator's choice and are followed.
 */
export async function findPlaces(pattern: string): Promise<PatternPlaces> {
  const segments = resolve(pattern).split('/').slice(1).map(parseNamePattern)
  const name = segments.pop()
  if (name === undefined || name.literal === '') refuse(pattern, 'it names no file')
  const problems: TailProblem[] = []
  let directories = ['/']
  let belowRoot = false
  for (const segment of segments) {
    const { literal } = segment
    belowRoot ||= literal === undefined
    const next: string[] = []
    for (const directory of directories) {
      if (literal === undefined) next.push(...(await subdirectories(directory, segment, problems)))
      else if (belowRoot) next.push(...(await namedDirectory(join(directory, literal), problems)))
      else next.push(join(directory, literal))
    }
    directories = next
  }
  return { directories: directories.sort(), name, problems }
}
