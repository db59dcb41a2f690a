// The last word on a sequence, when faults have stopped and all is delivered: what the receiver has
// is what an oracle makes of the bytes that were written, less what could not be had any more and
// is recorded as lost.
//
// The oracle shares no code with the product. Of the product's records it believes three, because
// nothing else can know them, and checks each against the truth about the files: how far a file
// was read before it was lost, which windows the wall clock closed, and which lines which
// configuration has read.

import type { AgentSignal } from '../../src/agent.ts'
import { type Envelope, joinedLines } from '../reference/envelope.ts'
import type { SlowOptions } from '../reference/options.ts'
import type { Segment } from '../reference/segment.ts'
import { eventsOf } from '../reference/slow-events.ts'
import { SlowMeter } from '../reference/slow-meter.ts'
import { type CommitWatch, pieceName } from './commit-watch.ts'
import type { Content } from './content.ts'
import { isLateUsage, LateUsage } from './late-usage.ts'
import {
  type FinalState,
  judgeCounts,
  judgePiece,
  judgeQuarantine,
  judgeSignals,
} from './ledger-verdict.ts'
import type { Life } from './life.ts'
import type { Folded, StreamClaims } from './positions.ts'
import type { Receiver } from './receiver.ts'
import { check } from './violation.ts'

/** What the verdict needs to know of the lives that ran. */
export interface Run {
  readonly watch: CommitWatch
  readonly receiver: Receiver
  readonly claims: readonly StreamClaims[]
  readonly lives: number
  readonly commits: number
  /** The configuration has small limits. */
  readonly isTight: boolean
  /** Usage without a project was billed in the end. */
  readonly isReplayed: boolean
  readonly state: FinalState
  readonly signals: readonly AgentSignal[]
  /** The configuration of a life, as the oracle takes it. */
  optionsOf(life: Life): SlowOptions
  lifeOf(number: number): Life
  /** The life was killed or failed, so that it could not finish what it had begun. */
  isBroken(life: number): boolean
}

/** What is left to say of a run that holds. */
export interface Verdict {
  /** Every event by id, billed or refused by the receiver. */
  readonly events: ReadonlyMap<string, string>
  /** Nothing is lost, and one configuration was in force all the time. */
  readonly isComparable: boolean
  /** A window was closed by time before its last line. */
  readonly isInParts: boolean
  /** An agent without a state would have to make the same of the files that are left. */
  readonly isRepeatable: boolean
}

/** @throws {Violation} */
export function judge(run: Run): Verdict {
  const wanted = new Map<string, string>()
  const late = new LateUsage()
  for (const claims of run.claims) {
    for (const content of claims.log.contents) judgeReading(content, claims, run)
    judgeGaps(claims)
    judgeOrder(claims)
    judgeStart(claims, run)
    for (const text of eventsOfStream(claims, run, late)) {
      const { id } = JSON.parse(text) as { id: string }
      check('I5', !wanted.has(id), () => `two events have the id ${id}: ${text}`)
      wanted.set(id, text)
    }
  }
  judgeEvents(wanted, run)
  if (run.isReplayed) late.judge(run.receiver.stored.values(), run.isTight)
  judgeCounts(run.watch, run.state)
  judgeSignals(run.watch, run.signals)
  return verdictOf(wanted, run)
}

function verdictOf(events: ReadonlyMap<string, string>, run: Run): Verdict {
  const contents = [...run.claims].flatMap(({ log }) => log.contents)
  const isWhole = [...run.claims].every((claims) =>
    claims.log.contents.every((content) => claims.endOf(content) >= content.dueBytes),
  )
  const areThere = contents.every((content) => content.survivingBytes === content.bytes.length)
  const isInParts = [...run.watch.pieces.values()].some(({ part }) => part !== '0')
  const lives = Array.from({ length: run.lives }, (_, number) => run.lifeOf(number))
  const settings = new Set(lives.map((life) => JSON.stringify(run.optionsOf(life))))
  const isComparable = isWhole && settings.size === 1
  return { events, isComparable, isInParts, isRepeatable: isComparable && areThere && !isInParts }
}

