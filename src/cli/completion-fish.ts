// Completion for fish: one line for each command and each flag.

import type { CommandWords, FlagWords, ValueWords } from './completion-words.ts'

export function fishCompletion(commands: readonly CommandWords[]): string {
  const isFirst = quoted('__fish_use_subcommand')
  const lines = commands.flatMap((command) => [
    `complete -c meter-fast -n ${isFirst} -a ${command.name} -d ${quoted(command.sentence)}`,
    ...command.flags.map((flag) => flagLine(command, flag)),
    ...argumentLines(command),
  ])
  return `# Completion of meter-fast for fish. Once: meter-fast completion fish | source
# For good:  meter-fast completion fish > ~/.config/fish/completions/meter-fast.fish

complete -c meter-fast -f
${lines.join('\n')}
`
}

function flagLine(command: CommandWords, { name, short, sentence, value }: FlagWords): string {
  const flags = [`-l ${name}`, ...(short ? [`-s ${short}`] : [])].join(' ')
  // -x: it takes a value, and no file unless files are asked for.
  const taken = value === undefined ? '' : ` -${value === 'files' ? 'r' : 'x'}${values(value)}`
  return `complete -c meter-fast -n ${within(command)} ${flags}${taken} -d ${quoted(sentence)}`
}

function argumentLines(command: CommandWords): string[] {
  const taken = values(command.takes)
  return taken === '' ? [] : [`complete -c meter-fast -n ${within(command)}${taken}`]
}

function within({ name }: CommandWords): string {
  return quoted(`__fish_seen_subcommand_from ${name}`)
}

/** Files are no argument unless they are asked for. */
function values(words: ValueWords): string {
  if (words === 'files') return ' -F'
  if (words === 'directories') return ` -a ${quoted('(__fish_complete_directories)')}`
  return words === 'unknown' ? '' : ` -a ${quoted(words.join(' '))}`
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`
}
