// `meter-fast completion`: what a shell needs to complete commands, flags and their values, made
// from the table of commands, so that it never knows less than `--help`.

import { nearestWord, oneOf } from '../config/problems.ts'
import { type CommandIo, readFlags, usage, write } from './command.ts'
import { bashCompletion } from './completion-bash.ts'
import { fishCompletion } from './completion-fish.ts'
import { commandWords } from './completion-words.ts'
import { zshCompletion } from './completion-zsh.ts'
import type { CommandHelp } from './help.ts'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }
export const SHELL_NAMES = Object.keys(SHELLS)

/** @returns the exit code */
export async function completion(
  args: string[],
  io: CommandIo,
  commands: Readonly<Record<string, CommandHelp>>,
): Promise<number> {
  const { positionals } = readFlags('completion', {}, args, io.env)
  const [shell = '', ...rest] = positionals
  if (!Object.hasOwn(SHELLS, shell) || rest.length > 0) {
    const meant = nearestWord(shell, SHELL_NAMES)
    const hint = meant !== undefined && rest.length === 0 ? `; did you mean ${meant}?` : ''
    throw usage('completion', `name one shell, ${oneOf(SHELL_NAMES)}${hint}`)
  }
  const script = SHELLS[shell as keyof typeof SHELLS]
  await write(io.stdout, script(await commandWords(commands)))
  return 0
}
