// Sums of usage events, and lines whose sums a test knows because it wrote them.

interface EventData {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly time: string
  readonly data: { readonly value: string; readonly dimensions?: Readonly<Record<string, string>> }
}

export function parseEvent(text: string): EventData {
  return JSON.parse(text) as EventData
}

export function idOf(text: string): string {
  return parseEvent(text).id
}

/** Sums over everything that tells events apart but the id: what parts of a window must keep. */
export function sumsPerWindow(texts: Iterable<string>): Record<string, bigint> {
  return sums(texts, ({ time, subject, type, data }) =>
    [time, subject, meterOf(type), JSON.stringify(data.dimensions ?? {})].join(' '),
  )
}

/** Sums per project and meter, such as `p-a requests`. */
export function sumsPerProject(texts: Iterable<string>): Record<string, bigint> {
  return sums(texts, ({ subject, type }) => `${subject.replace('projects/', '')} ${meterOf(type)}`)
}

function sums(texts: Iterable<string>, nameOf: (event: EventData) => string) {
  const found: Record<string, bigint> = {}
  for (const text of texts) {
    const event = parseEvent(text)
    const name = nameOf(event)
    found[name] = (found[name] ?? 0n) + BigInt(event.data.value)
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function meterOf(type: string): string {
  return type.slice(type.lastIndexOf('/') + 1)
}

export interface LineParts {
  readonly project?: string | null
  readonly route?: string | null
  readonly sent?: number
  readonly received?: number
  readonly ms?: number
  /** Any other keys. */
  readonly more?: object
}

/** A `datum` line, with its LF, of a request that ends at `clockMs`. */
export function line(clockMs: number, parts: LineParts = {}): string {
  const { project = 'p-a', route = 'httproute/ns-a/web/rule/0', ms = 0, more = {} } = parts
  const record = {
    bytes_received: parts.received ?? 0,
    bytes_sent: parts.sent ?? 1,
    duration: ms,
    project_name: project,
    route_name: route,
    start_time: new Date(clockMs - ms).toISOString(),
    ...more,
  }
  return `${JSON.stringify(record)}\n`
}

/** The same lines as a container runtime writes them. */
export function criWrapped(lines: string): string {
  const contents = lines.split('\n').slice(0, -1)
  return contents.map((content) => `2026-11-02T12:00:00.5Z stdout F ${content}\n`).join('')
}

/** Some of what is in one list of events only: whole lists are too long to read. */
export function difference(found: readonly string[], wanted: readonly string[]): object {
  const [there, asked] = [new Set(found), new Set(wanted)]
  const twice = found.length - there.size
  const missing = wanted.filter((text) => !there.has(text))
  const extra = found.filter((text) => !asked.has(text))
  const counts = { missing: missing.length, extra: extra.length, twice }
  return { ...counts, someMissing: missing.slice(0, 3), someExtra: extra.slice(0, 3) }
}

/** No difference. */
export const SAME = { missing: 0, extra: 0, twice: 0, someMissing: [], someExtra: [] }
