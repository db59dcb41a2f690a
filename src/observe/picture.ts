// What metrics and health know of an agent besides its signals: plain numbers, which the agent's
// loop hands over, so that a scrape never touches the state or the engine while they are at work.

/**
 * Sums of the last durable commit. They go on over restarts and never go back, so a rate over them
 * has no false resets, and they are what `meter-fast status` prints.
 */
export interface CommittedSums {
  readonly commits: number
  /** Lines by outcome, e.g. `ignored.stderr`. */
  readonly lines: readonly (readonly [outcome: string, count: bigint])[]
  readonly counts: CommittedCounts
  readonly usage: readonly UsageSum[]
}

export interface CommittedCounts {
  readonly gaps: number
  readonly gap_bytes: number
  readonly closed_by_time: number
  readonly closed_by_content: number
  readonly events: number
  readonly events_held: number
  readonly events_released: number
  readonly events_accepted: number
  readonly events_rejected: number
  readonly events_resent: number
  readonly events_replayed: number
  readonly requests_replayed: number
  readonly batches_ambiguous: number
  readonly commits_failed: number
}

export interface UsageSum {
  readonly stage: string
  readonly meter: string
  readonly amount: bigint
}

/**
 * How things stand, as of the last look at the logs: about once a second. What is counted here is
 * counted from the `started` signal on.
 */
export interface Look {
  readonly streams: number
  readonly bytesRead: number
  /** Lines by the path that they took through the core, e.g. `declined.escape`. */
  readonly paths: readonly (readonly [path: string, count: bigint])[]
  readonly unreadBytes: number
  /** Start of the oldest open window, and of the newest one of all. */
  readonly oldestOpenMs: number | undefined
  readonly newestMs: number | undefined
  readonly spool: { readonly events: number; readonly held: number; readonly bytes: number }
  /** Start of the window of the oldest event that may be sent. */
  readonly oldestUnsentMs: number | undefined
  /** False: the disk of the state is full, and nothing is read. */
  readonly hasDisk: boolean
  /** The spool is at its limit, and nothing is read. */
  readonly isSpoolFull: boolean
}
