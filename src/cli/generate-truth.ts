// What `scan --json` must print for a synthetic log, counted while the log is made: from the drawn
// values, never from the written text. Sums are exact: LINES_MAX times AMOUNT_MAX is below 2^53.

import type { Tenants } from './generate-routes.ts'

/** Most lines of one log. */
export const LINES_MAX = 100_000_000
/** Largest amount of one line, in bytes or milliseconds. */
export const AMOUNT_MAX = 50_000_000

export interface Amounts {
  readonly egressBytes: number
  readonly ingressBytes: number
  readonly durationMs: number
}

const COLUMNS = 5

export class Truth {
  readonly #tenants: Tenants
  /** Rows of requests, egress, ingress, ms, floored seconds: routes first, then projects. */
  readonly #sums: Float64Array
  readonly #ignored: Record<string, number> = {}
  /** In the order in which `scan` names them; 0 is left out. */
  readonly #unattributed = { no_route: 0, no_project: 0 }
  #read = 0
  #metered = 0

  constructor(tenants: Tenants) {
    this.#tenants = tenants
    this.#sums = new Float64Array((tenants.routes.length + tenants.projects.length) * COLUMNS)
  }

  /** A billed line of route number `routeIndex`. */
  routed(routeIndex: number, amounts: Amounts): void {
    this.#add(routeIndex, amounts)
  }

  /** A billed line that has a project but no route. */
  routeless(projectIndex: number, amounts: Amounts): void {
    this.#add(this.#tenants.routes.length + projectIndex, amounts)
  }

  ignored(reason: 'stderr'): void {
    this.#read += 1
    this.#ignored[reason] = (this.#ignored[reason] ?? 0) + 1
  }

  unattributed(reason: 'no_route' | 'no_project'): void {
    this.#read += 1
    this.#unattributed[reason] += 1
  }

  /** The object of `scan --json`; `bytes` is the length of the whole log. */
  report(bytes: number): object {
    return {
      bytes,
      lines: {
        read: this.#read,
        metered: this.#metered,
        lenient: 0,
        ignored: this.#ignored,
        unattributed: Object.fromEntries(
          Object.entries(this.#unattributed).filter(([, count]) => count > 0),
        ),
        quarantined: {},
      },
      totals: this.#totals(),
    }
  }

  #add(row: number, amounts: Amounts): void {
    this.#read += 1
    this.#metered += 1
    const at = row * COLUMNS
    const sums = this.#sums as { [index: number]: number }
    sums[at] = (sums[at] as number) + 1
    sums[at + 1] = (sums[at + 1] as number) + amounts.egressBytes
    sums[at + 2] = (sums[at + 2] as number) + amounts.ingressBytes
    sums[at + 3] = (sums[at + 3] as number) + amounts.durationMs
    sums[at + 4] = (sums[at + 4] as number) + Math.floor(amounts.durationMs / 1000)
  }

  #totals(): object[] {
    const { projects, routes } = this.#tenants
    const rows = [
      ...projects.map((project, index) => ({
        row: routes.length + index,
        order: [project],
        route: null,
      })),
      ...routes.map(({ index, projectIndex, kind, namespace, name }) => ({
        row: index,
        order: [projects[projectIndex] as string, kind, namespace, name],
        route: { kind, namespace, name },
      })),
    ]
    return rows
      .filter(({ row }) => this.#sums[row * COLUMNS] !== 0)
      .sort((left, right) => compareLists(left.order, right.order))
      .map(({ row, order, route }) => {
        const column = (offset: number) => String(this.#sums[row * COLUMNS + offset])
        return {
          project: order[0],
          route,
          requests: column(0),
          egressBytes: column(1),
          ingressBytes: column(2),
          connectionMs: column(3),
          connectionSecondsFloor: column(4),
        }
      })
  }
}

/** Field by field; a list that ends first comes first. Names are ASCII, so this is byte order. */
function compareLists(left: readonly string[], right: readonly string[]): number {
  for (const [index, text] of left.entries()) {
    const other = right[index]
    if (other === undefined) return 1
    if (text !== other) return text < other ? -1 : 1
  }
  return left.length - right.length
}
