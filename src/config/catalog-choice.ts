// The catalog that a configuration chooses, and whether the two agree. What billing would refuse
// event by event is refused here, before the agent starts.

import { resolve } from 'node:path'
import { type Catalog, DEFAULT_SUBJECT, type MeterAmount } from '../catalog/catalog.ts'
import { chooseMeters } from '../catalog/choose-meters.ts'
import { type DeclaredCatalog, declaredBy, readDeclared } from '../catalog/declared.ts'
import { NETWORK_SERVICES } from '../catalog/network-services.ts'
import { MeterFastError } from '../errors.ts'
import { resolveFormat } from './formats.ts'
import type { FormatMap } from './presets.ts'
import { oneOf, type ProblemList, type Report } from './problems.ts'
import { RESERVED_DIMENSIONS } from './readers.ts'
import type { Values } from './values.ts'

/** What the labels of counters by route are called. */
const ROUTE_REFERENCE = /^(?:parent|route|backend)_(?:group|kind|namespace|name|section_name|port)$/

/** The meters that are billed; undefined when the catalog is wrong, which `problems` was told. */
export function resolveCatalog(values: Values, problems: ProblemList): Catalog | undefined {
  subjectRule(values, problems.error)
  const declared = readCatalog(values, problems)
  if (declared === undefined) return undefined
  const choice = {
    amounts: values.get<ReadonlyMap<string, MeterAmount>>('meters.amounts'),
    source: values.get<string>('meters.source'),
    subject: values.get<string>('meters.subject'),
    at: (key: string) => values.at(key),
  }
  // Amounts that were given and are wrong say nothing about which meters are meant.
  if (choice.amounts === undefined && values.has('meters.amounts')) return undefined
  const catalog = chooseMeters(declared, choice, problems)
  if (catalog.meters.length > 0) dimensionRules(values, catalog, problems)
  return catalog
}

function readCatalog(values: Values, problems: ProblemList): DeclaredCatalog | undefined {
  const path = values.get<string>('catalog')
  if (path === undefined) {
    return values.has('catalog') ? undefined : declaredBy(NETWORK_SERVICES)
  }
  try {
    return readDeclared(resolve(path), problems)
  } catch (error) {
    if (!(error instanceof MeterFastError)) throw error
    const what = error.message.replace(/\. [^.]*\.$/, '')
    problems.error(values.at('catalog'), 'catalog', what, 'name a file that this user may read')
    return undefined
  }
}

// A gateway takes projects/<name> alone, and bills the project that it names; a collector hands on
// to one, and what the gateway rejects there is lost without a word.
function subjectRule(values: Values, report: Report): void {
  const subject = values.get<string>('meters.subject')
  const type = values.get<string>('sink.type')
  if (type !== 'milo-gateway' && type !== 'collector') return
  if (subject === undefined || subject === DEFAULT_SUBJECT) return
  const what = `a ${type} takes no other subject than projects/{project}`
  report(values.at('meters.subject'), 'meters.subject', what, 'remove the key')
}

function dimensionRules(values: Values, { meters }: Catalog, problems: ProblemList): void {
  const declared = new Set(meters.flatMap(({ dimensions }) => dimensions))
  const given = [...(values.get<ReadonlyMap<string, unknown>>('dimensions')?.keys() ?? [])]
  const free = [...declared].filter((name) => !RESERVED_DIMENSIONS.includes(name))
  // A dimension that only watchers see: it is a label of counters by route, in no event.
  const isWatched = (name: string): boolean =>
    values.has('observe.route_series_max') && ROUTE_REFERENCE.test(name)
  for (const name of given.filter((one) => !declared.has(one) && !isWatched(one))) {
    const key = `dimensions.${name}`
    const todo = free.length === 0 ? 'remove it' : `choose ${oneOf(free)}`
    problems.error(values.at(key), key, 'no meter of the catalog declares it', todo)
  }
  // Dimensions that were given and are wrong are not missing.
  if (given.length === 0 && values.has('dimensions')) return
  const supplied = new Set([...given, ...madeDimensions(values)])
  const missing = [...declared].filter((name) => !supplied.has(name))
  if (missing.length === 0) return
  const what = `nothing gives ${missing.join(', ')}, so no event carries it`
  const todo = 'set what the catalog declares, or leave it where there is no value'
  problems.warning(values.at('dimensions'), 'dimensions', what, todo)
}

/** Dimensions that project and route give; a format without a route has none of the latter. */
function madeDimensions(values: Values): readonly string[] {
  const formats = Array.from({ length: values.length('streams') }, (_, index) =>
    values.get<string | FormatMap>(`streams[${index}].format`),
  )
  const hasRoutes =
    formats.length === 0 ||
    formats.some((spec) => spec === undefined || resolveFormat(spec).roles.route !== undefined)
  return hasRoutes ? RESERVED_DIMENSIONS : ['project_name']
}
