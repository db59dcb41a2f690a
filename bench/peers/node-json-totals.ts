// Sums of the Node peer. Numbers while they are exact, then BigInt; routes are parsed at the end,
// once per distinct name, never per line.

interface Sums {
  readonly high: bigint[]
  readonly low: number[]
}

interface Row {
  readonly project: string
  readonly route: {
    readonly kind: string
    readonly namespace: string
    readonly name: string
  } | null
  readonly order: string
  readonly amounts: bigint[]
}

const COLUMNS = 5
const KINDS: Readonly<Record<string, string>> = { httproute: 'HTTPRoute', grpcroute: 'GRPCRoute' }

export class Totals {
  readonly #byRoute = new Map<string | null, Map<string, Sums>>()
  readonly #unattributed: Record<string, number> = {}
  readonly #ignored: Record<string, number> = {}
  readonly #quarantined: Record<string, number> = {}
  #read = 0
  #metered = 0

  add(project: string, route: string | null, egress: number, ingress: number, ms: number): void {
    this.#read += 1
    this.#metered += 1
    const sums = this.#sums(project, route)
    addTo(sums, 0, 1)
    addTo(sums, 1, egress)
    addTo(sums, 2, ingress)
    addTo(sums, 3, ms)
    addTo(sums, 4, Math.floor(ms / 1000))
  }

  /** Lines that somebody else has summed, in the order of the amounts of a row. */
  addGroup(project: string, route: string | null, lines: number, amounts: readonly bigint[]): void {
    this.#read += lines
    this.#metered += lines
    const { high } = this.#sums(project, route)
    for (const [column, amount] of amounts.entries()) high[column] = (high[column] ?? 0n) + amount
  }

  unattributed(reason: string, lines = 1): void {
    this.#read += lines
    this.#unattributed[reason] = (this.#unattributed[reason] ?? 0) + lines
  }

  ignored(reason: string): void {
    this.#read += 1
    this.#ignored[reason] = (this.#ignored[reason] ?? 0) + 1
  }

  quarantined(reason: string): void {
    this.#read += 1
    this.#quarantined[reason] = (this.#quarantined[reason] ?? 0) + 1
  }

  report(): object {
    return {
      lines: {
        read: this.#read,
        metered: this.#metered,
        lenient: 0,
        ignored: this.#ignored,
        unattributed: this.#unattributed,
        quarantined: this.#quarantined,
      },
      totals: this.#rows().map(({ project, route, amounts }) => ({
        project,
        route,
        requests: String(amounts[0]),
        egressBytes: String(amounts[1]),
        ingressBytes: String(amounts[2]),
        connectionMs: String(amounts[3]),
        connectionSecondsFloor: String(amounts[4]),
      })),
    }
  }

  #sums(project: string, route: string | null): Sums {
    let projects = this.#byRoute.get(route)
    if (projects === undefined) {
      projects = new Map()
      this.#byRoute.set(route, projects)
    }
    let sums = projects.get(project)
    if (sums === undefined) {
      sums = { high: new Array(COLUMNS).fill(0n), low: new Array(COLUMNS).fill(0) }
      projects.set(project, sums)
    }
    return sums
  }

  /** One row per project and route: route names of several rules are summed. */
  #rows(): Row[] {
    const rows = new Map<string, Row>()
    for (const [text, projects] of this.#byRoute) {
      const route = parseRoute(text)
      for (const [project, sums] of projects) {
        const order = [project, ...Object.values(route ?? {})].join('\0')
        const row = rows.get(order) ?? { project, route, order, amounts: [0n, 0n, 0n, 0n, 0n] }
        rows.set(order, row)
        for (const [column, high] of sums.high.entries()) {
          row.amounts[column] = (row.amounts[column] ?? 0n) + high + BigInt(sums.low[column] ?? 0)
        }
      }
    }
    return [...rows.values()].sort((left, right) => (left.order < right.order ? -1 : 1))
  }
}

function addTo({ high, low }: Sums, column: number, amount: number): void {
  const sum = low[column] as number
  if (sum <= Number.MAX_SAFE_INTEGER - amount) {
    low[column] = sum + amount
    return
  }
  high[column] = (high[column] as bigint) + BigInt(sum)
  low[column] = amount
}

function parseRoute(text: string | null): Row['route'] {
  if (text === null) return null
  const [lowerKind = '', namespace, name] = text.split('/')
  const kind = KINDS[lowerKind]
  return kind && namespace && name
    ? { kind, namespace, name }
    : { kind: 'unknown', namespace: '', name: text }
}
