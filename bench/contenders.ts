// Who is measured: programs that read a log, and what their answer is compared with. Peers print
// the object of `scan --json`. Floors do less, and show what reading alone costs.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Corpus, METER_FAST } from './corpus.ts'

export interface Contender {
  readonly name: string
  /** What of the truth its answer must be: all of it, or only how much was read. */
  readonly answer: 'totals' | 'bytes' | 'lines'
  /** The program and its arguments. */
  readonly command: (corpus: Corpus) => readonly [string, ...string[]]
  /** It knows no envelopes. */
  readonly rawOnly?: boolean
}

/** A peer that is not there is told, with what makes it come. */
export interface Absence {
  readonly name: string
  readonly remedy: string
}

const built = (name: string): string =>
  fileURLToPath(new URL(`./peers/${name}.js`, import.meta.url))
const DUCKDB_PACKAGE = new URL('../../bench/duckdb/node_modules/@duckdb/node-api/', import.meta.url)

/** The one that the others are compared with. */
export const METER_FAST_SCAN: Contender = {
  name: 'meter-fast',
  answer: 'totals',
  command: ({ path, format }) => ['node', METER_FAST, 'scan', '--json', '--format', format, path],
}

const NODE_JSON: Contender = {
  name: 'node-json',
  answer: 'totals',
  command: ({ path, format, envelope }) => ['node', built('node-json'), format, path, envelope],
}

const DUCKDB: Contender = {
  name: 'duckdb',
  answer: 'totals',
  rawOnly: true,
  command: ({ path, format }) => ['node', built('duckdb'), format, path],
}

const FLOORS: readonly Contender[] = [
  { name: 'pread', answer: 'bytes', command: ({ path }) => ['node', built('pread'), path] },
  { name: 'wc -l', answer: 'lines', rawOnly: true, command: ({ path }) => ['wc', '-l', path] },
]

/** Those that can run here; the first one is what the others are compared with. */
export function contenders(): { present: readonly Contender[]; absent: readonly Absence[] } {
  const hasDuckdb = existsSync(DUCKDB_PACKAGE)
  return {
    present: [METER_FAST_SCAN, NODE_JSON, ...(hasDuckdb ? [DUCKDB] : []), ...FLOORS],
    absent: hasDuckdb ? [] : [{ name: 'duckdb', remedy: 'npm ci --prefix bench/duckdb' }],
  }
}
