// Reads a route name as DESIGN 4.5 says it. The core does this for every line; here it is done for
// usage that had no project when its lines were read.

import type { RouteKind } from './usage-page.ts'

export interface Route {
  readonly kind: RouteKind
  readonly namespace: string
  readonly name: string
}

const KINDS: Readonly<Record<string, RouteKind>> = {
  httproute: 'HTTPRoute',
  grpcroute: 'GRPCRoute',
}

/** The text of a raw JSON token, as unattributed usage keeps it; undefined when it is no string. */
export function rawText(raw: string): string | undefined {
  const value: unknown = raw === '' ? undefined : JSON.parse(raw)
  return typeof value === 'string' ? value : undefined
}

/** `httproute|grpcroute/<ns>/<name>[/...]`; any other text is kind `unknown`, none is null. */
export function readRoute(text: string | undefined): Route {
  if (text === undefined || text === '' || text === '-')
    return { kind: null, namespace: '', name: '' }
  const [kind = '', namespace = '', name = ''] = text.split('/')
  const known = Object.hasOwn(KINDS, kind) && namespace !== '' && name !== ''
  return known
    ? { kind: KINDS[kind] as RouteKind, namespace, name }
    : { kind: 'unknown', namespace: '', name: text }
}