/** Everything that can be read is read; what is not is recorded, and only that (I7). */
function judgeReading(content: Content, claims: StreamClaims, run: Run): void {
  const name = `generation ${content.number} of ${claims.log.place.stream}`
  const end = claims.endOf(content)
  const due = dueBytes(content, run)
  check('I7', end >= due, () => `${name} was read to ${end} of ${due} bytes`)
  // What came between a copy and the emptying of its original, nobody has seen.
  const { copiedBytes, isEmptied, survivingBytes } = content
  const isCopied = isEmptied && (survivingBytes > 0 || (copiedBytes > 0 && end >= copiedBytes))
  // Without a whole line an agent knows nothing of a file, and so of no loss; and a directory
  // without a newer file may only be unmounted.
  const isKnown = content.bytes.subarray(0, end).includes(0x0a) && isFollowed(content, claims)
  const isShort = end > 0 && end < content.dueBytes
  if (!isShort || !isKnown || isCopied || isPackedLate(content)) return
  // What was read of an unfinished line waits for the end of its generation: a full spool holds
  // that up, and the gap begins behind what was read.
  const isUnfinished = (until: number): boolean =>
    until >= end && !content.bytes.subarray(end, until).includes(0x0a)
  const isTold = claims.gaps.some(({ offset }) => isUnfinished(offset))
  check('I7', isTold, () => `${name} lost bytes from ${end} on without a gap record`)
}

function isFollowed(content: Content, { log }: StreamClaims): boolean {
  return log.contents.some((one) => one.number > content.number && one.carriers.size > 0)
}

/** Where nothing was hurt, nothing is said to be lost. */
function judgeGaps({ log, gaps }: StreamClaims): void {
  // Of a file that was emptied nobody knows what was written just before.
  const isHurt = log.contents.some(
    (one) => one.survivingBytes < one.bytes.length || one.isLate || one.isEmptied,
  )
  check('I7', gaps.length === 0 || isHurt, () => {
    return `${log.place.stream} has a gap record (${gaps[0]?.reason}) and lost nothing`
  })
}

/** How far a content must have been read. */
function dueBytes(content: Content, run: Run): number {
  const { survivingBytes } = content
  const heldBytes = isHeld(content, run) ? content.heldDueBytes : 0
  const { lengthWhenFollowed: followed = content.bytes.length } = content
  // A writer that is late may be too late.
  const due = content.isLate ? Math.min(content.dueBytes, followed) : content.dueBytes
  return Math.min(due, Math.max(survivingBytes, heldBytes))
}

/** It lost its name while a life had it open that went on well. */
function isHeld({ heldBy, isEmptied, isLate }: Content, run: Run): boolean {
  return heldBy !== undefined && !isEmptied && !isLate && !run.isBroken(heldBy)
}

/** What came late into a file that was compressed since is seen by nobody. */
function isPackedLate({ isLate, carriers }: Content): boolean {
  return isLate && ![...carriers.values()].includes(Number.POSITIVE_INFINITY)
}

function judgeOrder({ folded, log }: StreamClaims): void {
  let last = 0
  for (const { content } of folded) {
    const { number, isLate } = content
    const isInOrder = number >= last || isLate
    check('I3', isInOrder, () => `${log.place.stream}: generation ${number} came after ${last}`)
    last = Math.max(last, number)
  }
}

/** The ledger begins with the generation that was read first, or with one that had nothing (I1). */
function judgeStart(claims: StreamClaims, { watch }: Run): void {
  const { stream } = claims.log.place
  const generation = watch.firstGenerations.get(stream)
  const named = generation === undefined ? undefined : claims.contentOf(generation)
  const isRead = claims.folded.some(({ content }) => content === named)
  check('I1', !isRead || named === claims.folded[0]?.content, () => {
    return `the ledger of ${stream} begins with generation ${generation}, not with the first one`
  })
}

