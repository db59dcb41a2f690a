// The configuration of a sequence's agent. It is loaded once, as a user's is, and what a sequence
// changes is put into the result: loading takes as long as a whole sequence.

import { join } from 'node:path'
import type { Config, StreamsConfig } from '../../src/config/config.ts'
import type { SlowOptions } from '../reference/options.ts'
import { load } from '../unit/config-file.ts'
import type { Configuration, LogKind, Setup } from './sequence.ts'

const ROOT = '/model'
const SOURCE = 'n1'
/** `pad` bytes are too long, a third key overflows, a second long request is not followed. */
const TIGHT = { keysMax: 2, lineBytesMax: 1_024, streamStatesMax: 1 }
const RETENTION_MS = 300 * 365 * 24 * 3_600_000

const loaded = load(
  JSON.stringify({
    streams: [
      { files: [join(ROOT, 'raw.log')], source_id: SOURCE, envelope: 'raw', format: 'datum' },
      { files: [join(ROOT, 'cri.log')], source_id: SOURCE, envelope: 'cri', format: 'datum' },
      {
        kubernetes: { namespaces: ['ns'], containers: ['envoy'] },
        root: join(ROOT, 'pods'),
        envelope: 'cri',
        format: 'datum',
      },
    ],
    dimensions: { region: 'r-0' },
    sink: { type: 'milo-gateway', url: 'http://127.0.0.1:1' },
    state: { dir: join(ROOT, 'state') },
  }),
)

/** Base name of the live file of log `index`. */
export function liveName(index: number): string {
  return index === 0 ? 'access.log' : `second-${index}.log`
}

export function logsDirectory(root: string): string {
  return join(root, 'logs')
}

export function podsDirectory(root: string): string {
  return join(root, 'pods')
}

export function fileStream(index: number): string {
  return `file/${SOURCE}/${liveName(index)}`
}

export function configOf(root: string, setup: Setup, change: Configuration): Config {
  const { windowMs = setup.windowMs, region = 'r-0', exclude = [], spoolBytesMax } = change
  const { state, limits } = loaded
  const spool = spoolBytesMax ?? state.spoolBytesMax
  return {
    ...loaded,
    windowMs,
    streams: streamsOf(root, setup.logs),
    dimensions: { region },
    exclude: { codes: [], flags: exclude },
    connectionSeconds: setup.connectionSeconds ?? 'exact',
    limits: setup.limits === 'tight' ? TIGHT : limits,
    state: {
      ...state,
      dir: join(root, 'state'),
      spoolBytesMax: spool,
      // The verdict needs every record, also when the wall clock was set ten years ahead.
      ledgerRetentionMs: RETENTION_MS,
      acceptedRetentionMs: RETENTION_MS,
    },
    onMissingState: setup.hold ? 'hold' : 'backfill',
  }
}

function streamsOf(root: string, logs: readonly LogKind[]): StreamsConfig[] {
  const streams = logs.map((kind, index) => {
    const base = loaded.streams[['raw', 'cri', 'pod'].indexOf(kind)] as StreamsConfig
    if (base.kind === 'kubernetes') return { ...base, root: podsDirectory(root) }
    return { ...base, patterns: [join(logsDirectory(root), liveName(index))] }
  })
  // Pods are found by one entry, however many logs there are.
  return streams.filter((one, index) => {
    const first = streams.findIndex(({ kind }) => kind === 'kubernetes')
    return one.kind !== 'kubernetes' || index === first
  })
}

/** The same as the oracle takes it. */
export function slowOptions(config: Config, setup: Setup): SlowOptions {
  return {
    windowMs: config.windowMs,
    ...(setup.limits === 'tight' && TIGHT),
    connectionSeconds: config.connectionSeconds,
    dimensions: config.dimensions,
    exclude: config.exclude,
  }
}
