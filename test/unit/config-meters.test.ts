// The catalog that a configuration chooses: meters are data, and where the two disagree nothing
// starts.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { componentDocuments } from '../../src/catalog/component.ts'
import { NETWORK_SERVICES } from '../../src/catalog/network-services.ts'
import { inspectConfig } from '../../src/config/load.ts'
import { renderProblem } from '../../src/config/problems.ts'
import {
  configuration,
  type Document,
  ownConfiguration,
  service,
  yaml,
} from './catalog-documents.ts'
import { config, GATEWAY, load, problemsOf } from './config-file.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'meter-fast-meters-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** A catalog file with these documents. */
function catalogFile(...documents: Document[]): string {
  const path = join(directory, `${performance.now()}.yaml`)
  writeFileSync(path, yaml(...documents))
  return path
}

/** A configuration whose keys beside streams and sink are these. */
function configText(rest: object, sink = '{ type: stdout }'): string {
  const lines = Object.entries(rest).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  return config({ sink, rest: lines.join('\n') })
}

const AMOUNTS = {
  'ai.example.com/model/calls': 'requests',
  'ai.example.com/model/sent': 'egressBytes',
}
const OWN = { dimensions: { model: { from: 'model' } } }

function own(breakIt: (document: Document) => void = () => {}): string {
  const document = ownConfiguration()
  breakIt(document)
  return catalogFile(document)
}

function warningsOf(text: string): string[] {
  const path = join(directory, 'meter.yaml')
  writeFileSync(path, text)
  const { problems } = inspectConfig(path, { env: {} })
  return problems.map((problem) => renderProblem(problem).replaceAll(`${directory}/`, ''))
}

describe('a catalog file', () => {
  test('that publishes the built-in meters gives the built-in catalog', () => {
    const path = join(directory, 'built-in.yaml')
    writeFileSync(path, componentDocuments())
    expect(load(configText({ catalog: path })).catalog).toEqual(NETWORK_SERVICES)
    expect(load(configText({ catalog: catalogFile(configuration()) })).catalog).toEqual(
      NETWORK_SERVICES,
    )
  })

  test('gives another service its own meters, source, subject and types', () => {
    const meters = { amounts: AMOUNTS, source: 'urn:ai', subject: 'accounts/{project}' }
    expect(load(configText({ catalog: own(), meters, ...OWN })).catalog).toEqual({
      serviceName: 'ai.example.com',
      source: 'urn:ai',
      subject: 'accounts/{project}',
      meters: [
        {
          type: 'ai.example.com/model/calls',
          unit: '{call}',
          amount: 'requests',
          dimensions: ['model', 'project_name'],
        },
        {
          type: 'ai.example.com/model/sent',
          unit: 'By',
          amount: 'egressBytes',
          dimensions: ['model', 'project_name'],
        },
      ],
    })
  })

  test('by default the source is the gateway of the service, the subject the project', () => {
    const { catalog } = load(configText({ catalog: own(), meters: { amounts: AMOUNTS }, ...OWN }))
    expect([catalog.source, catalog.subject]).toEqual([
      '//ai.example.com/gateway',
      'projects/{project}',
    ])
  })

  test('may hold several Services: the one that it refers to names it', () => {
    const other = service()
    const ours = service()
    ours.metadata.name = 'ai-example-com'
    ours.spec.serviceName = 'ai.example.com'
    const path = catalogFile(other, ours, ownConfiguration())
    const { catalog } = load(configText({ catalog: path, meters: { amounts: AMOUNTS }, ...OWN }))
    expect(catalog.serviceName).toBe('ai.example.com')
  })

  test('exactly the meters of meters.amounts are billed, also of the built-in catalog', () => {
    const amounts = { 'networking.datumapis.com/gateway/egress-bytes': 'egressBytes' }
    const { catalog } = load(configText({ meters: { amounts } }))
    expect(catalog.meters).toEqual([NETWORK_SERVICES.meters[1]])
  })

  test('may come by flag or environment', () => {
    const env = { METER_FAST_CATALOG: own() }
    const text = configText({ meters: { amounts: AMOUNTS }, ...OWN })
    expect(load(text, { env }).catalog.serviceName).toBe('ai.example.com')
    expect(load(text, { flags: { catalog: own() } }).catalog.serviceName).toBe('ai.example.com')
  })
})

