// What a format may say, and the formats that come with meter-fast (DESIGN 4.1).
//
// A format is a preset's name or a map of roles to keys, which may begin from a preset. A key is
// the name of a top-level key, or, with a leading `/`, a JSON Pointer (RFC 6901). Two roles may
// share a key; it is mapped once.

import type { Envelope, Role } from '../native.ts'

/** What may wrap a line, as the configuration calls it. */
export const ENVELOPES = ['auto', 'raw', 'cri', 'docker'] as const satisfies readonly Envelope[]

/** How a custom format names its project: a key, the route's namespace, or one for all lines. */
export type ProjectSpec =
  | string
  | { readonly route: 'namespace'; readonly strip?: string }
  | { readonly constant: string }

/** Roles to keys; a role that is left out is not read. */
export type RoleKeys = Readonly<Partial<Record<Exclude<Role, 'project'>, string>>>

/** Roles to keys, in place of those of a preset or beside them; or all of them. */
export type FormatMap = RoleKeys &
  (
    | { readonly project: ProjectSpec; readonly preset?: never }
    | { readonly preset: PresetName; readonly project?: ProjectSpec }
  )

/** A dimension whose value is read from the line. */
export interface LineDimension {
  readonly name: string
  /** A top-level key, or a JSON Pointer. */
  readonly from: string
}

/** One sentence per role: the list of roles, and their documentation. */
export const ROLE_SENTENCES: Readonly<Record<Role, string>> = {
  project: 'Who is billed.',
  route: 'Name of the route: httproute/<namespace>/<name>/...',
  egressBytes: 'Bytes sent to the client.',
  ingressBytes: 'Bytes received from the client.',
  durationMs: 'Milliseconds from the first byte in to the last byte out.',
  startTime: 'Begin of the request, RFC 3339 or seconds since 1970; with durationMs the clock.',
  logType: "Envoy's %ACCESS_LOG_TYPE%; tells the end of a request from its middle.",
  streamId: "Envoy's %STREAM_ID%, part of the identity of a long request.",
  connectionId: "Envoy's %CONNECTION_ID%, part of the identity of a long request.",
  responseFlags: "Envoy's %RESPONSE_FLAGS%, for exclude.response_flags.",
  responseCode: "Envoy's %RESPONSE_CODE%, for exclude.response_codes.",
  responseCodeDetails: "Envoy's %RESPONSE_CODE_DETAILS%; tells an internal redirect.",
}

export const ROLES = Object.keys(ROLE_SENTENCES) as Role[]

const COMMON_KEYS = {
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
} as const

export type PresetName = 'datum' | 'envoy-gateway' | 'istio' | 'contour'

/** Without a project of its own: it must come from the configuration. */
export type Preset = RoleKeys & { readonly project?: ProjectSpec }

/**
 * In the order in which `auto` tries them. Keys that a writer has only when told to (log type, ids)
 * are mapped too. Contour names no route.
 */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  datum: { project: 'project_name', route: 'route_name', ...COMMON_KEYS },
  'envoy-gateway': { project: { route: 'namespace' }, route: 'route_name', ...COMMON_KEYS },
  istio: { route: 'route_name', ...COMMON_KEYS },
  contour: { ...COMMON_KEYS, startTime: '@timestamp' },
}

export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[]

/** Keys that Envoy fills from what a client sends: nothing to bill somebody by. */
const CLIENT_KEYS: readonly string[] = [
  ...['authority', 'host', 'method', 'path', 'protocol', 'referer', 'request_id', 'stream_id'],
  ...['requested_server_name', 'uber_trace_id', 'user_agent', 'user-agent', 'x_forwarded_for'],
]

/** True of those keys, and of what is named like a header: `:authority`, `x-request-id`. */
export function isClientKey(key: string): boolean {
  return CLIENT_KEYS.includes(key) || /^(:|x-)/i.test(key)
}

/**
 * The preset that `--format auto` takes for a log whose first accepted line has these top-level
 * keys: the first whose keys of amounts and, if it has one, project are all there.
 */
export function autoFormat(keys: Iterable<string>): PresetName | undefined {
  const there = new Set(keys)
  return PRESET_NAMES.find((name) => decisiveKeys(name).every((key) => there.has(key)))
}

/** The keys that `autoFormat` asks for, of all presets. */
export function presetKeys(): string[] {
  const keys = PRESET_NAMES.flatMap(decisiveKeys)
  return [...new Set(keys)]
}

function decisiveKeys(name: PresetName): string[] {
  const { project, egressBytes, ingressBytes, durationMs } = PRESETS[name]
  const keys = [project, egressBytes, ingressBytes, durationMs]
  return keys.filter((key) => typeof key === 'string')
}
