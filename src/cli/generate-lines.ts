// The lines of a synthetic log, in Envoy's key order (sorted, compact, typed) and in an envelope.
// Everything is bytes: one character stands for one byte, so a CRI part may cut a character in two.
//
// Lines are in the order in which requests end, as Envoy writes them: start_time is the line's time
// less its duration, and windows follow each other.

import { Random } from './generate-random.ts'
import { drawRequest, type Request, routeText } from './generate-request.ts'
import { clusterName, makeTenants, type Tenants } from './generate-routes.ts'
import { Truth } from './generate-truth.ts'

export interface LogSettings {
  readonly projects: number
  readonly routes: number
  readonly seed: number
  readonly format: 'datum' | 'envoy-gateway'
  readonly envelope: 'raw' | 'cri'
  /** Time of the first line, in ms since 1970. */
  readonly startMs: number
  readonly perSecond: number
}

const SPLIT_SHARE = 0.002
const PARTS_MAX = 4
/** A line of another logger before this one; of split lines, between the parts. */
const STDERR_SHARE = 0.0005
const STDERR_BETWEEN_SHARE = 0.25
const STDERR_TEXT = '[info][upstream] [source/common/upstream/cds_api_helper.cc:71] cds: no changes'
const NANOS_PER_SECOND = 1_000_000_000
const NANOS_PER_MS = 1_000_000

/** Makes one line after the other; `truth` counts what was made so far. */
export class SyntheticLog {
  readonly truth: Truth
  readonly #settings: LogSettings
  readonly #tenants: Tenants
  readonly #random: Random
  #made = 0

  constructor(settings: LogSettings) {
    this.#settings = settings
    this.#random = new Random(settings.seed)
    this.#tenants = makeTenants(settings, this.#random)
    this.truth = new Truth(this.#tenants)
  }

  /** One access-log line with its envelope and LF; in `cri` it may bring a stderr line along. */
  next(): string {
    const { startMs, perSecond, format, envelope } = this.#settings
    const second = Math.floor(this.#made / perSecond)
    const slot = this.#made % perSecond
    const slotNanos = Math.floor(NANOS_PER_SECOND / perSecond)
    const nanos = Math.floor((slot * NANOS_PER_SECOND) / perSecond) + this.#random.below(slotNanos)
    const lineMs = startMs + second * 1000 + Math.floor(nanos / NANOS_PER_MS)
    this.#made += 1
    const request = drawRequest(this.#tenants, this.#random)
    const startTime = new Date(lineMs - request.durationMs).toISOString()
    const content =
      format === 'datum' ? this.#datum(request, startTime) : this.#envoyGateway(request, startTime)
    return envelope === 'raw' ? `${content}\n` : this.#cri(content, criTime(lineMs, nanos))
  }

  /** Datum's eleven keys. */
  #datum(request: Request, startTime: string): string {
    const { attribution, route, durationMs, responseCode } = request
    const withRoute = attribution === 'routed' || attribution === 'no_project'
    const withProject = attribution === 'routed' || attribution === 'routeless'
    if (attribution === 'routed') this.truth.routed(route.index, request)
    else if (attribution === 'routeless') this.truth.routeless(route.projectIndex, request)
    else this.truth.unattributed(attribution)
    const project = withProject ? (this.#tenants.projects[route.projectIndex] as string) : null
    return (
      `{"bytes_received":${request.ingressBytes},"bytes_sent":${request.egressBytes},` +
      `"duration":${durationMs},"method":"${request.method}","path":"${request.path}",` +
      `"project_name":${quoted(project)},"protocol":"${request.protocol}",` +
      `"request_id":"${request.requestId}","response_code":${responseCode},` +
      `"route_name":${quoted(withRoute ? routeText(request) : null)},"start_time":"${startTime}"}`
    )
  }

  /** Envoy Gateway's default: 24 keys. Without a route there is no namespace, so no project. */
  #envoyGateway(request: Request, startTime: string): string {
    const { attribution, route, rule } = request
    if (attribution === 'routed') this.truth.routed(route.index, request)
    else this.truth.unattributed(attribution === 'no_project' ? 'no_project' : 'no_route')
    const routed = attribution === 'routed'
    const name = attribution === 'no_project' ? 'original_route' : null
    const random = this.#random
    const client = `203.0.113.${random.below(256)}`
    const upstream = routed && request.responseCodeDetails === 'via_upstream'
    return (
      `{":authority":"${route.host}","bytes_received":${request.ingressBytes},` +
      `"bytes_sent":${request.egressBytes},"connection_termination_details":null,` +
      `"downstream_local_address":"10.244.0.14:10443",` +
      `"downstream_remote_address":"${client}:${1024 + random.below(60_000)}",` +
      `"duration":${request.durationMs},"method":"${request.method}",` +
      `"protocol":"${request.protocol}","requested_server_name":"${route.host}",` +
      `"response_code":${request.responseCode},` +
      `"response_code_details":"${request.responseCodeDetails}",` +
      `"response_flags":"${request.responseFlags}",` +
      `"route_name":${quoted(routed ? routeText(request) : name)},"start_time":"${startTime}",` +
      `"upstream_cluster":${quoted(routed ? clusterName(route, rule) : null)},` +
      `"upstream_host":${quoted(upstream ? `10.244.3.${random.below(256)}:8080` : null)},` +
      `"upstream_local_address":` +
      `${quoted(upstream ? `10.244.0.14:${30_000 + random.below(30_000)}` : null)},` +
      `"upstream_transport_failure_reason":null,"user-agent":"${request.userAgent}",` +
      `"x-envoy-origin-path":"${request.path}","x-envoy-upstream-service-time":null,` +
      `"x-forwarded-for":"${client}","x-request-id":"${request.requestId}"}`
    )
  }

  #cri(content: string, time: string): string {
    const random = this.#random
    if (!random.chance(SPLIT_SHARE)) {
      const before = random.chance(STDERR_SHARE) ? this.#stderr(time) : ''
      return `${before}${time} stdout F ${content}\n`
    }
    const between = random.chance(STDERR_BETWEEN_SHARE) ? this.#stderr(time) : ''
    const parts = 2 + random.below(PARTS_MAX - 1)
    let lines = ''
    let rest = content
    for (let part = 1; part < parts; part++) {
      const cut = random.below(rest.length + 1)
      lines += `${time} stdout P ${rest.slice(0, cut)}\n${part === 1 ? between : ''}`
      rest = rest.slice(cut)
    }
    return `${lines}${time} stdout F ${rest}\n`
  }

  #stderr(time: string): string {
    this.truth.ignored('stderr')
    return `${time} stderr F [${time}]${STDERR_TEXT}\n`
  }
}

function quoted(text: string | null): string {
  return text === null ? 'null' : `"${text}"`
}

/** RFC3339Nano as containerd prints it: trailing zeros of the fraction are cut. */
function criTime(lineMs: number, nanos: number): string {
  const belowMs = String(nanos % NANOS_PER_MS).padStart(6, '0')
  return `${`${new Date(lineMs).toISOString().slice(0, -1)}${belowMs}`.replace(/\.?0+$/, '')}Z`
}
