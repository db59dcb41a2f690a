// The metrics and labels of a PromQL expression, by the grammar of the Prometheus project.

import { createRequire } from 'node:module'

interface Node {
  readonly name: string
  readonly from: number
  readonly to: number
}
interface Grammar {
  readonly parser: { parse(text: string): { iterate(walk: { enter(node: Node): void }): void } }
}

export interface Selector {
  readonly name: string
  /** Labels that it is matched or grouped by. */
  readonly labels: string[]
}

/** @throws on what is no PromQL */
export function selectorsIn(expression: string): Selector[] {
  const { parser } = createRequire(import.meta.url)('@prometheus-io/lezer-promql') as Grammar
  const nodes: Node[] = []
  parser.parse(expression).iterate({
    enter: ({ name, from, to }) => {
      if (name === '\u26a0') throw new Error(`no PromQL at ${from}: ${expression}`)
      nodes.push({ name, from, to })
    },
  })
  const text = ({ from, to }: Node) => expression.slice(from, to)
  const within = (outer: Node, name: string) =>
    nodes.filter((one) => one.name === name && outer.from <= one.from && one.to <= outer.to)
  const named = (name: string) => nodes.filter((one) => one.name === name)
  // Labels of `by (...)` are those of every selector below the aggregation; `le` is of buckets.
  const groups = named('AggregateExpr').flatMap((aggregate) =>
    within(aggregate, 'AggregateModifier').map((modifier) => ({
      aggregate,
      labels: within(modifier, 'LabelName').map(text),
    })),
  )
  return named('VectorSelector').map((selector) => {
    const around = groups.filter(
      ({ aggregate }) => aggregate.from <= selector.from && selector.to <= aggregate.to,
    )
    const [name] = within(selector, 'Identifier').map(text)
    const matched = within(selector, 'LabelName').map(text)
    const grouped = around.flatMap(({ labels }) => labels).filter((label) => label !== 'le')
    return { name: name ?? '', labels: [...matched, ...grouped] }
  })
}
