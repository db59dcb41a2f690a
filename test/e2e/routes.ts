// The gateway's routes, as Envoy Gateway would name them, and the log formats. Both the bootstrap
// and the truth are made from these two tables.

import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** What a request on a route meets. */
export type RouteAction =
  | 'upstream'
  | 'direct'
  | 'redirect'
  | 'websocket'
  | 'connect'
  | 'grpc'
  | 'unrouted'

export interface GatewayRoute {
  /** The first part of the path, and the name of this route in the tally. */
  readonly id: string
  /** Envoy's route name; null for a route without one. */
  readonly name: string | null
  /** The route metadata `datum-gateway: project_name`; null when it is not set. */
  readonly project: string | number | null
  readonly action: RouteAction
  /** Whether its requests end as the client wants: then its counts are exact, else bounds. */
  readonly whole: boolean
  /** Only in logs with log types: elsewhere an internal redirect cannot be told from a request. */
  readonly typedOnly: boolean
}

/** Requests with this header are only in the logs with log types. */
export const TYPED_ONLY_HEADER = 'x-typed-only'

function route(
  id: string,
  name: string | null,
  project: string | number | null,
  action: RouteAction,
  whole = true,
): GatewayRoute {
  return { id, name, project, action, whole, typedOnly: action === 'redirect' }
}

export const ROUTES: readonly GatewayRoute[] = [
  route('site', 'httproute/ns-alpha/web/rule/0/match/0/*', 'p-alpha', 'upstream'),
  // Another rule of the same HTTPRoute: its usage is summed with the line above.
  route('dl', 'httproute/ns-alpha/web/rule/1/match/0/www_alpha_example', 'p-alpha', 'upstream'),
  // The same namespace and name under the other kind: its usage is not.
  route('svc', 'grpcroute/ns-alpha/web/rule/0/match/-1/*', 'p-alpha', 'grpc'),
  route('in', 'httproute/ns-beta/inbox/rule/0/match/-1/*', 'p-beta', 'upstream'),
  route('ok', 'httproute/ns-beta/ok/rule/0/match/0/*', 'p-beta', 'direct'),
  route('sock', 'httproute/ns-alpha/sock/rule/0/match/0/*', 'p-alpha', 'websocket', false),
  route('pipe', 'httproute/ns-beta/pipe/rule/0/match/0/*', 'p-beta', 'connect', false),
  route('left', 'httproute/ns-beta/left/rule/0/match/0/*', 'p-beta', 'upstream', false),
  // Envoy follows the upstream's redirect itself, to the second of these rules.
  route('jump', 'httproute/ns-beta/jump/rule/0/match/0/*', 'p-beta', 'redirect'),
  route('land', 'httproute/ns-beta/jump/rule/1/match/0/*', 'p-beta', 'redirect'),
  route('old', 'original_route', 'p-beta', 'upstream'),
  route('plain', null, 'p-beta', 'upstream'),
  route('unowned', 'httproute/ns-beta/unowned/rule/0/match/0/*', null, 'upstream'),
  route('number', 'httproute/ns-beta/number/rule/0/match/0/*', 42, 'upstream'),
  route('nowhere', null, null, 'unrouted'),
]

/** The body of the direct response. */
export const DIRECT_BODY = 'healthy\n'

/** A route as usage is keyed by it. */
export interface RouteKey {
  readonly kind: 'HTTPRoute' | 'GRPCRoute' | 'unknown'
  readonly namespace: string
  readonly name: string
}

/** The key of a route name; null for a request that has none. */
export function routeKey(name: string | null): RouteKey | null {
  if (name === null) return null
  const parts = name.split('/')
  const [kind, namespace, rest] = parts
  if ((kind === 'httproute' || kind === 'grpcroute') && namespace && rest) {
    return { kind: kind === 'httproute' ? 'HTTPRoute' : 'GRPCRoute', namespace, name: rest }
  }
  return { kind: 'unknown', namespace: '', name }
}

/** One access log of the gateway. */
export interface LogFormat {
  /** Name of the log file, without `.log`. */
  readonly id: string
  /** The preset that reads it (`scan --format`). */
  readonly preset: 'datum' | 'envoy-gateway'
  /** True when the log also has lines that are no request, told apart by their log type. */
  readonly typed: boolean
  /** The log's keys and Envoy's operators for them. */
  readonly keys: Readonly<Record<string, string>>
}

const DATUM_KEYS = {
  start_time: '%START_TIME%',
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  response_code: '%RESPONSE_CODE%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  route_name: '%ROUTE_NAME%',
  project_name: '%METADATA(ROUTE:datum-gateway:project_name)%',
  request_id: '%REQ(X-REQUEST-ID)%',
}

const TYPED_KEYS = {
  ...DATUM_KEYS,
  // Microseconds: with milliseconds, two requests of one connection could share an identity.
  start_time: '%START_TIME(%Y-%m-%dT%H:%M:%S.%6fZ)%',
  access_log_type: '%ACCESS_LOG_TYPE%',
  stream_id: '%STREAM_ID%',
  connection_id: '%CONNECTION_ID%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
}

/** Envoy Gateway's default of 24 keys. */
const ENVOY_GATEWAY_KEYS = {
  start_time: '%START_TIME%',
  method: '%REQ(:METHOD)%',
  'x-envoy-origin-path': '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  response_code: '%RESPONSE_CODE%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  connection_termination_details: '%CONNECTION_TERMINATION_DETAILS%',
  upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  'x-envoy-upstream-service-time': '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%',
  'x-forwarded-for': '%REQ(X-FORWARDED-FOR)%',
  'user-agent': '%REQ(USER-AGENT)%',
  'x-request-id': '%REQ(X-REQUEST-ID)%',
  ':authority': '%REQ(:AUTHORITY)%',
  upstream_host: '%UPSTREAM_HOST%',
  upstream_cluster: '%UPSTREAM_CLUSTER%',
  upstream_local_address: '%UPSTREAM_LOCAL_ADDRESS%',
  downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
  requested_server_name: '%REQUESTED_SERVER_NAME%',
  route_name: '%ROUTE_NAME%',
}

/** The access log that deploy/ recommends, as Envoy Gateway would give it to Envoy. */
const RECOMMENDED = new URL('../../deploy/access-log/envoy-proxy.yaml', import.meta.url)
const { spec } = parse(readFileSync(RECOMMENDED, 'utf8'))
const RECOMMENDED_KEYS = spec.telemetry.accessLog.settings[0].format.json

export const FORMATS: readonly LogFormat[] = [
  { id: 'datum', preset: 'datum', typed: false, keys: DATUM_KEYS },
  { id: 'envoy-gateway', preset: 'envoy-gateway', typed: false, keys: ENVOY_GATEWAY_KEYS },
  { id: 'datum-typed', preset: 'datum', typed: true, keys: TYPED_KEYS },
  { id: 'recommended', preset: 'datum', typed: true, keys: RECOMMENDED_KEYS },
]
