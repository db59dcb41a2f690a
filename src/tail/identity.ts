// Which generation is this file? Pure functions over facts that were observed before.
//
// Content decides: the proof and the guard of proof.ts. (device, inode) is a hint: file systems
// give the inode of a deleted file to the next one at once. It decides only what content leaves
// open: which of two equal files goes on, and, after the power failed, whether a file that lost
// its end is still the file that it was.

import { begins, PROOF_BYTES_MAX, proofOf, repeatsLines, sameLines } from './proof.ts'
import { isDated, withoutGzip } from './rotation.ts'

/** What a commit keeps of a generation; plain JSON. */
export interface GenerationRecord {
  /** Ordinal in the stream, from 0, in order of first sight; never used twice. */
  readonly generation: number
  /** Base name at the last look: a hint for people. */
  readonly name: string
  /** Decimal device and inode number: a hint, as text because they may pass 2^53. */
  readonly dev: string
  readonly inode: string
  /** When the file was created, in ns: no other file has all three. Older states have none. */
  readonly born?: string
  /** SHA-256 in hex of the first `proofBytes` bytes; '' while no line was complete. */
  readonly proof: string
  readonly proofBytes: number
  /** Of each of the first lines, a short hash of all up to its end. Older states have none. */
  readonly lines?: readonly string[]
  /** One of these lines occurs twice, as in no log with times in it. */
  readonly repeats?: boolean
  /** SHA-256 in hex of the up to 256 bytes before `offset`; null when read from a .gz. */
  readonly guard: string | null
  /** Uncompressed bytes that are committed: I3, it never moves back. */
  readonly offset: number
  /** Nothing of it is read again, unless it was lost and comes back. */
  readonly finished: boolean
  /** Something of it was read, be it less than a line. */
  readonly begun?: boolean
  /** It was given up, not read to its end: there is a gap record. */
  readonly lost?: boolean
  /** Deleted and done with, or its file is that of a later one: nothing is this one any more. */
  readonly left?: boolean
  /** A commit heard of its end before, and its file is not there: all that is left is its proof. */
  readonly remembered?: boolean
  /** Bytes behind the end of a finished one that a gap record tells of. */
  readonly lateBytes?: number
  /** The boot of the machine under which its file was last held open. Older states have none. */
  readonly boot?: string
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
  /** Where the guard was taken: at the offset, or where that was at the last commit. */
  readonly guardOffset: number
  /** Bytes that were read, committed or not. */
  readonly readOffset: number
  /** The machine was started anew since `boot`. */
  readonly bootChanged: boolean
  /** It was first seen in this very look. */
  readonly fresh: boolean
}

/** What was seen of a file that is not open as a generation yet, or is looked at again. */
export interface Candidate {
  readonly name: string
  readonly dev: string
  readonly inode: string
  /** When it was created, in ns; '0' where the file system does not tell. */
  readonly born: string
  /** Uncompressed bytes; undefined for a .gz, where only reading tells. */
  readonly size: number | undefined
  /** At the live name, where writers create files and nobody copies to. */
  readonly live: boolean
  /** The first bytes, uncompressed, at least as many as PROOF_BYTES_MAX if there are so many. */
  readonly head: Uint8Array
  /** Guards of this file by offset, for those of known generations that it may be. */
  readonly guards: ReadonlyMap<number, string>
  /**
   * Open generations, by ordinal, that begin with the same 1 KiB of different lines and hold the
   * same bytes where the shorter of both ends; and what this file is beside them.
   */
  readonly twins: ReadonlyMap<number, 'longer' | 'equal' | 'shorter'>
}

/** What a candidate is; `generation` is the ordinal of the known one that it is about. */
export type Verdict =
  /** That generation under this or any name: read on at its offset. */
  | { readonly kind: 'continue'; readonly generation: number }
  /** That generation, cut before its position: read on at its end. */
  | { readonly kind: 'shrunk'; readonly generation: number }
  /** That generation, cut by a power loss and grown past its position: read on behind that. */
  | { readonly kind: 'regrown'; readonly generation: number }
  /** That generation's own file was emptied or written anew: it ends, a new one begins at 0. */
  | { readonly kind: 'truncated'; readonly generation: number }
  /** The same content as a generation that is open: not read. */
  | { readonly kind: 'copy'; readonly generation: number }
  /** The same content as a generation that is open, and more: read on in this one. */
  | { readonly kind: 'longer'; readonly generation: number }
  /** No known content: read from 0. */
  | { readonly kind: 'new' }
  /** No complete line to decide by: look again later. */
  | { readonly kind: 'waiting' }

/** True when `head` begins with the bytes that the record's proof covers. */
export function provesSame(record: GenerationRecord, head: Uint8Array): boolean {
  return begins(head, { hash: record.proof, bytes: record.proofBytes })
}

/** It ends before its proof does, and as far as it goes it holds the same lines. */
function provesCut(record: GenerationRecord, head: Uint8Array): boolean {
  return head.length < record.proofBytes && sameLines(head, record.lines ?? []).all
}

/** The known one's own file, and it lost its end. After a power loss new lines may follow. */
function survived(known: KnownGeneration, candidate: Candidate): boolean {
  const { born = '0', bootChanged, lines = [] } = known
  const { head, size } = candidate
  if (size === undefined || !isSameFile(known, candidate)) return false
  return bootChanged ? sameLines(head, lines).bytes > 0 : born !== '0' && provesCut(known, head)
}

/** True when `candidate` begins as the known generation, whose file is looked for. */
function resembles(known: KnownGeneration, candidate: Candidate): boolean {
  return provesSame(known, candidate.head) || survived(known, candidate)
}

