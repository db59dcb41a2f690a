// The texts of --help and --version: short, with examples that work as they stand.

import { wrapped } from './cells.ts'
import type { Flag } from './command.ts'
import type { Display } from './display.ts'

export interface CommandHelp {
  readonly usage: string
  readonly sentence: string
  readonly examples: readonly string[]
  readonly flags: Readonly<Record<string, Flag>>
  /** It reads a configuration, whose single values are flags too. */
  readonly takesValues?: boolean
  /** What its arguments are, for the completion of a shell: files, or one of some words. */
  readonly takes?: 'files' | readonly string[]
}

const EXIT_CODES =
  'Exit codes: 0 ok, 1 a check found differences, 64 usage, 66 input missing, ' +
  '69 sink unreachable (one-shot commands), 70 bug, 74 disk, 78 configuration.'

const EXAMPLES = [
  'meter-fast scan access.log                      what each project used',
  'kubectl logs gateway | meter-fast scan -        the same, from a pipe',
  'meter-fast run -c meter-fast.yaml               the agent: follow logs, send usage events',
]

const HINT =
  '"meter-fast COMMAND --help" shows a command\'s flags. Every flag has an environment twin, ' +
  'such as METER_FAST_FORMAT for --format; the flag wins. stdout is data, stderr is for people.'

type Rows = readonly (readonly [string, string])[]

/** The screen of `meter-fast --help`. */
export function overview(
  commands: Readonly<Record<string, CommandHelp>>,
  { proseColumns: columns }: Display,
): string {
  const rows = Object.entries(commands).map(([name, { sentence }]) => [name, sentence] as const)
  const lines = [
    ...wrapped(
      'meter-fast: bills tenants of an Envoy gateway from its access logs, exactly once.',
      columns,
    ),
    ...['', 'Usage: meter-fast COMMAND [FLAGS]', ''],
    ...twoColumns(rows, columns),
    ...exampleLines(EXAMPLES, columns),
    '',
    ...wrapped(HINT, columns),
    ...wrapped(EXIT_CODES, columns),
  ]
  return `${lines.join('\n')}\n`
}

/** The screen of `meter-fast COMMAND --help`. */
export async function commandHelp(
  help: CommandHelp,
  { proseColumns: columns }: Display,
): Promise<string> {
  const rows = Object.entries(help.flags).map(([name, { short, value, sentence }]) => {
    const flag = `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`
    return [flag, sentence] as const
  })
  // Loaded late: the other commands need no YAML.
  const values = help.takesValues ? (await import('./help-values.ts')).valueRows() : []
  const lines = [
    ...wrapped(`Usage: meter-fast ${help.usage}`, columns, USAGE_HANG_CELLS),
    '',
    ...wrapped(`${capital(help.sentence)}.`, columns),
    ...exampleLines(help.examples, columns),
    ...titled('Flags', rows, columns),
    ...titled('Values of the configuration, above those of the file', values, columns),
  ]
  return `${lines.join('\n')}\n`
}

const USAGE_HANG_CELLS = 'Usage: '.length

/** An example has its remark behind it, where there is room for both. */
function exampleLines(examples: readonly string[], columns: number): string[] {
  const isWide = examples.some((example) => example.length + INDENT.length > columns)
  const shown = examples.flatMap((example) => {
    if (!isWide) return [INDENT + example]
    const [command = '', remark] = example.split(/ {2,}/)
    const own = wrapped(command, columns - INDENT.length, 2)
    const below = remark === undefined ? [] : wrapped(`# ${remark}`, columns - INDENT.length, 2)
    return [...below, ...own].map((line) => INDENT + line)
  })
  return ['', 'Examples:', ...shown]
}

function titled(title: string, rows: Rows, columns: number): string[] {
  return rows.length === 0
    ? []
    : ['', ...wrapped(`${title}:`, columns), ...twoColumns(rows, columns)]
}

/** Sentences beside their words, or below them where there is no room beside. */
function twoColumns(rows: Rows, columns: number): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  const room = columns - width - 2 * INDENT.length
  if (room >= SENTENCE_CELLS_MIN) {
    return rows.flatMap(([left, right]) =>
      wrapped(right, room).map(
        (line, i) => `${INDENT}${(i === 0 ? left : '').padEnd(width)}${INDENT}${line}`,
      ),
    )
  }
  return rows.flatMap(([left, right]) => [
    ...wrapped(left, columns - INDENT.length).map((line) => INDENT + line),
    ...wrapped(right, columns - 3 * INDENT.length).map((line) => INDENT.repeat(3) + line),
  ])
}

const INDENT = '  '
const SENTENCE_CELLS_MIN = 24

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
