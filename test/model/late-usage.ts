// Usage that had no project when its lines were read, and that a replay bills to projects of MAP.
// Which events a replay makes depends on when it is asked for; their sums do not, and nothing is
// billed twice or forgotten, whatever dies in between.

import {
  addUsage,
  NO_USAGE,
  type Segment,
  type Unattributed,
  type Usage,
} from '../reference/segment.ts'
import { MAP } from './sequence.ts'
import { check } from './violation.ts'

const SUBJECTS = [...Object.values(MAP.namespaces), ...Object.values(MAP.projects)]

/** The event is of a replay. */
export function isLateUsage(text: string): boolean {
  return SUBJECTS.some((project) => text.includes(`"subject":"projects/${project}"`))
}

/** What is to be billed late, in all. */
export class LateUsage {
  readonly #sums = new Map<string, Usage>()

  add(part: Segment): void {
    for (const one of part.unattributed.values()) {
      const project = projectOf(one)
      if (project === undefined) continue
      this.#sums.set(project, addUsage(this.#sums.get(project) ?? NO_USAGE, one.usage))
    }
  }

  /**
   * Seconds are left out: how many there are depends on what was billed together. With few keys
   * (`isTight`) some usage is kept under its reason alone, so that nobody can say whose it was.
   */
  judge(texts: Iterable<string>, isTight: boolean): void {
    const found = new Map<string, bigint>()
    for (const text of texts) {
      if (!isLateUsage(text)) continue
      const { type, subject, data } = JSON.parse(text) as Event
      const name = `${subject.slice(9)} ${type.slice(type.lastIndexOf('/') + 1)}`
      found.set(name, (found.get(name) ?? 0n) + BigInt(data.value))
    }
    for (const project of SUBJECTS) {
      const { requests, egressBytes, ingressBytes } = this.#sums.get(project) ?? NO_USAGE
      const wanted = { requests, 'egress-bytes': egressBytes, 'ingress-bytes': ingressBytes }
      for (const [meter, sum] of Object.entries(wanted)) {
        const billed = found.get(`${project} ${meter}`) ?? 0n
        const isRight = billed === sum || (isTight && billed < sum)
        check('I1', isRight, () => `${billed} ${meter} of ${project} came late, not ${sum}`)
      }
    }
  }
}

interface Event {
  readonly type: string
  readonly subject: string
  readonly data: { readonly value: string }
}

function projectOf({ reason, project, route }: Unattributed): string | undefined {
  const { projects, namespaces } = MAP
  if (Object.hasOwn(projects, project)) return projects[project as keyof typeof projects]
  const namespace = route?.namespace ?? ''
  if (reason === 'bad_project' || !Object.hasOwn(namespaces, namespace)) return undefined
  return namespaces[namespace as keyof typeof namespaces]
}
