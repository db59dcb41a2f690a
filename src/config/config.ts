// The resolved configuration: plain, read-only, every default filled in, units in the names.
// Relative paths of logs are taken from the working directory, once, here.

import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Catalog } from '../catalog/catalog.ts'
import { MeterFastError } from '../errors.ts'
import type { Envelope } from '../native.ts'
import { WORKERS_MAX } from './fields.ts'
import { type ResolvedFormat, resolveFormat } from './formats.ts'
import type { FormatMap, LineDimension } from './presets.ts'
import type { DimensionValue } from './readers.ts'
import { isSinkType, type Values } from './values.ts'

export interface KubernetesStreams {
  readonly kind: 'kubernetes'
  readonly namespaces: readonly string[]
  readonly containers: readonly string[]
  /** Absolute directory of `<namespace>_<pod>_<uid>/<container>/<n>.log`. */
  readonly root: string
  readonly envelope: Envelope
  readonly format: ResolvedFormat
}

export interface FileStreams {
  readonly kind: 'files'
  /** Absolute paths or globs of live files. */
  readonly patterns: readonly string[]
  readonly sourceId: string
  readonly envelope: Envelope
  readonly format: ResolvedFormat
}

export type StreamsConfig = KubernetesStreams | FileStreams

export interface TlsConfig {
  readonly caFile?: string
  /** Given together with keyFile, or not at all. */
  readonly certFile?: string
  readonly keyFile?: string
}

export interface HttpSinkConfig {
  readonly type: 'milo-gateway' | 'collector' | 'cloudevents-http'
  /** Of `cloudevents-http` the address as it is; else a base URL without a trailing slash. */
  readonly url: string
  readonly bearerFile?: string
  readonly tls: TlsConfig
  readonly timeoutMs: number
  readonly proxy?: string
  /** `none` for `milo-gateway`, which has no such key. */
  readonly compression: 'none' | 'gzip'
}

export interface FileSinkConfig {
  readonly type: 'file'
  readonly path: string
  /** Left out: the file is never rotated. */
  readonly fileBytesMax?: number
}

export interface NatsSinkConfig {
  readonly type: 'nats'
  readonly servers: readonly string[]
  readonly stream: string
  /** `{project}` stands for the project of an event. */
  readonly subject: string
  readonly credsFile?: string
  readonly bearerFile?: string
  readonly tls: TlsConfig
  readonly timeoutMs: number
}

export type SinkConfig =
  | { readonly type: 'stdout' }
  | FileSinkConfig
  | HttpSinkConfig
  | NatsSinkConfig

export interface Config {
  /** W of DESIGN 5.2; divides one hour. */
  readonly windowMs: number
  readonly connectionSeconds: 'exact' | 'per_request_floor'
  readonly streams: readonly StreamsConfig[]
  /** Dimensions with one value for all events. */
  readonly dimensions: Readonly<Record<string, string>>
  /** Names of the dimensions read from lines, in the order of every format's `dimensions`. */
  readonly lineDimensions: readonly string[]
  /** The meters that are billed, and what their events have in common. */
  readonly catalog: Catalog
  readonly exclude: { readonly codes: readonly string[]; readonly flags: readonly string[] }
  readonly limits: {
    readonly lineBytesMax: number
    readonly keysMax: number
    readonly streamStatesMax: number
  }
  /** Streams that are read at the same time. */
  readonly workersMax: number
  readonly state: {
    readonly dir: string
    readonly spoolBytesMax: number
    readonly heldBytesMax: number
    readonly reserveBytes: number
    readonly acceptedRetentionMs: number
    readonly ledgerRetentionMs: number
    readonly quarantineBytesMax: number
  }
  readonly sink: SinkConfig
  readonly sinkDedupWindowMs: number
  readonly ambiguousPolicy: 'resend' | 'hold'
  readonly onMissingState: 'hold' | 'backfill'
  readonly observe: {
    readonly listen: string | undefined
    /** Left out: usage is not counted by route. */
    readonly routeSeriesMax: number | undefined
    readonly logForm: 'auto' | 'text' | 'json'
    readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  }
}

