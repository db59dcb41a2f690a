// `meter-fast status`: the state as numbers; also while the agent runs.

import {
  type AgentStatus,
  readQuarantine,
  readStatus,
  readUnattributedUsage,
  type StreamStatus,
} from '../agent/status.ts'
import type { LineCounts } from '../meter.ts'
import { type CommandIo, readFlags, usage, write } from './command.ts'
import { type Display, displayOf } from './display.ts'
import { STATUS_FLAGS } from './flags.ts'
import { type Fact, labelledLines } from './labelled.ts'
import { bytesText, grouped } from './quantities.ts'
import { type Column, tableLines } from './table.ts'

/** @returns the exit code */
export async function status(args: string[], io: CommandIo): Promise<number> {
  const { texts, given, positionals } = readFlags('status', STATUS_FLAGS, args, io.env)
  if (positionals.length > 0) throw usage('status', `it takes no argument "${positionals[0]}"`)
  const directory = texts.state
  if (!directory) throw usage('status', 'name the state directory: --state DIR')
  if (given.has('quarantine')) return printList(await readQuarantine(directory), io)
  if (given.has('unattributed')) return printList(await readUnattributedUsage(directory), io)
  const found = await readStatus(directory)
  if (given.has('gaps')) return printList(found.gaps, io)
  const display = displayOf(io.stdout, io.env)
  await write(io.stdout, given.has('json') ? `${json(found)}\n` : statusText(found, display))
  return 0
}

/** One JSON object a line: these lists are for `grep` and `jq`. */
async function printList(rows: readonly unknown[], io: CommandIo): Promise<number> {
  for (const row of rows) await write(io.stdout, `${json(row)}\n`)
  return 0
}

/** Amounts pass 2^53, so they are text. */
function json(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? `${one}` : one))
}

function statusText(found: AgentStatus, display: Display): string {
  const streams =
    found.streams.length > 0 ? ['', ...tableLines(COLUMNS, found.streams, display)] : []
  return `${[...labelledLines(facts(found), display), ...streams].join('\n')}\n`
}

const COLUMNS: readonly Column<StreamStatus>[] = [
  { kind: 'name', head: 'STREAM', text: ({ stream }) => stream },
  { kind: 'name', head: 'FILE', text: ({ file }) => file, spare: true },
  { kind: 'figure', head: 'BYTE', text: ({ offset }) => grouped(offset) },
  { kind: 'figure', head: 'LINES', text: ({ lines }) => grouped(lines.read) },
  {
    kind: 'figure',
    head: 'WINDOW',
    text: ({ windowStartMs: startMs }) => (startMs === null ? '-' : windowText(startMs)),
  },
  {
    kind: 'figure',
    head: 'STATE',
    text: ({ windowStartMs, isOpen }) => {
      return windowStartMs === null ? '-' : isOpen ? 'open' : 'closed'
    },
  },
]

function facts(found: AgentStatus): Fact[] {
  const { spool, counts, agentPid, gaps } = found
  const agent = agentPid === null ? 'no agent runs' : `process ${agentPid} runs`
  const waiting = `${grouped(spool.events)} events wait (${bytesText(spool.bytes)})`
  const held = spool.held > 0 ? `, ${grouped(spool.held)} of them held: see "release"` : ''
  const oldest = spool.oldestMs === null ? '' : `, the oldest of ${time(spool.oldestMs)}`
  const lost = counts.gap_bytes > 0 ? `, ${bytesText(counts.gap_bytes)} known to be lost` : ''
  const isAny = (counts: Readonly<Record<string, number>>) => Object.keys(counts).length > 0
  const doubt = (isSo: boolean) => (isSo ? ('yellow' as const) : undefined)
  return [
    { label: 'agent', text: `${agent}, ${grouped(found.commits)} commits` },
    { label: 'lines', text: linesText(found.lines) },
    {
      label: 'events',
      text: `${grouped(counts.events)} made, ${grouped(counts.events_accepted)} accepted`,
    },
    { label: 'spool', text: waiting + held + oldest, style: doubt(spool.held > 0) },
    {
      label: 'rejected',
      text: listText(found.rejected),
      style: isAny(found.rejected) ? 'red' : undefined,
    },
    {
      label: 'quarantined',
      text: listText(found.quarantined),
      style: doubt(isAny(found.quarantined)),
    },
    { label: 'unattributed', text: listText(requestsOf(found)) },
    {
      label: 'gaps',
      text: `${grouped(gaps.length)}${lost}`,
      style: gaps.length > 0 ? 'red' : undefined,
    },
  ]
}

function requestsOf({ unattributed }: AgentStatus): Record<string, number> {
  return Object.fromEntries(
    Object.entries(unattributed).map(([reason, { requests }]) => [reason, Number(requests)]),
  )
}

function linesText(lines: LineCounts): string {
  const others = (['ignored', 'unattributed', 'quarantined'] as const).map((group) => {
    const sum = Object.values(lines[group]).reduce((total, count) => total + count, 0n)
    return `${grouped(sum)} ${group}`
  })
  const [read, metered] = [grouped(lines.read), grouped(lines.metered)]
  return `${read} read = ${metered} metered + ${others.join(' + ')}`
}

function listText(counts: Readonly<Record<string, number>>): string {
  const all = Object.entries(counts).sort(([, a], [, b]) => b - a)
  return all.map(([name, count]) => `${grouped(count)} ${name}`).join(', ') || 'none'
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}

/** `2026-11-22 12:00`, in UTC; with seconds where a window begins within a minute. */
function windowText(ms: number): string {
  const text = new Date(ms).toISOString().replace('T', ' ')
  return text.slice(0, ms % 60_000 === 0 ? 16 : 19)
}
