// Observes of a newly opened file what identity.ts decides by. Hashes cost reads, and of a .gz
// inflating, so only those are taken that can matter.

import type { Generation } from './generation.ts'
import type { GenerationFile } from './generation-file.ts'
import {
  type Candidate,
  identify,
  type KnownGeneration,
  needsGuard,
  provesSame,
  type Verdict,
} from './identity.ts'
import { PROOF_BYTES_MAX, repeatsLines } from './proof.ts'

export interface Observed {
  readonly verdict: Verdict
  readonly head: Uint8Array
}

/** What `file`, listed as `name`, is among the generations `all`. */
export async function observe(
  file: GenerationFile,
  name: string,
  live: boolean,
  all: readonly Generation[],
): Promise<Observed> {
  const { dev, inode, born } = file
  const size = file.compressed ? undefined : file.facts().sizeBytes
  const head = await file.head()
  const guards = new Map<number, string>()
  const seen = { name, live, dev, inode, born, size, head, guards, twins: new Map() }
  const known = all.map((one) => one.known())
  for (const one of known) {
    if (!needsGuard(one, seen)) continue
    const guard = await file.guardAt(one.guardOffset)
    if (guard !== undefined) guards.set(one.guardOffset, guard)
  }
  const verdict = identify(known, seen)
  if (isByContent(verdict, known)) return { verdict, head }
  const twins = await twinsOf(file, head, all)
  return { verdict: twins.size > 0 ? identify(known, { ...seen, twins }) : verdict, head }
}

/** False for a file that nothing is known of, or no more than its inode. */
function isByContent(verdict: Verdict, known: readonly KnownGeneration[]): boolean {
  if (!('generation' in verdict)) return verdict.kind === 'waiting'
  return known.some((one) => one.generation === verdict.generation && one.proofBytes > 0)
}

/**
 * A beginning of less than 1 KiB, or one that repeats a line, has no twins: it says too little, and
 * two logs of a test or of a quiet node may be equal. A copy of such a log is read as a log.
 */
async function twinsOf(
  file: GenerationFile,
  head: Uint8Array,
  all: readonly Generation[],
): Promise<Candidate['twins']> {
  const twins = new Map<number, 'longer' | 'equal' | 'shorter'>()
  if (!saysEnough(head)) return twins
  for (const one of all) {
    if (one.file === undefined || !provesSame(one.known(), head)) continue
    if (!Buffer.from(head).equals(await one.file.head())) continue
    const [bytes, otherBytes] = [await file.contentBytes(), await one.file.contentBytes()]
    const shared = Math.min(bytes, otherBytes)
    const [guard, otherGuard] = [await file.guardAt(shared), await one.file.guardAt(shared)]
    if (guard !== otherGuard) continue
    twins.set(one.number, bytes > otherBytes ? 'longer' : bytes < otherBytes ? 'shorter' : 'equal')
  }
  return twins
}

function saysEnough(head: Uint8Array): boolean {
  return head.length >= PROOF_BYTES_MAX && !repeatsLines(head)
}
