// What verify found: one difference is one number (or place) that two witnesses tell differently.

/** Which two witnesses disagree: `expected` is what the first says, `found` the second. */
export type Check =
  /** The logs, computed again, and a row of the ledger. */
  | 'ledger'
  /** The logs, computed again, and the open totals of the state. */
  | 'open'
  /** A row of the ledger, and the usage events that were made of its piece. */
  | 'events'
  /** A row of the ledger, and the usage without a project that is kept of its piece. */
  | 'unattributed'
  /** The pieces of a stream, and the bytes that they must cover. */
  | 'pieces'
  /** The lines of all pieces of a stream, and those that it counts. */
  | 'lines'
  /** The logs, or the ledger, and the lines that are kept in quarantine. */
  | 'quarantine'
  /** Two places of the state that say how far a stream was read. */
  | 'position'
  /** A value of the state that cannot be believed. */
  | 'state'

/** A piece of a segment, or all of a stream, or, without a stream, the state. */
export interface Place {
  readonly stream: string
  readonly windowStartMs?: number | undefined
  readonly windowMs?: number | undefined
  readonly epoch?: number | undefined
  readonly part?: string | undefined
}

export interface Difference extends Place {
  readonly check: Check
  /** Null where a difference is of no project. */
  readonly project: string | null
  /** A meter, or what else was compared. */
  readonly meter: string
  readonly expected: string
  readonly found: string
}

/** Differences that are kept; the others are counted. */
const KEPT_MAX = 100_000

export class Differences {
  readonly list: Difference[] = []
  total = 0

  add(check: Check, place: Place, what: Omit<Difference, 'check' | keyof Place>): void {
    this.total += 1
    if (this.list.length === KEPT_MAX) return
    const { stream, epoch, windowStartMs, windowMs, part } = place
    this.list.push({ check, stream, epoch, windowStartMs, windowMs, part, ...what })
  }

  /** Adds one unless both are the same. */
  compare(
    check: Check,
    place: Place,
    meter: string,
    expected: bigint | string,
    found: bigint | string,
    project: string | null = null,
  ): void {
    if (expected === found) return
    this.add(check, place, { project, meter, expected: String(expected), found: String(found) })
  }
}

/** Of a value of the state that does not say what it must. */
export function notAsWritten(found: string): Omit<Difference, 'check' | keyof Place> {
  return { project: null, meter: 'state', expected: 'as it was written', found }
}
