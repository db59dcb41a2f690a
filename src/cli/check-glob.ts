// What a file pattern fits at this moment, for `check`: a plain listing that follows what it meets.
// The tail, which decides what is read and bills for it, has stricter rules of its own.

import { constants } from 'node:fs'
import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Paths that fit an absolute pattern now, sorted; wildcards stay inside one path segment. */
export async function expandPattern(pattern: string): Promise<string[]> {
  let paths = ['/']
  for (const segment of pattern.split('/').slice(1)) {
    const next = await Promise.all(paths.map((path) => matching(path, segment)))
    paths = next.flat()
  }
  return paths.sort()
}

async function matching(directory: string, segment: string): Promise<string[]> {
  const literal = segment.replaceAll(/\\(.)/g, '$1')
  if (!hasWildcard(segment)) {
    const path = join(directory, literal)
    const isThere = await access(path, constants.F_OK).then(
      () => true,
      () => false,
    )
    return isThere ? [path] : []
  }
  const names = await readdir(directory).catch(() => [])
  const test = segmentPattern(segment)
  const visible = names.filter((name) => segment.startsWith('.') || !name.startsWith('.'))
  return visible.filter((name) => test.test(name)).map((name) => join(directory, name))
}

function segmentPattern(segment: string): RegExp {
  const source = segment.replaceAll(/\\(.)|\[([!^]?)(.[^\]]*)\]|\*|\?|[^*?[\\]+/gsu, (...match) => {
    const [token, taken, negated, members] = match as (string | undefined)[]
    if (token === '*') return '.*'
    if (token === '?') return '.'
    if (members !== undefined) return `[${negated ? '^' : ''}${quoted(members)}]`
    return quoted(taken ?? token ?? '')
  })
  try {
    return new RegExp(`^${source}$`, 'su')
  } catch {
    // A range that runs backwards, as in [z-a], fits nothing.
    return /(?!)/
  }
}

function quoted(text: string): string {
  return text.replaceAll(/[\\^$.|+(){}[\]*?/]/g, '\\$&')
}

/** A path as a pattern that fits only that path. */
export function literalPattern(path: string): string {
  return path.replaceAll(/[\\*?[]/g, '\\$&')
}

function hasWildcard(segment: string): boolean {
  return /[*?[]/.test(segment.replaceAll(/\\./g, ''))
}

/** The directory that the pattern names outright, before its first wildcard. */
export function literalDirectory(pattern: string): string {
  const segments = pattern.split('/').slice(0, -1)
  const wild = segments.findIndex(hasWildcard)
  const literal = wild < 0 ? segments : segments.slice(0, wild)
  return literal.join('/').replaceAll(/\\(.)/g, '$1') || '/'
}
