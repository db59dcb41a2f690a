// The log that tests of the binary meter, made by the binary itself, and a configuration for it.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './host.ts'

const LINES = 5000

/** Writes a log into the host; beside it lies `truth.json`, what a scan of it must print. */
export function writeLog(host: Host): string {
  const truth = join(host.directory, 'truth.json')
  const seed = process.env.METER_FAST_SEED ?? '1'
  const flags = ['--lines', `${LINES}`, '--seed', seed, '--truth', truth]
  const made = host.run(['generate', ...flags])
  if (made.code !== 0) throw new Error(made.stderr)
  const log = host.write('access.log', made.stdout)
  host.write('truth.json', readFileSync(truth, 'utf8'))
  return log
}

/** Writes a configuration whose state and events are in `directory`. */
export function writeConfig(host: Host, log: string, directory: string): string {
  const config = join(host.directory, 'meter-fast.yaml')
  const text = [
    `streams: [{ files: ['${log}'], source_id: node-1, format: datum }]`,
    `state: { dir: '${directory}' }`,
    `sink: { type: file, path: '${join(directory, 'events.ndjson')}' }`,
  ]
  writeFileSync(config, `${text.join('\n')}\n`, { mode: 0o644 })
  return config
}
