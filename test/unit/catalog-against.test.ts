// What may change once a document was published: nothing goes, and what gives a number its meaning
// stays. Adding is free.

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

type Change = readonly [path: string, what: string, change: (document: Document) => void]

const first = (d: Document, list: string): Document => d.spec[list][0]
const destinations = (d: Document): Document[] => d.spec.billing.consumerDestinations

const REFUSED: Readonly<Record<string, Change>> = {
  'a type that goes': [
    'spec.monitoredResourceTypes',
    '"networking.datumapis.com/TCPRoute" is gone',
    (d) => d.spec.monitoredResourceTypes.pop(),
  ],
  'another group': [
    'spec.monitoredResourceTypes[0].gvk.group',
    'it was "gateway.networking.k8s.io"',
    (d) => (first(d, 'monitoredResourceTypes').gvk.group = 'networking.k8s.io'),
  ],
  'another kind of resource': [
    'spec.monitoredResourceTypes[0].gvk.kind',
    'it was "HTTPRoute"',
    (d) => (first(d, 'monitoredResourceTypes').gvk.kind = 'Route'),
  ],
  'a label that goes': [
    'spec.monitoredResourceTypes[0].labels',
    '"region" is gone',
    (d) => first(d, 'monitoredResourceTypes').labels.shift(),
  ],
  'a metric that goes': [
    'spec.metrics',
    '"networking.datumapis.com/gateway/unbilled" is gone',
    (d) => d.spec.metrics.pop(),
  ],
  'a metric that is renamed': [
    'spec.metrics',
    '"networking.datumapis.com/gateway/unbilled" is gone',
    (d) => (d.spec.metrics[4].name += '2'),
  ],
  'another kind of metric': [
    'spec.metrics[0].kind',
    'it was "Delta"',
    (d) => (first(d, 'metrics').kind = 'Cumulative'),
  ],
  'another unit': ['spec.metrics[1].unit', 'it was "By"', (d) => (d.spec.metrics[1].unit = 'KiBy')],
  'a dimension that goes': [
    'spec.metrics[0].dimensions',
    '"project_name" is gone',
    (d) => first(d, 'metrics').dimensions.pop(),
  ],
  'all dimensions that go': [
    'spec.metrics[4].dimensions',
    '"region" is gone',
    (d) => {
      delete d.spec.metrics[4].dimensions
    },
  ],
  'a charge that goes': [
    'spec.charges',
    '"networking.datumapis.com/setup" is gone',
    (d) => d.spec.charges.splice(1, 1),
  ],
  'another price': [
    'spec.charges[0]',
    'it differs from the published charge',
    (d) => (first(d, 'charges').usage.rates[0].flat = '0.000002'),
  ],
  'a destination that goes': [
    'spec.billing.consumerDestinations',
    '"networking.datumapis.com/TCPRoute" is gone',
    (d) => destinations(d).pop(),
  ],
  'a metric that leaves a destination': [
    'spec.billing.consumerDestinations[0].metrics',
    '"networking.datumapis.com/gateway/connection-seconds" is gone',
    (d) => destinations(d)[0].metrics.pop(),
  ],
  'another quota gating': [
    'spec.billing.quotaGating',
    'it was "OrganizationDefault"',
    (d) => (d.spec.billing.quotaGating = 'BillingEntitlement'),
  ],
  'another default offer': [
    'spec.defaultOffer',
    'it was not there',
    (d) => (d.spec.defaultOffer = 'basic'),
  ],
  'another service': [
    'spec.serviceRef.name',
    'it was "networking-datumapis-com"',
    (d) => (d.spec.serviceRef.name = 'network'),
  ],
}

/** A configuration with two types, two destinations, and a metric that nothing bills. */
function published(): Document {
  const made = configuration()
  const [type] = made.spec.monitoredResourceTypes
  const unbilled = { ...metric('unbilled', '1'), dimensions: ['region'] }
  made.spec.metrics.push(unbilled)
  made.spec.monitoredResourceTypes.push({ ...type, type: `${S}/TCPRoute` })
  destinations(made).push({
    monitoredResourceType: `${S}/TCPRoute`,
    metrics: [`${S}/gateway/requests`],
  })
  return made
}

