// The flags that stand for single values of the configuration, as `--help` shows them: from the
// table that also reads them, so that none is forgotten.

import { FIELDS, type Field } from '../config/fields.ts'
import { CONFIG_FLAGS, flagName } from '../config/overrides.ts'
import type { FlagWords, ValueWords } from './completion-words.ts'

/** Flag and sentence, in the order of the configuration. */
export function valueRows(): [string, string][] {
  const scalars = FIELDS.filter((field) => Object.hasOwn(CONFIG_FLAGS, flagName(field)))
  return scalars.map((field) => [`--${flagName(field)}`, sentence(field)])
}

/** The same for the completion of a shell. */
export function valueWords(): FlagWords[] {
  const scalars = FIELDS.filter((field) => Object.hasOwn(CONFIG_FLAGS, flagName(field)))
  return scalars.map((field) => {
    const name = flagName(field)
    return { name, sentence: sentence(field), value: field.choices ?? placeOf(name) }
  })
}

function placeOf(name: string): ValueWords {
  if (name.endsWith('-dir')) return 'directories'
  return /-(file|path)$|^catalog$/.test(name) ? 'files' : 'unknown'
}

function sentence(field: Field): string {
  // A word such as PEM keeps its capitals.
  const about = field.about.replace(/^[A-Z](?![A-Z])/, (first) => first.toLowerCase())
  const byDefault = field.default === undefined ? '' : ` (default ${field.default})`
  return about.replace(/\.$/, '') + byDefault
}
