// One frame of `top`: how the agent stands, its streams, and what each project uses now. Lines fit
// the display, and there are not more of them than it has rows.

import type { LivePicture, LiveStream } from '../agent/live.ts'
import { cellsOf, cutMiddle } from './cells.ts'
import { visible } from './command.ts'
import type { Display } from './display.ts'
import { type Fact, labelledLines } from './labelled.ts'
import { bytesText, counted, grouped } from './quantities.ts'
import { type Column, tableLines } from './table.ts'
import type { Rate, Rates } from './top-rates.ts'

/** In a pipe, where nothing else ends a list. */
const ROWS_MAX = 200
/** Of the lines of the terminal that are left, streams take at most a third, but not too few. */
const STREAMS_SHARE = 3
const STREAMS_ROOM_MIN = 5

interface StreamRow extends LiveStream {
  readonly linesRate: number | undefined
  /** Undefined where nobody will close it. */
  readonly closesInMs: number | undefined
}

interface ProjectRow {
  readonly project: string
  readonly rate: Rate | undefined
  readonly openRequests: bigint
  readonly openEgressBytes: bigint
}

const STREAM_COLUMNS: readonly Column<StreamRow>[] = [
  { kind: 'name', head: 'STREAM', text: ({ stream }) => stream },
  {
    kind: 'figure',
    head: 'WINDOW',
    spare: true,
    text: ({ windowStartMs }) => clockText(windowStartMs),
  },
  { kind: 'figure', head: 'CLOSES IN', text: closesText },
  {
    kind: 'figure',
    head: 'UNREAD',
    text: ({ unreadBytes }) => (unreadBytes === null ? '?' : bytesText(unreadBytes)),
    style: ({ unreadBytes }) => (unreadBytes ? 'yellow' : undefined),
  },
  {
    kind: 'figure',
    head: 'LINES/S',
    spare: true,
    text: ({ linesRate }) => rateText(linesRate),
  },
]

const PROJECT_COLUMNS: readonly Column<ProjectRow>[] = [
  { kind: 'name', head: 'PROJECT', text: ({ project }) => project },
  { kind: 'figure', head: 'REQ/S', text: ({ rate }) => rateText(rate?.requests) },
  { kind: 'figure', head: 'EGRESS/S', text: ({ rate }) => bytesRateText(rate?.egressBytes) },
  {
    kind: 'figure',
    head: 'INGRESS/S',
    spare: true,
    text: ({ rate }) => bytesRateText(rate?.ingressBytes),
  },
  {
    kind: 'figure',
    head: 'OPEN REQ',
    spare: true,
    text: ({ openRequests }) => grouped(openRequests),
  },
  {
    kind: 'figure',
    head: 'OPEN EGRESS',
    spare: true,
    text: ({ openEgressBytes }) => bytesText(openEgressBytes),
  },
]

/** The lines of a frame, which shows the state in `directory`. */
export function frameLines(
  directory: string,
  picture: LivePicture,
  rates: Rates,
  display: Display,
): string[] {
  const head = [
    titleLine(directory, picture, display),
    ...labelledLines(facts(picture, rates), display),
  ]
  const room = display.rows - head.length
  const streams = listLines(STREAM_COLUMNS, streamRows(picture, rates), display, {
    room: Math.max(STREAMS_ROOM_MIN, Math.floor(room / STREAMS_SHARE)),
    others: (count) => `... and ${counted(count, 'more stream')}`,
  })
  const projects = listLines(PROJECT_COLUMNS, projectRows(picture, rates), display, {
    room: room - streams.length,
    others: (count) => `... and ${counted(count, 'more project')}`,
  })
  return [...head, ...streams, ...projects].slice(0, display.rows)
}

function titleLine(directory: string, { atMs }: LivePicture, { columns, paint }: Display): string {
  const time = `${new Date(atMs).toISOString().slice(11, 19)}Z`
  const command = 'meter-fast top '
  const room = columns - command.length - time.length - 2
  const title = command + cutMiddle(visible(directory), room)
  const blanks = ' '.repeat(columns === Infinity ? 2 : columns - cellsOf(title) - time.length)
  return `${paint('bold', title)}${blanks}${paint('dim', time)}`
}