/** One change may be two faults: a type that goes leaves its destination behind. */
function isAbout(path: string): (problem: { key: string }) => boolean {
  return ({ key }) => key === path
}

describe('once published', () => {
  test.each(Object.entries(REFUSED))('%s is refused', (_name, [path, what, change]) => {
    const now = published()
    change(now)
    const problems = problemsOf([now], [published()])
    expect(problems.filter(isAbout(path)).map(told)).toEqual([expect.stringContaining(what)])
    // The same change of a draft is free.
    const draft = published()
    draft.spec.phase = 'Draft'
    const free = problemsOf([now], [draft]).filter(isAbout(path))
    expect(free).toEqual([])
  })

  test('it stays so in later phases', () => {
    const [before, now] = [published(), published()]
    before.spec.phase = 'Deprecated'
    now.spec.phase = 'Deprecated'
    now.spec.metrics[0].dimensions.pop()
    expect(problemsOf([now], [before])).toHaveLength(1)
  })

  test('the same document, and every addition, is accepted', () => {
    expect(problemsOf([published()], [published()])).toEqual([])
    const now = published()
    now.spec.metrics.push(metric('errors', '{error}'))
    now.spec.metrics[0].dimensions.unshift('zone')
    now.spec.monitoredResourceTypes[0].labels.push({ name: 'zone' })
    now.spec.monitoredResourceTypes[0].description = 'New words.'
    destinations(now)[0].metrics.unshift(`${S}/gateway/errors`)
    now.spec.charges.unshift({
      name: `${S}/fee`,
      chargeType: 'Recurring',
      recurring: { amount: '5', interval: 'monthly' },
    })
    expect(problemsOf([now], [published()]).map(told)).toEqual([])
  })

  test('the default quota gating may be written out or left out', () => {
    const now = published()
    delete now.spec.billing.quotaGating
    expect(problemsOf([now], [published()])).toEqual([])
    expect(problemsOf([published()], [now])).toEqual([])
  })

  test('a document that is not in the files any more is told, a draft is not', () => {
    expect(problemsOf([service()], [service(), published()]).map(told)).toEqual([
      'metadata.name: the ServiceConfiguration networking-datumapis-com was published and is not ' +
        'in these files',
    ])
    const draft = published()
    draft.spec.phase = 'Draft'
    expect(problemsOf([service()], [service(), draft])).toEqual([])
  })

  test('the earlier version may be what the server gives', () => {
    const before = published()
    before.status = { conditions: [{ type: 'Ready' }] }
    before.metadata.resourceVersion = '5'
    expect(problemsOf([published()], [before])).toEqual([])
  })

  test('an earlier version that is no YAML is told', () => {
    withFiles({ now: yaml(published()), old: 'a: [' }, ([now = '', old = '']) => {
      expect(checkManifests([now], [old]).found.map(({ at }) => at.label)).toEqual([`${old}:1:5`])
    })
  })
})

test('the name of a service never changes, not even in a draft', () => {
  const [before, now] = [service(), service()]
  before.spec.phase = 'Draft'
  now.spec.serviceName = 'network.datumapis.com'
  expect(problemsOf([now], [before]).map(told)).toEqual([
    'spec.serviceName: it was "networking.datumapis.com"',
  ])
})

describe('a phase goes one step forward, or stays', () => {
  const PHASES = ['Draft', 'Published', 'Deprecated', 'Retired']
  const pairs = PHASES.flatMap((from, i) =>
    PHASES.map((to, j) => [from, to, [0, 1].includes(j - i)]),
  )

  test.each(pairs)('%s to %s: %s', (from, to, isAllowed) => {
    for (const make of [service, configuration]) {
      const [before, now] = [make(), make()]
      before.spec.phase = from
      now.spec.phase = to
      const expected = isAllowed ? [] : [`spec.phase: it was ${from} and cannot become ${to}`]
      expect(problemsOf([now], [before]).map(told)).toEqual(expected)
    }
  })

  test('a document without a phase is a draft', () => {
    const [before, now] = [service(), service()]
    delete before.spec.phase
    expect(problemsOf([now], [before])).toEqual([])
    now.spec.phase = 'Deprecated'
    expect(problemsOf([now], [before]).map(told)).toEqual([
      'spec.phase: it was Draft and cannot become Deprecated',
    ])
  })
})
