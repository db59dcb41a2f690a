// Verification as tests ask for it: of a state whose logs lie in a directory.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../src/config/config.ts'
import { type VerifyReport, verifyState } from '../../src/verify/verify.ts'

/** Everything in the directory that begins with `access`, or as a test says. */
export function logsIn(directory: string, prefix = 'access'): () => Promise<string[]> {
  return async () =>
    readdirSync(directory)
      .filter((name) => name.startsWith(prefix))
      .map((name) => join(directory, name))
}

export function verify(config: Config, logs: () => Promise<string[]>): Promise<VerifyReport> {
  return verifyState(config.state.dir, { logs })
}

/** What a report says of differences, short enough to be read in a failure. */
export function differencesOf(report: VerifyReport): object[] {
  return report.differences.slice(0, 20).map((one) => ({ ...one }))
}
