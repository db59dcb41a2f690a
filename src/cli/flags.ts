// Flags of commands, once: what `--help` shows is what is parsed.

import { ENVELOPES, PRESET_NAMES } from '../config/presets.ts'
import type { Flag } from './command.ts'

export const CONFIG_FLAG = {
  type: 'string',
  short: 'c',
  value: 'FILE',
  sentence: 'the configuration, a YAML file; "check --schema" describes it',
} as const satisfies Flag

export const text = (value: string, sentence: string) =>
  ({ type: 'string', value, sentence }) as const satisfies Flag
export const oneOfText = (choices: readonly string[], sentence: string) =>
  ({ type: 'string', value: 'NAME', choices, sentence }) as const satisfies Flag
export const flag = (sentence: string) => ({ type: 'boolean', sentence }) as const satisfies Flag

export const SCAN_FLAGS = {
  json: flag('print one JSON object'),
  csv: flag('print the totals as CSV'),
  events: flag('print the usage events, one a line'),
  strict: flag('exit 1 when a line was quarantined'),
  format: oneOfText(['auto', ...PRESET_NAMES], `auto (default), ${PRESET_NAMES.join(', ')}`),
  envelope: oneOfText(ENVELOPES, 'auto (default), raw, cri or docker'),
  stream: text('NAME', 'name of the stream (default scan); part of every event id'),
  window: text('60s', 'length of a window; divides one hour'),
  config: CONFIG_FLAG,
}

export const CATALOG_FLAGS = {
  against: {
    ...text('FILE', 'check: the published version; what it has may not go'),
    multiple: true,
  },
  json: flag('check: print one JSON object'),
  out: text('DIR', 'render: write the Kustomize component there; else documents to stdout'),
}

const STATE_FLAG = text('DIR', 'the state directory of the agent, which may run')

export const RELEASE_FLAGS = { state: STATE_FLAG }

export const REPLAY_FLAGS = {
  state: STATE_FLAG,
  unattributed: flag('usage without a project, as far as the map below knows whose it is'),
  namespaces: text('NS=PROJECT,...', 'projects by the namespace of the route'),
  projects: text('TEXT=PROJECT,...', 'projects by the text that stood for one and was none'),
  map: text('FILE', 'both in a YAML file: namespaces: {...}, projects: {...}'),
  quarantined: flag('lines that can be billed now, with the present settings of their stream'),
  reason: text('NAME', 'of those only the ones quarantined for it, such as bad_number'),
  rejected: flag('events that the sink refused, with the same ids'),
  project: text('NAME', 'of those only the ones of this project'),
  accepted: flag('events that the sink accepted between --from and --to, with the same ids'),
  from: text('TIME', 'RFC 3339 or ms: of the window (unattributed) or of acceptance'),
  to: text('TIME', 'the same, not included'),
}

export const STATUS_FLAGS = {
  state: STATE_FLAG,
  json: flag('print one JSON object'),
  quarantine: flag('list the quarantined lines with their places'),
  unattributed: flag('list usage without a project by reason, project and route'),
  gaps: flag('list what was not read of the logs'),
}

export const TOP_FLAGS = {
  state: STATE_FLAG,
  config: { ...CONFIG_FLAG, sentence: 'the configuration of the agent, which names the state' },
  once: flag('print one frame, with rates measured over two seconds'),
}

const LOGS_FLAG = {
  ...text('GLOB...', 'the logs, rotated ones too, plain or .gz, under any names'),
  multiple: true,
} as const satisfies Flag

export const VERIFY_FLAGS = {
  state: text('DIR', 'the state directory of an agent, which may run, or a copy'),
  logs: LOGS_FLAG,
  json: flag('print one JSON object'),
}

export const EXPLAIN_FLAGS = {
  state: VERIFY_FLAGS.state,
  project: text('NAME', 'the project'),
  window: text('TIME', 'a time in the window: RFC 3339, or milliseconds since 1970'),
  logs: { ...LOGS_FLAG, sentence: 'logs, to name the paths of what is still there' },
  json: flag('print one JSON object'),
}

export const COMPARE_FLAGS = {
  logs: {
    ...LOGS_FLAG,
    sentence: 'the logs that both sets were made of: some causes only they can tell',
  },
  config: { ...CONFIG_FLAG, sentence: 'the configuration of the agent, for --logs' },
  format: oneOfText(
    ['auto', ...PRESET_NAMES],
    `of the logs: auto (default), ${PRESET_NAMES.join(', ')}`,
  ),
  causes: text('LIST', 'causes that may explain (default all); others stay unexplained'),
  'hard-coded': text('KEY=VALUE,...', 'dimensions that the pipeline always writes alike'),
  'by-hour': flag('a row for each hour'),
  from: text('TIME', 'a full hour: only events of it and later ones'),
  to: text('TIME', 'a full hour: only events before it'),
  first: oneOfText(
    ['pipeline', 'ours'],
    'pipeline or ours: what the first set is (default: as its ids show)',
  ),
  json: flag('print one JSON object'),
}

export const BENCH_FLAGS = {
  json: flag('print one JSON object'),
  scenario: text('NAME', 'one of the scenarios (default: all)'),
  lines: text('N', 'lines of a log (default 500000)'),
  repetitions: text('N', 'interleaved repetitions (default 5)'),
  micro: flag('the parts of the path one by one'),
  memory: flag('peak memory of a scan of 1 GB'),
  durability: text('N', 'what commits cost an agent on a log of N keys'),
  steady: text('N', 'what an agent costs for N seconds at --per-second lines a second'),
  'per-second': text('N', 'lines a second of that node (default 10000)'),
  workers: flag('what a second worker brings'),
  delivery: flag('what it costs to send what waits in the spool'),
  'delivery-events': text('N', 'events of that spool (default 1000000)'),
}
