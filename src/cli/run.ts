// `meter-fast run`: the agent on the command line. Data (the stdout sink) goes to stdout, words
// about the work go to stderr.

import type { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { Agent, type AgentSignal } from '../agent.ts'
import { loadConfig } from '../config/load.ts'
import { CONFIG_FLAGS } from '../config/overrides.ts'
import { type CommandIo, environmentTwin, usage } from './command.ts'
import { grouped } from './scan-table.ts'

const OWN_FLAGS = {
  config: { type: 'string', short: 'c' },
  once: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
} as const

/** @returns the exit code */
export async function run(args: string[], io: CommandIo): Promise<number> {
  const flags = readRunFlags(args)
  const isOn = (name: 'once' | 'dry-run') =>
    flags[name] === true || ['1', 'true'].includes(io.env[environmentTwin(name)] ?? '')
  const path = flags['config'] ?? io.env[environmentTwin('config')]
  if (typeof path !== 'string' || path === '') {
    throw usage('run', 'it needs a configuration: add -c FILE')
  }
  const once = isOn('once')
  const dryRun = isOn('dry-run')
  const say = (text: string) => io.stderr(`meter-fast: ${text}\n`)
  const config = loadConfig(path, { env: io.env, flags, once, onWarning: say })
  const agent = new Agent(config, {
    once: once || dryRun,
    dryRun,
    stdout: io.stdout as Writable,
    onSignal: (signal) => tell(signal, say),
  })
  const report = await agent.run(io.signal)
  if (report === undefined) return 0
  const { lines, spool } = report
  const rest = spool.events > 0 ? `, ${grouped(BigInt(spool.events))} events wait in the spool` : ''
  say(`${grouped(lines.read)} lines read, ${grouped(lines.metered)} metered${rest}`)
  return 0
}

function readRunFlags(args: string[]): Record<string, unknown> {
  try {
    return parseArgs({ args, options: { ...CONFIG_FLAGS, ...OWN_FLAGS }, strict: true }).values
  } catch (cause) {
    throw usage('run', cause instanceof Error ? (cause.message.split('. ')[0] ?? '') : 'bad flags')
  }
}

function tell(signal: AgentSignal, say: (text: string) => void): void {
  if (signal.kind === 'delivery') tellDelivery(signal.signal, say)
  else {
    const sentence = sentenceOf(signal)
    if (sentence !== undefined) say(sentence)
  }
}

/** What a person should read of a signal; undefined when nothing. */
function sentenceOf(signal: Exclude<AgentSignal, { kind: 'delivery' }>): string | undefined {
  switch (signal.kind) {
    case 'started': {
      const { resumedStreams } = signal
      return resumedStreams > 0 ? `going on with ${resumedStreams} streams` : undefined
    }
    case 'stream':
      return `following ${signal.stream}`
    case 'committed':
      return undefined
    case 'waiting':
      return `waiting: ${signal.message}`
    case 'problem':
      return signal.message
    case 'gap':
      return gapSentence(signal.gap)
    case 'held':
      return (
        `${signal.events} events are held: there was no state, and their windows are older than ` +
        'sink_dedup_window. If they were not billed before, run "meter-fast release"'
      )
    case 'ambiguous':
      return ambiguousSentence(signal.batches, signal.heldEvents)
    case 'future':
      return `events of the window ${isoTime(signal.timeMs)} wait for it: it lies in the future`
    case 'spool-half-full':
      return `the spool is half full: ${signal.bytes} of ${signal.bytesMax} bytes wait for the sink`
    case 'spool-full':
      return `the spool is full (${signal.bytes} bytes): reading pauses until the sink accepts`
    case 'unsent-old':
      return `the oldest event that the sink has not accepted is ${hours(signal.ageMs)} h old`
    case 'disk-full':
      return 'the disk of the state is full: reading pauses, delivery goes on; make room'
    case 'disk-free':
      return 'the disk of the state has room again: reading goes on'
    case 'reopened':
      return `the state was opened again after a fault: ${signal.message}`
  }
}

function ambiguousSentence(batches: number, heldEvents: number): string {
  const what = `${batches} batches were sent before the last end, and their answers are not known`
  return heldEvents > 0
    ? `${what}: ${heldEvents} of their events are held (ambiguous_policy), see "meter-fast release"`
    : `${what}: they are sent again, with the same bytes`
}

/** What may be missing, and what certainly is. */
function gapSentence({ stream, name, offset, end, bytes, reason }: Gap): string {
  const range = end === null ? `from byte ${offset} on` : `bytes ${offset} to ${end}`
  const lost = bytes > 0 ? `, ${bytes} bytes were not read` : ''
  return `GAP: ${stream}: ${name} ${range}: ${reason}${lost}`
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

function hours(ms: number): number {
  return Math.floor(ms / 3_600_000)
}

type Gap = Extract<AgentSignal, { kind: 'gap' }>['gap']
type Delivery = Extract<AgentSignal, { kind: 'delivery' }>['signal']

function tellDelivery(signal: Delivery, say: (text: string) => void): void {
  if (signal.kind === 'settled') {
    for (const { id, reason } of signal.quarantined) {
      say(`event ${id} was refused by the sink and is in quarantine: ${reason}`)
    }
    return
  }
  const { kind, status, text } = signal.answer
  if (kind === 'accepted') return
  const wait = signal.waitMs > 0 ? `, next attempt in ${Math.ceil(signal.waitMs / 1000)} s` : ''
  say(`sink: ${kind}${status > 0 ? ` (${status})` : ''}: ${text || 'no text'}${wait}`)
}
