// Which generation is this file? Pure functions over facts that were observed before.
//
// Two hashes prove an identity: the proof covers the first complete lines up to 1 KiB (of a
// longer first line, its first 1 KiB; of the uncompressed data of a .gz), the guard covers the
// up to 256 bytes before the position. (device, inode) is a hint: file systems give an inode
// of a deleted file to the next one at once. It decides only what content leaves open.
//
// A proof grows while its file is shorter than 1 KiB. So a proof remembers how many bytes it
// covers, and is compared with exactly that many bytes of the other file: a short proof
// matches every longer file that begins with the same lines, and the guard has the last word.

import { createHash } from 'node:crypto'

/** Bytes of uncompressed data that a proof covers at most. */
export const PROOF_BYTES_MAX = 1024
/** Bytes before the position that a guard covers at most. */
export const GUARD_BYTES_MAX = 256

/** What a commit keeps of a generation; plain JSON. */
export interface GenerationRecord {
  /** Ordinal in the stream, from 0, in order of first sight; never used twice. */
  readonly generation: number
  /** Base name at the last look: a hint for people. */
  readonly name: string
  /** Decimal device and inode number: a hint, as text because they may pass 2^53. */
  readonly dev: string
  readonly inode: string
  /** SHA-256 in hex of the first `proofBytes` bytes; '' while no line was complete. */
  readonly proof: string
  readonly proofBytes: number
  /** SHA-256 in hex of the up to 256 bytes before `offset`; null when read from a .gz. */
  readonly guard: string | null
  /** Uncompressed bytes that are committed: I3, it never moves back. */
  readonly offset: number
  /** Read to its end; nothing of it is read again. */
  readonly finished: boolean
}

/** A generation that is known, and whether its file is open here. */
export interface KnownGeneration extends GenerationRecord {
  /** Its file is open: the inode is certain and no other file can have it. */
  readonly held: boolean
  /** It is read from a .gz. */
  readonly compressed: boolean
  /** It was at the live name at the last look. */
  readonly live: boolean
  /** It has no name in the directory any more. */
  readonly unlinked: boolean
  /** Bytes that were read, committed or not; equal to `offset` when it is not held. */
  readonly readOffset: number
}

/** What was seen of a file that is not open as a generation yet, or is looked at again. */
export interface Candidate {
  readonly name: string
  readonly dev: string
  readonly inode: string
  /** Uncompressed bytes; undefined for a .gz, where only reading tells. */
  readonly size: number | undefined
  /** At the live name, where writers create files and nobody copies to. */
  readonly live: boolean
  /** The first bytes, uncompressed, at least as many as PROOF_BYTES_MAX if there are so many. */
  readonly head: Uint8Array
  /** Guards of this file by offset, for the offsets of known generations with its proof. */
  readonly guards: ReadonlyMap<number, string>
}

/** What a candidate is; `generation` is the ordinal of the known one that it is about. */
export type Verdict =
  /** That generation under this or any name: read on at its offset. */
  | { readonly kind: 'continue'; readonly generation: number }
  /** That generation, cut before its position by a power loss: read on at its end. */
  | { readonly kind: 'shrunk'; readonly generation: number }
  /** That generation's own file was emptied or written anew: it ends, a new one begins at 0. */
  | { readonly kind: 'truncated'; readonly generation: number }
  /** The same content as a generation that is open: not read. */
  | { readonly kind: 'copy'; readonly generation: number }
  /** No known content: read from 0. */
  | { readonly kind: 'new' }
  /** No complete line to decide by: look again later. */
  | { readonly kind: 'waiting' }

