// What `catalog check` accepts and refuses: one fault at a time, each told once, with its path.

import { describe, expect, test } from 'vitest'
import { checkManifests } from '../../src/catalog/manifests.ts'
import {
  configuration,
  type Document,
  metric,
  problemsOf,
  S,
  service,
  told,
  withFiles,
  yaml,
} from './catalog-documents.ts'

/** A name of the fault, the path that is told, a part of what is told, and how to break it. */
type Fault = readonly [path: string, what: string, breakIt: (document: Document) => void]

const x = (length: number): string => 'x'.repeat(length)
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `d${i}`)

const SERVICE_FAULTS: Readonly<Record<string, Fault>> = {
  'another version of the API': ['apiVersion', 'is not known', (d) => (d.apiVersion += '2')],
  'no apiVersion': ['apiVersion', 'is missing', (d) => delete d.apiVersion],
  'another kind': ['kind', '"Sevice" is not known', (d) => (d.kind = 'Sevice')],
  'no kind': ['kind', 'is missing', (d) => delete d.kind],
  'no metadata': ['metadata', 'is missing', (d) => delete d.metadata],
  'no name': ['metadata.name', 'is missing', (d) => delete d.metadata.name],
  'a name that is no label': ['metadata.name', 'does not fit', (d) => (d.metadata.name = 'a.b')],
  'a name in capitals': ['metadata.name', 'does not fit', (d) => (d.metadata.name = 'Net')],
  'a long name': ['metadata.name', '64 characters', (d) => (d.metadata.name = x(64))],
  'a label that is no text': [
    'metadata.labels.app.kubernetes.io/name',
    '5 is no text',
    (d) => (d.metadata.labels['app.kubernetes.io/name'] = 5),
  ],
  'no spec': ['spec', 'is missing', (d) => delete d.spec],
  'a spec that is a list': ['spec', 'is no map', (d) => (d.spec = [])],
  'no service name': ['spec.serviceName', 'is missing', (d) => delete d.spec.serviceName],
  'a service name of one label': [
    'spec.serviceName',
    'does not fit',
    (d) => (d.spec.serviceName = 'networking'),
  ],
  'a service name in capitals': [
    'spec.serviceName',
    'does not fit',
    (d) => (d.spec.serviceName = 'Networking.datumapis.com'),
  ],
  'a long service name': [
    'spec.serviceName',
    '254 characters',
    (d) => (d.spec.serviceName = `${'a.'.repeat(126)}ab`),
  ],
  'an unknown phase': ['spec.phase', '"Live" is not known', (d) => (d.spec.phase = 'Live')],
  'no display name': ['spec.displayName', 'is missing', (d) => delete d.spec.displayName],
  'an empty display name': ['spec.displayName', '0 characters', (d) => (d.spec.displayName = '')],
  'a long display name': [
    'spec.displayName',
    '129 characters',
    (d) => (d.spec.displayName = x(129)),
  ],
  'a long description': [
    'spec.description',
    '1025 characters',
    (d) => (d.spec.description = x(1025)),
  ],
  'no owner': ['spec.owner', 'is missing', (d) => delete d.spec.owner],
  'an owner without a project': [
    'spec.owner.producerProjectRef',
    'is missing',
    (d) => (d.spec.owner = {}),
  ],
  'a project without a name': [
    'spec.owner.producerProjectRef.name',
    'is missing',
    (d) => (d.spec.owner.producerProjectRef = {}),
  ],
  'an empty project name': [
    'spec.owner.producerProjectRef.name',
    '0 characters',
    (d) => (d.spec.owner.producerProjectRef.name = ''),
  ],
  'a dependency without a name': [
    'spec.dependencies[0].serviceRef.name',
    'is missing',
    (d) => (d.spec.dependencies[0].serviceRef = {}),
  ],
  'an unknown key': ['spec.displayname', 'unknown key', (d) => (d.spec.displayname = 'x')],
  'a namespace': ['metadata.namespace', 'unknown key', (d) => (d.metadata.namespace = 'default')],
}

