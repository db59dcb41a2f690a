// The records that the agent keeps about itself, against the oracle: the ledger's rows, quarantined
// lines, counters, and what people were told.

import type { AgentSignal } from '../../src/agent.ts'
import type { Counts } from '../../src/durable/counters.ts'
import type { QuarantineRecord } from '../../src/durable/quarantine.ts'
import { type Amounts, unattributedRows, usageRows } from '../../src/emit/usage-page.ts'
import { OUTCOMES } from '../../src/native.ts'
import { addUsage, NO_USAGE, type Segment, type Usage } from '../reference/segment.ts'
import type { CommitWatch, PieceRow } from './commit-watch.ts'
import type { StreamClaims } from './positions.ts'
import { check } from './violation.ts'

/** What the state holds when all is delivered. */
export interface FinalState {
  readonly counts: Counts
  readonly quarantine: readonly QuarantineRecord[]
}

/** The ledger counts the lines of a piece and sums its usage as the oracle does (I1). */
export function judgePiece(name: string, part: Segment, row: PieceRow | undefined): void {
  const lines = listed(Object.entries(row?.lines ?? {}))
  const wantedLines = listed(part.outcomes)
  check('I1', lines === wantedLines, () => `the piece ${name} has ${lines}, not ${wantedLines}`)
  const projects = new Map<string, Usage>()
  for (const { key, usage } of part.totals.values()) addTo(projects, key.project, usage)
  const found = new Map<string, Usage>()
  for (const page of row?.projects ?? []) {
    for (const usage of usageRows(page)) addTo(found, usage.project, usageOf(usage))
  }
  judgeSums(name, found, projects)
  const reasons = new Map<string, Usage>()
  if (row !== undefined && row.reasons.length > 0) {
    for (const usage of unattributedRows(row.reasons)) addTo(reasons, usage.reason, usageOf(usage))
  }
  const wanted = new Map<string, Usage>()
  for (const { reason, usage } of part.unattributed.values()) addTo(wanted, reason, usage)
  judgeSums(name, reasons, wanted)
}

function judgeSums(
  name: string,
  found: ReadonlyMap<string, Usage>,
  wanted: ReadonlyMap<string, Usage>,
): void {
  const [sums, wantedSums] = [found, wanted].map((one) => {
    return listed([...one].map(([key, usage]) => [key, Object.values(usage).join(' ')] as const))
  })
  check('I1', sums === wantedSums, () => `the piece ${name} sums ${sums}, not ${wantedSums}`)
}

function usageOf(amounts: Amounts): Usage {
  const { requests, egressBytes, ingressBytes, connectionMs, connectionSecondsFloor } = amounts
  const ms = connectionMs
  return { requests, egressBytes, ingressBytes, ms, secondsFloor: connectionSecondsFloor }
}

function addTo(sums: Map<string, Usage>, key: string, usage: Usage): void {
  sums.set(key, addUsage(sums.get(key) ?? NO_USAGE, usage))
}

/** Entries in one order, as text. */
function listed(entries: Iterable<readonly [string, unknown]>): string {
  return [...entries]
    .map(([key, value]) => `${key} ${value}`)
    .sort()
    .join(', ')
}

/** Lines that are not billed are kept, each with the place where it can be found (I1). */
export function judgeQuarantine(
  claims: StreamClaims,
  outcomes: ReadonlyMap<string, number>,
  { quarantine }: FinalState,
): void {
  const { place } = claims.log
  const found = new Map<string, number>()
  for (const record of quarantine.filter((one) => one.place.stream === place.stream)) {
    for (const { outcome, offset, text } of record.lines) {
      const name = OUTCOMES[outcome] ?? ''
      found.set(name, (found.get(name) ?? 0) + 1)
      const content = claims.contentOf(record.place.generation)
      if (place.isCri || content === undefined) continue
      const there = content.bytes.subarray(offset).toString().split('\n')[0]
      check('I1', there?.includes(Buffer.from(text).toString()) === true, () => {
        return `a quarantined line of ${place.stream} is not at ${offset}: ${there}`
      })
    }
  }
  const wanted = [...outcomes].filter(([name]) => name.startsWith('quarantined.'))
  const [lines, wantedLines] = [listed(found), listed(wanted)]
  check('I1', lines === wantedLines, () => {
    return `the quarantine of ${place.stream} has ${lines}, not ${wantedLines}`
  })
}

/** Counters are committed with what they count (I7, and the ledger's own promise). */
export function judgeCounts(watch: CommitWatch, { counts }: FinalState): void {
  const pieces = [...watch.pieces.values()].filter(({ from }) => from !== null)
  const wanted: Partial<Counts> = {
    gaps: watch.gaps.length,
    closed_by_time: pieces.filter(({ byTime }) => byTime).length,
    closed_by_content: pieces.filter(({ byTime }) => !byTime).length,
    events: watch.events.size,
    events_accepted: watch.accepted,
    // What is refused and sent again in one commit is seen by nobody.
    ...(!watch.isSentAgain && { events_rejected: watch.rejected }),
  }
  for (const [name, count] of Object.entries(wanted)) {
    const found = counts[name as keyof Counts]
    check('I7', found === count, () => `the counter ${name} is ${found}, not ${count}`)
  }
}

/** People hear of every loss (I7). */
export function judgeSignals(watch: CommitWatch, signals: readonly AgentSignal[]): void {
  const told = new Set(signals.map((one) => (one.kind === 'gap' ? placeOf(one.gap) : '')))
  for (const gap of watch.gaps) {
    check('I7', told.has(placeOf(gap)), () => `nobody was told of the gap ${JSON.stringify(gap)}`)
  }
}

type Gap = Extract<AgentSignal, { kind: 'gap' }>['gap']

function placeOf(gap: Gap): string {
  return [gap.stream, gap.generation, gap.offset, gap.reason].join(' ')
}
