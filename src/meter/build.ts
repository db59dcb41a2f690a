// What was built and chosen: for --version, metrics and bug reports.

import { readFileSync } from 'node:fs'
import { embeddedText, isStandalone } from '../embedded.ts'
import { describe } from '../native.ts'

/** E.g. `simdjson 3.9.4 icelake`: its version, and the kernel that it chose for this CPU. */
export function buildText(): string {
  const { simdjson, kernel } = describe()
  return `simdjson ${simdjson} ${kernel}`
}

/** The version of this package. */
export function packageVersion(): string {
  const text = isStandalone
    ? embeddedText('package.json')
    : readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
