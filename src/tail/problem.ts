// What the tail met and did not read: told to people once, counted by src/observe, never followed.

/** Why a path is not read. The word is stable and fit for a metric's label. */
export type TailProblemReason =
  /** A symbolic link below the configured root. */
  | 'symlink'
  /** A FIFO, device, socket or directory where a log file is expected. */
  | 'not_a_file'
  /** Another name of a file that is read as another stream. */
  | 'linked'
  /** The system refused to list, open or read it. */
  | 'unreadable'
  /** A rotated file in a compression other than gzip. */
  | 'compression'
  /** A directory below the pods root whose name is not `<namespace>_<pod>_<uid>`. */
  | 'pod_name'
  /** A .gz that ends early or fails its checksum. */
  | 'damaged'
  /** No wake-up hints for a directory; it is polled. */
  | 'watch'

export interface TailProblem {
  readonly path: string
  readonly reason: TailProblemReason
  /** One sentence for people: what is wrong, and what to do. */
  readonly message: string
}

const POD_UID = '[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const POD = new RegExp(`/([a-z0-9][-a-z0-9]*)_([a-z0-9][-a-z0-9.]*)_(?:${POD_UID})(?:/|$)`)

/** A problem of a pod names it as Kubernetes does, before the path. */
export function problemOf(path: string, reason: TailProblemReason, message: string): TailProblem {
  const [, namespace, pod] = POD.exec(path) ?? []
  const whose = namespace === undefined ? '' : `Pod ${namespace}/${pod}: `
  return { path, reason, message: `${whose}${path}: ${message}` }
}

/** The problem of a failed system call. */
export function unreadable(path: string, cause: unknown): TailProblem {
  const text = cause instanceof Error ? cause.message : String(cause)
  return problemOf(path, 'unreadable', `cannot be read (${text}); check permissions and mounts`)
}

/** The code of a failed system call, or undefined for any other value. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}

/** True when the path, or a directory on the way to it, does not exist (any more). */
export function isMissing(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Tells each problem once for as long as it lasts; one that went away and came back is news. */
export class ProblemLog {
  #lasting = new Set<string>()

  /** `problems` is everything that is wrong now; the answer is what was not wrong before. */
  news(problems: readonly TailProblem[]): TailProblem[] {
    const before = this.#lasting
    this.#lasting = new Set()
    const fresh: TailProblem[] = []
    for (const problem of problems) {
      const key = `${problem.reason} ${problem.path}`
      if (!before.has(key) && !this.#lasting.has(key)) fresh.push(problem)
      this.#lasting.add(key)
    }
    return fresh
  }
}
