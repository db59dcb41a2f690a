// Manifests against the types of the Kubernetes API, by the TypeScript compiler: each becomes an
// object literal of the type that its apiVersion and kind name. In a literal the compiler refuses
// unknown fields at any depth, wrong types and missing ones, as an API server does with
// fieldValidation=Strict. Values (patterns, lists of allowed words) are checked by the schemas of
// the same packages. What neither sees, selectors and names that must agree, is in
// manifests.deploy.ts.

import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Manifest } from './manifests.ts'
import { outcomeOf } from './tools.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const TSC = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url))
const FLAGS = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck']
const TARGET = ['--target', 'es2023', '--module', 'nodenext', '--allowImportingTsExtensions']

/** One sentence for each fault that the compiler finds; none when all manifests are right. */
export async function typeProblems(manifests: readonly Manifest[]): Promise<string[]> {
  if (!existsSync(join(HERE, 'node_modules/kubernetes-models'))) {
    throw new Error('the types are missing: run "npm ci --prefix test/deploy" first')
  }
  // Beside the packages, so that their names resolve.
  const directory = await mkdtemp(join(HERE, 'node_modules/manifests-'))
  try {
    const files = manifests.map((_, index) => join(directory, `m${index}.mts`))
    for (const [index, manifest] of manifests.entries()) {
      await writeFile(files[index] ?? '', program(manifest))
    }
    const { code, stdout } = await outcomeOf(TSC, [...FLAGS, ...TARGET, ...files])
    const problems = stdout.split('\n').filter((line) => line.includes('error TS'))
    if ((code !== 0) !== problems.length > 0) throw new Error(`tsc: ${stdout}`)
    return problems.map((line) => problemOf(line, manifests))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** One sentence for each manifest with a value that its schema refuses. */
export function valueProblems(manifests: readonly Manifest[]): string[] {
  return manifests.flatMap((manifest) => {
    const models = createRequire(import.meta.url)(moduleOf(manifest.apiVersion))
    try {
      new models[manifest.kind](manifest).validate()
      return []
    } catch (error) {
      return [`${manifest.kind} ${manifest.metadata?.name}: ${(error as Error).message}`]
    }
  })
}

function program(manifest: Manifest): string {
  const { apiVersion, kind } = manifest
  const type = `import type { I${kind} } from '${moduleOf(apiVersion)}'\n`
  return `${type}export const manifest: I${kind} = ${JSON.stringify(manifest, null, 1)}\n`
}

function moduleOf(apiVersion: string): string {
  if (apiVersion.startsWith('gateway.envoyproxy.io/')) return join(HERE, 'envoy-gateway-api.ts')
  if (apiVersion.startsWith('monitoring.coreos.com/')) {
    return `@kubernetes-models/prometheus-operator/${apiVersion}`
  }
  return `kubernetes-models/${apiVersion}`
}

/** `…/m3.mts(12,5): error TS2353: …` as "DaemonSet meter-fast: …". */
function problemOf(line: string, manifests: readonly Manifest[]): string {
  const [, index = '', text = line] = /m(\d+)\.mts\(.*?\): error TS\d+: (.*)$/.exec(line) ?? []
  const manifest = manifests[Number(index)]
  return `${manifest?.kind} ${manifest?.metadata?.name}: ${text}`
}
