// What may change between two versions of a document, and what never may.
//
// A phase goes one step forward or stays. Once a document was published, billing holds objects made
// of it: nothing may go and nothing that gives a number its meaning may change; adding is free. A
// meter that loses a dimension, or a type that loses a label, is deleted and made anew, and events
// in between go to quarantine; so that counts as loss too, though the API server lets it pass.

import { isDeepStrictEqual } from 'node:util'
import { type Report, shown } from '../config/problems.ts'
import { plain, type Tree } from '../config/source.ts'
import { PHASES } from './manifest-shapes.ts'
import type { Manifest } from './manifests.ts'
import { itemsAt, textAt, textsAt, treeAt } from './text-at.ts'

const DEFAULT_PHASE = 'Draft'
const DEFAULT_GATING = 'OrganizationDefault'
const KEEP = 'write it again; what was published stays'

/** Reports every change from `earlier` that is not allowed. */
export function checkAgainst(
  manifests: readonly Manifest[],
  earlier: readonly Manifest[],
  report: Report,
): void {
  for (const { kind, name, tree: before } of earlier) {
    const after = manifests.find((one) => one.kind === kind && one.name === name)
    if (after === undefined) {
      if (phaseOf(before) === DEFAULT_PHASE) continue
      const what = `the ${kind} ${name} was published and is not in these files`
      report(before.at, 'metadata.name', what, 'name the file that holds it; its name stays')
      continue
    }
    phaseRule(before, after.tree, report)
    if (kind === 'Service') {
      sameRule(before, after.tree, ['spec', 'serviceName'], report)
    } else if (phaseOf(before) !== DEFAULT_PHASE) {
      publishedRules(before, after.tree, report)
    }
  }
}

function phaseOf(tree: Tree): string {
  return textAt(tree, 'spec', 'phase')?.text ?? DEFAULT_PHASE
}

function phaseRule(before: Tree, after: Tree, report: Report): void {
  const order: readonly string[] = PHASES
  const from = order.indexOf(phaseOf(before))
  const to = order.indexOf(phaseOf(after))
  if (from < 0 || to < 0 || to === from || to === from + 1) return
  const at = treeAt(after, 'spec', 'phase')?.at ?? treeAt(after, 'spec')?.at ?? after.at
  const next = order.slice(from, from + 2).join(' or ')
  report(at, 'spec.phase', `it was ${order[from]} and cannot become ${order[to]}`, `write ${next}`)
}

function publishedRules(before: Tree, after: Tree, report: Report): void {
  sameRule(before, after, ['spec', 'serviceRef', 'name'], report)
  sameRule(before, after, ['spec', 'defaultOffer'], report)
  sameRule(before, after, ['spec', 'billing', 'quotaGating'], report, DEFAULT_GATING)
  const pairs = (keys: string[], name: string) => keptEntries(before, after, keys, name, report)
  for (const [old, now] of pairs(['spec', 'monitoredResourceTypes'], 'type')) {
    sameRule(old, now, ['gvk', 'group'], report)
    sameRule(old, now, ['gvk', 'kind'], report)
    keptEntries(old, now, ['labels'], 'name', report)
  }
  for (const [old, now] of pairs(['spec', 'metrics'], 'name')) {
    sameRule(old, now, ['kind'], report)
    sameRule(old, now, ['unit'], report)
    keptTexts(old, now, 'dimensions', report)
  }
  for (const [old, now] of pairs(['spec', 'charges'], 'name')) {
    if (isDeepStrictEqual(plain(old), plain(now))) continue
    report(now.at, now.path, 'it differs from the published charge', 'add another charge instead')
  }
  for (const [old, now] of pairs(
    ['spec', 'billing', 'consumerDestinations'],
    'monitoredResourceType',
  )) {
    keptTexts(old, now, 'metrics', report)
  }
}

/** Entries that are in both versions; each that is gone is told. */
function keptEntries(
  before: Tree,
  after: Tree,
  keys: string[],
  name: string,
  report: Report,
): [Tree, Tree][] {
  const now = new Map(itemsAt(after, ...keys).map((item) => [textAt(item, name)?.text, item]))
  return itemsAt(before, ...keys).flatMap((old): [Tree, Tree][] => {
    const key = textAt(old, name)?.text
    const found = now.get(key)
    if (found !== undefined) return [[old, found]]
    if (key !== undefined) tellGone(after, keys, key, report)
    return []
  })
}

function keptTexts(before: Tree, after: Tree, key: string, report: Report): void {
  const now = new Set(textsAt(after, key).map(({ text }) => text))
  for (const { text } of textsAt(before, key)) {
    if (!now.has(text)) tellGone(after, [key], text, report)
  }
}

function tellGone(after: Tree, keys: string[], name: string, report: Report): void {
  const { at, path } = placeOf(after, keys)
  report(at, path, `${shown(name)} is gone`, KEEP)
}

function sameRule(
  before: Tree,
  after: Tree,
  keys: string[],
  report: Report,
  byDefault?: string,
): void {
  const old = textAt(before, ...keys)?.text ?? byDefault
  const now = textAt(after, ...keys)?.text ?? byDefault
  if (old === now) return
  const { at, path } = placeOf(after, keys)
  const what = old === undefined ? 'it was not there' : `it was ${shown(old)}`
  report(at, path, what, old === undefined ? 'remove it' : `write ${old}; it cannot change`)
}

// Of a key that is not there, the place of what should hold it.
function placeOf(tree: Tree, keys: string[]): { at: Tree['at']; path: string } {
  const holders = keys.map((_, index) => treeAt(tree, ...keys.slice(0, index + 1)))
  const at = (holders.findLast((holder) => holder !== undefined) ?? tree).at
  return { at, path: [tree.path, ...keys].filter((part) => part !== '').join('.') }
}
