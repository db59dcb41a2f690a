// What a second worker brings: `run --once` over two logs, with one worker and with two, again and
// again in turns. The events are the same to the byte, or no time is shown.

import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { requestsIn, requestsOf, writeAgentConfig } from './agent-config.ts'
import { runMeasured, type Usage } from './child.ts'
import { METER_FAST, makeCorpus } from './corpus.ts'
import { median } from './measure.ts'

export interface WorkersOutcome {
  readonly lines: number
  readonly repetitions: number
  /** Why the events are wrong; null when they are right. */
  readonly wrong: string | null
  /** CPU time of two workers by that of one: the median. Null when the events are wrong. */
  readonly cpuRatio: number | null
  /** Wall time of one worker by that of two: the best of all turns, and the median. */
  readonly bestSpeedUp: number | null
  readonly speedUp: number | null
}

const ROUTES = 2000
/** Windows of a whole log, so that reading and not delivery is measured. */
const WINDOW = '1h'

export async function measureWorkers(
  directory: string,
  lines: number,
  repetitions: number,
): Promise<WorkersOutcome> {
  const settings = { directory, format: 'datum', lines, routes: ROUTES } as const
  const corpora = [
    await makeCorpus({ ...settings, name: 'left' }),
    await makeCorpus({ ...settings, name: 'right' }),
  ]
  const logs = corpora.map(({ path }) => path)
  const written = corpora.reduce((sum, { truth }) => sum + requestsOf(truth), 0n)
  const runs: { one: Usage; two: Usage }[] = []
  const digests = new Set<string>()
  let billed = 0n
  for (let turn = 0; turn < repetitions; turn += 1) {
    const [one, two] = [await runOnce(directory, logs, 1), await runOnce(directory, logs, 2)]
    runs.push({ one: one.usage, two: two.usage })
    digests.add(one.digest).add(two.digest)
    billed = two.requests
  }
  const isRight = digests.size === 1 && billed === written
  const wrong = isRight ? null : `${digests.size} sets of events, ${billed} requests of ${written}`
  const speedUps = runs.map(({ one, two }) => one.wallMs / two.wallMs)
  return {
    lines,
    repetitions,
    wrong,
    cpuRatio: isRight ? median(runs.map(({ one, two }) => two.cpuMs / one.cpuMs)) : null,
    bestSpeedUp: isRight ? Math.max(...speedUps) : null,
    speedUp: isRight ? median(speedUps) : null,
  }
}

async function runOnce(directory: string, logs: readonly string[], workers: number) {
  const more = { workers_max: workers, window: WINDOW }
  const paths = await writeAgentConfig(directory, 'workers', logs, more)
  const { usage } = await runMeasured(['node', METER_FAST, 'run', '--once', '-c', paths.config])
  const text = await readFile(paths.usage, 'utf8')
  await rm(paths.usage)
  await rm(`${directory}/workers.state`, { recursive: true })
  const sorted = text.split('\n').sort().join('\n')
  const digest = createHash('sha256').update(sorted).digest('hex')
  return { usage, digest, requests: requestsIn(text) }
}
