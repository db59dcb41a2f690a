// Every field of `Service` and `ServiceConfiguration` (services.miloapis.com/v1alpha1) with its
// bounds, once. What spans fields is in references.ts and charges.ts.
//
// `spec.quota`, `spec.locations` and `spec.defaultOffer` are of no concern to metering and are not
// judged. The shape of a charge is moving: fields of its type stand in `usage`, `oneTime` or
// `recurring`, or, as they did before, beside its name. Both are accepted.

import type { FieldShape, ListShape, MapShape, Shape, TextShape } from './shape.ts'

export const API_VERSION = 'services.miloapis.com/v1alpha1'
export const PHASES = ['Draft', 'Published', 'Deprecated', 'Retired'] as const

const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'

/** `networking.datumapis.com`: two labels or more. */
export const SERVICE_NAME = new RegExp(`^${LABEL}(\\.${LABEL})+$`)
const DNS_LABEL = new RegExp(`^${LABEL}$`)
const DNS_NAME = new RegExp(`^${LABEL}(\\.${LABEL})*$`)
const DECIMAL = /^(0|[1-9]\d*)(\.\d+)?$/

// UCUM: printable ASCII without blanks; what is in { } is a remark and may hold no brace.
const UNIT = /^([!-z|~]|\{[!-z|~]*\})+$/

const text = (min: number, max: number, more: Partial<TextShape> = {}): TextShape => {
  return { kind: 'text', min, max, ...more }
}
const matching = (max: number, pattern: RegExp, patternTodo: string): TextShape => {
  return text(1, max, { pattern, patternTodo })
}
const list = (item: Shape, more: Omit<ListShape, 'kind' | 'item'> = {}): ListShape => {
  return { kind: 'list', item, ...more }
}
const map = (fields: MapShape['fields']): MapShape => ({ kind: 'map', fields })
const optional = (shape: Shape): FieldShape => ({ shape })
const required = (shape: Shape, todo: string): FieldShape => ({ shape, required: todo })

const SERVER_METADATA = [
  'creationTimestamp',
  'finalizers',
  'generation',
  'managedFields',
  'ownerReferences',
  'resourceVersion',
  'uid',
]
const ANY = optional({ kind: 'any' })
const TEXTS = optional({ kind: 'texts' })
const PHASE = optional({ kind: 'text', choices: PHASES })
const NAME_253 = text(1, 253)
const DISPLAY_NAME = optional(text(0, 128))
const DESCRIPTION = optional(text(0, 1024))
const DECIMAL_TEXT: TextShape = {
  kind: 'text',
  pattern: DECIMAL,
  patternTodo: 'write a decimal number in quotes, such as "0.000001"',
}

// Billing objects are named after these, with / and . as -.
const CANONICAL_NAME = matching(
  253,
  /^[A-Za-z0-9][-A-Za-z0-9./]*[A-Za-z0-9]$/,
  'write letters, digits, - and . after the name of the service and a /',
)

const DIMENSION = text(1, 63)

const SERVICE_REF = map({
  name: required(NAME_253, 'write the metadata.name of the Service'),
})

const MONITORED_RESOURCE_TYPE = map({
  type: required(CANONICAL_NAME, 'write <serviceName>/<Kind>'),
  displayName: DISPLAY_NAME,
  description: DESCRIPTION,
  gvk: required(
    map({
      group: required(text(1, 253), 'write the API group of the kind'),
      kind: required(text(1, 63), 'write the kind'),
    }),
    'write the group and kind that is billed',
  ),
  labels: optional(
    list(
      map({ name: required(text(1, 63), 'name the label'), description: optional(text(0, 512)) }),
      { max: 64, key: 'name' },
    ),
  ),
})

const METRIC = map({
  name: required(CANONICAL_NAME, 'write <serviceName>/<meter>'),
  displayName: DISPLAY_NAME,
  description: DESCRIPTION,
  kind: required({ kind: 'text', choices: ['Delta', 'Gauge', 'Cumulative'] }, 'write Delta'),
  unit: required(
    matching(64, UNIT, 'write a unit of UCUM, such as By, s, 1 or {request}'),
    'write a unit of UCUM, such as By, s, 1 or {request}',
  ),
  dimensions: optional(list(DIMENSION, { max: 32, key: '' })),
})

