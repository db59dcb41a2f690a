// The Kustomize component of Network Services: what the command writes is what the repository
// holds, and it says what the contract says.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { componentDocuments, componentFiles } from '../../src/catalog/component.ts'
import { checkManifests } from '../../src/catalog/manifests.ts'

const COMPONENT = join(import.meta.dirname, '../../deploy/components/service-catalog')
const NAMES = ['kustomization.yaml', 'service-configuration.yaml', 'service.yaml']
const read = (name: string) => parse(readFileSync(join(COMPONENT, name), 'utf8'))

test('the repository holds what "catalog render" writes', () => {
  expect(readdirSync(COMPONENT).toSorted()).toEqual(NAMES)
  for (const [name, text] of componentFiles()) {
    expect(readFileSync(join(COMPONENT, name), 'utf8')).toBe(text)
  }
  expect([...componentFiles().keys()].toSorted()).toEqual(NAMES)
})

test('it is a Component of both documents', () => {
  expect(read('kustomization.yaml')).toEqual({
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    resources: ['service.yaml', 'service-configuration.yaml'],
  })
})

test('it passes its own check, without a warning', () => {
  expect(
    checkManifests(
      NAMES.map((name) => join(COMPONENT, name)),
      [],
    ).found,
  ).toEqual([])
})

describe('the documents say what the contract says', () => {
  const { metadata, spec } = read('service-configuration.yaml')
  const DIMENSIONS = [
    ...['region', 'gateway', 'gateway_namespace', 'gateway_class', 'httproute_name'],
    ...['httproute_namespace', 'project_name'],
  ]
  const METERS = [
    ['networking.datumapis.com/gateway/requests', '{request}'],
    ['networking.datumapis.com/gateway/egress-bytes', 'By'],
    ['networking.datumapis.com/gateway/ingress-bytes', 'By'],
    ['networking.datumapis.com/gateway/connection-seconds', 's'],
  ]

  test('the Service', () => {
    const service = read('service.yaml')
    expect(service.metadata.name).toBe('networking-datumapis-com')
    expect(service.metadata.labels['app.kubernetes.io/managed-by']).toBe('kustomize')
    expect(service.spec).toMatchObject({
      serviceName: 'networking.datumapis.com',
      phase: 'Published',
      dependencies: [{ serviceRef: { name: 'ipam-miloapis-com' } }],
    })
  })

  test('four meters of seven dimensions, all deltas, with a name for people', () => {
    expect(
      spec.metrics.map(({ name, unit }: { name: string; unit: string }) => [name, unit]),
    ).toEqual(METERS)
    for (const { kind, dimensions, displayName } of spec.metrics) {
      expect({ kind, dimensions }).toEqual({ kind: 'Delta', dimensions: DIMENSIONS })
      expect(displayName).not.toBe('')
    }
  })

  test('billed by HTTPRoute, published, unpriced', () => {
    expect(metadata.name).toBe('networking-datumapis-com')
    expect(spec.phase).toBe('Published')
    expect(spec.serviceRef).toEqual({ name: 'networking-datumapis-com' })
    expect(spec.monitoredResourceTypes).toHaveLength(1)
    const [type] = spec.monitoredResourceTypes
    expect(type).toMatchObject({
      type: 'networking.datumapis.com/HTTPRoute',
      gvk: { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute' },
    })
    expect(type.labels.map(({ name }: { name: string }) => name)).toEqual(DIMENSIONS)
    expect(spec.billing.consumerDestinations).toEqual([
      {
        monitoredResourceType: 'networking.datumapis.com/HTTPRoute',
        metrics: METERS.map(([name]) => name),
      },
    ])
    expect(spec.charges).toBeUndefined()
  })

  test('as one stream they are the same documents', () => {
    const documents = parseAllDocuments(componentDocuments()).map((one) => one.toJS())
    expect(documents).toEqual([read('service.yaml'), read('service-configuration.yaml')])
  })
})

function hasKubectl(): boolean {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test.runIf(hasKubectl())('kubectl builds an overlay with it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'meter-fast-overlay-'))
  try {
    const components = [relative(directory, COMPONENT)]
    writeFileSync(join(directory, 'kustomization.yaml'), JSON.stringify({ components }))
    const text = execFileSync('kubectl', ['kustomize', directory], { encoding: 'utf8' })
    const built = parseAllDocuments(text).map((one) => one.toJS())
    expect(built).toEqual(
      expect.arrayContaining([read('service.yaml'), read('service-configuration.yaml')]),
    )
    expect(built).toHaveLength(2)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