function facts(picture: LivePicture, rates: Rates): Fact[] {
  const { agentPid, commits, spool, counts } = picture
  const isRunning = agentPid !== null
  const agent = isRunning ? `process ${agentPid} runs` : 'no agent runs'
  const age = spanText(Math.max(0, picture.atMs - picture.committedAtMs))
  const held = spool.held > 0 ? `, ${grouped(spool.held)} held` : ''
  const oldest = spool.oldestMs === null ? '' : `, oldest ${ageText(picture.atMs, spool.oldestMs)}`
  const troubles = [
    ...(spool.held > 0 ? ['held events wait for "meter-fast release"'] : []),
    ...counted0(counts.events_rejected, 'event refused by the sink', 'events refused by the sink'),
    ...counted0(counts.gaps, 'gap in the logs', 'gaps in the logs'),
  ]
  return [
    {
      label: 'agent',
      text: `${agent}, commit ${grouped(commits)}, ${age} ago`,
      style: isRunning ? undefined : 'yellow',
    },
    { label: 'usage', text: usageText(rates.all) },
    { label: 'lines', text: linesText(picture) },
    { label: 'windows', text: windowsText(picture) },
    backlogFact(picture),
    {
      label: 'spool',
      text: `${counted(spool.events, 'event')} wait (${bytesText(spool.bytes)})${held}${oldest}`,
      style: spool.held > 0 ? 'yellow' : undefined,
    },
    ...(troubles.length > 0
      ? [{ label: 'look at', text: troubles.join('; '), style: 'red' as const }]
      : []),
  ]
}

/** Nothing for none. */
function counted0(count: number, one: string, many: string): string[] {
  return count === 0 ? [] : [counted(count, one, many)]
}

function usageText(rate: Rate | undefined): string {
  if (rate === undefined) return 'not known yet'
  const bytes = `${bytesText(Math.round(rate.egressBytes))}/s egress`
  const ingress = `${bytesText(Math.round(rate.ingressBytes))}/s ingress`
  return `${rateText(rate.requests)} requests/s, ${bytes}, ${ingress}`
}

function linesText({ lines }: LivePicture): string {
  const sum = (counts: Readonly<Record<string, bigint>>) =>
    Object.values(counts).reduce((total, count) => total + count, 0n)
  const others = (['ignored', 'unattributed', 'quarantined'] as const)
    .map((group) => `${grouped(sum(lines[group]))} ${group}`)
    .join(', ')
  return `${grouped(lines.read)} read: ${grouped(lines.metered)} metered, ${others}`
}

/** `12:00 closes in 34 s (2 streams), 12:01 closes in 94 s`. */
function windowsText({ streams, atMs, agentPid }: LivePicture): string {
  const open = streams.filter(({ isOpen }) => isOpen)
  const starts = [...new Set(open.map(({ windowStartMs }) => windowStartMs ?? 0))].sort()
  const texts = starts.slice(0, 3).map((startMs) => {
    const ones = open.filter(({ windowStartMs }) => windowStartMs === startMs)
    const closesAtMs = Math.max(...ones.map((one) => one.closesAtMs ?? 0))
    const seconds = Math.ceil((closesAtMs - atMs) / 1000)
    const behind = ones.some(({ unreadBytes }) => unreadBytes)
      ? 'closes when all is read'
      : 'closes now'
    const when = seconds > 0 ? `closes in ${seconds} s` : behind
    const count = ones.length > 1 ? ` (${counted(ones.length, 'stream')})` : ''
    return `${clockText(startMs)} ${agentPid === null ? 'open' : when}${count}`
  })
  const more = starts.length > 3 ? [`${starts.length - 3} more`] : []
  return [...texts, ...more].join(', ') || 'none open'
}

