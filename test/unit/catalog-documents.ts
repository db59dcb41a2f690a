// Documents for tests of the catalog: two good ones as plain objects, by hand from the contract and
// not from the product, and ways to break one thing in them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { checkManifests } from '../../src/catalog/manifests.ts'
import type { Problem } from '../../src/config/problems.ts'

// A test may put anything anywhere.
// biome-ignore lint/suspicious/noExplicitAny: documents are broken on purpose.
export type Document = any

export const S = 'networking.datumapis.com'
const DIMENSIONS = ['region', 'gateway', 'gateway_namespace', 'gateway_class', 'httproute_name']
const ALL_DIMENSIONS = [...DIMENSIONS, 'httproute_namespace', 'project_name']

export function service(): Document {
  return {
    apiVersion: 'services.miloapis.com/v1alpha1',
    kind: 'Service',
    metadata: { name: 'networking-datumapis-com', labels: { 'app.kubernetes.io/name': 'x' } },
    spec: {
      serviceName: S,
      phase: 'Published',
      displayName: 'Network Services',
      description: 'Managed gateways.',
      owner: { producerProjectRef: { name: 'datum-cloud' } },
      dependencies: [{ serviceRef: { name: 'ipam-miloapis-com' } }],
    },
  }
}

export function metric(name: string, unit: string): Document {
  return {
    name: `${S}/gateway/${name}`,
    displayName: name,
    kind: 'Delta',
    unit,
    dimensions: [...ALL_DIMENSIONS],
  }
}

export function configuration(): Document {
  return {
    apiVersion: 'services.miloapis.com/v1alpha1',
    kind: 'ServiceConfiguration',
    metadata: { name: 'networking-datumapis-com' },
    spec: {
      serviceRef: { name: 'networking-datumapis-com' },
      phase: 'Published',
      version: 'v1',
      monitoredResourceTypes: [
        {
          type: `${S}/HTTPRoute`,
          displayName: 'HTTP Route',
          gvk: { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute' },
          labels: ALL_DIMENSIONS.map((name) => ({ name, description: `The ${name}.` })),
        },
      ],
      metrics: [
        metric('requests', '{request}'),
        metric('egress-bytes', 'By'),
        metric('ingress-bytes', 'By'),
        metric('connection-seconds', 's'),
      ],
      billing: {
        quotaGating: 'OrganizationDefault',
        consumerDestinations: [
          {
            monitoredResourceType: `${S}/HTTPRoute`,
            metrics: ['requests', 'egress-bytes', 'ingress-bytes', 'connection-seconds'].map(
              (name) => `${S}/gateway/${name}`,
            ),
          },
        ],
      },
      charges: [
        {
          name: `${S}/gateway/requests`,
          chargeType: 'Usage',
          currency: 'USD',
          displayName: 'ALB Requests',
          usage: {
            metricRef: `${S}/gateway/requests`,
            pricingUnit: 'request',
            rates: [{ match: { dimension: 'region', value: 'us-east-1' }, flat: '0.000001' }],
          },
        },
        {
          name: `${S}/setup`,
          chargeType: 'OneTime',
          oneTime: { amount: '10', trigger: 'BillingAccountActivation' },
        },
        // As charges were written before: fields of the type beside the name.
        {
          name: `${S}/gateway/egress`,
          chargeType: 'Usage',
          metricRef: `${S}/gateway/egress-bytes`,
          pricingUnit: 'GB',
          rates: [{ tiered: [{ upTo: '200', rate: '0' }, { rate: '0.05' }] }],
        },
      ],
    },
  }
}

/** The documents of a service of one's own, with meters of its own names. */
export function ownConfiguration(): Document {
  const made = configuration()
  const types = { calls: '{call}', sent: 'By' }
  made.metadata.name = 'ai-example-com'
  made.spec.serviceRef.name = 'ai-example-com'
  delete made.spec.charges
  made.spec.monitoredResourceTypes[0].type = 'ai.example.com/Model'
  made.spec.metrics = Object.entries(types).map(([name, unit]) => ({
    name: `ai.example.com/model/${name}`,
    displayName: name,
    kind: 'Delta',
    unit,
    dimensions: ['model', 'project_name'],
  }))
  made.spec.billing.consumerDestinations = [
    {
      monitoredResourceType: 'ai.example.com/Model',
      metrics: made.spec.metrics.map((one: Document) => one.name),
    },
  ]
  return made
}

/** Writes documents as `NAME.yaml` files, runs `use` with their paths, and removes them. */
export function withFiles<T>(
  texts: Readonly<Record<string, string>>,
  use: (paths: readonly string[], directory: string) => T,
): T {
  const directory = mkdtempSync(join(tmpdir(), 'meter-fast-catalog-'))
  try {
    const paths = Object.entries(texts).map(([name, text]) => {
      const path = join(directory, `${name}.yaml`)
      writeFileSync(path, text)
      return path
    })
    return use(paths, directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

export function yaml(...documents: readonly Document[]): string {
  return documents.map((document) => stringify(document)).join('---\n')
}

/** Problems of documents in one file, beside an earlier version of them. */
export function problemsOf(
  documents: readonly Document[],
  earlier: readonly Document[],
): Problem[] {
  const texts = { new: yaml(...documents), old: yaml(...earlier) }
  return withFiles(texts, ([made = '', old = '']) => [
    ...checkManifests([made], earlier.length === 0 ? [] : [old]).found,
  ])
}

/** `severity path: what`, to compare with. */
export function told({ severity, key, what }: Problem): string {
  return `${severity === 'warning' ? 'warning ' : ''}${key}: ${what}`
}
