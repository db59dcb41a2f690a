// Finds rows of the field table by the keys of a file: `streams[2].root`, not `streams[].root`.

import { FIELDS, type Field } from './fields.ts'
import { DURATION_PATTERN, SIZE_PATTERN } from './units.ts'

/** The field at a concrete key (`streams[2].root`); undefined for maps, lists and unknown keys. */
export function fieldAt(key: string): Field | undefined {
  return BY_PATH.get(pattern(key))
}

/** Names that may stand below a key that is a map; empty when it is none. */
export function childNames(key: string): readonly string[] {
  return CHILDREN.get(pattern(key)) ?? []
}

/** Whether a key holds a list of maps. */
export function isMapList(key: string): boolean {
  return CHILDREN.has(`${pattern(key)}[]`)
}

/** The pattern that a written value of a field matches, for fields written as text. */
export function writtenPattern(field: Field): string | undefined {
  if (field.kind === 'duration') return DURATION_PATTERN
  return field.kind === 'size' ? SIZE_PATTERN : field.pattern
}

function pattern(key: string): string {
  return key.replaceAll(/\[\d+\]/g, '[]')
}

const BY_PATH: ReadonlyMap<string, Field> = new Map(FIELDS.map((field) => [field.path, field]))

const CHILDREN: ReadonlyMap<string, readonly string[]> = childrenOf(FIELDS)

function childrenOf(fields: readonly Field[]): Map<string, string[]> {
  const children = new Map<string, string[]>()
  for (const { path } of fields) {
    let parent = ''
    for (const segment of path.split('.')) {
      const name = segment.replace('[]', '')
      const names = children.get(parent) ?? []
      if (!names.includes(name)) names.push(name)
      children.set(parent, names)
      parent = parent === '' ? segment : `${parent}.${segment}`
    }
  }
  return children
}
