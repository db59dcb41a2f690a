// What was built and chosen: for --version and bug reports.

import { describe } from './native.ts'

/**
 * E.g. `simdjson 3.9.4 icelake, shapes avx512`: its version, the kernel that it chose for this CPU,
 * and that of the line shapes.
 */
export function buildText(): string {
  const { simdjson, kernel, shapes } = describe()
  return `simdjson ${simdjson} ${kernel}, shapes ${shapes}`
}
