// The command line as it is shipped: dist/, built anew when a source is younger than it.
//
// Test files run side by side, so the build has a lock; who waits for it finds a fresh build.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const ROOT = join(import.meta.dirname, '../..')
const LOCK = join(ROOT, 'node_modules/.test-cli-build')
const LOCK_LIFE_MS = 60_000

/** The built `meter-fast`. */
export const MAIN = join(ROOT, 'dist/cli/main.js')

/** Builds dist/ unless it is there and as young as src/. */
export async function build(): Promise<void> {
  while (isOutdated()) {
    if (!takeLock()) {
      await delay(50)
      continue
    }
    try {
      const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
      execFileSync(process.execPath, [compiler], { cwd: ROOT, stdio: 'pipe' })
    } finally {
      rmdirSync(LOCK)
    }
  }
}

function isOutdated(): boolean {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  const times = sources.map((name) => changedMs(join(ROOT, 'src', name)))
  return Math.max(...times) > changedMs(MAIN)
}

/** 0 when it is not there. */
function changedMs(path: string): number {
  const facts = statSync(path, { throwIfNoEntry: false })
  return facts?.isDirectory() === false ? facts.mtimeMs : 0
}

function takeLock(): boolean {
  // The lock of a test run that was killed holds nobody up for ever.
  const takenMs = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs
  if (takenMs !== undefined && Date.now() - takenMs < LOCK_LIFE_MS) return false
  try {
    if (takenMs !== undefined) rmdirSync(LOCK)
    mkdirSync(LOCK)
    return true
  } catch {
    return false
  }
}
