// Completion for bash, without the package bash-completion.

import type { CommandWords, FlagWords, ValueWords } from './completion-words.ts'

export function bashCompletion(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  return `# Completion of meter-fast for bash. Once: source <(meter-fast completion bash)
# For good:  meter-fast completion bash > ~/.local/share/bash-completion/completions/meter-fast

_meter_fast() {
  local current=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD - 1]}
  local command=\${COMP_WORDS[1]} words='' takes='unknown'
  # --flag=value are three words here.
  if [[ $current == = ]]; then
    current=''
  elif [[ $flag == = ]]; then
    flag=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _meter_fast_reply '${names} --help --version'
    return
  fi
  case "$command $flag" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case $command in
${commands.map(commandCase).join('\n')}
  esac
  if [[ $current == -* ]]; then
    _meter_fast_reply "$words"
  else
    _meter_fast_value "$takes"
  fi
}

_meter_fast_reply() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}

# A value: files, directories, one of some words, or nothing that is known.
_meter_fast_value() {
  case $1 in
    unknown) ;;
    files)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      ;;
    directories)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      ;;
    *) _meter_fast_reply "$1" ;;
  esac
}

complete -F _meter_fast meter-fast
`
}

function valueCases({ name, flags }: CommandWords): string[] {
  return flags.flatMap((flag) => valueCase(name, flag))
}

function valueCase(command: string, { name, short, value }: FlagWords): string[] {
  if (value === undefined) return []
  const flags = [`'${command} --${name}'`, ...(short ? [`'${command} -${short}'`] : [])].join(' | ')
  return [`    ${flags}) _meter_fast_value '${plain(value)}'; return ;;`]
}

function commandCase({ name, flags, takes }: CommandWords): string {
  const words = flags.map((flag) => `--${flag.name}`).join(' ')
  return `    ${name}) words='${words}' takes='${plain(takes)}' ;;`
}

function plain(words: ValueWords): string {
  return typeof words === 'string' ? words : words.join(' ')
}
