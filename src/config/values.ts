// The values of a configuration by key, each with its place and where it came from.
//
// Flags and environment come first and win; then the file is walked along the field table; then
// defaults fill what is left. A key that was given but is wrong counts as given, so that no
// second problem says that it is missing.

import { childNames, fieldAt, isMapList } from './field-lookup.ts'
import { FIELDS, type Field, STREAM_KINDS } from './fields.ts'
import type { Override } from './overrides.ts'
import { type Place, type Report, suggestion } from './problems.ts'
import { READERS } from './readers.ts'
import { SINK_TYPES } from './sink-fields.ts'
import { isNull, type Tree } from './source.ts'

export type Origin = 'flag' | 'environment' | 'file' | 'default'

export interface Value {
  /** The resolved value; undefined when it was given but is wrong. */
  readonly value: unknown
  readonly from: Origin
  readonly at: Place
}

export class Values {
  readonly #values = new Map<string, Value>()
  readonly #places = new Map<string, Place>()
  readonly #lengths = new Map<string, number>()
  readonly #isReplaced: (key: string) => boolean
  readonly #report: Report

  /** `isReplaced`: keys of the file that are not read. */
  constructor(
    root: Tree,
    overrides: readonly Override[],
    isReplaced: (key: string) => boolean,
    report: Report,
  ) {
    this.#isReplaced = isReplaced
    this.#report = report
    this.#places.set('', root.at)
    for (const { from, node } of overrides) this.#read(fieldOf(node.path), node, from)
    this.#walk(root)
    this.#fillDefaults()
  }

  /** Whether the key was given at all, right or wrong, as a value, a map or a list. */
  has(key: string): boolean {
    return this.#values.has(key) || this.#places.has(key)
  }

  get<T>(key: string): T | undefined {
    return this.#values.get(key)?.value as T | undefined
  }

  /** Entries of a list of maps. */
  length(key: string): number {
    return this.#lengths.get(key) ?? 0
  }

  /** Where the key is written; for a missing or default one, where the map is that lacks it. */
  at(key: string): Place {
    let path = key
    for (;;) {
      const value = this.#values.get(path)
      const place = value?.from === 'default' ? undefined : (value?.at ?? this.#places.get(path))
      if (place !== undefined) return place
      path = path.replace(/(\.?[^.[\]]*|\[\d+\])$/, '')
    }
  }

  entries(): [string, Value][] {
    return [...this.#values]
  }

  /** What kind of stream or sink the key belongs to; undefined when that is unclear. */
  variant(key: string): string | undefined {
    if (key.startsWith('sink.')) return this.get('sink.type')
    const stream = /^streams\[\d+\]/.exec(key)?.[0]
    const kinds = STREAM_KINDS.filter((kind) => this.has(`${stream}.${kind}`))
    return kinds.length === 1 ? kinds[0] : undefined
  }

  /** The concrete keys of a field: one, or one for each stream. */
  keysOf(field: Field): string[] {
    const streams = Array.from({ length: this.length('streams') }, (_, index) => index)
    return field.path.includes('[]')
      ? streams.map((index) => field.path.replace('[]', `[${index}]`))
      : [field.path]
  }

  #walk(node: Tree): void {
    // An empty `key:` is a key that was left out.
    if (isNull(node) || this.#isReplaced(node.path)) return
    const field = node.path === '' ? undefined : fieldAt(node.path)
    if (field !== undefined) {
      this.#read(field, node, 'file')
    } else {
      this.#places.set(node.path, node.at)
      if (isMapList(node.path)) this.#walkList(node)
      else this.#walkMap(node)
    }
  }

  #walkMap(node: Tree): void {
    const known = childNames(node.path)
    if (node.kind === 'map') {
      for (const { key, keyAt, value } of node.entries) {
        if (known.includes(key)) this.#walk(value)
        else this.#report(keyAt, value.path, 'unknown key', suggestion(key, known))
      }
    } else if (node.kind !== 'broken') {
      this.#report(node.at, node.path, 'it is no map', `write a map with ${known.join(', ')}`)
    }
  }

  #walkList(node: Tree): void {
    if (node.kind === 'list' && node.items.length > 0) {
      this.#lengths.set(node.path, node.items.length)
      for (const item of node.items) this.#walk(item)
    } else if (node.kind !== 'broken') {
      this.#report(node.at, node.path, 'it is no list with entries', 'write at least one "- "')
    }
  }

  #read(field: Field, node: Tree, from: Origin): void {
    const value =
      node.kind === 'broken' ? undefined : READERS[field.kind](node, field, this.#report)
    this.#values.set(node.path, { value, from, at: node.at })
    // A rule may find fault with one entry of a map.
    for (const entry of node.kind === 'map' ? node.entries : []) {
      this.#places.set(entry.value.path, entry.keyAt)
    }
  }

  #fillDefaults(): void {
    for (const field of FIELDS) {
      if (field.default === undefined) continue
      for (const key of this.keysOf(field)) {
        const unfit = !isOf(field, this.variant(key))
        if (this.#values.has(key) || unfit) continue
        const node = defaultTree(field, key)
        this.#read(field, node, 'default')
      }
    }
  }
}

/** Whether a sink type or kind of stream has the field. */
export function isOf({ of }: Field, variant: string | undefined): boolean {
  return of === undefined || (variant !== undefined && of.includes(variant))
}

/** Whether the type of the sink is one that this version has. */
export function isSinkType(type: unknown): type is (typeof SINK_TYPES)[number] {
  return (SINK_TYPES as readonly unknown[]).includes(type)
}

function fieldOf(path: string): Field {
  const field = fieldAt(path)
  if (field === undefined) throw new RangeError(`no field at ${path}`)
  return field
}

function defaultTree(field: Field, path: string): Tree {
  const at: Place = { label: 'default', line: 0, column: 0 }
  const scalar = (value: string | number): Tree => ({ at, path, kind: 'scalar', value })
  return typeof field.default === 'object'
    ? { at, path, kind: 'list', items: field.default.map(scalar) }
    : { ...scalar(field.default ?? ''), path }
}