const type = (d: Document): Document => d.spec.monitoredResourceTypes[0]
const destination = (d: Document): Document => d.spec.billing.consumerDestinations[0]
const charge = (d: Document): Document => d.spec.charges[0]
const rate = (d: Document): Document => charge(d).usage.rates[0]

const CONFIGURATION_FAULTS: Readonly<Record<string, Fault>> = {
  'no name': ['metadata.name', 'is missing', (d) => (d.metadata = {})],
  'no service': ['spec.serviceRef', 'is missing', (d) => delete d.spec.serviceRef],
  'a service without a name': [
    'spec.serviceRef.name',
    'is missing',
    (d) => (d.spec.serviceRef = {}),
  ],
  'a service that is not there': [
    'spec.serviceRef.name',
    'there is no Service "compute"',
    (d) => (d.spec.serviceRef.name = 'compute'),
  ],
  'an unknown phase': ['spec.phase', 'is not known', (d) => (d.spec.phase = 'published')],
  'a version that is a number': ['spec.version', '1 is no text', (d) => (d.spec.version = 1)],
  'a long version': ['spec.version', '65 characters', (d) => (d.spec.version = x(65))],
  'the old key meters': ['spec.meters', 'unknown key', (d) => (d.spec.meters = [])],
  'types that are no list': [
    'spec.monitoredResourceTypes',
    'is no list',
    (d) => (d.spec.monitoredResourceTypes = { type: 'x' }),
  ],
  'too many types': [
    'spec.monitoredResourceTypes',
    '129 entries',
    (d) => {
      d.spec.monitoredResourceTypes = Array.from({ length: 129 }, (_, index) => ({
        ...type(d),
        type: index === 0 ? type(d).type : `${S}/Kind${index}`,
      }))
    },
  ],
  'a type without a name': [
    'spec.monitoredResourceTypes[1].type',
    'is missing',
    (d) => d.spec.monitoredResourceTypes.push({ ...type(d), type: undefined }),
  ],
  'a type twice': [
    'spec.monitoredResourceTypes[1].type',
    'is there twice',
    (d) => d.spec.monitoredResourceTypes.push({ ...type(d) }),
  ],
  'a type of another service': [
    'spec.monitoredResourceTypes[1].type',
    'does not begin with the name of its service',
    (d) => d.spec.monitoredResourceTypes.push({ ...type(d), type: 'compute.x.com/Instance' }),
  ],
  'a type without gvk': [
    'spec.monitoredResourceTypes[0].gvk',
    'is missing',
    (d) => delete type(d).gvk,
  ],
  'an empty group': [
    'spec.monitoredResourceTypes[0].gvk.group',
    '0 characters',
    (d) => (type(d).gvk.group = ''),
  ],
  'a long group': [
    'spec.monitoredResourceTypes[0].gvk.group',
    '254 characters',
    (d) => (type(d).gvk.group = x(254)),
  ],
  'a long kind': [
    'spec.monitoredResourceTypes[0].gvk.kind',
    '64 characters',
    (d) => (type(d).gvk.kind = x(64)),
  ],
  'a kind with a version': [
    'spec.monitoredResourceTypes[0].gvk.version',
    'unknown key',
    (d) => (type(d).gvk.version = 'v1'),
  ],
  'a long display name of a type': [
    'spec.monitoredResourceTypes[0].displayName',
    '129 characters',
    (d) => (type(d).displayName = x(129)),
  ],
  'too many labels': [
    'spec.monitoredResourceTypes[0].labels',
    '65 entries',
    (d) => (type(d).labels = many(65).map((name) => ({ name }))),
  ],
  'a label twice': [
    'spec.monitoredResourceTypes[0].labels[7].name',
    'is there twice',
    (d) => type(d).labels.push({ name: 'region' }),
  ],
  'a label without a name': [
    'spec.monitoredResourceTypes[0].labels[0].name',
    'is missing',
    (d) => delete type(d).labels[0].name,
  ],
  'a long label': [
    'spec.monitoredResourceTypes[0].labels[0].name',
    '64 characters',
    (d) => (type(d).labels[0].name = x(64)),
  ],
  'a long description of a label': [
    'spec.monitoredResourceTypes[0].labels[0].description',
    '513 characters',
    (d) => (type(d).labels[0].description = x(513)),
  ],
  'too many metrics': [
    'spec.metrics',
    '257 entries',
    (d) => d.spec.metrics.push(...many(253).map((name) => metric(name, '1'))),
  ],
  'a metric without a name': [
    'spec.metrics[4].name',
    'is missing',
    (d) => d.spec.metrics.push({ kind: 'Delta', unit: '1' }),
  ],
  'a metric twice': [
    'spec.metrics[4].name',
    'is there twice',
    (d) => d.spec.metrics.push(metric('requests', '{request}')),
  ],
  'a metric of another service': [
    'spec.metrics[4].name',
    'does not begin with the name of its service',
    (d) => d.spec.metrics.push({ ...metric('', '1'), name: `${S}.au/gateway/x` }),
  ],
  'a metric without a name of its own': [
    'spec.metrics[4].name',
    'does not fit',
    (d) => d.spec.metrics.push({ ...metric('', '1'), name: `${S}/` }),
  ],
  'a metric with a blank in its name': [
    'spec.metrics[4].name',
    'does not fit',
    (d) => d.spec.metrics.push(metric('a b', '1')),
  ],
  'a long metric': [
    'spec.metrics[4].name',
    '254 characters',
    (d) => d.spec.metrics.push({ ...metric(x(254 - S.length - 9), '1'), displayName: 'x' }),
  ],
  'two metrics that billing gives one object': [
    'spec.metrics[4].name',
    'as that of networking.datumapis.com/gateway/egress-bytes',
    (d) => d.spec.metrics.push(metric('egress/bytes', '1')),
  ],
  'a metric without a kind': [
    'spec.metrics[0].kind',
    'is missing',
    (d) => delete d.spec.metrics[0].kind,
  ],
  'an unknown kind of metric': [
    'spec.metrics[0].kind',
    '"Counter" is not known',
    (d) => (d.spec.metrics[0].kind = 'Counter'),
  ],
  'a metric without a unit': [
    'spec.metrics[0].unit',
    'is missing',
    (d) => delete d.spec.metrics[0].unit,
  ],
  'an empty unit': ['spec.metrics[0].unit', '0 characters', (d) => (d.spec.metrics[0].unit = '')],
  'a long unit': ['spec.metrics[0].unit', '65 characters', (d) => (d.spec.metrics[0].unit = x(65))],
  'a unit with a blank': [
    'spec.metrics[0].unit',
    'does not fit',
    (d) => (d.spec.metrics[0].unit = '{a request}'),
  ],
  'a unit with an open brace': [
    'spec.metrics[0].unit',
    'does not fit',
    (d) => (d.spec.metrics[0].unit = '{request'),
  ],
  'the old key measurement': [
    'spec.metrics[0].measurement',
    'unknown key',
    (d) => (d.spec.metrics[0].measurement = {}),
  ],
  'too many dimensions': [
    'spec.metrics[1].dimensions',
    '33 entries',
    (d) => (d.spec.metrics[1].dimensions = many(33)),
  ],
  'a dimension twice': [
    'spec.metrics[0].dimensions[7]',
    'is there twice',
    (d) => d.spec.metrics[0].dimensions.push('region'),
  ],
  'an empty dimension': [
    'spec.metrics[0].dimensions[7]',
    '0 characters',
    (d) => d.spec.metrics[0].dimensions.push(''),
  ],
  'a dimension that is a number': [
    'spec.metrics[0].dimensions[7]',
    '5 is no text',
    (d) => d.spec.metrics[0].dimensions.push(5),
  ],
  'an unknown quota gating': [
    'spec.billing.quotaGating',
    'is not known',
    (d) => (d.spec.billing.quotaGating = 'None'),
  ],
  'too many destinations': [
    'spec.billing.consumerDestinations',
    '65 entries',
    (d) => {
      const names = many(64)
      const [metrics] = [[`${S}/gateway/requests`]]
      d.spec.monitoredResourceTypes.push(...names.map((n) => ({ ...type(d), type: `${S}/${n}` })))
      d.spec.billing.consumerDestinations.push(
        ...names.map((n) => ({ monitoredResourceType: `${S}/${n}`, metrics })),
      )
    },
  ],
  'a destination without a type': [
    'spec.billing.consumerDestinations[0].monitoredResourceType',
    'is missing',
    (d) => delete destination(d).monitoredResourceType,
  ],
  'a destination twice': [
    'spec.billing.consumerDestinations[1].monitoredResourceType',
    'is there twice',
    (d) => d.spec.billing.consumerDestinations.push({ ...destination(d) }),
  ],
  'a destination of a type that is not declared': [
    'spec.billing.consumerDestinations[0].monitoredResourceType',
    '"networking.datumapis.com/TCPRoute" is not declared',
    (d) => (destination(d).monitoredResourceType = `${S}/TCPRoute`),
  ],
  'a destination without metrics': [
    'spec.billing.consumerDestinations[0].metrics',
    'is missing',
    (d) => delete destination(d).metrics,
  ],
  'a destination with no metric': [
    'spec.billing.consumerDestinations[0].metrics',
    'the list is empty',
    (d) => (destination(d).metrics = []),
  ],
  'a destination with a metric that is not declared': [
    'spec.billing.consumerDestinations[0].metrics[4]',
    '"networking.datumapis.com/gateway/errors" is not declared',
    (d) => destination(d).metrics.push(`${S}/gateway/errors`),
  ],
  'a destination with a metric twice': [
    'spec.billing.consumerDestinations[0].metrics[4]',
    'is there twice',
    (d) => destination(d).metrics.push(`${S}/gateway/requests`),
  ],
  'too many charges': [
    'spec.charges',
    '65 entries',
    (d) => {
      const { name: _, ...rest } = d.spec.charges[1]
      d.spec.charges.push(...many(62).map((name) => ({ name: `${S}/${name}`, ...rest })))
    },
  ],
  'a charge without a name': ['spec.charges[0].name', 'is missing', (d) => delete charge(d).name],
  'a charge twice': [
    'spec.charges[3].name',
    'is there twice',
    (d) => d.spec.charges.push({ ...charge(d) }),
  ],
  'a charge of another service': [
    'spec.charges[0].name',
    'does not begin with the name of its service',
    (d) => (charge(d).name = 'other.example.com/requests'),
  ],
  'a charge without a type': [
    'spec.charges[0].chargeType',
    'is missing',
    (d) => delete charge(d).chargeType,
  ],
  'an unknown type of charge': [
    'spec.charges[0].chargeType',
    '"Metered" is not known',
    (d) => (charge(d).chargeType = 'Metered'),
  ],
  'another currency': [
    'spec.charges[0].currency',
    '"EUR" is not known',
    (d) => (charge(d).currency = 'EUR'),
  ],
  'a charge of a metric that is not declared': [
    'spec.charges[0].usage.metricRef',
    'is not declared',
    (d) => {
      charge(d).usage.metricRef = `${S}/gateway/errors`
      delete rate(d).match
    },
  ],
  'a usage charge without a metric': [
    'spec.charges[0].usage.metricRef',
    'is missing',
    (d) => delete charge(d).usage.metricRef,
  ],
  'a usage charge without rates': [
    'spec.charges[0].usage.rates',
    'is missing',
    (d) => delete charge(d).usage.rates,
  ],
  'a usage charge without a unit': [
    'spec.charges[2].pricingUnit',
    'is missing',
    (d) => delete d.spec.charges[2].pricingUnit,
  ],
  'a usage charge with an amount': [
    'spec.charges[2].amount',
    'a Usage charge has no amount',
    (d) => (d.spec.charges[2].amount = '1'),
  ],
  'a charge in both shapes': [
    'spec.charges[0].pricingUnit',
    'usage is there too',
    (d) => (charge(d).pricingUnit = 'request'),
  ],
  'a charge with options of another type': [
    'spec.charges[0].recurring',
    'a Usage charge has no recurring',
    (d) => (charge(d).recurring = { amount: '1', interval: 'monthly' }),
  ],
  'a one-time charge without a trigger': [
    'spec.charges[1].oneTime.trigger',
    'is missing',
    (d) => delete d.spec.charges[1].oneTime.trigger,
  ],
  'a rate that is flat and tiered': [
    'spec.charges[0].usage.rates[0]',
    'it has flat and tiered',
    (d) => (rate(d).tiered = [{ rate: '1' }]),
  ],
  'a rate that is neither': [
    'spec.charges[0].usage.rates[0]',
    'it has neither flat nor tiered',
    (d) => delete rate(d).flat,
  ],
  'a price that is a number': [
    'spec.charges[0].usage.rates[0].flat',
    '0.000001 is no text',
    (d) => (rate(d).flat = 0.000001),
  ],
  'a price with an exponent': [
    'spec.charges[0].usage.rates[0].flat',
    'does not fit',
    (d) => (rate(d).flat = '1e-6'),
  ],
  'an open band before the last': [
    'spec.charges[2].rates[0].tiered[0].upTo',
    'is missing',
    (d) => delete d.spec.charges[2].rates[0].tiered[0].upTo,
  ],
  'a match on two dimensions': [
    'spec.charges[0].usage.rates[0].match.zone',
    'unknown key',
    (d) => (rate(d).match.zone = 'a'),
  ],
  'a match on a dimension that the metric has not': [
    'spec.charges[0].usage.rates[0].match.dimension',
    'does not declare the dimension "zone"',
    (d) => (rate(d).match.dimension = 'zone'),
  ],
}

