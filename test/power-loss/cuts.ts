// Power cuts of a recorded run: what each may have left, and what must come of it.

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { difference, SAME, sumsPerProject } from '../agent/bills.ts'
import type { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { type Disk, STYLES, type Tree } from './disk.ts'
import { build, CONFIG, HERE, LOG, ORACLE, scratch, USAGE } from './places.ts'
import type { Recording } from './recording.ts'
import { Replay, type Step } from './replay.ts'
import type { Outcome, Trial } from './trials.ts'

const LF = 0x0a
/** After a sync little can be lost: there are as many cuts between syncs for each one there. */
const BETWEEN_SYNCS = 3
/** So many agents run in a process that is kept, for one that is a command of its own. */
const TRIALS_A_COMMAND = 10

/** One directory that a power cut may have left, and what is outside of it. */
export interface Cut extends Trial {
  readonly what: string
  /** Commits that were durable. */
  readonly commits: number
  /** What the log keeps of itself, and what its writer had written. */
  readonly leftBytes: number
  readonly writtenBytes: number
}

/** The steps of a recorded run, each given when it is done. */
export function* steps(recording: Recording): Generator<Step & { readonly disk: Disk }> {
  const replay = new Replay(recording.directory, HERE)
  for (const calls of recording.lives) {
    for (const call of calls) {
      for (const step of replay.steps(call)) {
        step.apply()
        yield { ...step, disk: replay.disk }
      }
    }
    replay.endProcess()
  }
}

/** About `count` cuts, in order, after all steps; `logs` says what the log keeps. */
export function* cuts(
  recording: Recording,
  dice: Dice,
  count: number,
  logs: 'whole' | 'shrunk',
): Generator<Cut> {
  const weightOf = ({ isSync }: Step): number => (isSync ? 1 : BETWEEN_SYNCS)
  const weight = [...steps(recording)].reduce((sum, step) => sum + weightOf(step), 0)
  let [due, number, commits] = [0, 0, 0]
  for (const step of steps(recording)) {
    number += 1
    commits += Number(isCommit(step))
    for (due += (count * weightOf(step)) / weight; due >= 1; due -= 1) {
      const style = dice.pick(STYLES)
      const what = `${style} after step ${number}, ${step.what}`
      const tree = step.disk.afterPowerLoss(dice, style)
      const known = knownAt(recording, step.atMs, dice)
      const cut = makeCut(recording, tree, known, { what, commits })
      if (logs === 'shrunk') yield withCutLog(cut, recording, step, dice)
      else {
        const isCommand = recording.kind === 'file' && dice.chance(1 / TRIALS_A_COMMAND)
        yield { ...withWholeLog(cut, recording), job: isCommand ? 'command' : 'agent' }
      }
    }
  }
}

/** A commit is durable. */
export function isCommit({ what, isSync }: Step): boolean {
  return isSync && what.startsWith('pwrite64 state/state.mdb,')
}

/** The state as a backup has it that was made after each commit; all else as in the end. */
export function* backups(recording: Recording, dice: Dice): Generator<Cut> {
  const last = [...steps(recording)].at(-1)?.disk.afterPowerLoss(dice, 'kept')
  const known = recording.received.flatMap(({ texts }) => texts)
  let commits = 0
  for (const step of steps(recording)) {
    if (!isCommit(step)) continue
    commits += 1
    const then = step.disk.afterPowerLoss(dice, 'kept')
    const tree = new Map([...(last ?? []), ...[...then].filter(([path]) => path !== USAGE)])
    const what = `the backup of commit ${commits}`
    yield withWholeLog(makeCut(recording, tree, known, { what, commits }), recording)
  }
}

/** What the receiver has: all that it answered, and maybe what it was just given. */
export function knownAt({ received }: Recording, atMs: number, dice: Dice): string[] {
  return received
    .filter(({ arrivedAtMs, answeredAtMs }) => {
      return answeredAtMs <= atMs || (arrivedAtMs <= atMs && dice.chance(0.5))
    })
    .flatMap(({ texts }) => texts)
}

/** A directory with these files, for an agent to go on in; its log is still missing. */
export function makeCut(
  recording: Recording,
  tree: Tree,
  known: readonly string[],
  named: Pick<Cut, 'what' | 'commits'>,
): Cut {
  const directory = scratch()
  build(directory, tree)
  writeFileSync(join(directory, CONFIG), readFileSync(join(recording.directory, CONFIG)))
  return {
    job: 'agent',
    directory,
    ...named,
    leftBytes: recording.log.length,
    writtenBytes: recording.log.length,
    nowMs: recording.nowMs,
    known: recording.kind === 'gateway' ? known : undefined,
  }
}

/** The log is written on to its end before the agent starts; the file is a new one. */
export function withWholeLog(cut: Cut, { log }: Recording): Cut {
  writeFileSync(join(cut.directory, LOG), log)
  return cut
}

/** The log, which is the very file as before, has lost its end, and is written on later. */
function withCutLog(cut: Cut, recording: Recording, { atMs }: Step, dice: Dice): Cut {
  const { log, sizes } = recording
  const writtenBytes = sizes.findLast((size) => size.atMs <= atMs)?.bytes ?? 0
  const leftBytes = dice.below(writtenBytes + 1)
  renameSync(join(recording.directory, LOG), join(cut.directory, LOG))
  writeFileSync(join(cut.directory, LOG), log.subarray(0, leftBytes))
  const what = `${cut.what}, log cut from ${writtenBytes} to ${leftBytes} bytes`
  const leftLines = linesIn(log.subarray(0, leftBytes))
  const append = log.subarray(writtenBytes)
  return { ...cut, what, leftBytes, writtenBytes, leftLines, append }
}

function linesIn(bytes: Buffer): number {
  return bytes.reduce((count, byte) => count + Number(byte === LF), 0)
}

/** Takes the log out of a directory that is not needed any more. */
export function discard(cut: Cut, recording: Recording): void {
  if ('append' in cut) renameSync(join(cut.directory, LOG), join(recording.directory, LOG))
  rmSync(cut.directory, { recursive: true })
}

/**
 * Whether there is the gap that a log has which lost its end, and how many bytes of it are read
 * again: a file that lost even its first line cannot be told from another one.
 */
function gapOf(log: Buffer, { leftBytes, writtenBytes }: Cut, gaps: readonly string[]) {
  const isLost = leftBytes <= log.indexOf(LF) && isDeepStrictEqual(gaps, ['vanished'])
  const isShrunk = leftBytes < writtenBytes && isDeepStrictEqual(gaps, ['shrunk'])
  return { isGap: isLost || isShrunk, rest: isLost ? leftBytes : 0 }
}

/** What the outcome should have been and is not; undefined when all is well. */
export function fault({ log }: Recording, cut: Cut, outcome: Outcome): object | undefined {
  if (outcome.outcome !== 'done') return outcome
  const { leftBytes, writtenBytes, commits } = cut
  // The commit that was being written may be there or not.
  if (outcome.sequence < commits || outcome.sequence > commits + 1) {
    return { commits, found: outcome.sequence }
  }
  const gaps = outcome.gaps.map(({ reason }) => reason)
  const { isGap, rest } = gapOf(log, cut, gaps)
  if (gaps.length > 0 && !isGap) return { gaps: outcome.gaps }
  if (outcome.changed.length > 0) return { changed: outcome.changed.slice(0, 2) }
  const eventsOf = (end: number): string[] => {
    const parts = [log.subarray(0, end), log.subarray(0, rest), log.subarray(writtenBytes)]
    return slowEvents([Buffer.concat(parts)], ORACLE)
  }
  if (leftBytes === writtenBytes) return differenceFrom(wholeBill(log), outcome, gaps)
  if (!isGap) return differenceFrom(eventsOf(leftBytes), outcome, gaps)
  // Lines that were committed count, also when the log has lost them. How many those were is in
  // the sums: the more lines, the more usage, or as much, when a later line says the same.
  const ends = lineEnds(log, leftBytes, writtenBytes)
  const usage = usageOf(outcome.delivered)
  let found: object | undefined = { gaps, found: 'no line of the log was lost' }
  for (
    let at = firstAt(ends, (end) => usageOf(eventsOf(end)) >= usage);
    at < ends.length;
    at += 1
  ) {
    const wanted = eventsOf(ends[at] ?? 0)
    found = differenceFrom(wanted, outcome, gaps)
    if (found === undefined || usageOf(wanted) > usage) break
  }
  return found
}

/** The index of the first item that `isEnough` is true for, when it is for all after it too. */
function firstAt<Item>(items: readonly Item[], isEnough: (item: Item) => boolean): number {
  let [from, to] = [0, items.length]
  while (from < to) {
    const middle = Math.floor((from + to) / 2)
    if (isEnough(items[middle] as Item)) to = middle
    else from = middle + 1
  }
  return from
}

function differenceFrom(
  wanted: readonly string[],
  { delivered }: { readonly delivered: readonly string[] },
  gaps: readonly string[],
): object | undefined {
  const found = difference(delivered, wanted)
  return isDeepStrictEqual(found, SAME) ? undefined : { gaps, found: JSON.stringify(found, short) }
}

const wholeBills = new Map<Buffer, string[]>()

/** The oracle is slow, and asked the same for every whole log. */
function wholeBill(log: Buffer): string[] {
  const bill = wholeBills.get(log) ?? slowEvents([log], ORACLE)
  wholeBills.set(log, bill)
  return bill
}

function short(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.slice(0, 60) : value
}

/** The ends of lines in (from, to]. */
function lineEnds(log: Buffer, from: number, to: number): number[] {
  const ends: number[] = []
  for (let end = log.indexOf(LF, from) + 1; end > 0 && end <= to; end = log.indexOf(LF, end) + 1) {
    ends.push(end)
  }
  return ends
}

/** Requests and bytes of all projects together. */
function usageOf(texts: readonly string[]): bigint {
  return Object.entries(sumsPerProject(texts))
    .filter(([name]) => !name.endsWith('connection-seconds'))
    .reduce((sum, [, value]) => sum + value, 0n)
}
