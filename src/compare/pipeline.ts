// What the present Vector pipeline bills for one line of the access log: the rules of its remap
// (parse_nso_logs), by which it can be said exactly what a difference comes from.
//
//   line ──▶ JSON? ──▶ route httproute/<ns>/<name>? ──▶ request_id? ──▶ up to 4 events, by id
//             no: invalid-json   no: grpc-routes,          no:          of which the sink drops
//                                other-routes          missing-ids      those whose id it has
//
// Each "no" ends in `abort`: the line is dropped without a word. An event's id is a hash of the
// request id and the meter alone. Seconds are those of one request, rounded down. Keys are those
// that the remap names; the format of `meter-fast` has no say here.

/** Why the pipeline drops a line. */
export type Drop = 'invalid-json' | 'grpc-routes' | 'other-routes' | 'missing-ids'

/** What the pipeline makes of a line before ids are looked at. */
export interface PipelineBill {
  readonly project: string
  /** Requests, egress bytes, ingress bytes, seconds; an amount of 0 makes no event. */
  readonly amounts: readonly [number, number, number, number]
  /** Time of its events: when the request began. NaN when the line does not say. */
  readonly timeMs: number
  readonly requestId: string
  /** False when the line names no project that can be billed: then the namespace stands for it. */
  readonly isNamed: boolean
  /** A record of a request that goes on, or of another kind: running totals, billed like an end. */
  readonly isPartial: boolean
}

const HTTP_ROUTE = /^httproute\/(?<namespace>[^/]+)\/(?<name>[^/]+)/
const GRPC_ROUTE = /^grpcroute\/[^/]+\/[^/]+/
/** DESIGN 4.5: what may be billed. */
const PROJECT = /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const ENDS = new Set<unknown>([undefined, null, '', '-', 'DownstreamEnd', 'NotSet'])
const INT64_MAX = 2 ** 63

export function pipelineBill(line: string): PipelineBill | Drop {
  const record = parsed(line)
  if (record === undefined) return 'invalid-json'
  const route = record['route_name']
  const http = typeof route === 'string' ? HTTP_ROUTE.exec(route)?.groups : undefined
  if (http === undefined) {
    return typeof route === 'string' && GRPC_ROUTE.test(route) ? 'grpc-routes' : 'other-routes'
  }
  const requestId = asText(record['request_id'])
  if (requestId === '') return 'missing-ids'
  const named = asText(record['project_name'])
  const isNameless = named === '' || named === '-'
  const project = isNameless ? (http['namespace'] ?? '').replace(/^ns-/, '') : named
  const startTime = record['start_time']
  const durationMs = asInteger(record['duration'])
  return {
    project,
    amounts: [
      1,
      Math.max(0, asInteger(record['bytes_sent'])),
      Math.max(0, asInteger(record['bytes_received'])),
      Math.max(0, Math.trunc(durationMs / 1000)),
    ],
    timeMs: typeof startTime === 'string' ? Date.parse(startTime) : Number.NaN,
    requestId,
    isNamed: typeof record['project_name'] === 'string' && PROJECT.test(named),
    isPartial: !ENDS.has(record['access_log_type']),
  }
}

/** `parse_json` of VRL; unlike JSON.parse it refuses half of a surrogate pair. */
function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (/\\ud[89a-f]/i.test(line) && /\\ud[89a-f]/.test(JSON.stringify(value))) return undefined
    // An array or a number becomes an empty object, which has no route.
    return isObject(value) ? value : {}
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `to_string(value) ?? ""` of VRL. */
function asText(value: unknown): string {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : ''
}

/** `to_int(value) ?? 0` of VRL: a fraction is cut off, text is a number only when it is whole. */
function asInteger(value: unknown): number {
  if (typeof value === 'number') return Math.trunc(Math.min(Math.max(value, -INT64_MAX), INT64_MAX))
  if (typeof value === 'boolean') return Number(value)
  return typeof value === 'string' && /^[+-]?\d{1,18}$/.test(value) ? Number(value) : 0
}
