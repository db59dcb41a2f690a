// Problems of a configuration or a catalog as people read them: one each, with its place first, in
// the form that editors and CI systems find their way by.

import { isError, type Problem, renderProblem } from '../config/problems.ts'
import { wrapped } from './cells.ts'
import { visible } from './command.ts'
import type { Display } from './display.ts'
import { counted } from './quantities.ts'

const HANG_CELLS = 2

export function problemLines(problems: readonly Problem[], display: Display): string[] {
  return problems.flatMap((problem) => {
    const [first = '', ...rest] = wrapped(
      visible(renderProblem(problem)),
      display.columns,
      HANG_CELLS,
    )
    const place = visible(problem.at.label)
    const isWhole = first.startsWith(place)
    const style = isError(problem) ? 'red' : 'yellow'
    return [isWhole ? display.paint(style, place) + first.slice(place.length) : first, ...rest]
  })
}

/** `2 problems, 1 warning`; empty for none. */
export function problemCounts(problems: readonly Problem[]): string {
  const errors = problems.filter(isError).length
  const warnings = problems.length - errors
  return [
    ...(errors > 0 ? [counted(errors, 'problem')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ].join(', ')
}
