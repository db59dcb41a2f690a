// Counts body bytes per route, once where the clients are and once where the upstream servers are.
// Nothing here comes from a log: these counts are what the logs and the bills are held against.

/** What one side saw of one route, in requests and body bytes. */
export interface Count {
  requests: number
  /** Response bytes: read by the client, or written by the upstream. */
  egressBytes: number
  /** Request bytes: written by the client, or read by the upstream. */
  ingressBytes: number
}

/** Counts by route id. */
export class Tally {
  readonly #counts = new Map<string, Count>()

  /** The live count of a route: callers add to its members. */
  of(routeId: string): Count {
    let count = this.#counts.get(routeId)
    if (count === undefined) {
      count = { requests: 0, egressBytes: 0, ingressBytes: 0 }
      this.#counts.set(routeId, count)
    }
    return count
  }
}