/** What the oracle makes of the bytes that were read. */
function eventsOfStream(claims: StreamClaims, run: Run, late: LateUsage): string[] {
  const { log } = claims
  const { folded } = claims
  const files = filesOf(folded)
  const first = folded[0]
  if (first === undefined) return []
  const { stream } = log.place
  const common = { stream, envelope: log.place.isCri ? ('cri' as const) : ('raw' as const) }
  const options = { ...run.optionsOf(first.life), ...common }
  const lifeOf = livesOfLines(folded, common.envelope)
  const optionsOf = (line: number): SlowOptions => ({ ...run.optionsOf(lifeOf(line)), ...common })
  const meter = new SlowMeter(options, 'quarantine', {
    optionsOf,
    goesOn: !log.isOver,
    closesByTime: (part) => isClosedByTime(part, stream, run),
  }).read(files)
  for (const part of meter.segments) {
    const name = nameOf(part, stream)
    if (part.isOpen) judgePiece(name, part, run.watch.pieces.get(name))
    late.add(part)
  }
  judgeQuarantine(claims, meter.outcomes, run.state)
  return eventsOf(meter.segments, (part) => {
    const row = run.watch.pieces.get(nameOf(part, stream))
    return row === undefined ? options : { ...run.optionsOf(row.life), ...common }
  })
}

function nameOf(segment: Segment, stream: string): string {
  const { epoch, windowStartMs, windowMs, part } = segment
  return pieceName(stream, epoch, windowStartMs ?? -1, windowMs, part)
}

function isClosedByTime(part: Segment, stream: string, run: Run): boolean {
  const row = run.watch.pieces.get(nameOf(part, stream))
  return row?.byTime === true && linesIn(row.lines) === linesIn(Object.fromEntries(part.outcomes))
}

function linesIn(counts: Readonly<Record<string, string | number>>): number {
  const all = Object.entries(counts).filter(([name]) => name !== 'lenient')
  return all.reduce((sum, [, count]) => sum + Number(count), 0)
}

/** What was folded, in order; where reading went on elsewhere another file begins. */
function filesOf(folded: readonly Folded[]): Buffer[] {
  const files: { readonly content: Content; readonly from: number; to: number }[] = []
  for (const { content, from, to } of folded) {
    const last = files.at(-1)
    if (last !== undefined && last.content === content && last.to === from) last.to = to
    else files.push({ content, from, to })
  }
  return files.map(({ content, from, to }) => content.bytes.subarray(from, to))
}

/** Which life has read which line, by number. */
function livesOfLines(folded: readonly Folded[], envelope: Envelope): (line: number) => Life {
  const ends: { readonly life: Life; readonly lines: number }[] = []
  for (const [index, { life }] of folded.entries()) {
    if (folded[index + 1]?.life === life) continue
    const isLast = index === folded.length - 1
    const whole = isLast
      ? []
      : joinedLines(filesOf(folded.slice(0, index + 1)), envelope, 1_048_576)
    const lines = isLast ? Number.POSITIVE_INFINITY : whole.filter(({ isCut }) => !isCut).length
    ends.push({ life, lines })
  }
  return (line) => (ends.find(({ lines }) => line < lines) ?? ends.at(-1))?.life as Life
}

/** Everything arrived, nothing else did, and every byte is right (I1, I4). */
function judgeEvents(wanted: ReadonlyMap<string, string>, { receiver, watch }: Run): void {
  const rejected = [...watch.settled].filter(([, how]) => how === 'rejected')
  const found = new Map(receiver.stored)
  for (const [id] of rejected) found.set(id, watch.events.get(id) ?? '')
  for (const [id, text] of wanted) {
    check('I1', found.has(id), () => `an event is missing: ${text}`)
    check('I4', found.get(id) === text, () => `an event is wrong: ${found.get(id)}\n  not ${text}`)
  }
  for (const [id, text] of found) {
    if (isLateUsage(text)) continue
    check('I1', wanted.has(id), () => `an event is too many: ${text}`)
  }
}
