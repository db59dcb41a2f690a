// What durability costs: an agent follows a log with its state on disk, at full speed, and says how
// long its commits took and how long the event loop was held. The sums that a receiver gets are
// compared with the truth first.
//
// The event loop is watched by a chain of setImmediate calls: a histogram of delays misses short
// gaps. The gap that counts is CPU time of the main thread: wall time has in it what other
// processes of the machine took.

import { requestsOf } from './agent-config.ts'
import { type ChildResult, runMeasured } from './child.ts'
import { makeCorpus } from './corpus.ts'
import type { AgentFigures } from './durability-agent.ts'

export interface DurabilityOutcome {
  readonly keys: number
  readonly lines: number
  readonly bytes: number
  /** Why the sums at the receiver are wrong; null when they are right. */
  readonly wrong: string | null
  readonly figures: (AgentFigures & { readonly peakRssBytes: number | null }) | null
}

/** `./durability-agent.ts` after the build. */
const AGENT = new URL('./durability-agent.js', import.meta.url).pathname

/** One window has all keys: 60 s of log time. */
export async function measureDurability(
  directory: string,
  keys: number,
  lines: number,
): Promise<DurabilityOutcome> {
  const perSecond = Math.ceil(lines / 150)
  const settings = { directory, name: 'durable', format: 'datum', lines, routes: keys } as const
  const corpus = await makeCorpus({ ...settings, perSecond })
  const child = await runMeasured(['node', AGENT, corpus.path, directory])
  const { requests, figures } = answerOf(child)
  const truth = String(requestsOf(corpus.truth))
  const wrong = requests === truth ? null : `${requests} requests arrived, ${truth} were written`
  const { peakRssBytes } = child.usage
  const { bytes } = corpus
  return {
    keys,
    lines,
    bytes,
    wrong,
    figures: wrong === null ? { ...figures, peakRssBytes } : null,
  }
}

function answerOf({ stdout }: ChildResult): { requests: string; figures: AgentFigures } {
  return JSON.parse(stdout) as { requests: string; figures: AgentFigures }
}