const RATE = map({
  match: optional(
    map({
      dimension: required(DIMENSION, 'name a dimension of the metric'),
      value: required(text(1, 253), 'write the value that this rate is for'),
    }),
  ),
  flat: optional(DECIMAL_TEXT),
  tiered: optional(
    list(
      map({ upTo: optional(DECIMAL_TEXT), rate: required(DECIMAL_TEXT, 'write a price in USD') }),
      { min: 1 },
    ),
  ),
})

const USAGE_FIELDS = {
  metricRef: optional(NAME_253),
  pricingUnit: optional(text(1, 64)),
  rates: optional(list(RATE, { min: 1 })),
}
const ONE_TIME_FIELDS = { amount: optional(DECIMAL_TEXT), trigger: optional(text(1, 64)) }
const RECURRING_FIELDS = { amount: optional(DECIMAL_TEXT), interval: optional(text(1, 64)) }

const CHARGE = map({
  name: required(CANONICAL_NAME, 'write <serviceName>/<charge>'),
  chargeType: required(
    { kind: 'text', choices: ['Usage', 'OneTime', 'Recurring'] },
    'write Usage, OneTime or Recurring',
  ),
  displayName: DISPLAY_NAME,
  currency: optional({ kind: 'text', choices: ['USD'] }),
  usage: optional(map(USAGE_FIELDS)),
  oneTime: optional(map(ONE_TIME_FIELDS)),
  recurring: optional(map(RECURRING_FIELDS)),
  ...USAGE_FIELDS,
  ...ONE_TIME_FIELDS,
  ...RECURRING_FIELDS,
})

const BILLING = map({
  consumerDestinations: optional(
    list(
      map({
        monitoredResourceType: required(NAME_253, 'name one of spec.monitoredResourceTypes'),
        metrics: required(
          list(NAME_253, { min: 1, max: 256, key: '' }),
          'name the metrics that are billed by it',
        ),
      }),
      { max: 64, key: 'monitoredResourceType' },
    ),
  ),
  quotaGating: optional({ kind: 'text', choices: ['OrganizationDefault', 'BillingEntitlement'] }),
})

const SERVICE_SPEC = map({
  serviceName: required(
    matching(253, SERVICE_NAME, 'write a name such as networking.datumapis.com'),
    'write a name such as networking.datumapis.com',
  ),
  phase: PHASE,
  displayName: required(text(1, 128), 'write what people call the service'),
  description: DESCRIPTION,
  owner: required(
    map({
      producerProjectRef: required(
        map({ name: required(NAME_253, 'name the project that owns the service') }),
        'name the project that owns the service',
      ),
    }),
    'name the project that owns the service',
  ),
  dependencies: optional(list(map({ serviceRef: required(SERVICE_REF, 'name a Service') }))),
})

const CONFIGURATION_SPEC: MapShape = {
  kind: 'map',
  replaced: { meters: 'write metrics, and route them in billing.consumerDestinations' },
  fields: {
    serviceRef: required(SERVICE_REF, 'name the Service'),
    phase: PHASE,
    version: optional(text(0, 64)),
    monitoredResourceTypes: optional(list(MONITORED_RESOURCE_TYPE, { max: 128, key: 'type' })),
    metrics: optional(list(METRIC, { max: 256, key: 'name' })),
    billing: optional(BILLING),
    charges: optional(list(CHARGE, { max: 64, key: 'name' })),
    quota: ANY,
    locations: ANY,
    defaultOffer: ANY,
  },
}

/** The documents that are known, by kind. */
export const MANIFEST_SHAPES = {
  Service: document(matching(63, DNS_LABEL, 'write at most 63 of a-z, 0-9 and -'), SERVICE_SPEC),
  ServiceConfiguration: document(
    matching(253, DNS_NAME, 'write names of a-z, 0-9 and -, joined by .'),
    CONFIGURATION_SPEC,
  ),
} as const satisfies Record<string, Shape>

// What the server adds may stand there: an earlier version often comes from `kubectl get`.
function document(name: TextShape, spec: MapShape): MapShape {
  const metadata = map({
    name: required(name, 'name the object'),
    labels: TEXTS,
    annotations: TEXTS,
    ...Object.fromEntries(SERVER_METADATA.map((key) => [key, ANY])),
  })
  return map({
    apiVersion: required({ kind: 'text', choices: [API_VERSION] }, `write ${API_VERSION}`),
    kind: required({ kind: 'text' }, 'write Service or ServiceConfiguration'),
    metadata: required(metadata, 'name the object'),
    spec: required(spec, 'describe the object'),
    status: ANY,
  })
}
