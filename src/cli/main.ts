#!/usr/bin/env node
// The `meter-fast` command: finds the command, runs it, turns its error into a text and a code.

import { nearestWord } from '../config/problems.ts'
import { MeterFastError } from '../errors.ts'
import { type CommandIo, visible } from './command.ts'
import { COMMANDS, type Command } from './commands.ts'
import { type Display, displayOf } from './display.ts'
import { commandHelp, overview, versionText } from './help.ts'

async function main(args: string[], io: CommandIo): Promise<number> {
  const [name = '', ...rest] = args
  if (name === '') {
    io.stderr(overview(COMMANDS, displayOf(process.stderr, io.env)))
    return 64
  }
  const screen = await screenOf(name, rest, displayOf(io.stdout, io.env))
  if (screen !== undefined) {
    io.stdout.write(screen)
    return 0
  }
  return commandNamed(name).run(rest, io)
}

/** @throws {MeterFastError} METER_USAGE, with the command that was meant */
function commandNamed(name: string): Command {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command) return command
  const meant = nearestWord(name, Object.keys(COMMANDS))
  const hint = meant ? `did you mean "${meant}"?` : '"meter-fast --help" lists the commands'
  throw new MeterFastError('METER_USAGE', `there is no command "${name}"; ${hint}`)
}

/** The text to show when no command is to run. */
async function screenOf(
  name: string,
  rest: readonly string[],
  display: Display,
): Promise<string | undefined> {
  if (['--version', '-V', 'version'].includes(name)) return versionText()
  const [topic] = rest
  if (name === 'help' && topic !== undefined) return commandHelp(commandNamed(topic), display)
  if (['--help', '-h', 'help'].includes(name)) return overview(COMMANDS, display)
  const asked = rest.includes('--help') || rest.includes('-h')
  return asked ? commandHelp(commandNamed(name), display) : undefined
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
    fail(new MeterFastError('METER_DISK', `standard output: ${error.message}. Make room for it.`))
    process.exit()
  })
  // Nor is one that no longer listens: what a command does is worth more than what it says.
  process.stderr.on('error', () => undefined)
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr,
    env: process.env,
    ...(process.stderr.isTTY && {
      terminal: {
        redraw: (text: string) => void process.stderr.write(text),
        display: () => displayOf(process.stderr, process.env),
      },
    }),
    signal: stop.signal,
    onHangup: (heard) => void process.on('SIGHUP', heard),
  }
}

/** For people: names of files and answers of servers may hold what a terminal would obey. */
function stderr(text: string): void {
  process.stderr.write(text.split('\n').map(visible).join('\n'))
}

function fail(error: unknown): void {
  const known = error instanceof MeterFastError
  const text = known ? `${error.code}: ${error.message}` : `METER_BUG: ${(error as Error)?.stack}`
  stderr(`meter-fast: ${text}\n`)
  process.exitCode = known ? error.exitCode : 70
}

main(process.argv.slice(2), processIo()).then((code) => {
  process.exitCode = code
}, fail)
