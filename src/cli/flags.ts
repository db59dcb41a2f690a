// Flags of commands, once: what `--help` shows is what is parsed.

import { PRESET_NAMES } from '../config/presets.ts'
import type { Flag } from './command.ts'

export const CONFIG_FLAG = {
  type: 'string',
  short: 'c',
  value: 'FILE',
  sentence: 'the configuration, a YAML file; "check --schema" describes it',
} as const satisfies Flag

export const text = (value: string, sentence: string) =>
  ({ type: 'string', value, sentence }) as const satisfies Flag
export const flag = (sentence: string) => ({ type: 'boolean', sentence }) as const satisfies Flag

export const SCAN_FLAGS = {
  json: flag('print one JSON object'),
  csv: flag('print the totals as CSV'),
  events: flag('print the usage events, one a line'),
  strict: flag('exit 1 when a line was quarantined'),
  format: text('NAME', `auto (default), ${PRESET_NAMES.join(' or ')}`),
  envelope: text('NAME', 'auto (default), raw or cri'),
  stream: text('NAME', 'name of the stream (default scan); part of every event id'),
  window: text('60s', 'length of a window; divides one hour'),
  config: CONFIG_FLAG,
}

export const RELEASE_FLAGS = {
  state: text('DIR', 'the state directory of the stopped agent'),
}