function backlogFact({ streams, atMs }: LivePicture): Fact {
  const behind = streams.filter(({ unreadBytes }) => (unreadBytes ?? 0) > 0)
  const bytes = behind.reduce((sum, { unreadBytes }) => sum + (unreadBytes ?? 0), 0)
  const ends = behind.map(({ windowStartMs, windowMs }) => (windowStartMs ?? atMs) + windowMs)
  const lagMs = Math.max(0, atMs - Math.min(atMs, ...ends))
  const lag = lagMs > 0 ? `; ${spanText(lagMs)} behind` : ''
  const ofAll = `${grouped(behind.length)} of ${counted(streams.length, 'stream')}`
  const text = `${bytesText(bytes)} unread in ${ofAll}${lag}`
  return { label: 'backlog', text, style: lagMs > 60_000 ? 'yellow' : undefined }
}

function listLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  display: Display,
  { room, others }: { readonly room: number; readonly others: (count: number) => string },
): string[] {
  const all = tableLines(columns, rows.slice(0, ROWS_MAX), display)
  // One line for each row, unless the display is so narrow that figures stand below names.
  const each = all.length / (Math.min(rows.length, ROWS_MAX) + 1)
  const isAll = rows.length <= ROWS_MAX && 1 + all.length <= room
  const fitting = isAll ? rows.length : Math.min(ROWS_MAX, Math.floor((room - 2) / each) - 1)
  if (rows.length === 0 || fitting < 1) return []
  const rest = rows.length - fitting
  const lines = all.slice(0, (fitting + 1) * each)
  return ['', ...lines, ...(rest > 0 ? [display.paint('dim', others(rest))] : [])]
}

function streamRows(picture: LivePicture, { linesByStream, all }: Rates): StreamRow[] {
  const { streams, atMs, agentPid } = picture
  return streams
    .map((stream) => {
      const { closesAtMs } = stream
      const isToClose = closesAtMs !== null && agentPid !== null
      const linesRate = all && (linesByStream.get(stream.stream) ?? 0)
      return { ...stream, linesRate, closesInMs: isToClose ? closesAtMs - atMs : undefined }
    })
    .sort((a, b) => (b.unreadBytes ?? 0) - (a.unreadBytes ?? 0) || byName(a.stream, b.stream))
}

/** The busiest first. */
function projectRows({ open }: LivePicture, { byProject, all }: Rates): ProjectRow[] {
  const none: Rate = { requests: 0, egressBytes: 0, ingressBytes: 0 }
  const projects = new Set([...byProject.keys(), ...open.keys()])
  return Array.from(projects, (project) => ({
    project,
    rate: all && (byProject.get(project) ?? none),
    openRequests: open.get(project)?.requests ?? 0n,
    openEgressBytes: open.get(project)?.egressBytes ?? 0n,
  })).sort(
    (a, b) =>
      (b.rate?.requests ?? 0) - (a.rate?.requests ?? 0) ||
      Number(b.openRequests - a.openRequests) ||
      byName(a.project, b.project),
  )
}

function byName(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function closesText({ closesInMs }: StreamRow): string {
  if (closesInMs === undefined) return '-'
  const seconds = Math.ceil(closesInMs / 1000)
  return seconds > 0 ? `${seconds} s` : 'due'
}

/** `12:00`, in UTC. */
function clockText(ms: number | null): string {
  if (ms === null) return '-'
  const text = new Date(ms).toISOString()
  return ms % 60_000 === 0 ? text.slice(11, 16) : text.slice(11, 19)
}

function ageText(nowMs: number, ms: number): string {
  return `of ${clockText(ms)}, ${spanText(Math.max(0, nowMs - ms))} ago`
}

/** `34 s`, `12 min`, `5 h`, `3 d`: how long ago, at a glance. */
function spanText(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`
  return `${grouped(Math.floor(seconds / 86_400))} d`
}

function rateText(rate: number | undefined): string {
  if (rate === undefined) return '-'
  return rate > 0 && rate < 10 ? rate.toFixed(1) : grouped(Math.round(rate))
}

function bytesRateText(rate: number | undefined): string {
  return rate === undefined ? '-' : bytesText(Math.round(rate))
}
