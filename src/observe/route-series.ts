// Usage by route: series with the labels that route metrics have elsewhere, for a parent (the
// Gateway), a route and a backend. Only here may a label come from a log, so they are counted only
// when asked for, and their number is bounded: what comes later is one series of `unknown`.

import type { Sample } from './exposition.ts'

/** In the order in which they are written. */
export const ROUTE_LABELS = [
  'parent_group',
  'parent_kind',
  'parent_namespace',
  'parent_name',
  'parent_section_name',
  'route_group',
  'route_kind',
  'route_namespace',
  'route_name',
  'backend_group',
  'backend_kind',
  'backend_namespace',
  'backend_name',
  'backend_port',
] as const
export type RouteLabel = (typeof ROUTE_LABELS)[number]

/** What is known of the three references; a label that is left out is not. */
export type RouteReferences = Readonly<Partial<Record<RouteLabel, string>>>

export interface RouteAmounts {
  readonly requests: bigint
  readonly egressBytes: bigint
  readonly ingressBytes: bigint
  readonly connectionMs: bigint
}

const UNKNOWN = 'unknown'
/** More is no name of Kubernetes. */
const VALUE_BYTES_MAX = 253
const MS_PER_SECOND = 1000

/** One combination of labels, and its sums. */
export class RouteSeries {
  readonly labels: Readonly<Record<string, string>>
  #requests = 0n
  #egressBytes = 0n
  #ingressBytes = 0n
  #connectionMs = 0n

  constructor(labels: Readonly<Record<string, string>>) {
    this.labels = labels
  }

  add({ requests, egressBytes, ingressBytes, connectionMs }: RouteAmounts): void {
    this.#requests += requests
    this.#egressBytes += egressBytes
    this.#ingressBytes += ingressBytes
    this.#connectionMs += connectionMs
  }

  get sums(): RouteAmounts {
    return {
      requests: this.#requests,
      egressBytes: this.#egressBytes,
      ingressBytes: this.#ingressBytes,
      connectionMs: this.#connectionMs,
    }
  }
}

export class RouteTable {
  readonly #seriesMax: number
  readonly #series = new Map<string, RouteSeries>()

  /** `seriesMax` does not count the one that all later series share. */
  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax
  }

  /** The series of these references; that of `unknown` when there is no room for another. */
  seriesOf(references: RouteReferences): RouteSeries {
    const labels = labelsOf(references)
    const name = JSON.stringify(Object.values(labels))
    const known = this.#series.get(name)
    if (known !== undefined) return known
    const isUnknown = Object.values(labels).every((value) => value === UNKNOWN)
    const nothing = isUnknown ? undefined : this.seriesOf({})
    // The series of what is unknown is always there, and not counted.
    if (nothing !== undefined && this.#series.size > this.#seriesMax) return nothing
    const added = new RouteSeries(labels)
    this.#series.set(name, added)
    return added
  }

  samples() {
    const all = [...this.#series.values()]
    const of = (value: (sums: RouteAmounts) => Sample['value']): Sample[] =>
      all.map(({ labels, sums }) => ({ labels, value: value(sums) }))
    return {
      routeRequests: of(({ requests }) => requests),
      routeEgress: of(({ egressBytes }) => egressBytes),
      routeIngress: of(({ ingressBytes }) => ingressBytes),
      routeSeconds: of(({ connectionMs }) => Number(connectionMs) / MS_PER_SECOND),
    }
  }
}

/** What is known is kept; only what is missing is `unknown`. */
function labelsOf(references: RouteReferences): Record<string, string> {
  const textOf = (label: RouteLabel): string => {
    const value = references[label] ?? ''
    const isNone = value === '' || value === '-' || Buffer.byteLength(value) > VALUE_BYTES_MAX
    return isNone ? UNKNOWN : value
  }
  return Object.fromEntries(ROUTE_LABELS.map((label) => [label, textOf(label)]))
}
