// Every key of the configuration, once. Reading, the JSON Schema, `check --json`, flags and
// environment names, and the configuration table of the README are all made from this table;
// a key that is not here is an error in a file.

import { SUBJECT_PATTERN } from '../catalog/catalog.ts'
import { FILE_PATH, type Field, KIB, MIB, TIB } from './field.ts'
import { ENVELOPES, PRESET_NAMES } from './presets.ts'
import { SINK_FIELDS } from './sink-fields.ts'

export type { Field, FieldKind } from './field.ts'

export const HOUR_MS = 3_600_000

/** Reads run on libuv's thread pool, which has so many threads. */
export const WORKERS_MAX = 4

const KUBERNETES_NAME = {
  pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$',
  patternTodo: 'write exact names of at most 63 of a-z, 0-9 and -',
}
const PORT = '([0-5]?[0-9]{1,4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])'

export const STREAM_KINDS = ['kubernetes', 'files'] as const

const STREAM_FIELDS: readonly Field[] = [
  {
    path: 'streams[].kubernetes.namespaces',
    kind: 'list',
    of: ['kubernetes'],
    required: 'name the namespaces whose pods are read',
    ...KUBERNETES_NAME,
    about: 'Namespaces whose pods are read; no other is ever opened.',
  },
  {
    path: 'streams[].kubernetes.containers',
    kind: 'list',
    of: ['kubernetes'],
    required: 'name the containers that write the access log',
    ...KUBERNETES_NAME,
    about: 'Containers of these pods that write the access log.',
  },
  {
    path: 'streams[].root',
    kind: 'text',
    of: ['kubernetes'],
    default: '/var/log/pods',
    ...FILE_PATH,
    about: 'Directory of <namespace>_<pod>_<uid>/<container>/<n>.log.',
  },
  {
    path: 'streams[].files',
    kind: 'list',
    of: ['files'],
    // No `**`: a tree of unknown depth has no stable stream names. A set must be closed.
    pattern: '^(?!.*\\*\\*)(?:[^[\\\\\\0]|\\\\.|\\[[!^]?[^/][^\\]/]*\\])+(?<!/)$',
    patternTodo: 'name files; in globs use *, ? and [a-z], never **',
    about: 'Paths or globs (*, ?, [a-z]) of live log files; rotated names are found from them.',
  },
  {
    path: 'streams[].source_id',
    kind: 'text',
    of: ['files'],
    required: `give each node a name of its own, such as '\${NODE_NAME}'`,
    pattern: '^[^\\s/]{1,253}$',
    patternTodo: 'write 1 to 253 characters without white space and /',
    about: 'Name of this writer in event ids; two nodes with one name would lose usage.',
  },
  {
    path: 'streams[].envelope',
    kind: 'choice',
    default: 'auto',
    choices: ENVELOPES,
    about: "What wraps each line: nothing (raw), CRI, docker's JSON, or what the first line shows.",
  },
  {
    path: 'streams[].format',
    kind: 'format',
    default: 'datum',
    about: `A preset (${PRESET_NAMES.join(', ')}), or a map of roles to keys and JSON Pointers.`,
  },
]

