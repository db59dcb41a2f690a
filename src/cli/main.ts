#!/usr/bin/env node
// The `meter-fast` command: finds the command, runs it, turns its error into a text and a code.

import { MeterFastError } from '../errors.ts'
import type { CommandIo } from './command.ts'
import { COMMANDS } from './commands.ts'
import { commandHelp, nearest, overview, versionText } from './help.ts'

async function main(args: string[], io: CommandIo): Promise<number> {
  const [name = '', ...rest] = args
  if (name === '' || name === '--help' || name === '-h' || name === 'help') {
    const topic = COMMANDS[rest[0] ?? '']
    io.stdout.write(topic && name === 'help' ? commandHelp(topic) : overview(COMMANDS))
    return name === '' ? 64 : 0
  }
  if (name === '--version' || name === '-V' || name === 'version') {
    io.stdout.write(versionText())
    return 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) {
    const meant = nearest(name, Object.keys(COMMANDS))
    const hint = meant ? `did you mean "${meant}"?` : '"meter-fast --help" lists the commands'
    throw new MeterFastError('METER_USAGE', `there is no command "${name}"; ${hint}`)
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(commandHelp(command))
    return 0
  }
  return command.run(rest, io)
}

function processIo(): CommandIo {
  const stop = new AbortController()
  // The first signal asks the command to end well; the second one is not waited for.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => stop.abort(signal))
  }
  // A reader that left (`| head`) is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: (text) => void process.stderr.write(text),
    env: process.env,
    showsProgress: process.stderr.isTTY === true,
    signal: stop.signal,
  }
}

try {
  process.exitCode = await main(process.argv.slice(2), processIo())
} catch (error) {
  const known = error instanceof MeterFastError
  const text = known ? `${error.code}: ${error.message}` : `METER_BUG: ${(error as Error)?.stack}`
  process.stderr.write(`meter-fast: ${text}\n`)
  process.exitCode = known ? error.exitCode : 70
}
