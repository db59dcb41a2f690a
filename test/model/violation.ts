// What a sequence can show to be broken.

/** The invariants of DESIGN 6, and `run`: the agent failed in a way that it must not. */
export type Rule = `I${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11}` | 'run'

export class Violation extends Error {
  readonly rule: Rule

  constructor(rule: Rule, what: string) {
    super(`${rule}: ${what}`)
    this.rule = rule
  }
}

export function check(rule: Rule, holds: boolean, what: () => string): void {
  if (!holds) throw new Violation(rule, what())
}
