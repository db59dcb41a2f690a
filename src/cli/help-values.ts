// The flags that stand for single values of the configuration, as `--help` shows them: from the
// table that also reads them, so that none is forgotten.

import { FIELDS, type Field } from '../config/fields.ts'
import { CONFIG_FLAGS, flagName } from '../config/overrides.ts'

/** Flag and sentence, in the order of the configuration. */
export function valueRows(): [string, string][] {
  const scalars = FIELDS.filter((field) => Object.hasOwn(CONFIG_FLAGS, flagName(field)))
  return scalars.map((field) => [`--${flagName(field)}`, sentence(field)])
}

function sentence(field: Field): string {
  // A word such as PEM keeps its capitals.
  const about = field.about.replace(/^[A-Z](?![A-Z])/, (first) => first.toLowerCase())
  const byDefault = field.default === undefined ? '' : ` (default ${field.default})`
  return about.replace(/\.$/, '') + byDefault
}
