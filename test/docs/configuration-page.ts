// The text of docs/configuration.md, made from the table of fields and the list of roles: what the
// program reads is what the page says. `npm run docs` writes it.

import { FIELDS, type Field } from '../../src/config/fields.ts'
import { CONFIG_FLAGS, environmentName, flagName } from '../../src/config/overrides.ts'
import { PRESET_NAMES, PRESETS, ROLE_SENTENCES, ROLES } from '../../src/config/presets.ts'
import { formatDuration, formatSize } from '../../src/config/units.ts'

/** Which keys stand together, by how their paths begin, and what is said above them. */
const SECTIONS: readonly (readonly [title: string, begins: RegExp, text: string])[] = [
  ['What is metered', /^(window|connection_seconds)$/, ''],
  [
    'Streams',
    /^streams\[\]/,
    `A list of at least one entry. An entry has the key \`kubernetes\`, for logs in the layout
of the kubelet, or the key \`files\`. What \`format\` may be is told [below](#formats).`,
  ],
  ['Dimensions, catalog and meters', /^(dimensions|catalog|meters\.)/, ''],
  ['What is not billed', /^exclude\./, 'By default every request is billed, 0 and 429 too.'],
  ['Limits', /^(limits\.|workers_max)/, ''],
  ['State', /^(state\.|on_missing_state)/, ''],
  [
    'Sink',
    /^(sink\.|sink_dedup_window|ambiguous_policy)/,
    'Files of secrets and certificates are read again when they change.',
  ],
  ['Observation', /^observe\./, ''],
]

export function configurationPage(): string {
  const sections = SECTIONS.map(([title, begins, text]) => {
    const fields = FIELDS.filter(({ path }) => begins.test(path))
    return [`## ${title}`, ...(text ? [text] : []), fieldTable(fields)].join('\n\n')
  })
  return `${[HEAD, ...sections, formats(), twins()].join('\n\n')}\n`
}

/** Fields that no section shows, and those that two show. */
export function misplacedFields(): string[] {
  const places = (path: string) => SECTIONS.filter(([, begins]) => begins.test(path)).length
  return FIELDS.map(({ path }) => path).filter((path) => places(path) !== 1)
}

const HEAD = `# Configuration

<!-- Written by "npm run docs" from src/config/fields.ts. Edit that file, not this one. -->

One YAML file. A key that is not listed here is an error, with its line. \`meter-fast check -c
FILE\` tells every problem at once and where each value came from (\`--json\`); \`meter-fast check
--schema\` prints a JSON Schema for editors.

- Durations are whole numbers with \`ms\`, \`s\`, \`m\` or \`h\`; sizes with \`B\`, \`KiB\`,
  \`MiB\`, \`GiB\` or \`TiB\`.
- \`\${NAME}\` reads the environment, \`\${NAME:-text}\` has a text for when it is not set.
- Single values have a flag and an [environment twin](#flags-and-environment). A flag wins over the
  environment, both over the file.
- Relative paths begin at the working directory.`

function fieldTable(fields: readonly Field[]): string {
  const rows = fields.map((field) => [
    `\`${field.path}\``,
    value(field),
    given(field),
    about(field),
  ])
  return table(['key', 'value', 'default', 'what it does'], rows)
}

const KINDS: Readonly<Record<Field['kind'], string>> = {
  duration: 'duration',
  size: 'size',
  count: 'whole number',
  choice: '',
  text: 'text',
  url: 'http or https URL',
  list: 'list of texts',
  format: 'preset or map',
  dimensions: 'map',
  amounts: 'map',
}

function value(field: Field): string {
  const { kind, choices, min, max } = field
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ')
  if (min === undefined || max === undefined) return KINDS[kind]
  return `${KINDS[kind]}, ${bound(field, min)} to ${bound(field, max)}`
}

function bound({ unit }: Field, amount: number): string {
  if (unit === 'ms') return formatDuration(amount)
  return unit === 'bytes' ? formatSize(amount) : amount.toLocaleString('en-US')
}

function given(field: Field): string {
  if (field.required !== undefined) return '_required_'
  const { default: standard } = field
  if (standard === undefined) return ''
  return Array.isArray(standard) ? 'empty' : `\`${standard}\``
}

function about({ about: sentence, of }: Field): string {
  const only = of === undefined ? '' : ` Only with ${of.map(code).join(', ')}.`
  return prose(sentence) + only
}

/** Marks of Markdown and HTML that a sentence means as they stand. */
function prose(sentence: string): string {
  return sentence.replaceAll(/[<*]/g, '\\$&')
}

function formats(): string {
  const keys = (name: (typeof PRESET_NAMES)[number], role: (typeof ROLES)[number]): string => {
    const key = PRESETS[name][role]
    if (key === undefined) return ''
    return typeof key === 'string' ? code(key) : "the route's namespace"
  }
  const rows = ROLES.map((role) => [
    code(role),
    prose(ROLE_SENTENCES[role]),
    ...PRESET_NAMES.map((name) => keys(name, role)),
  ])
  return `## Formats

A format is a preset's name, or a map of roles to keys of the line; with \`preset: NAME\` in it,
only what differs. A key is a top-level key, or a JSON Pointer such as \`/gateway/0/name\`. A role
that has no key is not read. Instead of a key, \`project\` may be
\`{ route: namespace, strip: "ns-" }\` or \`{ constant: NAME }\`; presets that leave it empty need
one.

${table(['role', 'what it is', ...PRESET_NAMES], rows)}`
}

function twins(): string {
  const scalars = FIELDS.filter((field) => Object.hasOwn(CONFIG_FLAGS, flagName(field)))
  const rows = scalars.map((field) => [
    code(field.path),
    code(`--${flagName(field)}`),
    code(environmentName(field)),
  ])
  return `## Flags and environment

\`run\` and \`check\` take these flags. An empty variable counts as not set.

${table(['key', 'flag', 'environment'], rows)}`
}

function code(text: string): string {
  return `\`${text}\``
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
