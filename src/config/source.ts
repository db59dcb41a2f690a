// A YAML file as a tree in which every node knows its place and its key.
//
// The environment is read here: `${NAME}`, `${NAME:-default}` (the default also when NAME is
// empty), and `$${` for a literal `${`. It is put into strings after YAML was read, so that a
// value can never add keys. A string that names a missing variable becomes a `broken` node: its
// problem is told once, here, and no reader complains about it again.

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  parseDocument,
} from 'yaml'
import type { Place, Report } from './problems.ts'

interface Located {
  readonly at: Place
  /** `streams[0].format`; empty for the root. */
  readonly path: string
}

export interface Entry {
  readonly key: string
  readonly keyAt: Place
  readonly value: Tree
}

export type Tree = Located &
  (
    | { readonly kind: 'map'; readonly entries: readonly Entry[] }
    | { readonly kind: 'list'; readonly items: readonly Tree[] }
    | { readonly kind: 'scalar'; readonly value: string | number | boolean | null }
    | { readonly kind: 'broken' }
  )

// Far above any configuration; stops aliases that multiply each other.
const NODES_MAX = 100_000

type PlaceOf = (offset: number) => Place
type ReadScalar = (value: unknown, at: Place, path: string) => Tree

/** Reads YAML text; undefined when it is no YAML, which `report` was told. */
export function readYaml(
  file: string,
  text: string,
  env: NodeJS.ProcessEnv,
  report: Report,
): Tree | undefined {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const place = placesIn(file, lines)
  const todo = `mend the YAML; a value with \${NAME} inside { } or [ ] needs quotes`
  if (tellFaults(document, place, todo, report)) return undefined
  const readScalar: ReadScalar = (value, at, path) => scalarTree(value, at, path, env, report)
  return treeOf(document, place, readScalar, report)
}

/**
 * Reads each document of YAML text as it stands, without the environment. Empty ones are left out,
 * and those that are no YAML, which `report` was told.
 */
export function readYamlDocuments(file: string, text: string, report: Report): Tree[] {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  const place = placesIn(file, lines)
  const readScalar: ReadScalar = (value, at, path) => {
    return { at, path, kind: 'scalar', value: value as string | number | boolean | null }
  }
  return [...documents]
    .filter((document) => !tellFaults(document, place, 'mend the YAML', report))
    .map((document) => treeOf(document, place, readScalar, report))
    .filter((tree) => !isNull(tree))
}

function placesIn(file: string, lines: LineCounter): PlaceOf {
  return (offset) => {
    const { line, col } = lines.linePos(offset)
    return placeIn(file, Math.max(1, line), Math.max(1, col))
  }
}

function tellFaults(document: Document, place: PlaceOf, todo: string, report: Report): boolean {
  const faults = [...document.errors, ...document.warnings]
  for (const fault of faults) {
    report(place(fault.pos[0]), '', fault.message.replaceAll(/\s+/g, ' '), todo)
  }
  return faults.length > 0
}

function treeOf(document: Document, place: PlaceOf, readScalar: ReadScalar, report: Report): Tree {
  let nodes = 0
  const open = new Set<Node>()

  function tree(given: unknown, path: string, fallbackAt: Place): Tree {
    const at = placeOf(given, place) ?? fallbackAt
    const node = isAlias(given) ? given.resolve(document) : given
    nodes += 1
    if (nodes > NODES_MAX || (isNode(node) && open.has(node))) {
      report(at, path, 'its aliases never end or give too many values', 'write the values out')
      return { at, path, kind: 'broken' }
    }
    if (isScalar(node)) return readScalar(node.value, at, path)
    if (!isMap(node) && !isSeq(node)) return { at, path, kind: 'scalar', value: null }
    open.add(node)
    const made: Tree = isMap(node)
      ? { at, path, kind: 'map', entries: node.items.map((pair) => entry(pair, path, at)) }
      : { at, path, kind: 'list', items: node.items.map((x, i) => tree(x, `${path}[${i}]`, at)) }
    open.delete(node)
    return made
  }

  function entry(pair: { key: unknown; value: unknown }, path: string, mapAt: Place): Entry {
    const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key)
    const keyAt = placeOf(pair.key, place) ?? mapAt
    return { key, keyAt, value: tree(pair.value, path === '' ? key : `${path}.${key}`, keyAt) }
  }

  return tree(document.contents, '', place(0))
}

/** The value of a map's key; undefined when it is not there or null (an empty `key:`). */
export function child(tree: Tree | undefined, key: string): Tree | undefined {
  if (tree?.kind !== 'map') return undefined
  const value = tree.entries.find((entry) => entry.key === key)?.value
  return value === undefined || isNull(value) ? undefined : value
}

export function isNull(tree: Tree): boolean {
  return tree.kind === 'scalar' && tree.value === null
}

/**
 * The tree as plain values, without places. A broken node is `x`, a text that fits wherever a key
 * or name does, so that what is checked around it gets no problem for it.
 */
export function plain(tree: Tree): unknown {
  if (tree.kind === 'map') {
    return Object.fromEntries(tree.entries.map(({ key, value }) => [key, plain(value)]))
  }
  if (tree.kind === 'list') return tree.items.map(plain)
  return tree.kind === 'scalar' ? tree.value : 'x'
}

/** Whether a value below could not be read: what depends on it is not judged. */
export function isBroken(tree: Tree): boolean {
  if (tree.kind === 'map') return tree.entries.some(({ value }) => isBroken(value))
  if (tree.kind === 'list') return tree.items.some(isBroken)
  return tree.kind === 'broken'
}

function scalarTree(
  value: unknown,
  at: Place,
  path: string,
  env: NodeJS.ProcessEnv,
  report: Report,
): Tree {
  if (typeof value !== 'string') {
    return { at, path, kind: 'scalar', value: value as number | boolean | null }
  }
  let broken = false
  const complain = (what: string, todo: string): string => {
    broken = true
    report(at, path, what, todo)
    return ''
  }
  const text = value.replaceAll(/\$(\$)?\{([^}]*)(\}?)/g, (whole, escaped, inside, end) => {
    if (escaped !== undefined) return whole.slice(1)
    const parts = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside)
    const name = parts?.[1]
    if (name === undefined || end === '') {
      return complain(
        'its ${ is not closed or names no variable',
        `write \${NAME} or \${NAME:-text}`,
      )
    }
    const fallback = parts?.[2]
    if (fallback !== undefined) return env[name] || fallback
    const todo = `set it, or write \${${name}:-default}`
    return env[name] ?? complain(`the environment variable ${name} is not set`, todo)
  })
  return broken ? { at, path, kind: 'broken' } : { at, path, kind: 'scalar', value: text }
}

function placeIn(file: string, line: number, column: number): Place {
  return { label: `${file}:${line}:${column}`, line, column }
}

function placeOf(node: unknown, place: (offset: number) => Place): Place | undefined {
  const offset = isNode(node) ? node.range?.[0] : undefined
  return typeof offset === 'number' ? place(offset) : undefined
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'range' in value
}
