// The texts of --help and --version: short, with examples that work as they stand.

import { wrapped } from './cells.ts'
import type { Flag } from './command.ts'

export interface CommandHelp {
  readonly usage: string
  readonly sentence: string
  readonly examples: readonly string[]
  readonly flags: Readonly<Record<string, Flag>>
  /** It reads a configuration, whose single values are flags too. */
  readonly takesValues?: boolean
}

const COLUMNS = 100

const EXIT_CODES = `Exit codes: 0 ok, 1 a check found differences, 64 usage, 66 input missing,
69 sink unreachable (one-shot commands), 70 bug, 74 disk, 78 configuration.`

/** The screen of `meter-fast --help`. */
export function overview(commands: Readonly<Record<string, CommandHelp>>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length))
  const list = Object.entries(commands).map(
    ([name, { sentence }]) => `  ${name.padEnd(width)}  ${sentence}`,
  )
  return `meter-fast: bills tenants of an Envoy gateway from its access logs, exactly once.

Usage: meter-fast COMMAND [FLAGS]

${list.join('\n')}

Examples:
  meter-fast scan access.log                      what each project used
  kubectl logs gateway | meter-fast scan -        the same, from a pipe
  meter-fast run -c meter-fast.yaml               the agent: follow logs, send usage events

"meter-fast COMMAND --help" shows a command's flags. Every flag has an environment twin, such as
METER_FAST_FORMAT for --format; the flag wins. stdout is data, stderr is for people.
${EXIT_CODES}
`
}

/** The screen of `meter-fast COMMAND --help`. */
export async function commandHelp(help: CommandHelp): Promise<string> {
  const rows = Object.entries(help.flags).map(([name, { short, value, sentence }]) => {
    const flag = `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`
    return [flag, sentence] as const
  })
  // Loaded late: the other commands need no YAML.
  const values = help.takesValues ? (await import('./help-values.ts')).valueRows() : []
  const examples = help.examples.map((example) => `  ${example}`)
  return `Usage: meter-fast ${help.usage}

${capital(help.sentence)}.

Examples:
${examples.join('\n')}
${table('Flags', rows)}${table('Values of the configuration, above those of the file', values)}`
}

function table(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return ''
  const width = Math.max(...rows.map(([left]) => left.length))
  const room = COLUMNS - width - 4
  const lines = rows.flatMap(([left, right]) =>
    wrapped(right, room).map((line, i) => `  ${(i === 0 ? left : '').padEnd(width)}  ${line}`),
  )
  return `\n${title}:\n${lines.join('\n')}\n`
}

/** `meter-fast 0.1.0 (simdjson 3.9.4 icelake, node v20.20.2, linux x64)` */
export async function versionText(): Promise<string> {
  const { buildText, packageVersion } = await import('../meter/build.ts')
  const { version, platform, arch } = process
  const machine = `node ${version}, ${platform} ${arch}`
  return `meter-fast ${packageVersion()} (${buildText()}, ${machine})\n`
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
