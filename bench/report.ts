// The text that people read; `--json` prints the same numbers as one object.

import type { DeliveryOutcome } from './delivery.ts'
import type { DurabilityOutcome } from './durability.ts'
import type { Outcome, Standing } from './measure.ts'
import type { MemoryOutcome } from './memory.ts'
import type { MicroOutcome } from './micro.ts'
import type { SteadyOutcome } from './steady.ts'
import type { WorkersOutcome } from './workers.ts'

const HEADINGS = ['', 'wall ms', 'CPU ms', 'of it fixed', 'MB/CPU-s', 'Mlines/CPU-s', 'RSS MiB']
const NAME_WIDTH = 10
const MEBIBYTE = 1024 * 1024

export function renderOutcome(outcome: Outcome): string {
  const { scenario, bytes, lines, repetitions, standings, ratios } = outcome
  const title =
    `${scenario}: ${lines} lines, ${(bytes / 1e6).toFixed(0)} MB from the page cache to totals, ` +
    `medians of ${repetitions} interleaved runs`
  const rows = [HEADINGS, ...standings.map(standingCells)]
  const [first] = standings
  const ratioLines = Object.entries(ratios).map(
    ([name, ratio]) => `${first?.name} / ${name}: ${ratio.toFixed(1)}x per CPU-second`,
  )
  return `${[title, ...renderTable(rows), ...ratioLines].join('\n')}\n`
}

export function renderMicro({ wrong, parts }: MicroOutcome): string {
  if (wrong !== null) return `micro: WRONG, so no time: ${wrong}\n`
  return parts
    .map(({ name, unit, perSecond, errorPercent }) => {
      const speed = Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
      return `${name}: ${speed.format(perSecond)} ${unit}/s, +-${errorPercent.toFixed(1)} %\n`
    })
    .join('')
}

export function renderMemory({ bytes, routes, wrong, peakRssBytes }: MemoryOutcome): string {
  const answer =
    peakRssBytes === null ? `WRONG ${wrong}` : `peak RSS ${mebibytes(peakRssBytes)} MiB`
  return `memory: scan of ${(bytes / 1e9).toFixed(2)} GB with ${routes} routes: ${answer}\n`
}

export function renderDurability({
  keys,
  lines,
  bytes,
  wrong,
  figures,
}: DurabilityOutcome): string {
  if (figures === null) return `durability: WRONG, so no time: ${wrong}\n`
  const { readMs, allMs, events, commits, stageMs, commitMs, longestMs } = figures
  const share = (100 * (stageMs + commitMs)) / readMs
  const rows = [
    `durability: ${lines} lines, ${(bytes / 1e6).toFixed(0)} MB, ${keys} keys, state on disk`,
    `  read in ${readMs.toFixed(0)} ms, ${events} events delivered in ${allMs.toFixed(0)} ms`,
    `  ${commits} commits; ${share.toFixed(1)} % of the time of reading, ` +
      `the longest ${longestMs.toFixed(0)} ms`,
    `  event loop held for at most ${figures.gapCpuMs.toFixed(1)} ms of CPU ` +
      `(${figures.gapWallMs.toFixed(1)} ms of wall time)`,
    `  RSS ${mebibytes(figures.peakRssBytes)} MiB`,
  ]
  return `${rows.join('\n')}\n`
}

export function renderSteady(outcome: SteadyOutcome): string {
  const { seconds, linesPerSecond, wrong, corePercent, peakRssBytes } = outcome
  const written = (outcome.writtenBytesPerSecond ?? 0) / 1000
  if (corePercent === null) return `steady: WRONG, so no figure: ${wrong}\n`
  return (
    `steady: ${linesPerSecond} lines a second for ${seconds} s: ` +
    `${corePercent.toFixed(2)} % of a core, peak RSS ${mebibytes(peakRssBytes)} MiB, ` +
    `${written.toFixed(0)} kB a second to disks\n`
  )
}

export function renderWorkers(outcome: WorkersOutcome): string {
  const { lines, repetitions, wrong, cpuRatio, bestSpeedUp, speedUp } = outcome
  if (wrong !== null) return `workers: WRONG, so no time: ${wrong}\n`
  return (
    `workers: two logs of ${lines} lines, two workers beside one, ${repetitions} times in turns: ` +
    `CPU ${cpuRatio?.toFixed(2)}x, wall time ${bestSpeedUp?.toFixed(2)}x at best, ` +
    `${speedUp?.toFixed(2)}x in the median\n`
  )
}

export function renderDelivery({ events, wrong, figures, absent }: DeliveryOutcome): string {
  if (wrong !== null) return `delivery: WRONG, so no figures: ${wrong}\n`
  const thousands = (count: number) => (count / 1000).toFixed(1)
  const lines = figures.map(
    ({ sink, eventsPerCpuSecond, peerEventsPerCpuSecond, memoryGrowth, peakRssBytes }) =>
      `delivery: ${events} spooled events to ${sink}: ` +
      `${thousands(eventsPerCpuSecond)} thousand per CPU-second, ` +
      `${(eventsPerCpuSecond / peerEventsPerCpuSecond).toFixed(2)}x of a bare client's ` +
      `${thousands(peerEventsPerCpuSecond)}; memory ${mebibytes(peakRssBytes)} MiB, ` +
      `${memoryGrowth.toFixed(2)}x after a tenth of them\n`,
  )
  return [...lines, ...absent.map((sink) => `delivery: ${sink} is not there\n`)].join('')
}

function standingCells({ name, wrong, timing }: Standing): string[] {
  if (timing === null) return [name, `WRONG, so no time: ${wrong}`]
  const { wallMs, cpuMs, fixedCpuMs, megabytesPerCpuSecond, linesPerCpuSecond } = timing
  return [
    name,
    wallMs.toFixed(0),
    cpuMs.toFixed(0),
    fixedCpuMs.toFixed(0),
    megabytesPerCpuSecond?.toFixed(0) ?? 'log too short',
    linesPerCpuSecond === null ? '' : (linesPerCpuSecond / 1e6).toFixed(2),
    mebibytes(timing.peakRssBytes),
  ]
}

function mebibytes(bytes: number | null): string {
  if (bytes === null) return ''
  return (bytes / MEBIBYTE).toFixed(0)
}

/** Columns of numbers, aligned right; a cell of text at the end of a row may be longer. */
function renderTable(rows: readonly (readonly string[])[]): string[] {
  const complete = rows.filter((row) => row.length === HEADINGS.length)
  const widths = HEADINGS.map((_, column) =>
    Math.max(...complete.map((row) => (row[column] as string).length)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] as number
        return column === 0 ? cell.padEnd(Math.max(width, NAME_WIDTH)) : cell.padStart(width)
      })
      .join('  ')
      .trimEnd(),
  )
}
