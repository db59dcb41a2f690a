// What is said of one key of the configuration, and what several of them share.

export type FieldKind =
  | 'duration'
  | 'size'
  | 'count'
  | 'choice'
  | 'text'
  | 'url'
  | 'list'
  | 'format'
  | 'dimensions'
  | 'amounts'

export interface Field {
  /** Keys joined by dots; `[]` stands for any entry of a list. */
  readonly path: string
  readonly kind: FieldKind
  /** Unit of the resolved value. */
  readonly unit?: 'ms' | 'bytes'
  /** As a user would write it; no default and no `required` means that it may be left out. */
  readonly default?: string | number | readonly string[]
  /** Least and greatest value, in `unit`. */
  readonly min?: number
  readonly max?: number
  readonly choices?: readonly string[]
  /** The sink types or the kind of stream that have this key; all have it when left out. */
  readonly of?: readonly string[]
  /** What to do when the key is missing; its presence makes the key required. */
  readonly required?: string
  /** What a text, or each entry of a list, must match, and how to say that. */
  readonly pattern?: string
  readonly patternTodo?: string
  /** One sentence for people. */
  readonly about: string
}

export const KIB = 1024
export const MIB = KIB * KIB
export const TIB = MIB * MIB

export const FILE_PATH = { pattern: '^[^\\0]+$', patternTodo: 'write a path' }
