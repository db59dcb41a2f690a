// Before the tests: packs the npm package once, and writes the log that all of them meter.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The packed npm package. */
    tarball: string
    /** A log, and beside it `truth.json`: what a scan of it must print. */
    log: string
  }
}

const ROOT = join(import.meta.dirname, '../..')
const LINES = 20_000

export function setup({ provide }: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'meter-fast-pack-'))
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', directory], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // Scripts print before the JSON.
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('\n[') + 1)) as [
    { filename: string },
  ]
  provide('tarball', join(directory, filename))
  provide('log', writeLog(directory))
  return () => rmSync(directory, { recursive: true, force: true })
}

function writeLog(directory: string): string {
  const log = join(directory, 'access.log')
  const truth = join(directory, 'truth.json')
  const flags = ['--lines', `${LINES}`, '--seed', process.env.METER_FAST_SEED ?? '1']
  execFileSync(
    process.execPath,
    [join(ROOT, 'dist/cli/main.js'), 'generate', ...flags, '--truth', truth],
    { stdio: ['ignore', openSync(log, 'w'), 'inherit'] },
  )
  return log
}
