// The log files that patterns on the command line fit. Files are rotated while they are looked for,
// so a pattern may be expanded again and again.

import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { MeterFastError } from '../errors.ts'
import { expandPattern } from './check-glob.ts'

/**
 * Looks at every pattern first; gives what expands them anew.
 * @throws {MeterFastError} METER_INPUT_MISSING naming all patterns that fit no file
 */
export async function findLogs(patterns: readonly string[]): Promise<() => Promise<string[]>> {
  const problems: string[] = []
  for (const pattern of patterns) {
    if (isDirectory(pattern)) {
      problems.push(`${pattern} is a directory: name its files, e.g. ${resolve(pattern, '*')}`)
    } else if ((await expand(pattern)).length === 0) {
      problems.push(`no file fits "${pattern}": check the name`)
    }
  }
  if (problems.length > 0) throw new MeterFastError('METER_INPUT_MISSING', problems.join('\n'))
  return async () => (await Promise.all(patterns.map(expand))).flat()
}

/** A name that a shell has expanded may hold what looks like a pattern. */
async function expand(pattern: string): Promise<string[]> {
  const path = resolve(pattern)
  const paths = existsSync(path) ? [path] : await expandPattern(path)
  return paths.filter((one) => !isDirectory(one))
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
