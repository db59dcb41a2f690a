// The manifests of deploy/ as kubectl renders them.

import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { kubectl, outcomeOf } from './tools.ts'

export const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url))
export const OVERLAYS = [
  'overlays/datum',
  'overlays/envoy-gateway-nats',
  'overlays/envoy-gateway-openmeter',
]
export const DEPLOYABLE = ['base', ...OVERLAYS]

/** One object of the Kubernetes API, not checked yet. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  // biome-ignore lint/suspicious/noExplicitAny: what is in it is what the tests are about.
  readonly [key: string]: any
}

const rendered = new Map<string, Promise<Manifest[]>>()

/** What `kubectl kustomize` makes of a directory of deploy/; a copy for the caller to change. */
export async function render(directory: string): Promise<Manifest[]> {
  const known = rendered.get(directory) ?? renderOnce(directory)
  rendered.set(directory, known)
  return structuredClone(await known)
}

async function renderOnce(directory: string): Promise<Manifest[]> {
  const { code, stdout, stderr } = await outcomeOf(await kubectl(), [
    'kustomize',
    DEPLOY + directory,
  ])
  if (code !== 0) throw new Error(`kubectl kustomize ${directory}: ${stderr}`)
  return manifestsIn(stdout)
}

/** The documents of a YAML text. @throws on anything that is not plain YAML */
export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors
    if (error) throw error
    return document.toJS() as Manifest
  })
}

/** The one object of a kind and, where there are several, a name. */
export function only(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.filter(
    (one) => one.kind === kind && (name === undefined || one.metadata.name.startsWith(name)),
  )
  const [first] = found
  if (first === undefined || found.length > 1) {
    throw new Error(`${found.length} objects are ${kind} ${name ?? ''}, not one`)
  }
  return first
}
