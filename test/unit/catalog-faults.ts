// Faults of documents, one at a time: how to break a good document, and what must be told of it.
// Here those of a Service, and of all in a ServiceConfiguration but its charges.

import { type Document, metric, S } from './catalog-documents.ts'

/** A name of the fault, the path that is told, a part of what is told, and how to break it. */
export type Fault = readonly [path: string, what: string, breakIt: (document: Document) => void]

const x = (length: number): string => 'x'.repeat(length)
export const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `d${i}`)

export const SERVICE_FAULTS: Readonly<Record<string, Fault>> = {
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

export const CONFIGURATION_FAULTS: Readonly<Record<string, Fault>> = {
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
}
