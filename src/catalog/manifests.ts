// Reads and checks the documents of a service: `Service` and `ServiceConfiguration`.
//
// Files may hold several documents, and a Kustomize file may stand beside them, so that all files
// of a component can be named. What is wrong with one document does not hide what is wrong with
// another; rules between documents look only at what could be read.

import { readFileSync } from 'node:fs'
import { ProblemList, type Report, shown } from '../config/problems.ts'
import { child, readYamlDocuments, type Tree } from '../config/source.ts'
import { MeterFastError } from '../errors.ts'
import { checkAgainst } from './changes.ts'
import { API_VERSION, MANIFEST_SHAPES } from './manifest-shapes.ts'
import { checkReferences } from './references.ts'
import { checkShape } from './shape.ts'
import { textAt } from './text-at.ts'

export type ManifestKind = keyof typeof MANIFEST_SHAPES

/** One document, right or wrong. */
export interface Manifest {
  readonly kind: ManifestKind
  /** `metadata.name`; empty when it is missing. */
  readonly name: string
  readonly tree: Tree
}

const KUSTOMIZE = 'kustomize.config.k8s.io/'

/**
 * Reads the documents of all files and reports everything that is wrong in and between them.
 * @throws {MeterFastError} METER_INPUT_MISSING when a file cannot be read.
 */
export function readManifests(paths: readonly string[], problems: ProblemList): Manifest[] {
  const manifests = paths.flatMap((path) => documentsOf(path, problems.error))
  for (const { kind, tree } of manifests) checkShape(tree, MANIFEST_SHAPES[kind], problems.error)
  repeatedRule(manifests, problems.error)
  checkReferences(manifests, problems)
  return manifests
}

/**
 * The same, with the rules of published documents: `earlier` files say what was published.
 * @throws {MeterFastError} METER_INPUT_MISSING when a file cannot be read.
 */
export function checkManifests(paths: readonly string[], earlier: readonly string[]): ProblemList {
  const problems = new ProblemList()
  const manifests = readManifests(paths, problems)
  // What the earlier version was like is no longer to be mended; only what cannot be read counts.
  const before = earlier.flatMap((path) => documentsOf(path, problems.error))
  checkAgainst(manifests, before, problems.error)
  return problems
}

function documentsOf(path: string, report: Report): Manifest[] {
  const faults = new ProblemList()
  const trees = readYamlDocuments(path, readText(path), faults.error)
  for (const { at, key, what, todo } of faults.found) report(at, key, what, todo)
  const found = trees.flatMap((tree) => manifestOf(tree, report))
  if (trees.length === 0 && !faults.hasErrors) {
    const at = { label: `${path}:1:1`, line: 1, column: 1 }
    report(at, '', 'there is no document in it', 'name a file with a Service or its configuration')
  }
  return found
}

function manifestOf(tree: Tree, report: Report): Manifest[] {
  const kind = textAt(tree, 'kind')
  if (textAt(tree, 'apiVersion')?.text.startsWith(KUSTOMIZE)) return []
  if (kind !== undefined && Object.hasOwn(MANIFEST_SHAPES, kind.text)) {
    const name = textAt(tree, 'metadata', 'name')?.text ?? ''
    return [{ kind: kind.text as ManifestKind, name, tree }]
  }
  const what = kind === undefined ? 'is missing' : `${shown(kind.text)} is not known`
  const at = child(tree, 'kind')?.at ?? tree.at
  report(at, 'kind', what, `write Service or ServiceConfiguration of ${API_VERSION}`)
  return []
}

function repeatedRule(manifests: readonly Manifest[], report: Report): void {
  const seen = new Set<string>()
  for (const { kind, name, tree } of manifests) {
    const id = `${kind} ${name}`
    if (name !== '' && seen.has(id)) {
      const at = textAt(tree, 'metadata', 'name')?.at ?? tree.at
      report(at, 'metadata.name', `${id} is there twice`, 'name each object once')
    }
    seen.add(id)
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const todo = 'Name a file that this user may read.'
    const text = `${path} cannot be read: ${reason}. ${todo}`
    throw new MeterFastError('METER_INPUT_MISSING', text, { cause })
  }
}
