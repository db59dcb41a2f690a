// What no single field of the documents can know: names begin with the service's, what is referred
// to is declared, objects that billing makes of names do not collide.

import { oneOf, type ProblemList, type Report, shown } from '../config/problems.ts'
import type { Tree } from '../config/source.ts'
import { checkCharges } from './charges.ts'
import { SERVICE_NAME } from './manifest-shapes.ts'
import type { Manifest } from './manifests.ts'
import { itemsAt, type PlacedText, textAt, textsAt, treeAt } from './text-at.ts'

/** Reports what is wrong between fields, and between documents. */
export function checkReferences(manifests: readonly Manifest[], problems: ProblemList): void {
  const services = manifests.filter(({ kind }) => kind === 'Service')
  for (const { kind, tree } of manifests) {
    if (kind === 'Service') {
      for (const dependency of itemsAt(tree, 'spec', 'dependencies')) {
        const name = textAt(dependency, 'serviceRef', 'name')
        if (name !== undefined) retiredRule(name, services, problems.error)
      }
      continue
    }
    const service = referredService(tree, services, problems.error)
    prefixRule(tree, service, problems.error)
    objectNameRule(tree, problems.error)
    destinationRule(tree, problems.error)
    displayNameRule(tree, problems.warning)
    checkCharges(tree, problems.error)
  }
}

/** Where a ServiceConfiguration names things: its types, metrics and charges. */
export function declaredNames(tree: Tree): PlacedText[] {
  const lists = [
    ['monitoredResourceTypes', 'type'],
    ['metrics', 'name'],
    ['charges', 'name'],
  ] as const
  return lists.flatMap(([list, key]) =>
    itemsAt(tree, 'spec', list).flatMap((item) => textAt(item, key) ?? []),
  )
}

/** The name of the service that a ServiceConfiguration is of, as its own names tell. */
export function serviceNameOf(tree: Tree): string | undefined {
  const owners = declaredNames(tree).map(({ text }) => text.split('/')[0] ?? '')
  const ref = textAt(tree, 'spec', 'serviceRef', 'name')?.text
  const counts = new Map<string, number>()
  for (const owner of owners) {
    if (SERVICE_NAME.test(owner)) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  const ranked = [...counts].sort(([, a], [, b]) => b - a).map(([owner]) => owner)
  return ranked.find((owner) => owner.replaceAll('.', '-') === ref) ?? ranked[0]
}

function referredService(
  tree: Tree,
  services: readonly Manifest[],
  report: Report,
): Tree | undefined {
  const ref = textAt(tree, 'spec', 'serviceRef', 'name')
  if (ref === undefined || services.length === 0) return undefined
  retiredRule(ref, services, report)
  const service = services.find(({ name }) => name === ref.text)
  if (service === undefined) {
    const names = services.map(({ name }) => name).filter((name) => name !== '')
    const todo = names.length === 0 ? 'name the Service' : `write ${oneOf(names)}`
    report(ref.at, ref.path, `there is no Service ${shown(ref.text)} in these files`, todo)
  }
  return service?.tree
}

function retiredRule(ref: PlacedText, services: readonly Manifest[], report: Report): void {
  const service = services.find(({ name }) => name === ref.text)
  if (textAt(service?.tree, 'spec', 'phase')?.text !== 'Retired') return
  report(ref.at, ref.path, `the Service ${ref.text} is Retired`, 'refer to one that is not')
}

function prefixRule(tree: Tree, service: Tree | undefined, report: Report): void {
  const serviceName = textAt(service, 'spec', 'serviceName')?.text ?? serviceNameOf(tree)
  for (const { text, at, path } of declaredNames(tree)) {
    if (serviceName === undefined) {
      const what = `${shown(text)} does not begin with the name of a service`
      report(at, path, what, 'write <serviceName>/..., such as networking.datumapis.com/HTTPRoute')
    } else if (!text.startsWith(`${serviceName}/`)) {
      const what = `${shown(text)} does not begin with the name of its service`
      report(at, path, what, `begin it with ${serviceName}/`)
    }
  }
}

// Billing names its objects in lower case, with / and . as -.
function objectNameRule(tree: Tree, report: Report): void {
  for (const [list, key] of [
    ['monitoredResourceTypes', 'type'],
    ['metrics', 'name'],
    ['charges', 'name'],
  ] as const) {
    const owners = new Map<string, string>()
    for (const item of itemsAt(tree, 'spec', list)) {
      const name = textAt(item, key)
      if (name === undefined) continue
      const object = name.text.toLowerCase().replaceAll(/[/.]/g, '-')
      const owner = owners.get(object)
      if (owner !== undefined && owner !== name.text) {
        const what = `billing would name its object ${object}, as that of ${owner}`
        report(name.at, name.path, what, 'choose a name that differs in letters or digits')
      }
      owners.set(object, owner ?? name.text)
    }
  }
}

function destinationRule(tree: Tree, report: Report): void {
  const types = namesIn(tree, 'monitoredResourceTypes', 'type')
  const metrics = namesIn(tree, 'metrics', 'name')
  for (const destination of itemsAt(tree, 'spec', 'billing', 'consumerDestinations')) {
    const type = textAt(destination, 'monitoredResourceType')
    if (type !== undefined && types?.has(type.text) === false) {
      const what = `${shown(type.text)} is not declared`
      report(type.at, type.path, what, 'declare it in spec.monitoredResourceTypes')
    }
    for (const metric of textsAt(destination, 'metrics')) {
      if (metrics?.has(metric.text) !== false) continue
      const what = `${shown(metric.text)} is not declared`
      report(metric.at, metric.path, what, 'declare it in spec.metrics')
    }
  }
}

// Optional here, and required in the objects that billing makes of it.
function displayNameRule(tree: Tree, report: Report): void {
  const routed = routedMetrics(tree)
  const metrics = itemsAt(tree, 'spec', 'metrics').filter((metric) => {
    return routed.has(textAt(metric, 'name')?.text ?? '')
  })
  for (const item of [...itemsAt(tree, 'spec', 'monitoredResourceTypes'), ...metrics]) {
    if (item.kind !== 'map' || treeAt(item, 'displayName') !== undefined) continue
    const what = 'is missing, and billing needs it'
    report(item.at, `${item.path}.displayName`, what, 'write what people call it')
  }
}

/** Metrics that billing makes meters of; others are for quota only. */
export function routedMetrics(tree: Tree): ReadonlySet<string> {
  const destinations = itemsAt(tree, 'spec', 'billing', 'consumerDestinations')
  return new Set(destinations.flatMap((one) => textsAt(one, 'metrics').map(({ text }) => text)))
}

/** Undefined when what should hold the names is no list: then nothing refers to it in vain. */
function namesIn(tree: Tree, list: string, key: string): ReadonlySet<string> | undefined {
  const holder = treeAt(tree, 'spec', list)
  if (holder !== undefined && holder.kind !== 'list') return undefined
  return new Set(itemsAt(tree, 'spec', list).flatMap((item) => textAt(item, key)?.text ?? []))
}