/** Makes the configuration of values without problems. `once`: what `run --once` defaults to. */
export function buildConfig(values: Values, catalog: Catalog, once: boolean): Config {
  const dimensions = values.get<Map<string, DimensionValue>>('dimensions') ?? new Map()
  const fromLine = [...dimensions.values()].filter((value) => typeof value !== 'string')
  const constants = [...dimensions].filter(([, value]) => typeof value === 'string')
  const streams = Array.from({ length: values.length('streams') }, (_, index) =>
    streamsConfig(values, `streams[${index}]`, fromLine),
  )
  return {
    windowMs: need(values, 'window'),
    connectionSeconds: need(values, 'connection_seconds'),
    streams,
    dimensions: Object.fromEntries(constants) as Record<string, string>,
    lineDimensions: fromLine.map(({ name }) => name),
    catalog,
    exclude: {
      codes: need(values, 'exclude.response_codes'),
      flags: need(values, 'exclude.response_flags'),
    },
    limits: {
      lineBytesMax: need(values, 'limits.line_bytes_max'),
      keysMax: need(values, 'limits.keys_max'),
      streamStatesMax: need(values, 'limits.stream_states_max'),
    },
    workersMax: values.get('workers_max') ?? Math.min(availableParallelism(), WORKERS_MAX),
    state: {
      dir: need(values, 'state.dir'),
      spoolBytesMax: need(values, 'state.spool_bytes_max'),
      heldBytesMax: need(values, 'state.held_bytes_max'),
      reserveBytes: need(values, 'state.reserve_bytes'),
      acceptedRetentionMs: need(values, 'state.accepted_retention'),
      ledgerRetentionMs: need(values, 'state.ledger_retention'),
      quarantineBytesMax: need(values, 'state.quarantine_bytes_max'),
    },
    sink: sinkConfig(values),
    sinkDedupWindowMs: need(values, 'sink_dedup_window'),
    ambiguousPolicy: need(values, 'ambiguous_policy'),
    onMissingState: values.get('on_missing_state') ?? missingStateDefault(values, once),
    observe: {
      listen: values.get('observe.listen'),
      routeSeriesMax: values.get('observe.route_series_max'),
      logForm: need(values, 'observe.log_form'),
      logLevel: need(values, 'observe.log_level'),
    },
  }
}

/** DESIGN 6: a sink that nobody reads twice gets everything; others might bill twice. */
export function missingStateDefault(values: Values, once: boolean): 'hold' | 'backfill' {
  const type = values.get<string>('sink.type')
  return once || type === 'file' || type === 'stdout' ? 'backfill' : 'hold'
}

function streamsConfig(
  values: Values,
  key: string,
  fromLine: readonly LineDimension[],
): StreamsConfig {
  const common = {
    envelope: need<Envelope>(values, `${key}.envelope`),
    format: resolveFormat(need<string | FormatMap>(values, `${key}.format`), fromLine),
  }
  if (values.has(`${key}.files`)) {
    const patterns = need<string[]>(values, `${key}.files`).map((pattern) => resolve(pattern))
    return { kind: 'files', patterns, sourceId: need(values, `${key}.source_id`), ...common }
  }
  return {
    kind: 'kubernetes',
    namespaces: need(values, `${key}.kubernetes.namespaces`),
    containers: need(values, `${key}.kubernetes.containers`),
    root: resolve(need<string>(values, `${key}.root`)),
    ...common,
  }
}

function sinkConfig(values: Values): SinkConfig {
  const type = need<string>(values, 'sink.type')
  if (!isSinkType(type)) throw new MeterFastError('METER_BUG', `sink type ${type} was not refused`)
  if (type === 'stdout') return { type }
  if (type === 'file') {
    const path = need<string>(values, 'sink.path')
    const fileBytesMax = values.get<number>('sink.file_bytes_max')
    return { type, path, ...(fileBytesMax !== undefined && { fileBytesMax }) }
  }
  const network = {
    ...optional(values, 'bearerFile', 'sink.bearer_file'),
    tls: {
      ...optional(values, 'caFile', 'sink.tls.ca_file'),
      ...optional(values, 'certFile', 'sink.tls.cert_file'),
      ...optional(values, 'keyFile', 'sink.tls.key_file'),
    },
    timeoutMs: need<number>(values, 'sink.timeout'),
  }
  if (type === 'nats') {
    return {
      type,
      servers: need(values, 'sink.servers'),
      stream: need(values, 'sink.stream'),
      subject: need(values, 'sink.subject'),
      ...optional(values, 'credsFile', 'sink.creds_file'),
      ...network,
    }
  }
  const url = need<string>(values, 'sink.url')
  return {
    type,
    // The gateway answers 404 or a redirect to a path with two slashes.
    url: type === 'cloudevents-http' ? url : url.replace(/\/+$/, ''),
    ...network,
    ...optional(values, 'proxy', 'sink.proxy'),
    compression: values.get('sink.compression') ?? 'none',
  }
}

function optional<K extends string>(values: Values, name: K, key: string): { [P in K]?: string } {
  const value = values.get<string>(key)
  return value === undefined ? {} : ({ [name]: value } as { [P in K]: string })
}

function need<T>(values: Values, key: string): T {
  const value = values.get<T>(key)
  if (value !== undefined) return value
  throw new MeterFastError('METER_BUG', `the configuration was accepted without ${key}`)
}
