// What one side bills under which dimensions, and what of it the other side bills under others.
//
// Only amounts of HTTPRoutes are looked at, route by route. Project and route themselves are no
// dimensions here: they say whose usage it is.

import type { Cell } from './tally.ts'

/** The values that the pipeline's remap writes where the line names none: it never does. */
export const HARD_CODED: Readonly<Record<string, string>> = {
  region: 'us-east-1',
  gateway: 'test-gateway',
  gateway_namespace: 'default',
  gateway_class: 'datum-downstream-gateway',
}

const NAMING = ['project_name', 'httproute_namespace', 'httproute_name']

type Values = Readonly<Record<string, unknown>>

/** Amounts of one meter of one route by the dimensions that they are under. */
interface RouteUse {
  readonly project: string
  readonly meter: string
  /** Keys are the dimensions as JSON, keys in order. */
  readonly amounts: Map<string, bigint>
}

/** Usage of one meter of one project that the other side has under other dimensions. */
export interface Moved {
  readonly project: string
  readonly meter: string
  /** The dimensions that differ. */
  readonly keys: readonly string[]
  readonly hardCoded: bigint
  /** Where a value differs that is not one of those. */
  readonly unexplained: bigint
}

/** Dimensions taken apart: those that name the route, and the others as JSON, keys in order. */
interface SplitDimensions {
  readonly route: string
  readonly named: string
}

export class DimensionUse {
  readonly #routes = new Map<string, RouteUse>()
  readonly #splits = new Map<string, SplitDimensions>()

  add({ project, meter }: Cell, dimensions: Values, amount: bigint): void {
    const { route, named } = this.#split(dimensions)
    const key = JSON.stringify([project, meter, route])
    let use = this.#routes.get(key)
    if (use === undefined) {
      use = { project, meter, amounts: new Map() }
      this.#routes.set(key, use)
    }
    addTo(use.amounts, named, amount)
  }

  /** Done once for equal dimensions: events are many, routes are few. */
  #split(dimensions: Values): SplitDimensions {
    const text = JSON.stringify(dimensions)
    const known = this.#splits.get(text)
    if (known !== undefined) return known
    const named = Object.entries(dimensions).filter(([name]) => !NAMING.includes(name))
    const split = {
      route: JSON.stringify([dimensions['httproute_namespace'], dimensions['httproute_name']]),
      named: JSON.stringify(named.sort(([a], [b]) => (a < b ? -1 : 1))),
    }
    this.#splits.set(text, split)
    return split
  }

  /** What of this side's usage the other one bills under other values of the same keys. */
  movedTo(other: DimensionUse, literals: Values): Moved[] {
    const moved = new Map<string, Moved>()
    for (const [key, { project, meter, amounts }] of this.#routes) {
      const theirs = other.#routes.get(key)?.amounts
      if (theirs === undefined) continue
      const one = movedOf(amounts, theirs, literals)
      if (one.hardCoded + one.unexplained === 0n) continue
      const name = `${project}\0${meter}`
      const before = moved.get(name)
      moved.set(name, {
        project,
        meter,
        keys: [...new Set([...(before?.keys ?? []), ...one.keys])].sort(),
        hardCoded: (before?.hardCoded ?? 0n) + one.hardCoded,
        unexplained: (before?.unexplained ?? 0n) + one.unexplained,
      })
    }
    return [...moved.values()]
  }
}

/** What is more on either side under some dimensions must have been moved, if it is on both. */
function movedOf(
  mine: ReadonlyMap<string, bigint>,
  theirs: ReadonlyMap<string, bigint>,
  literals: Values,
): Pick<Moved, 'keys' | 'hardCoded' | 'unexplained'> {
  const keys = new Set([...mine.keys()].flatMap((text) => [...valuesOf(text).keys()]))
  const others = new Map<string, bigint>()
  for (const [text, amount] of theirs) {
    const shared = [...valuesOf(text)].filter(([key]) => keys.has(key))
    addTo(others, JSON.stringify(shared), amount)
  }
  const more = excess(mine, others)
  const less = excess(others, mine)
  const total = smaller(sum(more.values()), sum(less.values()))
  if (total === 0n) return { keys: [], hardCoded: 0n, unexplained: 0n }
  const differing = new Set<string>()
  let explained = 0n
  for (const [text, amount] of more) {
    const wrong = differingKeys(text, less.keys())
    for (const key of wrong) differing.add(key)
    const values = valuesOf(text)
    if (wrong.every((key) => values.get(key) === literals[key])) explained += amount
  }
  const hardCoded = smaller(explained, total)
  return { keys: [...differing], hardCoded, unexplained: total - hardCoded }
}

/** Keys of one set of dimensions that have another value, or none, in any of the others. */
function differingKeys(text: string, others: Iterable<string>): string[] {
  const values = [...valuesOf(text)]
  const wrong = new Set<string>()
  for (const other of others) {
    const theirs = valuesOf(other)
    for (const [key, value] of values) if (theirs.get(key) !== value) wrong.add(key)
  }
  return [...wrong]
}

/** By how much amounts are greater than those of the same key on the other side. */
function excess(
  mine: ReadonlyMap<string, bigint>,
  theirs: ReadonlyMap<string, bigint>,
): Map<string, bigint> {
  const entries = [...mine].map(([key, amount]) => [key, amount - (theirs.get(key) ?? 0n)] as const)
  return new Map(entries.filter(([, amount]) => amount > 0n))
}

function valuesOf(text: string): Map<string, unknown> {
  return new Map(JSON.parse(text) as [string, unknown][])
}

function addTo(amounts: Map<string, bigint>, key: string, amount: bigint): void {
  amounts.set(key, (amounts.get(key) ?? 0n) + amount)
}

function sum(amounts: Iterable<bigint>): bigint {
  let total = 0n
  for (const amount of amounts) total += amount
  return total
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
