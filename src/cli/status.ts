// `meter-fast status`: the state as numbers; also while the agent runs.

import {
  type AgentStatus,
  readQuarantine,
  readStatus,
  readUnattributedUsage,
  type StreamStatus,
} from '../agent/status.ts'
import type { LineCounts } from '../meter.ts'
import { type CommandIo, readFlags, usage, visible, write } from './command.ts'
import { STATUS_FLAGS } from './flags.ts'
import { bytesText, grouped } from './quantities.ts'

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
  await write(io.stdout, given.has('json') ? `${json(found)}\n` : statusText(found))
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

function statusText(found: AgentStatus): string {
  const { spool, counts } = found
  const agent = found.agentPid === null ? 'no agent runs' : `process ${found.agentPid} runs`
  const waiting = `${number(spool.events)} events wait (${bytes(spool.bytes)})`
  const held = spool.held > 0 ? `, ${number(spool.held)} of them held: see "release"` : ''
  const oldest = spool.oldestMs === null ? '' : `, the oldest of ${time(spool.oldestMs)}`
  return [
    ...table([
      ['agent', `${agent}, ${number(found.commits)} commits`],
      ['lines', linesText(found.lines)],
      ['events', `${number(counts.events)} made, ${number(counts.events_accepted)} accepted`],
      ['spool', waiting + held + oldest],
      ['rejected', listText(found.rejected)],
      ['quarantined', listText(found.quarantined)],
      ['unattributed', listText(requestsOf(found))],
      ['gaps', `${number(found.gaps.length)}${gapBytes(counts.gap_bytes)}`],
    ]),
    '',
    ...found.streams.map(streamText),
    '',
  ].join('\n')
}

function requestsOf({ unattributed }: AgentStatus): Record<string, number> {
  return Object.fromEntries(
    Object.entries(unattributed).map(([reason, { requests }]) => [reason, Number(requests)]),
  )
}

function streamText(stream: StreamStatus): string {
  const { file, offset, windowStartMs, windowMs, isOpen, lines } = stream
  const at = `${file} to byte ${number(offset)}, ${grouped(lines.read)} lines`
  if (windowStartMs === null) return `${stream.stream}: ${visible(at)}`
  const closesAt = time(windowStartMs + windowMs)
  const window = isOpen ? `, open until ${closesAt}` : `, closed until ${closesAt}`
  return visible(`${stream.stream}: ${at}, window ${time(windowStartMs)}${window}`)
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
  return all.map(([name, count]) => `${number(count)} ${visible(name)}`).join(', ') || 'none'
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`)
}

function gapBytes(lostBytes: number): string {
  return lostBytes > 0 ? `, ${bytes(lostBytes)} known to be lost` : ''
}

function number(count: number): string {
  return grouped(BigInt(count))
}

function bytes(count: number): string {
  return bytesText(BigInt(count))
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}
