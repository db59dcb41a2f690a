// What is known to be missing, or may be: I7 wants a record for every byte range that was lost,
// as far as anybody can know of it, and that a gap of unknown size is never taken for none.

/** Why bytes were not read, or can no longer be proven. The word is fit for a metric's label. */
export type GapReason =
  /** Its file was not found again after a restart, and a newer one is there. */
  | 'vanished'
  /** It was emptied or written anew before its end was known to be reached. */
  | 'truncated'
  /** It lost its end, most often with the power. What was read of that end is billed for good. */
  | 'shrunk'
  /** A .gz that cannot be inflated to its end. */
  | 'damaged'
  /** It grew after it was read to its end and a newer generation had begun. */
  | 'late'
  /** It was deleted and held open, and was let go because the disk needs the room. */
  | 'released'

/** A range of a generation's bytes that its file has no longer, or that was not read. */
export interface GapRecord {
  readonly stream: string
  readonly generation: number
  /** Base name at the last look. */
  readonly name: string
  /** The first byte that may be missing. */
  readonly offset: number
  /** The first byte behind it that is not missing; null when nobody can know. */
  readonly end: number | null
  /** How many were certainly not read. There may be more, up to `end`. */
  readonly bytes: number
  readonly reason: GapReason
  /** The machine was started anew since the generation was last held open. */
  readonly bootChanged: boolean
}
