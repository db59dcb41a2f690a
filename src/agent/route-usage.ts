// Counts what closed by route, once its commit is durable: rows of closed pages become references
// and are added to the series of src/observe.
//
// References come from dimensions that bear a label's own name (`parent_section_name: { from:
// /gateway/0/sectionName }` reads Envoy Gateway's metadata), from the dimensions `gateway` and
// `gateway_namespace`, which name a Gateway, and else from the route's name. Nothing else of a line
// is looked at: what a key is made of is said by the configuration, never by who watches.

import type { EventRules } from '../emit/meter-rules.ts'
import { type Route, rawText, readRoute } from '../emit/route.ts'
import { unattributedRows, usageRows } from '../emit/usage-page.ts'
import {
  ROUTE_LABELS,
  type RouteAmounts,
  type RouteReferences,
  RouteSeries,
  type RouteTable,
} from '../observe/route-series.ts'

type Values = Readonly<Record<string, string | undefined>>

const GATEWAY_API = 'gateway.networking.k8s.io'

/** What a row says of its parent, route and backend. */
export function referencesOf(route: Route, values: Values): RouteReferences {
  const own = ROUTE_LABELS.flatMap((label) => {
    const value = values[label]
    return value === undefined ? [] : [[label, value]]
  })
  return { ...parentOf(values), ...namesOf(route), ...Object.fromEntries(own) }
}

function parentOf({ gateway, gateway_namespace: namespace }: Values): RouteReferences {
  if (gateway === undefined && namespace === undefined) return {}
  return {
    parent_group: GATEWAY_API,
    parent_kind: 'Gateway',
    ...(namespace !== undefined && { parent_namespace: namespace }),
    ...(gateway !== undefined && { parent_name: gateway }),
  }
}

function namesOf({ kind, namespace, name }: Route): RouteReferences {
  if (kind === null || kind === 'overflow') return {}
  if (kind === 'unknown') return { route_name: name }
  return {
    route_group: GATEWAY_API,
    route_kind: kind,
    route_namespace: namespace,
    route_name: name,
  }
}

/** What closed since the last commit. */
export class RouteUsage {
  readonly #table: RouteTable
  readonly #staged = new Map<RouteSeries, RouteSeries>()

  constructor(table: RouteTable) {
    this.#table = table
  }

  /** Takes the rows of one page of metered usage. */
  stagePage(page: Uint8Array, { dimensions, lineDimensions }: EventRules): void {
    for (const row of usageRows(page)) {
      const read = lineDimensions.map((name, index) => [name, row.dimensions[index]])
      this.#stage(referencesOf(row, { ...dimensions, ...Object.fromEntries(read) }), row)
    }
  }

  /** Takes the rows of one page of unattributed usage: traffic without a project has routes too. */
  stageUnattributed(page: Uint8Array, { dimensions }: EventRules): void {
    for (const row of unattributedRows(page)) {
      this.#stage(referencesOf(readRoute(rawText(row.route)), dimensions), row)
    }
  }

  /** The commit that holds what was staged is durable. */
  committed(): void {
    for (const [series, { sums }] of this.#staged) series.add(sums)
    this.#staged.clear()
  }

  #stage(references: RouteReferences, amounts: RouteAmounts): void {
    const series = this.#table.seriesOf(references)
    const staged = this.#staged.get(series) ?? new RouteSeries(series.labels)
    this.#staged.set(series, staged)
    staged.add(amounts)
  }
}
