// Completion for zsh, by its _arguments.

import type { CommandWords, FlagWords, ValueWords } from './completion-words.ts'

export function zshCompletion(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name, sentence }) => quoted(`${name}:${escaped(sentence)}`))
  return `#compdef meter-fast
# Completion of meter-fast for zsh. Once, after compinit: source <(meter-fast completion zsh)
# For good:  meter-fast completion zsh > a directory of $fpath/_meter-fast

_meter-fast() {
  local -a commands
  commands=(
${names.map((name) => `    ${name}`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  # The arguments of the command, as if it were a program of its own.
  words=("\${(@)words[2,-1]}")
  ((CURRENT -= 1))
  case $command in
${commands.map(commandCase).join('\n')}
  esac
}

if [[ $funcstack[1] == _meter-fast ]]; then
  _meter-fast "$@"
else
  compdef _meter-fast meter-fast
fi
`
}

function commandCase({ name, flags, takes }: CommandWords): string {
  const specs = [...flags.map(flagSpec), quoted(`*:argument:${action(takes)}`)]
  return `    ${name})
      _arguments -s \\
${specs.map((spec) => `        ${spec}`).join(' \\\n')}
      ;;`
}

function flagSpec({ name, short, sentence, value }: FlagWords): string {
  const about = `[${escaped(sentence)}]`
  const taken = value === undefined ? '' : `:value:${action(value)}`
  const long = value === undefined ? `--${name}` : `--${name}=`
  if (short === undefined) return quoted(`*${long}${about}${taken}`)
  return `{-${short},${long}}${quoted(`${about}${taken}`)}`
}

function action(words: ValueWords): string {
  if (words === 'files') return '_files'
  if (words === 'directories') return '_files -/'
  return words === 'unknown' ? ' ' : `(${words.join(' ')})`
}

function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, '\\$&')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
