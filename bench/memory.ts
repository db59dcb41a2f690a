// Peak memory of `scan` over a log of about 1 GB with 10,000 routes, in a process of its own.

import { runMeasured } from './child.ts'
import { METER_FAST_SCAN } from './contenders.ts'
import { makeCorpus } from './corpus.ts'
import { firstDifference } from './difference.ts'

export interface MemoryOutcome {
  readonly bytes: number
  readonly routes: number
  /** Why the answer is wrong; null when it is right. */
  readonly wrong: string | null
  /** Null when the answer is wrong. */
  readonly peakRssBytes: number | null
}

const ROUTES = 10_000

export async function measureMemory(directory: string, lines: number): Promise<MemoryOutcome> {
  const settings = { directory, name: 'memory', format: 'datum', lines, routes: ROUTES } as const
  const corpus = await makeCorpus(settings)
  const { stdout, usage } = await runMeasured(METER_FAST_SCAN.command(corpus))
  const wrong = firstDifference(JSON.parse(stdout), corpus.truth)
  const peakRssBytes = wrong === null ? usage.peakRssBytes : null
  return { bytes: corpus.bytes, routes: ROUTES, wrong, peakRssBytes }
}
