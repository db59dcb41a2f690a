// What a bill may say, from what clients and upstream servers counted: exact for requests that
// ended whole; for the others bounds, between what reached one end and what left the other.

import { type LogFormat, ROUTES, type RouteKey, routeKey } from './routes.ts'
import type { Tally } from './tally.ts'

export type UnattributedReason = 'no_route' | 'no_project' | 'bad_project'

/** Who pays for a request, or why nobody does yet. */
export type Owner = { readonly project: string } | { readonly reason: UnattributedReason }

/** An amount of bytes that is known exactly (min = max) or within bounds. */
export interface Bounds {
  readonly min: number
  readonly max: number
}

/** What one project and route must be billed. */
export interface TruthRow {
  readonly project: string
  readonly route: RouteKey | null
  readonly requests: number
  readonly egressBytes: Bounds
  readonly ingressBytes: Bounds
}

export interface Truth {
  readonly rows: readonly TruthRow[]
  /** Requests that nobody is billed for, by reason. */
  readonly unattributed: Readonly<Partial<Record<UnattributedReason, number>>>
}

/** One row of `scan --json`: amounts are decimal strings. */
export interface Total {
  readonly project: string
  readonly route: RouteKey | null
  readonly requests: string
  readonly egressBytes: string
  readonly ingressBytes: string
  readonly connectionMs: string
  readonly connectionSecondsFloor: string
}

const PROJECT = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

/** The owner of a request on the route `name` with the project that the log line gives. */
export function ownerOf(format: LogFormat, name: string | null, project: unknown): Owner {
  const given = format.preset === 'datum' ? project : routeKey(name)?.namespace
  if (given === null || given === undefined || given === '') {
    return { reason: name === null ? 'no_route' : 'no_project' }
  }
  if (typeof given !== 'string' || !PROJECT.test(given)) return { reason: 'bad_project' }
  return { project: given }
}

/** The one text of a key, to compare and sort rows by; a row without a route comes first. */
export function keyText(row: { project: string; route: RouteKey | null }): string {
  const { project, route } = row
  return route === null
    ? project
    : [project, route.kind, route.namespace, route.name].join('\u0000')
}

function bounds(one: number, other: number): Bounds {
  return { min: one, max: other }
}

/** What must be billed from the log of `format`. */
export function truthOf(format: LogFormat, clients: Tally, upstream: Tally): Truth {
  const rows = new Map<string, TruthRow>()
  const unattributed: Partial<Record<UnattributedReason, number>> = {}
  for (const route of ROUTES.filter((one) => format.typed || !one.typedOnly)) {
    const client = clients.of(route.id)
    const far = route.whole ? client : upstream.of(route.id)
    const owner = ownerOf(format, route.name, route.project)
    if ('reason' in owner) {
      unattributed[owner.reason] = (unattributed[owner.reason] ?? 0) + client.requests
      continue
    }
    const row = { project: owner.project, route: routeKey(route.name) }
    const old = rows.get(keyText(row))
    rows.set(keyText(row), {
      ...row,
      requests: client.requests + (old?.requests ?? 0),
      egressBytes: bounds(
        client.egressBytes + (old?.egressBytes.min ?? 0),
        far.egressBytes + (old?.egressBytes.max ?? 0),
      ),
      ingressBytes: bounds(
        far.ingressBytes + (old?.ingressBytes.min ?? 0),
        client.ingressBytes + (old?.ingressBytes.max ?? 0),
      ),
    })
  }
  return { rows: [...rows.values()], unattributed }
}

function outside(name: string, amount: string, { min, max }: Bounds): string[] {
  if (BigInt(amount) >= BigInt(min) && BigInt(amount) <= BigInt(max)) return []
  return [`${name} ${amount}, counted ${min === max ? min : `${min} to ${max}`}`]
}

/** Every way in which `totals` are not what was counted, one sentence each. */
export function differences(truth: Truth, totals: readonly Total[]): string[] {
  const billed = new Map(totals.map((total) => [keyText(total), total]))
  const found: string[] = []
  for (const row of truth.rows) {
    const total = billed.get(keyText(row))
    billed.delete(keyText(row))
    const wrong =
      total === undefined
        ? ['no row']
        : [
            ...outside('requests', total.requests, bounds(row.requests, row.requests)),
            ...outside('egress', total.egressBytes, row.egressBytes),
            ...outside('ingress', total.ingressBytes, row.ingressBytes),
          ]
    found.push(...wrong.map((text) => `${keyText(row).replaceAll('\u0000', ' ')}: ${text}`))
  }
  for (const key of billed.keys()) found.push(`${key.replaceAll('\u0000', ' ')}: nobody used it`)
  return found
}
