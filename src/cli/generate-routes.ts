// The tenants of a synthetic gateway: projects, and the routes that belong to them.
//
// A route belongs to exactly one project. With the format `envoy-gateway` a project IS the
// namespace of its routes, so that what the log says and what the truth says cannot differ.

import { type Random, ZipfRanks } from './generate-random.ts'

/** One HTTPRoute or GRPCRoute object; its `index` is its place in the truth. */
export interface Route {
  readonly index: number
  readonly projectIndex: number
  readonly kind: 'HTTPRoute' | 'GRPCRoute'
  readonly namespace: string
  readonly name: string
  readonly host: string
  /** Envoy writes one route name per rule, match and host; all of them are this one route. */
  readonly ruleCount: number
}

export interface Tenants {
  readonly projects: readonly string[]
  readonly routes: readonly Route[]
  readonly popularity: ZipfRanks
}

export interface TenantSettings {
  readonly format: 'datum' | 'envoy-gateway'
  readonly projects: number
  readonly routes: number
}

const GRPC_SHARE = 0.1
const RULES_MAX = 3
const ROUTE_NAMES = ['web', 'api', 'http-proxy', 'checkout-service', 'images', 'graphql-gateway']
const HOST_NAMES = ['www', 'api', 'static', 'eu.shop']

/** Makes the tables once; `random` decides names, so equal seeds give equal tenants. */
export function makeTenants(settings: TenantSettings, random: Random): Tenants {
  const projects: string[] = []
  const namespaces: string[] = []
  for (let index = 0; index < settings.projects; index++) {
    // The index inside the name keeps names apart whatever the random digits are.
    const project = `p-${random.hex(4)}-${index.toString(36)}`
    const namespace = `ns-${random.hex(8)}-${random.hex(4)}-${index.toString(36)}`
    projects.push(project)
    namespaces.push(settings.format === 'envoy-gateway' ? project : namespace)
  }
  const routes: Route[] = []
  for (let index = 0; index < settings.routes; index++) {
    const projectIndex = index % settings.projects
    routes.push({
      index,
      projectIndex,
      kind: random.chance(GRPC_SHARE) ? 'GRPCRoute' : 'HTTPRoute',
      namespace: namespaces[projectIndex] as string,
      name: `${random.pick(ROUTE_NAMES)}-${index.toString(36)}`,
      host: `${random.pick(HOST_NAMES)}.${random.hex(6)}.example.com`,
      ruleCount: 1 + random.below(RULES_MAX),
    })
  }
  return { projects, routes, popularity: new ZipfRanks(settings.routes) }
}

/** Envoy Gateway's name of the cluster behind rule `rule`; its route names begin with it. */
export function clusterName(route: Route, rule: number): string {
  return `${route.kind.toLowerCase()}/${route.namespace}/${route.name}/rule/${rule}`
}
