// Rules and segments that the tests of emit share.

import type { SegmentName } from '../../src/emit/event-id.ts'
import type { EventRules, MeterAmount } from '../../src/emit/meter-rules.ts'

export const METER = 'networking.datumapis.com/gateway'

export const DIMENSIONS = [
  'region',
  'gateway',
  'gateway_namespace',
  'gateway_class',
  'httproute_name',
  'httproute_namespace',
  'project_name',
]

const METERS: readonly (readonly [string, MeterAmount])[] = [
  ['requests', 'requests'],
  ['egress-bytes', 'egressBytes'],
  ['ingress-bytes', 'ingressBytes'],
  ['connection-seconds', 'connectionSeconds'],
]

/** The rules of the built-in catalog, with nothing but what the route and project give. */
export const RULES: EventRules = {
  source: '//networking.datumapis.com/gateway',
  subject: 'projects/{project}',
  meters: METERS.map(([name, amount]) => ({
    type: `${METER}/${name}`,
    amount,
    dimensions: DIMENSIONS,
  })),
  dimensions: {},
  lineDimensions: [],
  connectionSeconds: 'exact',
}

export const SEGMENT: SegmentName = {
  stream: 'k8s/0a1b2c3d-0000-4000-8000-000000000001/envoy/0',
  epoch: 0,
  windowStartMs: Date.UTC(2026, 10, 22, 12),
  windowMs: 60_000,
  part: '0',
}