describe('config and catalog that disagree are refused', () => {
  const gauge = (d: Document): void => {
    d.spec.metrics[0].kind = 'Gauge'
  }
  const unrouted = (d: Document): void =>
    void d.spec.billing.consumerDestinations[0].metrics.shift()
  const milliseconds = (d: Document): void => {
    d.spec.metrics[0].unit = 'ms'
  }

  const cases: readonly (readonly [string, () => object, string, string])[] = [
    [
      'an unknown meter',
      () => ({
        catalog: own(),
        ...OWN,
        meters: { amounts: { 'ai.example.com/model/cals': 'requests' } },
      }),
      'meters.amounts.ai.example.com/model/cals: the catalog has no such meter',
      'did you mean ai.example.com/model/calls?',
    ],
    [
      'an unknown amount',
      () => ({
        catalog: own(),
        ...OWN,
        meters: { amounts: { 'ai.example.com/model/calls': 'tokens' } },
      }),
      'meters.amounts.ai.example.com/model/calls: "tokens" is no amount',
      'choose requests, egressBytes, ingressBytes or connectionSeconds',
    ],
    [
      'a wrong unit',
      () => ({ catalog: own(milliseconds), ...OWN, meters: { amounts: AMOUNTS } }),
      'has the unit "ms", but requests is counted in {request}, 1 or another {...}',
      'bill another amount with it',
    ],
    [
      'bytes billed as requests',
      () => ({
        meters: { amounts: { 'networking.datumapis.com/gateway/egress-bytes': 'requests' } },
      }),
      'has the unit "By", but requests is counted in',
      'bill another amount with it',
    ],
    [
      'a gauge',
      () => ({ catalog: own(gauge), ...OWN, meters: { amounts: AMOUNTS } }),
      'is a Gauge: billing would keep its last value',
      'declare it as Delta',
    ],
    [
      'a meter that billing does not route',
      () => ({ catalog: own(unrouted), ...OWN, meters: { amounts: AMOUNTS } }),
      'no consumer destination has it',
      'add it to spec.billing.consumerDestinations',
    ],
    [
      'an undeclared dimension',
      () => ({
        catalog: own(),
        meters: { amounts: AMOUNTS },
        dimensions: { model: 'm', zone: 'z' },
      }),
      'dimensions.zone: no meter of the catalog declares it',
      'choose model',
    ],
    [
      'an undeclared dimension of the built-in catalog',
      () => ({ dimensions: { zone: { from: 'zone' } } }),
      'dimensions.zone: no meter of the catalog declares it',
      'choose region, gateway, gateway_namespace or gateway_class',
    ],
    [
      'names that tell no amount',
      () => ({ catalog: own() }),
      'catalog: no meter of the catalog ends with requests, egress-bytes',
      'say in meters.amounts what each meter bills',
    ],
    [
      'no meter',
      () => ({ meters: { amounts: {} } }),
      'meters.amounts: {} names no meter',
      'write name',
    ],
    [
      'a subject without a project',
      () => ({ meters: { subject: 'projects/all' } }),
      'meters.subject: "projects/all" does not fit',
      'write {project} once',
    ],
    [
      'a subject with two projects',
      () => ({ meters: { subject: '{project}/{project}' } }),
      'meters.subject: "{project}/{project}" does not fit',
      'write {project} once',
    ],
    [
      'a source with a blank',
      () => ({ meters: { source: '//a b' } }),
      'meters.source: "//a b" does not fit',
      'write a URI',
    ],
    [
      'a file that is not there',
      () => ({ catalog: '/no.yaml' }),
      'catalog: /no.yaml cannot be',
      'may read',
    ],
  ]

  test.each(cases)('%s', (_name, rest, what, todo) => {
    const problems = problemsOf(configText(rest()))
    expect(problems).toEqual([expect.stringContaining(what)])
    expect(problems[0]).toContain(todo)
  })

  test('the place is that of the entry, or of the unit in the catalog', () => {
    const text = `streams:
  - { files: [/a], source_id: n }
sink: { type: stdout }
dimensions:
  region: r
  zone: z
`
    expect(problemsOf(text)).toEqual([expect.stringMatching(/^meter\.yaml:6:3: dimensions\.zone/)])
    const document = configuration()
    document.spec.metrics[3].unit = 'ms'
    const path = catalogFile(document)
    const [problem = ''] = problemsOf(configText({ catalog: path }))
    expect(problem.startsWith(`${path}:`)).toBe(true)
    expect(problem).toContain(
      'spec.metrics[3]: networking.datumapis.com/gateway/connection-seconds',
    )
  })

  test('a dimension for counters by route is declared by no meter, and needs them', () => {
    const rest = { dimensions: { backend_name: { from: '/backend/0/name' } } }
    expect(problemsOf(configText(rest))).toEqual([
      expect.stringContaining('dimensions.backend_name: no meter of the catalog declares it'),
    ])
    const observe = { listen: '127.0.0.1:0', route_series_max: 9 }
    expect(problemsOf(configText({ ...rest, observe }))).toEqual([])
    const other = { dimensions: { ...rest.dimensions, zone: 'a' }, observe }
    expect(problemsOf(configText(other))).toEqual([expect.stringContaining('dimensions.zone: no ')])
  })

  // A collector hands on to a gateway.
  test.each(['milo-gateway', 'collector'])('a %s takes the subject of a project only', (type) => {
    const sink = GATEWAY.replace('milo-gateway', type)
    const text = configText({ meters: { subject: 'accounts/{project}' } }, sink)
    expect(problemsOf(text)).toEqual([expect.stringContaining(`a ${type} takes no other`)])
    expect(problemsOf(configText({ meters: { subject: 'projects/{project}' } }, sink))).toEqual([])
  })

  test('problems of the catalog come with those of the configuration, file by file', () => {
    const document = ownConfiguration()
    document.spec.phase = 'Live'
    delete document.spec.metrics[0].kind
    const path = catalogFile(document)
    const problems = problemsOf(configText({ window: '7s', catalog: path }))
    expect(problems.map((text) => text.slice(text.indexOf(': ') + 2))).toEqual([
      expect.stringContaining('window: 7s'),
      expect.stringContaining('spec.phase: "Live" is not known'),
      expect.stringContaining('spec.metrics[0].kind: is missing'),
    ])
  })

  test('a file with two configurations, or none, is refused', () => {
    const other = ownConfiguration()
    other.metadata.name = 'other'
    expect(problemsOf(configText({ catalog: catalogFile(ownConfiguration(), other) }))).toEqual([
      expect.stringContaining('it has 2 ServiceConfigurations'),
    ])
    const kustomize = { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component' }
    expect(problemsOf(configText({ catalog: catalogFile(kustomize) }))).toEqual([
      expect.stringContaining('it has 0 ServiceConfigurations'),
    ])
  })
})

describe('what is a warning', () => {
  const SUPPLIED = { region: 'r', gateway: 'g', gateway_namespace: 'n' }

  test('a declared dimension that nothing gives', () => {
    expect(warningsOf(configText({ dimensions: SUPPLIED }))).toEqual([
      'meter.yaml:4:13: warning: dimensions: ' +
        'nothing gives gateway_class, so no event carries it; ' +
        'set what the catalog declares, or leave it where there is no value',
    ])
    expect(warningsOf(configText({ dimensions: { ...SUPPLIED, gateway_class: 'c' } }))).toEqual([])
  })

  test('dimensions of routes, when no format has a route', () => {
    const format = '{ project: p, egressBytes: b, startTime: t }'
    const stream = `{ files: [/a], source_id: n, format: ${format} }`
    const rest = `dimensions: ${JSON.stringify({ ...SUPPLIED, gateway_class: 'c' })}`
    expect(warningsOf(config({ stream, rest }))).toEqual([
      expect.stringContaining('nothing gives httproute_name, httproute_namespace'),
    ])
  })

  test.each(['Draft', 'Retired'])('a configuration that is %s: billing has no meters', (phase) => {
    const path = own((document) => {
      document.spec.phase = phase
    })
    const text = configText({ catalog: path, meters: { amounts: AMOUNTS }, ...OWN })
    expect(warningsOf(text)).toEqual([
      expect.stringContaining(`of a configuration that is ${phase}`),
    ])
  })

  test('a meter whose name tells no amount, unless all are named', () => {
    const document = configuration()
    const renamed = 'networking.datumapis.com/gateway/calls'
    document.spec.metrics[0].name = renamed
    document.spec.billing.consumerDestinations[0].metrics[0] = renamed
    delete document.spec.charges
    const path = catalogFile(document)
    const dimensions = { ...SUPPLIED, gateway_class: 'c' }
    expect(warningsOf(configText({ catalog: path, dimensions }))).toEqual([
      expect.stringContaining(`${renamed} is not metered: its name tells no amount`),
    ])
    const amounts = { 'networking.datumapis.com/gateway/egress-bytes': 'egressBytes' }
    expect(warningsOf(configText({ catalog: path, dimensions, meters: { amounts } }))).toEqual([])
  })

  test('loading tells warnings and goes on', () => {
    const told: string[] = []
    const onWarning = (text: string): void => void told.push(text)
    load(configText({ dimensions: SUPPLIED }), { onWarning })
    expect(told).toEqual([expect.stringContaining('nothing gives gateway_class')])
  })
})
