// Access-log lines of the `datum` format with a request id, made one by one as a test says.

export interface Line {
  readonly route_name: string | null
  readonly project_name: string | null
  readonly request_id?: string | null
  readonly bytes_sent: number
  readonly bytes_received: number
  readonly duration: number
  readonly start_time: string
}

const HOUR = Date.parse('2026-11-22T12:00:00Z')

/** A log in the order of time: requests are spread over an hour. */
export class Traffic {
  readonly #lines: Line[] = []

  /** Adds so many requests; `request_id` is another one each time unless it is given. */
  add(count: number, changes: Partial<Line>): this {
    for (let at = 0; at < count; at += 1) {
      this.#lines.push({
        route_name: 'httproute/ns-6f1c/web/rule/0/match/0/*',
        project_name: 'p-shop',
        request_id: `request-${this.#lines.length}`,
        bytes_sent: 1000,
        bytes_received: 10,
        duration: 0,
        start_time: '',
        ...changes,
      })
    }
    return this
  }

  /** The causes are mixed through the whole hour, the same way each time. */
  log(): string {
    const step = Math.floor(3_500_000 / Math.max(1, this.#lines.length))
    // A stride that shares no factor with the count visits every line once.
    const count = this.#lines.length
    let stride = 7919
    while (count > 0 && commonFactor(stride, count) > 1) stride += 1
    return this.#lines
      .map((_, at) => {
        const line = this.#lines[(at * stride) % count] as Line
        const time = line.start_time || new Date(HOUR + at * step).toISOString()
        return `${JSON.stringify({ ...line, start_time: time })}\n`
      })
      .join('')
  }
}

function commonFactor(a: number, b: number): number {
  return b === 0 ? a : commonFactor(b, a % b)
}
