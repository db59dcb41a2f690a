// One scenario: every contender's answer is compared with the truth first; only a right one gets a
// time, and a floor must have read all of it. Repetitions are interleaved, so that a slow moment of
// the machine hits all contenders.
//
// The fixed cost of a process (starting Node, loading modules) is measured on a log of one line and
// taken off, because it says nothing about a file of any size.

import { runMeasured, type Usage } from './child.ts'
import type { Contender } from './contenders.ts'
import type { Corpus } from './corpus.ts'
import { firstDifference } from './difference.ts'

export interface Timing {
  /** Medians over all repetitions, of the whole process. */
  readonly wallMs: number
  readonly cpuMs: number
  /** Median CPU time of the same process on a log of one line. */
  readonly fixedCpuMs: number
  /** CPU time without the fixed cost; null when the log is too short to tell them apart. */
  readonly netCpuMs: number | null
  readonly megabytesPerCpuSecond: number | null
  readonly linesPerCpuSecond: number | null
  /** MB per second of wall time, fixed cost and all. */
  readonly megabytesPerSecond: number
  readonly peakRssBytes: number | null
}

export interface Standing {
  readonly name: string
  /** Why the answer is wrong; null when it is right. */
  readonly wrong: string | null
  /** Null when the answer is wrong. */
  readonly timing: Timing | null
}

export interface Outcome {
  readonly scenario: string
  readonly bytes: number
  readonly lines: number
  readonly repetitions: number
  readonly standings: readonly Standing[]
  /** The first contender's MB per CPU-second divided by the other's. */
  readonly ratios: Readonly<Record<string, number>>
}

interface Samples {
  readonly contender: Contender
  readonly wrong: string | null
  readonly whole: Usage[]
  readonly fixed: Usage[]
}

/** Below this share of the fixed cost, the cost of reading is lost in the noise. */
const NET_SHARE_MIN = 0.05

export async function measure(
  scenario: string,
  { corpus, oneLine }: Readonly<Record<'corpus' | 'oneLine', Corpus>>,
  contenders: readonly Contender[],
  repetitions: number,
): Promise<Outcome> {
  const all: Samples[] = []
  for (const contender of contenders) {
    if (contender.rawOnly === true && corpus.envelope !== 'raw') continue
    const { stdout } = await runMeasured(contender.command(corpus))
    all.push({ contender, wrong: problemOf(contender, stdout, corpus), whole: [], fixed: [] })
  }
  const right = all.filter(({ wrong }) => wrong === null)
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const { contender, whole, fixed } of right) {
      whole.push((await runMeasured(contender.command(corpus))).usage)
      fixed.push((await runMeasured(contender.command(oneLine))).usage)
    }
  }
  const standings = all.map((samples) => ({
    name: samples.contender.name,
    wrong: samples.wrong,
    timing: samples.wrong === null ? timingOf(samples, corpus) : null,
  }))
  const { bytes, lines } = corpus
  return { scenario, bytes, lines, repetitions, standings, ratios: ratiosOf(standings) }
}

/** Why an answer is wrong; null when it is right. */
function problemOf({ answer }: Contender, stdout: string, corpus: Corpus): string | null {
  if (answer !== 'totals') return firstDifference(Number.parseInt(stdout, 10), corpus[answer])
  const { lines, totals } = corpus.truth as { lines: object; totals: object }
  try {
    const found = JSON.parse(stdout)
    return firstDifference({ lines: found.lines, totals: found.totals }, { lines, totals })
  } catch {
    return `no JSON: ${stdout.slice(0, 80)}`
  }
}

function timingOf({ whole, fixed }: Samples, corpus: Corpus): Timing {
  const cpuMs = median(whole.map((usage) => usage.cpuMs))
  const fixedCpuMs = median(fixed.map((usage) => usage.cpuMs))
  const difference = cpuMs - fixedCpuMs
  const netCpuMs = difference > NET_SHARE_MIN * fixedCpuMs ? difference : null
  const wallMs = median(whole.map((usage) => usage.wallMs))
  const peaks = whole.flatMap(({ peakRssBytes }) => peakRssBytes ?? [])
  return {
    wallMs,
    cpuMs,
    fixedCpuMs,
    netCpuMs,
    megabytesPerCpuSecond: netCpuMs && corpus.bytes / 1e6 / (netCpuMs / 1000),
    linesPerCpuSecond: netCpuMs && corpus.lines / (netCpuMs / 1000),
    megabytesPerSecond: corpus.bytes / 1e6 / (wallMs / 1000),
    peakRssBytes: peaks.length === 0 ? null : Math.max(...peaks),
  }
}

function ratiosOf([first, ...others]: readonly Standing[]): Record<string, number> {
  const base = first?.timing?.megabytesPerCpuSecond
  const ratios: Record<string, number> = {}
  for (const { name, timing } of others) {
    const speed = timing?.megabytesPerCpuSecond
    if (base && speed) ratios[name] = base / speed
  }
  return ratios
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
