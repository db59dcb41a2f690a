// The words that a shell completes, in no shell's syntax yet.

import type { Flag } from './command.ts'
import type { CommandHelp } from './help.ts'

/** What completes a value: names of files or directories, one of a few words, or nothing. */
export type ValueWords = 'files' | 'directories' | 'unknown' | readonly string[]

export interface FlagWords {
  readonly name: string
  readonly short?: string | undefined
  readonly sentence: string
  /** Undefined where the flag takes no value. */
  readonly value: ValueWords | undefined
}

export interface CommandWords {
  readonly name: string
  readonly sentence: string
  readonly flags: readonly FlagWords[]
  /** What its arguments are. */
  readonly takes: ValueWords
}

/** All commands, and `help`, which takes their names. */
export async function commandWords(
  commands: Readonly<Record<string, CommandHelp>>,
): Promise<CommandWords[]> {
  const { valueWords } = await import('./help-values.ts')
  const all = Object.entries(commands).map(([name, help]): CommandWords => {
    const flags = Object.entries(help.flags).map(([flag, about]) => flagWords(flag, about))
    const values = help.takesValues ? valueWords() : []
    const asked: FlagWords = { name: 'help', sentence: 'flags and examples', value: undefined }
    const { sentence, takes = 'unknown' } = help
    return { name, sentence, flags: [...flags, ...values, asked], takes }
  })
  const sentence = 'flags and examples of a command'
  return [...all, { name: 'help', sentence, flags: [], takes: Object.keys(commands) }]
}

function flagWords(name: string, { type, short, value, choices, sentence }: Flag): FlagWords {
  const words = choices ?? placeWords(value)
  return { name, short, sentence, value: type === 'boolean' ? undefined : words }
}

/** By what stands for the value in `--help`. */
function placeWords(value = ''): ValueWords {
  if (value === 'DIR') return 'directories'
  return /^(FILE|GLOB)/.test(value) ? 'files' : 'unknown'
}
