// The built-in catalog: the four meters of networking.datumapis.com.
//
// These names are a contract with the billing system. Dimensions are only ever added: a published
// meter that loses one is deleted and made anew, and events in between go to quarantine.

/** Which of the sums that the core keeps a meter bills. */
export type MeterAmount = 'requests' | 'egressBytes' | 'ingressBytes' | 'connectionSeconds'

/** One meter: what an event's `type` names. */
export interface Meter {
  /** Also the `type` of its events. */
  readonly type: string
  /** Unit of the value, in UCUM. */
  readonly unit: string
  readonly amount: MeterAmount
  /** Dimensions that an event may carry; others are left out. */
  readonly dimensions: readonly string[]
}

/** What the events of one service have in common, and its meters. */
export interface Catalog {
  readonly serviceName: string
  /** `source` of every event. */
  readonly source: string
  /** `subject` of every event; `{project}` stands for the project's name. */
  readonly subject: string
  readonly meters: readonly Meter[]
}

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

/** The catalog of Envoy gateways; the only one of this version. */
export const NETWORK_SERVICES: Catalog = {
  serviceName: SERVICE_NAME,
  source: `//${SERVICE_NAME}/gateway`,
  subject: 'projects/{project}',
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
