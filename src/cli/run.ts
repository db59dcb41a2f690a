// `meter-fast run`: the agent on the command line. Data (the stdout sink) goes to stdout, words
// about the work go to stderr.

import type { Writable } from 'node:stream'
import { agentLog, type Log } from '../agent/log.ts'
import { Agent, type AgentReport } from '../agent.ts'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { CONFIG_FLAGS } from '../config/overrides.ts'
import { MeterFastError } from '../errors.ts'
import { type CommandIo, environmentTwin, parseFlags, usage } from './command.ts'
import { grouped } from './quantities.ts'

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
  const warnings: string[] = []
  const options = { env: io.env, flags, once, onWarning: (text: string) => warnings.push(text) }
  const config = loadConfig(path, options)
  const makeLog = ({ observe }: Config): Promise<Log> =>
    agentLog(observe, io.terminal !== undefined, io.stderr)
  let log = await makeLog(config)
  const warn = (): void => {
    for (const text of warnings.splice(0)) log.say('warn', text, { kind: 'config-warning' })
  }
  warn()
  // A new form or level holds from when the configuration that names it is in force.
  let nextLog = log
  const agent = new Agent(config, {
    once: once || dryRun,
    dryRun,
    stdout: io.stdout as Writable,
    onSignal: (signal) => {
      if (signal.kind === 'reloaded') log = nextLog
      log.signal(signal)
    },
  })
  const reload = async (): Promise<Config> => {
    // Loaded late: most agents never need it.
    const { checkedConfig } = await import('./check.ts')
    const next = await checkedConfig(path, options)
    warn()
    nextLog = await makeLog(next)
    return next
  }
  if (!once && !dryRun) io.onHangup?.(() => void agent.reload(reload))
  try {
    const report = await agent.run(io.signal)
    if (report !== undefined) sayEnded(report, log)
    return 0
  } catch (error) {
    return fail(error, log)
  }
}

function sayEnded({ lines, spool }: AgentReport, log: Log): void {
  const rest = spool.events > 0 ? `, ${grouped(BigInt(spool.events))} events wait in the spool` : ''
  const sentence = `${grouped(lines.read)} lines read, ${grouped(lines.metered)} metered${rest}`
  const [linesRead, linesMetered] = [`${lines.read}`, `${lines.metered}`]
  log.say('info', sentence, { kind: 'ended', linesRead, linesMetered, spoolEvents: spool.events })
}

/** A log in JSON has the last word in JSON too. */
function fail(error: unknown, log: Log): number {
  const known = error instanceof MeterFastError
  const { code, exitCode } = known ? error : ({ code: 'METER_BUG', exitCode: 70 } as const)
  const text = known ? error.message : `${(error as Error)?.stack}`
  log.say('error', `${code}: ${text}`, { kind: 'failed', code, exitCode })
  return exitCode
}

function readRunFlags(args: string[]): Record<string, unknown> {
  return parseFlags('run', args, { ...CONFIG_FLAGS, ...OWN_FLAGS }, false).values
}
