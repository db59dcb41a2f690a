// `meter-fast bench`: the whole path of meter-fast and of its peers on the same synthetic logs.
// Ratios are what counts; absolute times only inform.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contenders } from './contenders.ts'
import { makeCorpus } from './corpus.ts'
import { measure, type Outcome } from './measure.ts'
import { PARTS } from './parts.ts'
import { renderOutcome } from './report.ts'
import type { Scenario } from './scenarios.ts'
import { type BenchSettings, readSettings } from './settings.ts'

export interface BenchIo {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: (text: string) => void
  readonly env: NodeJS.ProcessEnv
}

/**
 * Prints a table per scenario, or with `--json` one object.
 *
 * `--scenario` one of scenarios.ts (all by default), `--lines` per log (1,000 to 100,000,000,
 * default 500,000), `--repetitions` (1 to 100, default 5). Parts are measured instead where only
 * they are asked for: `--micro` the path piece by piece (it needs the development package
 * tinybench), `--memory` the peak memory of a scan of `--memory-lines` lines (2,600,000, about
 * 1 GB), `--durability N` what commits cost an agent on a log of N keys, `--steady N` what an agent
 * costs for N seconds on a node of `--per-second` lines a second (10,000), `--workers` what a
 * second worker brings, `--delivery` what it costs to send `--delivery-events` (1,000,000) from the
 * spool.
 * Each flag has an environment twin, such as METER_FAST_LINES. Logs are made in a directory of the
 * system's temporary folder, which is removed at the end.
 *
 * @returns the exit code: 0, or 1 when a contender's answer was wrong.
 * @throws {MeterFastError} METER_USAGE for a bad flag.
 */
export async function bench(args: string[], io: BenchIo): Promise<number> {
  const settings = readSettings(args, io.env)
  const directory = await mkdtemp(join(tmpdir(), 'meter-fast-bench-'))
  const show = (text: string): void => {
    if (!settings.json) io.stdout.write(text)
  }
  try {
    const scenarios: Outcome[] = []
    for (const scenario of settings.scenarios) {
      const outcome = await runScenario(directory, scenario, settings, io)
      scenarios.push(outcome)
      show(renderOutcome(outcome))
    }
    const parts = new Map<string, { readonly wrong: string | null }>()
    for (const { name, about, measure: measurePart } of PARTS.filter((part) =>
      part.isAsked(settings),
    )) {
      io.stderr(`${name}: ${about(settings)}\n`)
      const [answer, text] = await measurePart(directory, settings)
      parts.set(name, answer)
      show(text)
    }
    const report = { scenarios, ...Object.fromEntries(parts) }
    if (settings.json) io.stdout.write(`${JSON.stringify(report)}\n`)
    const answers = [...scenarios.flatMap(({ standings }) => standings), ...parts.values()]
    return answers.every(({ wrong }) => wrong === null) ? 0 : 1
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function runScenario(
  directory: string,
  scenario: Scenario,
  { lines, repetitions }: BenchSettings,
  io: BenchIo,
): Promise<Outcome> {
  const { name } = scenario
  const { present, absent } = contenders()
  for (const peer of absent) io.stderr(`${peer.name} is not there: ${peer.remedy}\n`)
  io.stderr(`${name}: making ${lines} lines, then ${repetitions} runs of each contender\n`)
  const corpus = await makeCorpus({ ...scenario, directory, lines })
  const oneLine = await makeCorpus({ ...scenario, directory, name: 'one', lines: 1 })
  const outcome = await measure(name, { corpus, oneLine }, present, repetitions)
  await rm(corpus.path)
  return outcome
}
