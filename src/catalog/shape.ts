// What a document may look like, as data, and the walk that holds a document against it.
//
// One table (manifest-shapes.ts) says every field with its bounds; this file knows none of them.
// What is wrong is told at its own place and the walk goes on: a reader sees all problems at once.
// Lengths are counted in characters, as the API server counts them.

import { oneOf, type Report, shown, suggestion } from '../config/problems.ts'
import { child, isNull, plain, type Tree } from '../config/source.ts'

export interface TextShape {
  readonly kind: 'text'
  readonly min?: number
  readonly max?: number
  readonly pattern?: RegExp
  /** What to write where the pattern does not fit. */
  readonly patternTodo?: string
  readonly choices?: readonly string[]
}

export interface ListShape {
  readonly kind: 'list'
  readonly min?: number
  readonly max?: number
  readonly item: Shape
  /** The key that tells entries apart; for texts, the text itself does. */
  readonly key?: string
}

export interface MapShape {
  readonly kind: 'map'
  readonly fields: Readonly<Record<string, FieldShape>>
  /** Keys that were there once, and what to write instead. */
  readonly replaced?: Readonly<Record<string, string>>
}

export type Shape =
  | TextShape
  | ListShape
  | MapShape
  /** Any keys, all values texts: labels, annotations. */
  | { readonly kind: 'texts' }
  /** Written by the server, or of another's concern: not judged. */
  | { readonly kind: 'any' }

export interface FieldShape {
  readonly shape: Shape
  /** What to do when the key is missing; its presence makes the key required. */
  readonly required?: string
}

/** Reports everything in `tree` that does not fit `shape`. */
export function checkShape(tree: Tree, shape: Shape, report: Report): void {
  if (tree.kind === 'broken' || shape.kind === 'any') return
  if (shape.kind === 'text') checkText(tree, shape, report)
  else if (shape.kind === 'list') checkList(tree, shape, report)
  else if (shape.kind === 'map') checkMap(tree, shape, report)
  else checkTexts(tree, report)
}

function checkText(tree: Tree, shape: TextShape, report: Report): void {
  if (tree.kind !== 'scalar' || typeof tree.value !== 'string') {
    const todo = 'write a text; put numbers and true or false in quotes'
    report(tree.at, tree.path, `${shown(plain(tree))} is no text`, todo)
    return
  }
  const { value } = tree
  const { min = 0, max = Number.MAX_SAFE_INTEGER, choices, pattern } = shape
  const length = [...value].length
  if (length < min || length > max) {
    const what = `it has ${length} characters`
    report(tree.at, tree.path, what, `write ${min} to ${max} of them`)
  } else if (choices !== undefined && !choices.includes(value)) {
    report(tree.at, tree.path, `${shown(value)} is not known`, `choose ${oneOf(choices)}`)
  } else if (pattern !== undefined && !pattern.test(value)) {
    const todo = shape.patternTodo ?? 'write another'
    report(tree.at, tree.path, `${shown(value)} does not fit`, todo)
  }
}

function checkList(tree: Tree, shape: ListShape, report: Report): void {
  if (tree.kind !== 'list') {
    report(tree.at, tree.path, `${shown(plain(tree))} is no list`, 'write entries with "- "')
    return
  }
  const { min = 0, max = Number.MAX_SAFE_INTEGER, item, key } = shape
  const count = tree.items.length
  if (count < min) report(tree.at, tree.path, 'the list is empty', `write at least ${min}`)
  if (count > max) report(tree.at, tree.path, `it has ${count} entries`, `write at most ${max}`)
  const seen = new Set<unknown>()
  for (const entry of tree.items) {
    checkShape(entry, item, report)
    const name = key === undefined ? undefined : key === '' ? entry : child(entry, key)
    if (name?.kind !== 'scalar') continue
    if (seen.has(name.value)) {
      report(name.at, name.path, `${shown(name.value)} is there twice`, 'name it once')
    }
    seen.add(name.value)
  }
}

function checkMap(tree: Tree, { fields, replaced = {} }: MapShape, report: Report): void {
  const known = Object.keys(fields)
  if (tree.kind !== 'map') {
    const todo = `write a map with ${oneOf(known)}`
    report(tree.at, tree.path, `${shown(plain(tree))} is no map`, todo)
    return
  }
  for (const { key, keyAt, value } of tree.entries) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined
    const todo = Object.hasOwn(replaced, key) ? replaced[key] : suggestion(key, known)
    if (field === undefined) report(keyAt, value.path, 'unknown key', todo ?? '')
    else if (!isNull(value)) checkShape(value, field.shape, report)
  }
  missingRule(tree, fields, report)
}

function missingRule(tree: Tree, fields: MapShape['fields'], report: Report): void {
  for (const [name, { required }] of Object.entries(fields)) {
    if (required === undefined || child(tree, name) !== undefined) continue
    const path = tree.path === '' ? name : `${tree.path}.${name}`
    report(tree.at, path, 'is missing', required)
  }
}

function checkTexts(tree: Tree, report: Report): void {
  if (tree.kind !== 'map') {
    report(tree.at, tree.path, `${shown(plain(tree))} is no map`, 'write name: text')
    return
  }
  for (const { value } of tree.entries) checkShape(value, { kind: 'text' }, report)
}
