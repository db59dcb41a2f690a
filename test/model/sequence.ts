// The language of the model test: what a node, its disk, its clocks, its billing system and its
// operator may do to an agent. A sequence is plain data, so that it can be made from a seed, cut
// down when it fails, printed, and pasted into regressions.ts. Every sequence means something: an
// action that cannot be done (rename back what was not rotated) does nothing.

/** How a log is written: a plain file of raw or of CRI lines, or a container's log in a pod. */
export type LogKind = 'raw' | 'cri' | 'pod'

export interface Setup {
  readonly logs: readonly LogKind[]
  readonly rotation: 'dated' | 'numbered'
  /** The wall clock less the clock of the logs, when the sequence begins. */
  readonly wallAheadMs: number
  readonly windowMs: number
  /** For how long the receiver knows an id: for ever, not at all, or for a time. */
  readonly dedup: 'ever' | 'none' | number
  /** `lmdb`: the store of the product on a real file system, instead of one in memory. */
  readonly store?: 'lmdb'
  /** Limits so small that they are reached. */
  readonly limits?: 'tight'
  /** A new file gets the inode of a deleted one, as on most file systems. */
  readonly inodes?: 'reused'
  readonly connectionSeconds?: 'per_request_floor'
  /** Windows that ended before the first start are held until they are released. */
  readonly hold?: true
}

/** One log entry. What is left out has a plain value. */
export interface Line {
  /** The clock of the line, in ms from the beginning of the sequence's log. */
  readonly at: number
  readonly project?: string | null
  readonly route?: string | null
  readonly sent?: number
  readonly received?: number
  readonly ms?: number
  /** A long-lived request: its records have this number in common. */
  readonly request?: number
  /** The record is not the request's end. */
  readonly type?: 'Start' | 'Periodic'
  /** This text, instead of a record. */
  readonly junk?: string
  /** Bytes that a client sent along: they make a log long. */
  readonly pad?: number
  /** CRI: the record comes in so many parts. */
  readonly parts?: number
  /** CRI: its last part comes with the next write, wherever that goes. */
  readonly open?: true
}

/** A change of the files of one log. `inside`: it comes while the agent does its n-th operation. */
export type FileAction = { readonly log: number; readonly inside?: number } & (
  | {
      readonly do: 'write'
      readonly lines: readonly Line[]
      /** Bytes at the end that come with the next write. */
      readonly withheld?: number
    }
  | { readonly do: 'rename' | 'reopen' | 'rotate' | 'back' | 'copy' | 'truncate' | 'late' }
  /** Rotated file `which`, 0 is the oldest: takes so many steps of three, tmp, rename, unlink. */
  | { readonly do: 'gzip'; readonly which: number; readonly steps: number }
  | { readonly do: 'delete'; readonly which: number }
  /** The container starts anew, as attempt n + 1, or in a new pod when its pod was deleted. */
  | { readonly do: 'attempt' | 'deletePod' }
)

/** How the billing system answers one request; afterwards it accepts. */
export type Answer =
  | 'accept'
  | 'answerLost'
  | 'requestLost'
  | 'tooMany'
  | 'stopsHalfway'
  | 'dropsSome'
  | 'unreadable'
  | 'hangs'
  | 'unreachable'
  | 'unauthorized'
  | 'misconfigured'
  | 'tooLarge'

export interface Configuration {
  readonly windowMs?: number
  readonly region?: string
  readonly exclude?: readonly string[]
  readonly spoolBytesMax?: number
}

/** Usage without a project is billed to the projects of MAP. */
export type Request = 'unattributed' | 'rejected' | 'release'

/** Whose usage it was, as somebody finds out later. */
export const MAP = { namespaces: { n: 'p-late' }, projects: { 'Not Good': 'p-good' } } as const

export type Action =
  | FileAction
  /** Time passes; the agent is woken so many times. */
  | { readonly do: 'pass'; readonly ms: number; readonly wakes: number }
  | { readonly do: 'start' }
  /** The agent does so many operations more and is gone. */
  | { readonly do: 'kill'; readonly after: number }
  | { readonly do: 'stop' }
  /** A run that reads to the end, unless it is killed before. */
  | { readonly do: 'once'; readonly killedAfter?: number }
  /** The wall clock is set. */
  | { readonly do: 'clock'; readonly stepMs: number }
  | { readonly do: 'sink'; readonly answers: readonly Answer[] }
  /** The receiver refuses events of project p-x: by 207, or with 400 for the whole batch. */
  | { readonly do: 'poison'; readonly status: 207 | 400 | null }
  | { readonly do: 'disk'; readonly state: 'fails-once' | 'full' | 'works' }
  /** Somebody asks, by the command line, for a replay or a release. */
  | { readonly do: 'ask'; readonly for: Request }
  /** From the next start on. */
  | { readonly do: 'configure'; readonly to: Configuration }

export interface Sequence {
  readonly setup: Setup
  readonly actions: readonly Action[]
}

/** The clock of the logs at the beginning of a sequence. */
export const BASE_MS = Date.UTC(2026, 10, 2, 12)

/** The sequence as TypeScript, one action a line, to be pasted into regressions.ts. */
export function literal({ setup, actions }: Sequence): string {
  const lines = actions.map((action) => `      ${objectText(action)},`)
  return [`    setup: ${objectText(setup)},`, '    actions: [', ...lines, '    ],'].join('\n')
}

function objectText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(objectText).join(', ')}]`
  if (typeof value === 'string') return `'${JSON.stringify(value).slice(1, -1)}'`
  if (typeof value !== 'object' || value === null) return String(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{ ${members.map(([key, member]) => `${key}: ${objectText(member)}`).join(', ')} }`
}