export interface Proof {
  readonly hash: string
  readonly bytes: number
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The guard of the bytes that end at a position; `before` has at most GUARD_BYTES_MAX. */
export function guardOf(before: Uint8Array): string {
  return sha256(before)
}

/**
 * The proof that `head` allows, undefined while it holds no complete line. A `finished` file
 * gets no more bytes, so all of its head counts.
 */
export function proofOf(head: Uint8Array, finished = false): Proof | undefined {
  const reach = head.subarray(0, PROOF_BYTES_MAX)
  const lines = reach.lastIndexOf(0x0a) + 1
  // With 1 KiB and no line end, no later byte can change what the proof covers.
  const whole = finished || (lines === 0 && reach.length === PROOF_BYTES_MAX)
  const bytes = whole ? reach.length : lines
  return bytes === 0 ? undefined : { hash: sha256(reach.subarray(0, bytes)), bytes }
}

/** True when `head` begins with the bytes that the proof covers. */
export function provesSame(record: GenerationRecord, head: Uint8Array): boolean {
  const { proof, proofBytes } = record
  return (
    proofBytes > 0 && head.length >= proofBytes && sha256(head.subarray(0, proofBytes)) === proof
  )
}

/** True when the guard must be observed at `record.offset` before a verdict. */
export function needsGuard(record: KnownGeneration, compressed: boolean): boolean {
  // A finished generation is read no more, so its .gz need not be inflated as far as that.
  return !record.held && !(compressed && record.finished)
}

function sameFile(known: KnownGeneration, candidate: Candidate): boolean {
  return known.dev === candidate.dev && known.inode === candidate.inode
}

/** A generation whose file is open, against its own file looked at again. */
function againstItself(known: KnownGeneration, candidate: Candidate): Verdict {
  const { generation, readOffset, proofBytes } = known
  const proven = proofBytes > 0
  if (proven && !provesSame(known, candidate.head)) return { kind: 'truncated', generation }
  if ((candidate.size ?? readOffset) >= readOffset) return { kind: 'continue', generation }
  return { kind: proven ? 'shrunk' : 'truncated', generation }
}

/**
 * A file beside an open generation can only be a copy of it: what a compressor made of it, what
 * it was before that, or the copy of a live file that is about to be truncated. Equal first
 * lines alone join nothing.
 */
function besideHeld(known: KnownGeneration, candidate: Candidate): Verdict | undefined {
  if (candidate.live || !provesSame(known, candidate.head)) return undefined
  const packed = known.unlinked || `${known.name}.gz` === candidate.name
  const copied = candidate.size === undefined ? packed : known.live || known.compressed
  return copied ? { kind: 'copy', generation: known.generation } : undefined
}

/** A generation known from a commit, whose file is looked for. */
function lookedFor(known: KnownGeneration, candidate: Candidate): Verdict | undefined {
  const { generation, finished, proofBytes } = known
  if (proofBytes === 0) {
    // Nothing was read of it. Its own file is it; a finished one stays it while it is empty.
    const { size } = candidate
    const same = sameFile(known, candidate) && size !== undefined && (!finished || size === 0)
    return same ? { kind: 'continue', generation } : undefined
  }
  return provesSame(known, candidate.head) ? atPosition(known, candidate) : undefined
}

/** The proof holds: is its content the same as far as the position? */
function atPosition(known: KnownGeneration, candidate: Candidate): Verdict | undefined {
  const { generation, offset } = known
  const { size } = candidate
  if (size === undefined && known.finished) return { kind: 'continue', generation }
  const guard = candidate.guards.get(offset)
  if (size === undefined && guard === undefined) return { kind: 'shrunk', generation }
  if (size !== undefined && size < offset) {
    // Power loss keeps the inode. A shorter file with another inode is another file that
    // begins with the same lines.
    return sameFile(known, candidate) ? { kind: 'shrunk', generation } : undefined
  }
  const guarded = known.guard === null || guard === known.guard
  return guarded ? { kind: 'continue', generation } : undefined
}

/** Without a complete line it may be a .gz or a copy of the live file that only begins. */
function mayBegin(known: readonly KnownGeneration[], candidate: Candidate): boolean {
  if (candidate.live || proofOf(candidate.head) !== undefined) return false
  const compressed = candidate.size === undefined
  return compressed || known.some((one) => one.held && one.live && one.proofBytes > 0)
}

/**
 * What `candidate` is. Of several generations that fit, the one with the same inode wins, then
 * the one with the longest proof, then the oldest. One without a proof comes last: an inode
 * alone says less than any content.
 */
export function identify(known: readonly KnownGeneration[], candidate: Candidate): Verdict {
  const own = known.findLast((one) => one.held && sameFile(one, candidate))
  if (own !== undefined) return againstItself(own, candidate)
  const rank = (one: KnownGeneration): number =>
    one.proofBytes + (one.proofBytes > 0 && sameFile(one, candidate) ? PROOF_BYTES_MAX : 0)
  for (const one of [...known].sort((a, b) => rank(b) - rank(a))) {
    const verdict = one.held ? besideHeld(one, candidate) : lookedFor(one, candidate)
    if (verdict !== undefined) return verdict
  }
  return { kind: mayBegin(known, candidate) ? 'waiting' : 'new' }
}
