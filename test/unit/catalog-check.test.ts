// What `catalog check` accepts and refuses: one fault at a time, each told once, with its path.

import { describe, expect, test } from 'vitest'
import { checkManifests } from '../../src/catalog/manifests.ts'
import { CHARGE_FAULTS } from './catalog-charge-faults.ts'
import { configuration, problemsOf, service, told, withFiles, yaml } from './catalog-documents.ts'
import { CONFIGURATION_FAULTS, SERVICE_FAULTS } from './catalog-faults.ts'

describe('one fault, one problem', () => {
  test('the two documents that are broken below are good', () => {
    expect(problemsOf([service(), configuration()], []).map(told)).toEqual([])
  })

  test('there are at least 60 of them', () => {
    const count = [SERVICE_FAULTS, CONFIGURATION_FAULTS, CHARGE_FAULTS].flatMap(Object.keys).length
    expect(count).toBeGreaterThanOrEqual(60)
  })

  test.each(Object.entries(SERVICE_FAULTS))('in a Service: %s', (_name, [path, what, breakIt]) => {
    const document = service()
    breakIt(document)
    expect(problemsOf([document], []).map(told)).toEqual([expect.stringContaining(what)])
    expect(problemsOf([document], []).map(({ key }) => key)).toEqual([path])
  })

  test.each(Object.entries({ ...CONFIGURATION_FAULTS, ...CHARGE_FAULTS }))(
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
