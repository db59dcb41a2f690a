// Facts below each other, their labels in a column at the left.

import { wrapped } from './cells.ts'
import { visible } from './command.ts'
import type { Display, Style } from './display.ts'

export interface Fact {
  readonly label: string
  readonly text: string
  readonly style?: Style | undefined
}

/** Each fact in as many lines as it needs; those after its first one stand below its text. */
export function labelledLines(facts: readonly Fact[], display: Display): string[] {
  const width = Math.max(0, ...facts.map(({ label }) => label.length)) + 2
  return facts.flatMap(({ label, text, style }) =>
    wrapped(visible(text), display.columns - width).map((line, at) => {
      const shown = style === undefined ? line : display.paint(style, line)
      return `${(at === 0 ? label : '').padEnd(width)}${shown}`
    }),
  )
}
