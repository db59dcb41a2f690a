// The held files of one stream: which of its generations were deleted before they were read.

import type { GenerationList } from './generation-list.ts'
import type { HeldGeneration } from './held.ts'

/** As the last look saw them, so that asking costs nothing. */
export function heldOf(list: GenerationList): HeldGeneration[] {
  return list.unfinished.flatMap((one) => {
    const { file, facts, number: generation } = one
    const isUnread = one.readOffset < one.sizeBytes && !one.lost
    if (file === undefined || facts?.unlinked !== true || !isUnread) return []
    const { diskBytes, changedAtMs } = facts
    return [{ generation, dev: file.dev, path: `/proc/self/fd/${file.fd}`, diskBytes, changedAtMs }]
  })
}

/** Closes one of them. A copy that has a name goes on for it; without one its rest is a gap. */
export async function letGo(list: GenerationList, generation: number): Promise<void> {
  const one = list.byNumber(generation)
  if (one?.file === undefined || one.finished || one.lost) return
  const { file, readOffset } = one
  if ((await one.goOnInCopy()) !== undefined) {
    await file.close()
    return
  }
  const endBytes = file.compressed ? readOffset : file.facts().sizeBytes
  // Whoever has it open may write more, unless its writer left it for a newer one.
  const end = one.settled && !file.compressed ? endBytes : null
  list.gap(one, 'released', readOffset, end, endBytes - readOffset)
  one.lost = true
  await one.release()
}