export const FIELDS: readonly Field[] = [
  {
    path: 'window',
    kind: 'duration',
    unit: 'ms',
    default: '60s',
    min: 1_000,
    max: HOUR_MS,
    about: 'Interval of log time that one usage event covers; divides one hour.',
  },
  {
    path: 'connection_seconds',
    kind: 'choice',
    default: 'exact',
    choices: ['exact', 'per_request_floor'],
    about: 'Carry milliseconds from window to window, or floor each request to whole seconds.',
  },
  ...STREAM_FIELDS,
  {
    path: 'dimensions',
    kind: 'dimensions',
    about: 'Dimensions of every event: a text of 1 to 256 bytes, or { from: KEY } of the line.',
  },
  {
    path: 'catalog',
    kind: 'text',
    ...FILE_PATH,
    about: 'File of the ServiceConfiguration whose meters are billed; default: the built-in one.',
  },
  {
    path: 'meters.source',
    kind: 'text',
    pattern: '^[!-~]{1,512}$',
    patternTodo: 'write a URI, such as //networking.datumapis.com/gateway',
    about: 'Source of every event; default: //<name of the service>/gateway.',
  },
  {
    path: 'meters.subject',
    kind: 'text',
    pattern: SUBJECT_PATTERN,
    patternTodo: 'write {project} once, without blanks, such as projects/{project}',
    about: 'Subject of every event; default: projects/{project}.',
  },
  {
    path: 'meters.amounts',
    kind: 'amounts',
    about: 'Which amount each meter bills; by default the ends of their names tell.',
  },
  {
    path: 'exclude.response_flags',
    kind: 'list',
    default: [],
    pattern: '^[A-Za-z0-9_]{1,64}$',
    patternTodo: 'write one flag of Envoy, such as NR',
    about: 'Response flags whose lines are ignored.',
  },
  {
    path: 'exclude.response_codes',
    kind: 'list',
    default: [],
    pattern: '^(0|[1-9][0-9]{0,2})$',
    patternTodo: 'write a code of 0 to 999',
    about: 'Response codes whose lines are ignored.',
  },
  {
    path: 'limits.line_bytes_max',
    kind: 'size',
    unit: 'bytes',
    default: '1MiB',
    min: KIB,
    max: 16 * MIB,
    about: 'Longest line that is read; a longer one is quarantined as too_long.',
  },
  {
    path: 'limits.keys_max',
    kind: 'count',
    default: 1_000_000,
    min: 1,
    max: 10_000_000,
    about: 'Keys of one segment with totals of their own; later ones share an overflow key.',
  },
  {
    path: 'limits.stream_states_max',
    kind: 'count',
    default: 1_000_000,
    min: 1,
    max: 10_000_000,
    about: 'Long requests of one stream that are followed; beyond it only their end is billed.',
  },
  {
    path: 'workers_max',
    kind: 'count',
    min: 1,
    max: WORKERS_MAX,
    about: 'Streams that are read at the same time; default: one for each core, up to 4.',
  },
  {
    path: 'state.dir',
    kind: 'text',
    default: '/var/lib/meter-fast',
    ...FILE_PATH,
    about: 'Directory of the state; it must outlive the process and belong to it alone.',
  },
  {
    path: 'state.spool_bytes_max',
    kind: 'size',
    unit: 'bytes',
    default: '10GiB',
    min: MIB,
    max: TIB,
    about: 'Most that waits for the sink; beyond it reading pauses and the logs are the buffer.',
  },
  {
    path: 'state.held_bytes_max',
    kind: 'size',
    unit: 'bytes',
    default: '10GiB',
    min: MIB,
    max: TIB,
    about: 'Most of rotated logs held open until read; beyond it the oldest becomes a gap.',
  },
  {
    path: 'state.reserve_bytes',
    kind: 'size',
    unit: 'bytes',
    default: '64MiB',
    min: 0,
    max: TIB,
    about: 'Kept free on the disk of the state, for what the sink accepts when it is full.',
  },
  {
    path: 'state.accepted_retention',
    kind: 'duration',
    unit: 'ms',
    default: '72h',
    min: 0,
    max: 8_760 * HOUR_MS,
    about: 'How long accepted events are kept, so that replay can send them again.',
  },
  {
    path: 'state.ledger_retention',
    kind: 'duration',
    unit: 'ms',
    default: '840h',
    min: HOUR_MS,
    max: 87_600 * HOUR_MS,
    about: 'How long the ledger and unattributed usage are kept by window, then only by day.',
  },
  {
    path: 'state.quarantine_bytes_max',
    kind: 'size',
    unit: 'bytes',
    default: '1GiB',
    min: 0,
    max: TIB,
    about: 'Quarantined lines that are kept whole; of later ones only place, length and hash.',
  },
  ...SINK_FIELDS,
  {
    path: 'sink_dedup_window',
    kind: 'duration',
    unit: 'ms',
    default: '2m',
    min: 0,
    max: 8_760 * HOUR_MS,
    about: 'How long the sink promises to drop an event that it already has.',
  },
  {
    path: 'ambiguous_policy',
    kind: 'choice',
    default: 'resend',
    choices: ['resend', 'hold'],
    about: 'A batch sent before a crash, its answer lost for longer than sink_dedup_window.',
  },
  {
    path: 'on_missing_state',
    kind: 'choice',
    choices: ['hold', 'backfill'],
    about: 'Old windows of a start without state: held, or sent (as with file and stdout sinks).',
  },
  {
    path: 'observe.listen',
    kind: 'text',
    pattern: `^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9.-]+):${PORT}$`,
    patternTodo: 'write HOST:PORT, such as 127.0.0.1:9464',
    about: 'HOST:PORT of /metrics, /healthz and /readyz; nothing listens when left out.',
  },
  {
    path: 'observe.route_series_max',
    kind: 'count',
    min: 1,
    max: 100_000,
    about: 'Counts usage by route too, in at most so many series; left out: not at all.',
  },
  {
    path: 'observe.log_form',
    kind: 'choice',
    default: 'auto',
    choices: ['auto', 'text', 'json'],
    about: 'What run writes to stderr: sentences, JSON, or JSON unless stderr is a terminal.',
  },
  {
    path: 'observe.log_level',
    kind: 'choice',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    about: 'What is less than this is not logged; debug has each commit and each answer.',
  },
]
