// What a catalog declares, before it is said which meters are billed and by which amount.

import { type Place, ProblemList, type Report } from '../config/problems.ts'
import type { Tree } from '../config/source.ts'
import type { Catalog } from './catalog.ts'
import { readManifests } from './manifests.ts'
import { routedMetrics, serviceNameOf } from './references.ts'
import { itemsAt, textAt, textsAt, treeAt } from './text-at.ts'

export interface DeclaredMetric {
  readonly name: string
  readonly unit: string
  readonly kind: string
  readonly dimensions: readonly string[]
  /** Whether billing makes a meter of it; others are for quota only. */
  readonly isRouted: boolean
  /** Where its unit stands; undefined in the built-in catalog. */
  readonly at?: Place
  readonly path?: string
}

export interface DeclaredCatalog {
  readonly serviceName: string
  readonly metrics: readonly DeclaredMetric[]
}

/** What the built-in catalog declares. */
export function declaredBy({ serviceName, meters }: Catalog): DeclaredCatalog {
  const metrics = meters.map(({ type, unit, dimensions }) => {
    return { name: type, unit, kind: 'Delta', dimensions, isRouted: true }
  })
  return { serviceName, metrics }
}

/**
 * What the `ServiceConfiguration` in a file declares; undefined when the file has an error, which
 * `problems` was told. A `Service` may stand beside it.
 * @throws {MeterFastError} METER_INPUT_MISSING when the file cannot be read.
 */
export function readDeclared(path: string, problems: ProblemList): DeclaredCatalog | undefined {
  const found = new ProblemList()
  const manifests = readManifests([path], found)
  const configurations = manifests.filter(({ kind }) => kind === 'ServiceConfiguration')
  const [configuration] = configurations
  if (configurations.length !== 1 && !found.hasErrors) {
    const at = configurations[1]?.tree.at ?? { label: `${path}:1:1`, line: 1, column: 1 }
    const what = `it has ${configurations.length} ServiceConfigurations`
    found.error(at, '', what, 'name a file with one')
  }
  if (configuration !== undefined) phaseRule(configuration.tree, found.warning)
  problems.found.push(...found.found)
  if (found.hasErrors || configuration === undefined) return undefined
  const { tree } = configuration
  const ref = textAt(tree, 'spec', 'serviceRef', 'name')?.text
  const service = manifests.find(({ kind, name }) => kind === 'Service' && name === ref)?.tree
  const serviceName = textAt(service, 'spec', 'serviceName')?.text ?? serviceNameOf(tree) ?? ''
  return { serviceName, metrics: metricsOf(tree) }
}

function metricsOf(tree: Tree): DeclaredMetric[] {
  const routed = routedMetrics(tree)
  return itemsAt(tree, 'spec', 'metrics').map((metric) => {
    const name = textAt(metric, 'name')?.text ?? ''
    return {
      name,
      unit: textAt(metric, 'unit')?.text ?? '',
      kind: textAt(metric, 'kind')?.text ?? '',
      dimensions: textsAt(metric, 'dimensions').map(({ text }) => text),
      isRouted: routed.has(name),
      at: treeAt(metric, 'unit')?.at ?? metric.at,
      path: metric.path,
    }
  })
}

// Billing has the meters of a published or deprecated configuration, and quarantines others.
function phaseRule(tree: Tree, report: Report): void {
  const phase = textAt(tree, 'spec', 'phase')
  if (phase !== undefined && phase.text !== 'Draft' && phase.text !== 'Retired') return
  const what = `billing has no meters of a configuration that is ${phase?.text ?? 'Draft'}`
  report(phase?.at ?? tree.at, 'spec.phase', what, 'publish it before its events are sent')
}
