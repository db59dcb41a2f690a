// Envoy's bootstrap for the end-to-end tests: two listeners (HTTP/1.1, and HTTP/2 by prior
// knowledge) with the same routes and the same three access logs, all on loopback.

import { join } from 'node:path'
import {
  DIRECT_BODY,
  FORMATS,
  type GatewayRoute,
  type LogFormat,
  ROUTES,
  TYPED_ONLY_HEADER,
} from './routes.ts'

/** Where the upstream servers listen. */
export interface UpstreamPorts {
  readonly http1: number
  readonly grpc: number
  readonly tcp: number
}

const TYPES = 'type.googleapis.com/envoy.extensions'

function socketAddress(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } }
}

function action(route: GatewayRoute): object {
  if (route.action === 'direct') {
    return { direct_response: { status: 200, body: { inline_string: DIRECT_BODY } } }
  }
  const forward = { cluster: clusterOf(route), timeout: '0s' }
  if (route.action === 'redirect') {
    return { route: { ...forward, internal_redirect_policy: {} } }
  }
  if (route.action === 'websocket') {
    return { route: { ...forward, upgrade_configs: [{ upgrade_type: 'websocket' }] } }
  }
  if (route.action === 'connect') {
    const connect = { upgrade_type: 'CONNECT', connect_config: {} }
    return { route: { ...forward, upgrade_configs: [connect] } }
  }
  return { route: forward }
}

function clusterOf(route: GatewayRoute): keyof UpstreamPorts {
  if (route.action === 'grpc') return 'grpc'
  return route.action === 'connect' ? 'tcp' : 'http1'
}

function routeEntry(route: GatewayRoute): object {
  const metadata = { filter_metadata: { 'datum-gateway': { project_name: route.project } } }
  return {
    match: route.action === 'connect' ? { connect_matcher: {} } : { prefix: `/${route.id}/` },
    ...(route.name === null ? {} : { name: route.name }),
    ...(route.project === null ? {} : { metadata }),
    ...action(route),
  }
}

function accessLog(format: LogFormat, logDir: string): object {
  // Envoy Gateway sets no flush options, so its logs have End lines only. One listener has one set
  // of options: the filter gives the untyped logs what they would have without them.
  const filters = [
    { log_type_filter: { types: ['DownstreamEnd'] } },
    { header_filter: { header: { name: TYPED_ONLY_HEADER, present_match: false } } },
  ]
  return {
    name: 'envoy.access_loggers.file',
    ...(format.typed ? {} : { filter: { and_filter: { filters } } }),
    typed_config: {
      '@type': `${TYPES}.access_loggers.file.v3.FileAccessLog`,
      path: join(logDir, `${format.id}.log`),
      log_format: { json_format: format.keys },
    },
  }
}

function listener(name: string, codec: 'HTTP1' | 'HTTP2', logDir: string): object {
  const routes = ROUTES.filter((route) => route.action !== 'unrouted').map(routeEntry)
  const manager = {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    codec_type: codec,
    // No use_remote_address: clients may choose their request id, so hostile bytes reach the log.
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    access_log: FORMATS.map((format) => accessLog(format, logDir)),
    access_log_options: {
      flush_access_log_on_new_request: true,
      access_log_flush_interval: '1s',
      flush_log_on_tunnel_successfully_established: true,
    },
    upgrade_configs: [{ upgrade_type: 'websocket' }, { upgrade_type: 'CONNECT' }],
    http2_protocol_options: { allow_connect: true },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` },
      },
    ],
  }
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager }
  return { name, address: socketAddress(0), filter_chains: [{ filters: [filter] }] }
}

function cluster(name: keyof UpstreamPorts, port: number): object {
  const options = {
    '@type': `${TYPES}.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: {} },
  }
  const http2 = { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options }
  const endpoint = { endpoint: { address: socketAddress(port) } }
  return {
    name,
    type: 'STATIC',
    connect_timeout: '5s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint] }] },
    ...(name === 'grpc' ? { typed_extension_protocol_options: http2 } : {}),
  }
}

/** Listeners `http1` and `http2` on ports that the kernel picks, logs in `logDir`. */
export function bootstrap(upstream: UpstreamPorts, logDir: string): object {
  return {
    admin: { address: socketAddress(0) },
    static_resources: {
      listeners: [listener('http1', 'HTTP1', logDir), listener('http2', 'HTTP2', logDir)],
      clusters: [
        cluster('http1', upstream.http1),
        cluster('grpc', upstream.grpc),
        cluster('tcp', upstream.tcp),
      ],
    },
  }
}
