// The Vector pipeline of today, in small: the events that its remap makes of a log, by its rules
// and with its faults. Faults can be mended one by one, which tells what each of them is worth: the
// oracle of `compare`. Shares no code with src.

import { createHash } from 'node:crypto'

/** What is wrong with it, in the order in which a fault can be mended on top of those before. */
export const FAULTS = ['duplicate-ids', 'missing-ids', 'grpc-routes', 'sub-second'] as const
export type Fault = (typeof FAULTS)[number]

export interface VectorEvent {
  readonly specversion: '1.0'
  readonly id: string
  readonly type: string
  readonly source: string
  readonly subject: string
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly data: { readonly value: string; readonly dimensions: Readonly<Record<string, string>> }
}

const SERVICE = 'networking.datumapis.com/gateway'

/** Events in the order of the log; the sink has not dropped any yet. */
export function vectorEvents(log: string, mended: ReadonlySet<Fault> = new Set()): VectorEvent[] {
  const pipeline = new Pipeline(mended)
  return log.split('\n').flatMap((line) => pipeline.events(line))
}

/** What it appends to a file: one event a line. */
export function vectorFile(log: string): string {
  return vectorEvents(log)
    .map((event) => `${JSON.stringify(event)}\n`)
    .join('')
}

class Pipeline {
  readonly #mended: ReadonlySet<Fault>
  /** Milliseconds below a second of each key, where seconds are not rounded down. */
  readonly #carried = new Map<string, number>()
  #lines = 0

  constructor(mended: ReadonlySet<Fault>) {
    this.#mended = mended
  }

  events(line: string): VectorEvent[] {
    let record: Record<string, unknown>
    try {
      record = JSON.parse(line) as Record<string, unknown>
    } catch {
      return []
    }
    this.#lines += 1
    const kinds = this.#mended.has('grpc-routes') ? '(?:http|grpc)route' : 'httproute'
    const route = new RegExp(`^(${kinds})/([^/]+)/([^/]+)`).exec(String(record['route_name'] ?? ''))
    if (!route) return []
    const [, kind = '', namespace = '', name = ''] = route
    let id = String(record['request_id'] ?? '')
    if (id === '' && !this.#mended.has('missing-ids')) return []
    if (id === '' || this.#mended.has('duplicate-ids')) id = `line ${this.#lines} ${id}`
    const named = String(record['project_name'] ?? '')
    const projectName = named === '-' ? '' : named
    const project = projectName || namespace.replace(/^ns-/, '')
    const ms = Number(record['duration'] ?? 0)
    const values = {
      requests: 1,
      'egress-bytes': Number(record['bytes_sent'] ?? 0),
      'ingress-bytes': Number(record['bytes_received'] ?? 0),
      'connection-seconds': this.#seconds(ms, `${project} ${kind} ${namespace} ${name}`),
    }
    const suffixes = ['req', 'egress', 'ingress', 'conn']
    return Object.entries(values).flatMap(([meter, value], at) => {
      if (value <= 0) return []
      const event: VectorEvent = {
        specversion: '1.0',
        id: `0${md5(`${id}-${suffixes[at]}`).slice(1, 26).toUpperCase()}`,
        type: `${SERVICE}/${meter}`,
        source: `//${SERVICE}`,
        subject: `projects/${project}`,
        time: String(record['start_time']),
        datacontenttype: 'application/json',
        data: {
          value: String(value),
          dimensions: {
            region: String(record['region'] ?? 'us-east-1'),
            gateway: 'test-gateway',
            gateway_namespace: 'default',
            gateway_class: 'datum-downstream-gateway',
            httproute_name: name,
            httproute_namespace: namespace,
            project_name: projectName,
          },
        },
      }
      return [event]
    })
  }

  #seconds(ms: number, key: string): number {
    if (!this.#mended.has('sub-second')) return Math.floor(ms / 1000)
    const sum = (this.#carried.get(key) ?? 0) + ms
    this.#carried.set(key, sum % 1000)
    return Math.floor(sum / 1000)
  }
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

/** What a sink bills that drops ids that it has: sums by `<project> <meter>`. */
export function billed(events: readonly VectorEvent[]): Map<string, bigint> {
  const seen = new Set<string>()
  const sums = new Map<string, bigint>()
  for (const { id, subject, type, data } of events) {
    if (seen.has(id)) continue
    seen.add(id)
    const key = `${subject.replace('projects/', '')} ${type.replace(`${SERVICE}/`, '')}`
    sums.set(key, (sums.get(key) ?? 0n) + BigInt(data.value))
  }
  return sums
}
