// A configuration written to a file of its own, for tests: loads text, and names the file
// `meter.yaml` in what comes back, wherever the test keeps it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../src/config/config.ts'
import { type LoadOptions, loadConfig } from '../../src/config/load.ts'
import { MeterFastError } from '../../src/errors.ts'

/** The least that is accepted. */
export const LEAST = `
streams:
  - files: [/var/log/envoy/access.log]
    source_id: n1
sink: { type: stdout }
`

export const FILES = '{ files: [/var/log/a.log], source_id: n1 }'
export const GATEWAY = '{ type: milo-gateway, url: http://127.0.0.1:8080 }'

/** A whole configuration with one stream and one sink, and whatever else is given. */
export function config({ stream = FILES, sink = '{ type: stdout }', rest = '' } = {}): string {
  return `streams:\n  - ${stream}\nsink: ${sink}\n${rest}\n`
}

export function load(text: string, options: Partial<LoadOptions> = {}): Config {
  const directory = mkdtempSync(join(tmpdir(), 'meter-fast-config-'))
  const path = join(directory, 'meter.yaml')
  writeFileSync(path, text)
  try {
    return loadConfig(path, { env: {}, ...options })
  } catch (error) {
    if (!(error instanceof MeterFastError)) throw error
    throw new MeterFastError(error.code, error.message.replaceAll(path, 'meter.yaml'))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Messages for snapshots: what to do on a line of its own, so that no line is too long. */
export function folded(text: string): string {
  return text.replaceAll('; ', ';\n  ')
}

/** The problems of a configuration, without the line that counts them; empty when accepted. */
export function problemsOf(text: string, options: Partial<LoadOptions> = {}): string[] {
  try {
    load(text, options)
    return []
  } catch (error) {
    if (!(error instanceof MeterFastError) || error.code !== 'METER_CONFIG_INVALID') throw error
    return error.message.split('\n').slice(1)
  }
}
