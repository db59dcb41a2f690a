// What no single field can know: which keys go together, and which may not.
//
// Every rule looks only at values that were read; what is broken already has its problem.

import { FIELDS, HOUR_MS, STREAM_KINDS } from './fields.ts'
import { resolveFormat } from './formats.ts'
import type { FormatMap } from './presets.ts'
import { oneOf, type Report } from './problems.ts'
import { formatDuration } from './units.ts'
import { isOf, type Values } from './values.ts'

/** Reports everything that is wrong between fields. */
export function applyRules(values: Values, report: Report): void {
  windowRule(values, report)
  streamKindRule(values, report)
  requiredRule(values, report)
  variantRule(values, report)
  sameContainerRule(values, report)
  formatRule(values, report)
  sinkRule(values, report)
}

function windowRule(values: Values, report: Report): void {
  const windowMs = values.get<number>('window')
  if (windowMs === undefined || HOUR_MS % windowMs === 0) return
  const what = `${formatDuration(windowMs)} does not divide one hour`
  report(values.at('window'), 'window', what, 'choose 10s, 60s, 5m or another that does')
}

function streamKindRule(values: Values, report: Report): void {
  if (!values.has('streams')) {
    report(values.at('streams'), 'streams', 'is missing', 'say what is read: kubernetes or files')
  }
  for (let index = 0; index < values.length('streams'); index += 1) {
    const key = `streams[${index}]`
    const kinds = STREAM_KINDS.filter((kind) => values.has(`${key}.${kind}`))
    if (kinds.length === 1 || !values.has(key)) continue
    const what = kinds.length === 0 ? 'it says not what is read' : 'it has kubernetes and files'
    report(values.at(key), key, what, 'give each entry either kubernetes or files')
  }
}

// A missing key is told at the map that lacks it.
function requiredRule(values: Values, report: Report): void {
  for (const field of FIELDS) {
    if (field.required === undefined) continue
    for (const key of values.keysOf(field)) {
      const wanted = isOf(field, values.variant(key))
      if (wanted && !values.has(key)) report(values.at(key), key, 'is missing', field.required)
    }
  }
}

function variantRule(values: Values, report: Report): void {
  for (const field of FIELDS) {
    for (const key of field.of === undefined ? [] : values.keysOf(field)) {
      const variant = values.variant(key)
      if (!values.has(key) || variant === undefined || isOf(field, variant)) continue
      report(values.at(key), key, `only ${owners(key, field.of ?? [])} it`, 'remove it')
    }
  }
}

function owners(key: string, of: readonly string[]): string {
  if (!key.startsWith('sink.')) return `streams of ${oneOf(of)} have`
  return of.length === 1 ? `the sink ${of[0]} has` : `the sinks ${of.join(', ')} have`
}

// Two entries that read one container would give two streams of one name, and equal ids.
function sameContainerRule(values: Values, report: Report): void {
  const owners = new Map<string, number>()
  for (let index = 0; index < values.length('streams'); index += 1) {
    const key = `streams[${index}]`
    const containers = values.get<string[]>(`${key}.kubernetes.containers`) ?? []
    const namespaces = values.get<string[]>(`${key}.kubernetes.namespaces`) ?? []
    const pairs = namespaces.flatMap((space) => containers.map((name) => `${space}/${name}`))
    for (const pair of new Set(pairs)) {
      const id = `${values.get(`${key}.root`)} ${pair}`
      const owner = owners.get(id)
      owners.set(id, owner ?? index)
      if (owner === undefined) continue
      const what = `${pair} is already in streams[${owner}]`
      report(values.at(key), key, what, 'name each container once')
    }
  }
}

function formatRule(values: Values, report: Report): void {
  for (let index = 0; index < values.length('streams'); index += 1) {
    const key = `streams[${index}].format`
    const spec = values.get<string | FormatMap>(key)
    if (spec === undefined) continue
    const { roles } = resolveFormat(spec)
    const at = values.at(key)
    if (roles.startTime === undefined && values.get(`streams[${index}].envelope`) === 'raw') {
      const todo = 'map startTime, or read an envelope that has a time'
      report(at, key, 'no line has a clock: no startTime, and raw lines have no time', todo)
    }
    const needs = [
      ['response_codes', 'responseCode', roles.responseCode],
      ['response_flags', 'responseFlags', roles.responseFlags],
    ] as const
    for (const [list, role, mapped] of needs) {
      const excluded = values.get<string[]>(`exclude.${list}`) ?? []
      if (mapped !== undefined || excluded.length === 0) continue
      report(at, key, `exclude.${list} needs the role ${role}`, `map ${role} to its key`)
    }
  }
}

// What a base URL ends with would be there twice, and the answer would be 404.
const ADDED_PATHS: Readonly<Record<string, string>> = {
  'milo-gateway': '/v1/usage/events:batchIngest',
  collector: '/cloudevents',
}

function sinkRule(values: Values, report: Report): void {
  const path = ADDED_PATHS[values.get<string>('sink.type') ?? '']
  if (path !== undefined && values.get<string>('sink.url')?.endsWith(path)) {
    report(values.at('sink.url'), 'sink.url', `${path} is added to it`, 'end it before that')
  }
  const cert = values.has('sink.tls.cert_file')
  if (cert === values.has('sink.tls.key_file')) return
  const [there, missing] = cert ? ['cert_file', 'key_file'] : ['key_file', 'cert_file']
  const todo = 'give both, or none'
  report(values.at(`sink.tls.${there}`), `sink.tls.${there}`, `it needs ${missing} too`, todo)
}
