// Writes what a run produced as fixtures: the logs as Envoy wrote them, and their truth. Tests that
// have no Envoy read them; test/fixtures/e2e/README.md tells the form.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ENVOY_VERSION, ENVOY_VERSION_DEFAULT } from './envoy.ts'
import { sumLog } from './log-sum.ts'
import { FORMATS, type LogFormat } from './routes.ts'
import { differences, type Truth } from './truth.ts'

const FIXTURES_DIR = fileURLToPath(new URL('../fixtures/e2e', import.meta.url))

/** True when this run is asked to write fixtures; it then drives the small traffic only. */
export const CAPTURING = process.env.METER_FAST_CAPTURE === '1'

/** Of another version than the default only the plain log is kept: its number forms differ. */
export function capturedFormats(): readonly LogFormat[] {
  return ENVOY_VERSION === ENVOY_VERSION_DEFAULT ? FORMATS : FORMATS.slice(0, 1)
}

/** Writes one log and its truth. Throws when the two disagree: such a fixture would teach wrong. */
export async function capture(format: LogFormat, log: Uint8Array, clients: Truth): Promise<void> {
  const sum = sumLog(format, log)
  const wrong = differences(clients, sum.totals)
  if (wrong.length > 0) throw new Error(`not captured, log and clients differ: ${wrong.join('; ')}`)
  await mkdir(FIXTURES_DIR, { recursive: true })
  const name = `${format.id}-${ENVOY_VERSION}`
  const truth = { envoy: ENVOY_VERSION, format: format.preset, clients, scan: sum }
  await writeFile(join(FIXTURES_DIR, `${name}.log`), log)
  await writeFile(join(FIXTURES_DIR, `${name}.truth.json`), `${JSON.stringify(truth, null, 1)}\n`)
}