/** True when the guard must be observed at `known.guardOffset` before a verdict. */
export function needsGuard(known: KnownGeneration, candidate: Candidate): boolean {
  // A finished generation is read no more, so its .gz need not be inflated as far as that.
  const done = candidate.size === undefined && known.finished && known.lost !== true
  return !known.held && !done && resembles(known, candidate)
}

/** By its inode, and not one that got the inode of a deleted file, as far as birth times tell. */
export function isSameFile(
  known: KnownGeneration,
  candidate: Pick<Candidate, 'dev' | 'inode' | 'born'>,
): boolean {
  const { dev, inode, born = '0', bootChanged } = known
  // A device may have another number after a boot.
  const isSame = inode === candidate.inode && (bootChanged || dev === candidate.dev)
  return isSame && (born === '0' || candidate.born === '0' || born === candidate.born)
}

/** A generation whose file is open, against its own file looked at again. */
function againstItself(known: KnownGeneration, candidate: Candidate): Verdict {
  const { generation, readOffset, proofBytes } = known
  const { head, size = readOffset } = candidate
  const proven = proofBytes > 0
  if (proven && !provesSame(known, head) && !provesCut(known, head)) {
    return { kind: 'truncated', generation }
  }
  if (size >= readOffset) return { kind: 'continue', generation }
  return { kind: proven ? 'shrunk' : 'truncated', generation }
}

/**
 * A file beside an open generation can only be a copy of it: what a compressor made of it, what
 * it was before that, the copy of a live file that is about to be truncated, or a copy that
 * somebody keeps. Equal first lines alone join nothing.
 */
function besideHeld(known: KnownGeneration, candidate: Candidate): Verdict | undefined {
  if (!provesSame(known, candidate.head)) return undefined
  const { generation } = known
  const twin = candidate.twins.get(generation)
  if (candidate.live) {
    // What was live before is no copy. Of two that nobody saw before, the live one goes on.
    const isCopied = known.fresh && (twin === 'longer' || twin === 'equal')
    return isCopied ? { kind: 'longer', generation } : undefined
  }
  if (twin === 'longer' && !known.live) return { kind: 'longer', generation }
  const packed = known.unlinked || `${known.name}.gz` === candidate.name
  const copied = candidate.size === undefined ? packed : known.live || known.compressed
  return copied || twin !== undefined ? { kind: 'copy', generation } : undefined
}

/** A generation known from a commit, whose file is looked for. */
function lookedFor(known: KnownGeneration, candidate: Candidate): Verdict | undefined {
  const { generation, finished, lost, proofBytes, repeats } = known
  const { size } = candidate
  const isOwn = isSameFile(known, candidate)
  if (proofBytes === 0) {
    // Nothing was read of it. Its own file is it; a finished one, or a .gz, while it is empty. One
    // that was lost so early left its file to a later one: nothing would tell that it came back.
    const isEmpty = candidate.head.length === 0
    const isIt = isOwn && lost !== true && (isEmpty || (size !== undefined && !finished))
    return isIt ? { kind: 'continue', generation } : undefined
  }
  // Where lines repeat, files begin alike: only what a compressor made of it is taken for it.
  const isVague = repeats === true || repeatsLines(candidate.head)
  if (isVague && !isOwn && !mayBePacked(known, candidate)) return undefined
  if (isTorn(known) && !isOwn && candidate.head.length > proofBytes) return undefined
  return resembles(known, candidate) ? atPosition(known, candidate) : undefined
}

/** It ended within its first line: a proof of so little fits what begins with the same byte. */
function isTorn({ lines, proofBytes }: KnownGeneration): boolean {
  return lines?.length === 0 && proofBytes < PROOF_BYTES_MAX
}

/** A dated name changes only by what compressors add to it. */
function mayBePacked({ name }: KnownGeneration, candidate: Candidate): boolean {
  if (candidate.size !== undefined) return false
  return !isDated(name) || withoutGzip(name) === withoutGzip(candidate.name)
}

/** It begins as the known one: is its content the same as far as the position? */
function atPosition(known: KnownGeneration, candidate: Candidate): Verdict | undefined {
  const { generation, guardOffset, readOffset } = known
  const { size } = candidate
  if (size === undefined && known.finished && known.lost !== true) {
    return { kind: 'continue', generation }
  }
  const guard = candidate.guards.get(guardOffset)
  // Under any inode: the copy that was made while the file was read may be all that is left.
  if (size === undefined ? guard === undefined : size < readOffset) {
    return { kind: 'shrunk', generation }
  }
  if (known.guard === null || guard === known.guard) return { kind: 'continue', generation }
  // A .gz has another inode than the file that it was.
  const mayHaveRegrown = size === undefined || isSameFile(known, candidate)
  return known.bootChanged && mayHaveRegrown ? { kind: 'regrown', generation } : undefined
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
export function identify(all: readonly KnownGeneration[], candidate: Candidate): Verdict {
  const known = all.filter((one) => one.left !== true)
  const own = known.findLast((one) => one.held && isSameFile(one, candidate))
  if (own !== undefined) return againstItself(own, candidate)
  const rank = (one: KnownGeneration): number =>
    one.proofBytes + (one.proofBytes > 0 && isSameFile(one, candidate) ? PROOF_BYTES_MAX : 0)
  for (const one of known.toSorted((a, b) => rank(b) - rank(a))) {
    const verdict = one.held ? besideHeld(one, candidate) : lookedFor(one, candidate)
    if (verdict !== undefined) return verdict
  }
  return { kind: mayBegin(known, candidate) ? 'waiting' : 'new' }
}
