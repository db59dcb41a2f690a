// The documents that publish Network Services, made from the built-in catalog: names, units and
// dimensions stand there alone, here are only the words that people read.

import type { MeterAmount } from './catalog.ts'
import { API_VERSION } from './manifest-shapes.ts'
import { NETWORK_SERVICES } from './network-services.ts'

const OBJECT_NAME = 'networking-datumapis-com'
const ROUTE_TYPE = `${NETWORK_SERVICES.serviceName}/HTTPRoute`

const METADATA = {
  name: OBJECT_NAME,
  labels: {
    'app.kubernetes.io/name': 'network-services-operator',
    'app.kubernetes.io/managed-by': 'kustomize',
  },
}

const WORDS: Readonly<Record<MeterAmount, readonly [name: string, description: string]>> = {
  requests: ['HTTP Route Requests', 'Requests that the gateway answered for the route.'],
  egressBytes: ['HTTP Route Egress Bytes', 'Bytes of response bodies sent to clients.'],
  ingressBytes: ['HTTP Route Ingress Bytes', 'Bytes of request bodies received from clients.'],
  connectionSeconds: [
    'HTTP Route Connection Seconds',
    'Seconds that requests were open, from the first byte in to the last byte out.',
  ],
}

const LABELS: Readonly<Record<string, string>> = {
  region: 'Region whose gateway served the requests.',
  gateway: 'Name of the Gateway.',
  gateway_namespace: 'Namespace of the Gateway.',
  gateway_class: 'GatewayClass of the Gateway.',
  httproute_name: 'Name of the HTTPRoute.',
  httproute_namespace: 'Namespace of the HTTPRoute.',
  project_name: 'Project that is billed.',
}

/** The `Service` of Network Services. */
export const NETWORK_SERVICE = {
  apiVersion: API_VERSION,
  kind: 'Service',
  metadata: METADATA,
  spec: {
    serviceName: NETWORK_SERVICES.serviceName,
    phase: 'Published',
    displayName: 'Network Services',
    description:
      'Managed gateways and HTTP routes. Usage is metered from the access logs of the gateways.',
    owner: { producerProjectRef: { name: 'datum-cloud' } },
    dependencies: [{ serviceRef: { name: 'ipam-miloapis-com' } }],
  },
}

/** The `ServiceConfiguration` of Network Services. */
export const NETWORK_SERVICE_CONFIGURATION = {
  apiVersion: API_VERSION,
  kind: 'ServiceConfiguration',
  metadata: METADATA,
  spec: {
    serviceRef: { name: OBJECT_NAME },
    phase: 'Published',
    monitoredResourceTypes: [
      {
        type: ROUTE_TYPE,
        displayName: 'HTTP Route',
        description: 'A route of a managed gateway, with what was requested and sent through it.',
        gvk: { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute' },
        labels: [...new Set(NETWORK_SERVICES.meters.flatMap(({ dimensions }) => dimensions))].map(
          (name) => ({ name, description: LABELS[name] ?? name }),
        ),
      },
    ],
    metrics: NETWORK_SERVICES.meters.map(({ type, unit, amount, dimensions }) => {
      const [displayName, description] = WORDS[amount]
      return { name: type, displayName, description, kind: 'Delta', unit, dimensions }
    }),
    billing: {
      consumerDestinations: [
        {
          monitoredResourceType: ROUTE_TYPE,
          metrics: NETWORK_SERVICES.meters.map(({ type }) => type),
        },
      ],
    },
  },
}
