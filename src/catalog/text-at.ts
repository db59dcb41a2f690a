// Looks into documents that may be wrong: what is missing or of another kind is simply not there,
// because its shape was told already.

import type { Place } from '../config/problems.ts'
import { child, type Tree } from '../config/source.ts'

/** A text of a document and where it stands. */
export interface PlacedText {
  readonly text: string
  readonly at: Place
  readonly path: string
}

export function treeAt(tree: Tree | undefined, ...keys: string[]): Tree | undefined {
  return keys.reduce(child, tree)
}

/** The text below `keys`; undefined when there is none. */
export function textAt(tree: Tree | undefined, ...keys: string[]): PlacedText | undefined {
  const found = treeAt(tree, ...keys)
  if (found?.kind !== 'scalar' || typeof found.value !== 'string') return undefined
  return { text: found.value, at: found.at, path: found.path }
}

/** The entries of the list below `keys`; none when there is no list. */
export function itemsAt(tree: Tree | undefined, ...keys: string[]): readonly Tree[] {
  const found = treeAt(tree, ...keys)
  return found?.kind === 'list' ? found.items : []
}

/** The texts of the list below `keys`. */
export function textsAt(tree: Tree | undefined, ...keys: string[]): PlacedText[] {
  return itemsAt(tree, ...keys).flatMap((item) => textAt(item) ?? [])
}
