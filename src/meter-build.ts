// What was built and chosen: for --version and bug reports.

import { describe } from './native.ts'

/** E.g. `simdjson 3.9.4 icelake`: its version, and the kernel that it chose for this CPU. */
export function buildText(): string {
  const { simdjson, kernel } = describe()
  return `simdjson ${simdjson} ${kernel}`
}
