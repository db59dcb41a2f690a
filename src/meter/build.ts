// What was built and chosen: for --version, metrics and bug reports.

import { readFileSync } from 'node:fs'
import { describe } from '../native.ts'

/** E.g. `simdjson 3.9.4 icelake`: its version, and the kernel that it chose for this CPU. */
export function buildText(): string {
  const { simdjson, kernel } = describe()
  return `simdjson ${simdjson} ${kernel}`
}

/** The version of this package. */
export function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