describe('one fault, one problem', () => {
  test('the two documents that are broken below are good', () => {
    expect(problemsOf([service(), configuration()], []).map(told)).toEqual([])
  })

  test('there are at least 60 of them', () => {
    const count = [SERVICE_FAULTS, CONFIGURATION_FAULTS].flatMap(Object.keys).length
    expect(count).toBeGreaterThanOrEqual(60)
  })

  test.each(Object.entries(SERVICE_FAULTS))('in a Service: %s', (_name, [path, what, breakIt]) => {
    const document = service()
    breakIt(document)
    expect(problemsOf([document], []).map(told)).toEqual([expect.stringContaining(what)])
    expect(problemsOf([document], []).map(({ key }) => key)).toEqual([path])
  })

  test.each(Object.entries(CONFIGURATION_FAULTS))(
    'in a ServiceConfiguration: %s',
    (_name, [path, what, breakIt]) => {
      const document = configuration()
      breakIt(document)
      const problems = problemsOf([service(), document], [])
      expect(problems.map(told)).toEqual([expect.stringContaining(what)])
      expect(problems.map(({ key, severity }) => [key, severity])).toEqual([[path, 'error']])
    },
  )
})

describe('between documents', () => {
  test('a Retired Service is not referred to', () => {
    const retired = service()
    retired.spec.phase = 'Retired'
    const user = service()
    user.metadata.name = 'user'
    user.spec.dependencies[0].serviceRef.name = 'networking-datumapis-com'
    expect(problemsOf([retired, user, configuration()], []).map(told)).toEqual([
      'spec.dependencies[0].serviceRef.name: the Service networking-datumapis-com is Retired',
      'spec.serviceRef.name: the Service networking-datumapis-com is Retired',
    ])
  })

  test('names begin with the serviceName of the Service, whatever they have in common', () => {
    const other = service()
    other.spec.serviceName = 'network.datumapis.com'
    const problems = problemsOf([other, configuration()], [])
    expect(problems).toHaveLength(8)
    expect(problems[0]?.todo).toBe('begin it with network.datumapis.com/')
  })

  test('without the Service, names begin with one that their majority tells', () => {
    const document = configuration()
    document.spec.metrics[0].name = 'other.example.com/gateway/requests'
    const keys = problemsOf([document], []).map(({ key }) => key)
    expect(keys).toContain('spec.metrics[0].name')
    expect(keys).not.toContain('spec.metrics[1].name')
  })

  test('an object is named once', () => {
    expect(problemsOf([service(), service()], []).map(told)).toEqual([
      'metadata.name: Service networking-datumapis-com is there twice',
    ])
  })
})

