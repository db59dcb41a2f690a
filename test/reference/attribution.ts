// Whom a line is billed to (DESIGN 4.5): its route, its project, and why it may have none.

import { type Format, isAbsent, type Values } from './format.ts'

export interface Route {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** Why usage has no project that can be billed. */
export type Reason = 'no_route' | 'no_project' | 'bad_project'

export function routeOf(values: Values): Route | null {
  const text = values.get('route')?.text ?? null
  if (text === null || text === '' || text === '-') {
    return null
  }
  const [, type, namespace, name] = /^(http|grpc)route\/([^/]+)\/([^/]+)/.exec(text) ?? []
  return namespace === undefined || name === undefined
    ? { kind: 'unknown', namespace: '', name: text }
    : { kind: type === 'http' ? 'HTTPRoute' : 'GRPCRoute', namespace, name }
}

/** The project's text, or text that is no good project for a value that is no string; or null. */
export function projectOf(values: Values, route: Route | null, { project }: Format): string | null {
  if (project === undefined) {
    throw new Error('the format gives no project')
  }
  if (typeof project === 'string') {
    const value = values.get('project')
    return isAbsent(value) ? null : (value?.text ?? `not a string: ${value?.raw}`)
  }
  if ('constant' in project) {
    return project.constant
  }
  const { strip = '' } = project
  const namespace = route?.namespace ?? ''
  const stripped = namespace.startsWith(strip) ? namespace.slice(strip.length) : namespace
  return stripped === '' || stripped === '-' ? null : stripped
}

export function judgeProject(project: string | null, route: Route | null): Reason | null {
  if (project === null) {
    return route === null ? 'no_route' : 'no_project'
  }
  const isGood = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(project) && project.length <= 63
  return isGood ? null : 'bad_project'
}
