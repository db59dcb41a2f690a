// The built-in catalog, literally: these names are a contract with the billing system.

import { expect, test } from 'vitest'
import { NETWORK_SERVICES } from '../../src/catalog/network-services.ts'

test('the four meters of networking.datumapis.com have their published names and units', () => {
  const { serviceName, source, subject, meters } = NETWORK_SERVICES
  expect({ serviceName, source, subject }).toEqual({
    serviceName: 'networking.datumapis.com',
    source: '//networking.datumapis.com/gateway',
    subject: 'projects/{project}',
  })
  expect(meters.map(({ type, unit, amount }) => [type, unit, amount])).toEqual([
    ['networking.datumapis.com/gateway/requests', '{request}', 'requests'],
    ['networking.datumapis.com/gateway/egress-bytes', 'By', 'egressBytes'],
    ['networking.datumapis.com/gateway/ingress-bytes', 'By', 'ingressBytes'],
    ['networking.datumapis.com/gateway/connection-seconds', 's', 'connectionSeconds'],
  ])
})

test('no meter loses a published dimension', () => {
  for (const { dimensions } of NETWORK_SERVICES.meters) {
    expect(dimensions).toEqual([
      'region',
      'gateway',
      'gateway_namespace',
      'gateway_class',
      'httproute_name',
      'httproute_namespace',
      'project_name',
    ])
  }
})
