// Draws one synthetic request: what a gateway might have served, before any format is chosen.
// Strings are contents of JSON strings, escaped, one character per byte.

import type { Random } from './generate-random.ts'
import { clusterName, type Route, type Tenants } from './generate-routes.ts'
import { AMOUNT_MAX, type Amounts } from './generate-truth.ts'

/** How a line names what is billed; all but `routed` are rare. */
export type Attribution = 'routed' | 'no_route' | 'no_project' | 'routeless'

export interface Request extends Amounts {
  readonly attribution: Attribution
  readonly route: Route
  readonly rule: number
  readonly method: string
  readonly path: string
  readonly protocol: string
  readonly userAgent: string
  readonly requestId: string
  readonly responseCode: number
  readonly responseFlags: string
  readonly responseCodeDetails: string
}

const ESCAPED_SHARE = 0.003
const NON_ASCII_SHARE = 0.001
const NO_ROUTE_SHARE = 0.001
const NO_PROJECT_SHARE = 0.0005
const ROUTELESS_SHARE = 0.0005

const ESCAPES = ['\\"', '\\\\', '\\t', '\\u00ff', '\\"bytes_sent\\":1', '\\u0022\\u005c']
const NON_ASCII = ['caf\u00e9', '\u65e5\u672c', '\u{1f600}'].map((text) =>
  Buffer.from(text, 'utf8').toString('latin1'),
)
const METHODS = ['GET', 'GET', 'GET', 'GET', 'POST', 'PUT', 'HEAD', 'DELETE']
const PROTOCOLS = ['HTTP/2', 'HTTP/2', 'HTTP/1.1', 'HTTP/3']
const USER_AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148',
  'curl/8.7.1',
  'okhttp/4.12.0',
  'Go-http-client/2.0',
  'grpc-node-js/1.12.2',
]

interface Answer {
  readonly code: number
  readonly flags: string
  readonly details: string
}
const SERVED = 'via_upstream'
const USUAL_ANSWERS: readonly Answer[] = [
  ...[200, 200, 200, 200, 200, 200, 201, 204, 301, 304, 400, 401, 404, 500].map((code) => ({
    code,
    flags: '-',
    details: SERVED,
  })),
  { code: 0, flags: 'DC', details: 'downstream_remote_disconnect' },
  { code: 429, flags: 'RL', details: 'local_rate_limited' },
  { code: 503, flags: 'UF', details: 'upstream_reset_before_response_started' },
]
const NOT_ROUTED: Answer = { code: 404, flags: 'NR', details: 'route_not_found' }

export function drawRequest(tenants: Tenants, random: Random): Request {
  const route = tenants.routes[tenants.popularity.draw(random)] as Route
  const attribution = drawAttribution(random)
  const answer = attribution === 'no_route' ? NOT_ROUTED : random.pick(USUAL_ANSWERS)
  const grpc = route.kind === 'GRPCRoute'
  const oddText = drawOddText(random)
  return {
    attribution,
    route,
    rule: random.below(route.ruleCount),
    method: grpc ? 'POST' : random.pick(METHODS),
    path: (grpc ? drawGrpcPath(random) : drawPath(random)) + oddText,
    protocol: grpc ? 'HTTP/2' : random.pick(PROTOCOLS),
    userAgent: random.pick(USER_AGENTS) + oddText,
    requestId: random.uuid(),
    responseCode: answer.code,
    responseFlags: answer.flags,
    responseCodeDetails: answer.details,
    egressBytes: random.chance(0.2) ? random.below(AMOUNT_MAX + 1) : random.below(20_000),
    ingressBytes: random.chance(0.75) ? 0 : random.below(100_000),
    durationMs: random.chance(0.1) ? random.below(90_000) : random.below(900),
  }
}

function drawAttribution(random: Random): Attribution {
  const draw = random.below(1_000_000) / 1_000_000
  if (draw < NO_ROUTE_SHARE) return 'no_route'
  if (draw < NO_ROUTE_SHARE + NO_PROJECT_SHARE) return 'no_project'
  return draw < NO_ROUTE_SHARE + NO_PROJECT_SHARE + ROUTELESS_SHARE ? 'routeless' : 'routed'
}

function drawPath(random: Random): string {
  const path = `/api/v1/${random.hex(3 + random.below(5))}/items/${random.uuid()}`
  const pairs = random.below(4)
  let query = ''
  for (let pair = 0; pair < pairs; pair++) {
    query += `${pair === 0 ? '?' : '&'}${random.hex(4)}=${random.hex(6 + random.below(18))}`
  }
  return path + query
}

function drawGrpcPath(random: Random): string {
  return `/shop.v1.${random.pick(['Cart', 'Catalog', 'Payments'])}/${random.pick(['Get', 'List'])}`
}

/** Text of hostile or foreign clients; most lines have none. */
function drawOddText(random: Random): string {
  const draw = random.below(1_000_000) / 1_000_000
  if (draw < ESCAPED_SHARE) return `/${random.pick(ESCAPES)}`
  return draw < ESCAPED_SHARE + NON_ASCII_SHARE ? `/${random.pick(NON_ASCII)}` : ''
}

/** `%ROUTE_NAME%` as Envoy Gateway builds it. */
export function routeText(request: Request): string {
  const { route, rule } = request
  return `${clusterName(route, rule)}/match/0/${route.host.replaceAll('.', '_')}`
}
