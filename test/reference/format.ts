// Which key of the line plays which role (DESIGN 4.1), and the values found under those keys.

import { walk } from './json-walk.ts'
import { decode } from './mend.ts'

/** Roles that are plain keys; a key that begins with `/` is a JSON Pointer. */
export interface Keys {
  readonly route?: string
  readonly egressBytes?: string
  readonly ingressBytes?: string
  readonly durationMs?: string
  readonly startTime?: string
  readonly logType?: string
  readonly streamId?: string
  readonly connectionId?: string
  readonly responseFlags?: string
  readonly responseCode?: string
  readonly responseCodeDetails?: string
}

/** A format as a config writes it: keys of its own in place of those of its preset. */
export interface Format extends Keys {
  readonly preset?: PresetName
  readonly project?:
    | string
    | { readonly route: 'namespace'; readonly strip?: string }
    | { readonly constant: string }
  /** Dimensions read from the line: name to key. */
  readonly dimensions?: Readonly<Record<string, string>>
}

const ENVOY_KEYS: Keys = {
  route: 'route_name',
  egressBytes: 'bytes_sent',
  ingressBytes: 'bytes_received',
  durationMs: 'duration',
  startTime: 'start_time',
  logType: 'access_log_type',
  streamId: 'stream_id',
  connectionId: 'connection_id',
  responseFlags: 'response_flags',
  responseCode: 'response_code',
  responseCodeDetails: 'response_code_details',
}

export type PresetName = 'datum' | 'envoy-gateway' | 'istio' | 'contour'

const { route: _, ...KEYS_WITHOUT_ROUTE } = ENVOY_KEYS
const PRESETS: Readonly<Record<PresetName, Format>> = {
  datum: { ...ENVOY_KEYS, project: 'project_name' },
  'envoy-gateway': { ...ENVOY_KEYS, project: { route: 'namespace' } },
  // The configuration gives these two a project.
  istio: ENVOY_KEYS,
  contour: { ...KEYS_WITHOUT_ROUTE, startTime: '@timestamp' },
}

/** Everything that a format maps. */
export function formatOf(spec: PresetName | Format): Format {
  const { preset, ...own } = typeof spec === 'string' ? { preset: spec } : spec
  return preset === undefined ? own : { ...PRESETS[preset], ...own }
}

/** The value under a mapped key: its bytes as latin1 text, and its text if it is a string. */
export interface Value {
  readonly raw: string
  readonly text: string | null
}

/** Role (or `dimension <name>`) to value; a key that the line lacks is left out. */
export type Values = ReadonlyMap<string, Value>

/** Reads the mapped keys of a valid object, or says why the line is not to be trusted. */
export function mappedValues(
  mended: string,
  isMended: (from: number, to: number) => boolean,
  format: Format,
): Values | 'malformed' | 'duplicate_key' {
  const places = walk(mended)
  const named = places.values.map((place) => ({ ...place, name: JSON.stringify(place.path) }))
  const mapped = [...mappedKeys(format)].map(([role, key]) => {
    const path = JSON.stringify(keyPath(key))
    return { role, found: named.filter(({ name }) => name === path) }
  })
  const delicate = [...places.keys, ...mapped.flatMap(({ found }) => found)]
  if (delicate.some(({ from, to }) => isMended(from, to))) {
    return 'malformed'
  }
  if (mapped.some(({ found }) => found.length > 1)) {
    return 'duplicate_key'
  }
  return new Map(
    mapped.flatMap(({ role, found }) =>
      found.map(({ from, to }) => [role, readValue(mended.slice(from, to))] as const),
    ),
  )
}

function mappedKeys({ project, dimensions, ...keys }: Format): Map<string, string> {
  const roles = new Map<string, string>(Object.entries(keys))
  if (typeof project === 'string') {
    roles.set('project', project)
  }
  for (const [name, key] of Object.entries(dimensions ?? {})) {
    roles.set(`dimension ${name}`, key)
  }
  return roles
}

function keyPath(key: string): string[] {
  if (!key.startsWith('/')) {
    return [key]
  }
  const tokens = key.slice(1).split('/')
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function readValue(raw: string): Value {
  return { raw, text: raw.startsWith('"') ? (decode(raw) as string) : null }
}

/** `null`, `""`, `"-"` and a missing key say nothing. */
export function isAbsent(value: Value | undefined): boolean {
  return value === undefined || value.raw === 'null' || value.text === '' || value.text === '-'
}
