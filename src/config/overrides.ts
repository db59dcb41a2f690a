// Flags and environment twins of the scalar fields: `state.dir` is `--state-dir` and
// METER_FAST_STATE_DIR. A flag wins over the environment, both over the file.
//
// Unknown METER_FAST_* variables are not ours to judge: Kubernetes sets METER_FAST_SERVICE_HOST
// and others for a Service of that name. An empty variable counts as not set.

import { FIELDS, type Field } from './fields.ts'
import { child, plain, type Tree } from './source.ts'

/** A value that stands above the file. */
export interface Override {
  readonly from: 'flag' | 'environment'
  readonly node: Tree
}

const SCALAR_KINDS: readonly string[] = ['duration', 'size', 'count', 'choice', 'text', 'url']

const SCALAR_FIELDS = FIELDS.filter(
  ({ path, kind }) => SCALAR_KINDS.includes(kind) && !path.includes('[]'),
)

/** `--state-dir` of `state.dir`, without the dashes in front. */
export function flagName(field: Field): string {
  return field.path.replaceAll(/[._]/g, '-')
}

/** `METER_FAST_STATE_DIR` of `state.dir`. */
export function environmentName(field: Field): string {
  return `METER_FAST_${field.path.replaceAll('.', '_').toUpperCase()}`
}

/** The flags of all scalar fields, as `parseArgs` of node:util wants them. */
export const CONFIG_FLAGS: Readonly<Record<string, { readonly type: 'string' }>> =
  Object.fromEntries(SCALAR_FIELDS.map((field) => [flagName(field), { type: 'string' }]))

/** What flags and environment say; other names in `flags` are skipped. */
export function readOverrides(
  flags: Readonly<Record<string, unknown>>,
  env: NodeJS.ProcessEnv,
): Override[] {
  return SCALAR_FIELDS.flatMap((field) => {
    const flag = flags[flagName(field)]
    if (typeof flag === 'string') return [override('flag', `--${flagName(field)}`, field, flag)]
    const name = environmentName(field)
    const text = env[name]
    return text ? [override('environment', name, field, text)] : []
  })
}

/**
 * Which keys of the file are not used: those that are overridden, and the whole sink when another
 * type was chosen, since its other keys describe a sink that is not used.
 */
export function replacedKeys(root: Tree, overrides: readonly Override[]): (key: string) => boolean {
  const paths = new Set(overrides.map(({ node }) => node.path))
  const chosen = overrides.find(({ node }) => node.path === 'sink.type')?.node
  const written = child(child(root, 'sink'), 'type')
  const hasOtherSink =
    chosen !== undefined && written !== undefined && plain(chosen) !== plain(written)
  return (key) => paths.has(key) || (hasOtherSink && /^sink(\.|$)/.test(key))
}

function override(from: Override['from'], label: string, { path }: Field, value: string): Override {
  return { from, node: { at: { label, line: 0, column: 0 }, path, kind: 'scalar', value } }
}
