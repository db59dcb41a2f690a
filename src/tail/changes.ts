// What happened to files that are known: they grew, shrank, were emptied, written anew, deleted.
//
// A file that is missing is missed only while another one of its stream is there. What is missed
// for long is given up, but its proof is remembered for a while: it must not be billed again when
// it comes back.

import { recognize } from './adopt.ts'
import type { Generation } from './generation.ts'
import type { GenerationList } from './generation-list.ts'
import { type TailProblem, unreadable } from './problem.ts'

/** Looks in a row that must miss a file before it counts as gone: a rename can hide it from one. */
export const MISSES_MAX = 3
/** Finished generations that are remembered although their files are not there. */
const REMEMBERED_MAX = 64

/** Asks every one of `generations` for its size, and what its content is when that changed. */
export async function measureAll(
  list: GenerationList,
  generations: readonly Generation[],
  refused: TailProblem[],
): Promise<void> {
  for (const one of generations) {
    try {
      const { kind, sizeBytes, newlyProven } = await one.measure()
      if (kind === 'truncated') await truncate(list, one)
      else if (kind === 'shrunk' || sizeBytes < one.sizeBytes) await shrink(list, one, sizeBytes)
      else if (one.finished) await noteLate(list, one)
      else if (newlyProven && one.offset === 0) await recognize(list, one)
    } catch (error) {
      refused.push(unreadable(one.name, error))
    }
  }
}

/**
 * The old content is gone, and what is in the file now is a generation of its own. A copy may
 * hold what was not read: here, or at one of the next looks.
 */
async function truncate(list: GenerationList, one: Generation): Promise<void> {
  const { file } = one
  if (file === undefined) return
  const next = list.createFrom(one, file)
  one.file = undefined
  one.live = false
  if (!one.isProven) list.lose(one, 'truncated')
  else {
    one.cut = true
    const copy = await one.goOnInCopy()
    const end = copy?.compressed === false ? copy.facts().sizeBytes : one.readOffset
    if (copy !== undefined) list.gap(one, 'truncated', end, null, 0)
  }
  list.settled = false
  await next.measure()
}

/** Its end is gone, and it is the same file: what is written now is read from there. */
async function shrink(list: GenerationList, one: Generation, sizeBytes: number): Promise<void> {
  const { file, sizeBytes: before, readOffset } = one
  one.sizeBytes = sizeBytes
  if (file === undefined || one.finished) return
  const end = Math.max(before, readOffset)
  list.gap(one, 'shrunk', sizeBytes, end, end - Math.max(sizeBytes, readOffset))
  if (sizeBytes >= readOffset) return
  const next = list.succeed(one, file, sizeBytes, await file.head())
  await next.measure()
}

/** Bytes behind the end of a finished generation. */
async function noteLate(list: GenerationList, one: Generation): Promise<void> {
  const { file, offset, lateBytes, sizeBytes } = one
  const known = offset + lateBytes
  if (file === undefined || file.compressed || sizeBytes <= known) return
  if (one.live) {
    // It was moved back to where writers write: all that comes is read.
    const next = list.succeed(one, file, known, await file.head())
    await next.measure()
    return
  }
  list.gap(one, 'late', known, sizeBytes, sizeBytes - known)
  one.lateBytes = sizeBytes - offset
}

/** Lets go of what has no file any more: lost when it was not finished. */
export async function forgetGone(
  list: GenerationList,
  complete: boolean,
  refused: TailProblem[],
): Promise<void> {
  for (const one of [...list.all]) {
    try {
      await forgetIfGone(list, one, complete)
    } catch (error) {
      refused.push(unreadable(one.name, error))
    }
  }
  const remembered = list.all.filter((one) => one.told && one.file === undefined)
  for (const one of remembered.slice(0, Math.max(0, remembered.length - REMEMBERED_MAX))) {
    if (!list.isLast(one)) list.remove(one)
  }
}

async function forgetIfGone(
  list: GenerationList,
  one: Generation,
  complete: boolean,
): Promise<void> {
  // A commit must have heard of its end.
  if (one.left && one.told && !list.isLast(one)) {
    list.remove(one)
    return
  }
  await one.dropCopies()
  // A compressor makes the .gz before it unlinks: the look that begins after the unlink
  // sees the copy, the look that the unlink fell into may not.
  const deleted = one.wasUnlinked && complete
  const missed = one.misses >= MISSES_MAX
  one.wasUnlinked = one.unlinked
  if (one.finished) await forgetFinished(list, one, deleted, missed)
  else if (missed && one.file === undefined && !one.lost) {
    list.lose(one, one.cut ? 'truncated' : 'vanished')
  }
}

async function forgetFinished(
  list: GenerationList,
  one: Generation,
  deleted: boolean,
  missed: boolean,
): Promise<void> {
  const { unlinked } = one
  if (!(deleted || missed || unlinked)) return
  if (await one.promoteCopy()) return
  if (!deleted && !missed) {
    list.settled = false
    return
  }
  await one.release()
  // What says little must not be taken for another file for long.
  one.left ||= deleted || one.repeats
}
