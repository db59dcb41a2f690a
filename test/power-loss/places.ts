// Where directories of these tests are, and how a process finds its files in them.
//
// The state remembers the absolute paths of logs. So that a directory that was rebuilt elsewhere
// is continued as if it were the recorded one, every path of the configuration goes through
// /proc/self/cwd, which each process resolves for itself.

import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'
import type { SlowOptions } from '../reference/options.ts'
import type { Tree } from './disk.ts'

/** The working directory of whoever asks. */
export const HERE = '/proc/self/cwd'
export const CONFIG = 'meter-fast.json'
export const LOG = 'access.log'
export const USAGE = 'usage.ndjson'

/** A full run takes as long as it takes; the other one fits into CI. */
export const IS_FULL = process.env['METER_FAST_FULL'] === '1'

const made: string[] = []
afterAll(async () => {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true })
})

/** A directory that ends with the test file; in memory, where the machine has such a place. */
export function scratch(): string {
  const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const path = mkdtempSync(join(base, 'meter-fast-power-'))
  made.push(path)
  return path
}

const DIMENSIONS = { region: 'us-east-1' }

/** The configuration, for `sink` or else a file; with a file, disk space is reserved too. */
export function configText(sink?: object): string {
  const files = [`${HERE}/${LOG}`]
  return JSON.stringify({
    streams: [{ files, source_id: 'n1', envelope: 'raw', format: 'datum' }],
    sink: sink ?? { type: 'file', path: `${HERE}/${USAGE}` },
    state: { dir: `${HERE}/state`, reserve_bytes: sink ? 0 : '64KiB' },
    window: '1s',
    dimensions: DIMENSIONS,
    on_missing_state: 'backfill',
  })
}

/** The same for the oracle. */
export const ORACLE: SlowOptions = {
  stream: `file/n1/${LOG}`,
  windowMs: 1000,
  envelope: 'raw',
  dimensions: DIMENSIONS,
}

/** Makes what `tree` describes below `directory`, which must exist. */
export function build(directory: string, tree: Tree): void {
  for (const [path, bytes] of tree) {
    if (bytes === null) mkdirSync(join(directory, path), { recursive: true, mode: 0o700 })
    else {
      mkdirSync(dirname(join(directory, path)), { recursive: true, mode: 0o700 })
      writeFileSync(join(directory, path), bytes, { mode: 0o600 })
    }
  }
}
