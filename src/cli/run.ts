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
  const config = loadConfig(path, { env: io.env, flags, once })
  const say = (text: string) => io.stderr(`meter-fast: ${text}\n`)
  const agent = new Agent(config, {
    once: once || dryRun,
    dryRun,
    stdout: io.stdout as Writable,
    onSignal: (signal) => tell(signal, say),
  })
  const { lines, spool } = await agent.run(io.signal)
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
  switch (signal.kind) {
    case 'started':
      if (signal.resumedStreams > 0) say(`going on with ${signal.resumedStreams} streams`)
      break
    case 'stream':
      say(`following ${signal.stream}`)
      break
    case 'problem':
      say(signal.message)
      break
    case 'gap': {
      const { stream, name, offset, reason } = signal.gap
      say(`GAP: ${stream}: ${name} from byte ${offset} was not read (${reason})`)
      break
    }
    case 'held':
      say(
        `${signal.events} events are held: there was no state, and their windows are older than ` +
          'sink_dedup_window. If they were not billed before, stop the agent and run ' +
          '"meter-fast release"',
      )
      break
    case 'spool-full':
      say(`the spool holds ${signal.bytes} bytes, its limit: reading pauses until the sink accepts`)
      break
    case 'delivery':
      tellDelivery(signal.signal, say)
      break
  }
}

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