describe('how it is told', () => {
  test('all problems at once, each with file, line and column', () => {
    const text = `apiVersion: services.miloapis.com/v1alpha1
kind: Service
metadata: { name: Net }
spec:
  serviceName: networking
  displayName: 5
---
kind: Servce
`
    withFiles({ a: text, b: 'spec: [' }, (paths) => {
      const { found } = checkManifests(paths, [])
      expect(found.map(({ at, key }) => [at.label.split('/').at(-1), key])).toEqual([
        ['a.yaml:8:7', 'kind'],
        ['b.yaml:1:8', ''],
        ['a.yaml:3:19', 'metadata.name'],
        ['a.yaml:5:16', 'spec.serviceName'],
        ['a.yaml:6:16', 'spec.displayName'],
        ['a.yaml:5:3', 'spec.owner'],
      ])
    })
  })

  test('a key that is misspelt, or of an old shape, comes with the one that was meant', () => {
    const document = configuration()
    document.spec.metric = []
    document.spec.meters = []
    expect(problemsOf([document], []).map(({ todo }) => todo)).toEqual([
      'did you mean metrics?',
      'write metrics, and route them in billing.consumerDestinations',
    ])
  })

  test('a display name that billing needs and the API server does not is a warning', () => {
    const document = configuration()
    delete document.spec.metrics[2].displayName
    delete document.spec.monitoredResourceTypes[0].displayName
    expect(problemsOf([document], []).map(told)).toEqual([
      'warning spec.monitoredResourceTypes[0].displayName: is missing, and billing needs it',
      'warning spec.metrics[2].displayName: is missing, and billing needs it',
    ])
  })
})

describe('what is accepted', () => {
  test('what the server adds, fields of others, and null for what is left out', () => {
    const document = configuration()
    document.metadata = { ...document.metadata, uid: 'u', generation: 3, managedFields: [{}] }
    document.status = { conditions: [] }
    document.spec.quota = { limits: [] }
    document.spec.defaultOffer = 'basic'
    document.spec.version = null
    expect(problemsOf([document], []).map(told)).toEqual([])
  })

  test('a Kustomize file beside the documents, and empty documents', () => {
    const kustomize = { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component' }
    const text = `---\n${yaml(service(), kustomize)}---\n`
    withFiles({ a: text }, (paths) => expect(checkManifests(paths, []).found).toEqual([]))
  })

  test('a file with nothing in it is a problem', () => {
    withFiles({ a: '# nothing\n' }, (paths) => {
      expect(checkManifests(paths, []).found.map(told)).toEqual([': there is no document in it'])
    })
  })

  test.each(['By', 's', '1', '{request}', 'GBy', 'By/s', '10*6', 'm[H2O]', 'By{sent}'])(
    'the unit %s',
    (unit) => {
      const document = configuration()
      document.spec.metrics[0].unit = unit
      expect(problemsOf([document], []).map(told)).toEqual([])
    },
  )
})
