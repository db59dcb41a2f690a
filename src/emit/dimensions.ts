// Which dimensions an event carries, and how they are written.
//
// A dimension is written when the meter declares it and it has a value of 1 to 256 bytes; else it
// is left out, never invented. Keys are in byte order, because the id is made of them.

import { idField } from './event-id.ts'
import type { UsageRow } from './usage-page.ts'

/** Where the values of dimensions come from, apart from project and route. */
export interface DimensionSources {
  /** Fixed values from the config. */
  readonly dimensions: Readonly<Record<string, string>>
  /** Names of the page's dimension columns; they win over a fixed value of the same name. */
  readonly lineDimensions: readonly string[]
}

/** A list of declared dimensions, ready to be read from rows. */
export type DimensionReader = readonly {
  readonly key: string
  readonly read: (row: UsageRow) => string | undefined
}[]

/** The dimensions of one row: JSON text of an object (empty for none) and the fields of the id. */
export interface RenderedDimensions {
  readonly json: string
  readonly idFields: string
}

const VALUE_BYTES_MAX = 256

const FROM_KEY: Readonly<Record<string, (row: UsageRow) => string | undefined>> = {
  project_name: (row) => row.project,
  httproute_name: (row) => (row.kind === 'HTTPRoute' ? row.name : undefined),
  httproute_namespace: (row) => (row.kind === 'HTTPRoute' ? row.namespace : undefined),
  grpcroute_name: (row) => (row.kind === 'GRPCRoute' ? row.name : undefined),
  grpcroute_namespace: (row) => (row.kind === 'GRPCRoute' ? row.namespace : undefined),
}

/** Prepares the declared dimensions of a meter, in the byte order of their keys. */
export function dimensionReader(
  declared: readonly string[],
  sources: DimensionSources,
): DimensionReader {
  const keys = [...new Set(declared)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return keys.map((key) => ({ key, read: readerOf(key, sources) }))
}

/** Reads and writes the dimensions of one row. */
export function renderDimensions(reader: DimensionReader, row: UsageRow): RenderedDimensions {
  let json = ''
  let idFields = ''
  for (const { key, read } of reader) {
    const value = read(row)
    if (!value || !fits(value)) continue
    json += `${json ? ',' : '{'}${JSON.stringify(key)}:${JSON.stringify(value)}`
    idFields += idField(key) + idField(value)
  }
  return { json: json && `${json}}`, idFields }
}

function readerOf(key: string, sources: DimensionSources): (row: UsageRow) => string | undefined {
  if (Object.hasOwn(FROM_KEY, key)) return FROM_KEY[key] as (row: UsageRow) => string | undefined
  const fixed = Object.hasOwn(sources.dimensions, key) ? sources.dimensions[key] : undefined
  const column = sources.lineDimensions.indexOf(key)
  return column < 0 ? () => fixed : (row) => row.dimensions[column] ?? fixed
}

function fits(value: string): boolean {
  // Three bytes is the most that one UTF-16 unit becomes, so short values need no counting.
  return value.length * 3 <= VALUE_BYTES_MAX || Buffer.byteLength(value) <= VALUE_BYTES_MAX
}
