// The built-in catalog: the four meters of networking.datumapis.com. The manifests that publish
// them are made from it (network-services-manifests.ts).
//
// These names are a contract with the billing system. Dimensions are only ever added: a published
// meter that loses one is deleted and made anew, and events in between go to quarantine.

import {
  type Catalog,
  DEFAULT_SUBJECT,
  defaultSource,
  type Meter,
  type MeterAmount,
} from './catalog.ts'

const SERVICE_NAME = 'networking.datumapis.com'

const DIMENSIONS = [
  'region',
  'gateway',
  'gateway_namespace',
  'gateway_class',
  'httproute_name',
  'httproute_namespace',
  'project_name',
] as const

/** The catalog of Envoy gateways; another one comes from a file. */
export const NETWORK_SERVICES: Catalog = {
  serviceName: SERVICE_NAME,
  source: defaultSource(SERVICE_NAME),
  subject: DEFAULT_SUBJECT,
  meters: [
    meter('requests', '{request}', 'requests'),
    meter('egress-bytes', 'By', 'egressBytes'),
    meter('ingress-bytes', 'By', 'ingressBytes'),
    meter('connection-seconds', 's', 'connectionSeconds'),
  ],
}

function meter(name: string, unit: string, amount: MeterAmount): Meter {
  return { type: `${SERVICE_NAME}/gateway/${name}`, unit, amount, dimensions: DIMENSIONS }
}
