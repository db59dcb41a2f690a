// A log whose first lines were changed after they were read no longer begins as it did, and that
// must not make it a file that nobody knows: its difference would count as a log that is gone.
//
// So for a generation without a file, the files that are no generation are looked at again. One of
// them is it when the bytes before the place up to which it was read are there, wherever lines that
// were added or taken away have moved them; or when it begins with the same line. Of a log that is
// hardly longer than what its proof covers nothing else is known: its name decides, unless its
// lines are younger.

import { basename } from 'node:path'
import {
  GUARD_BYTES_MAX,
  guardOf,
  PROOF_BYTES_MAX,
  repeatsLines,
  sameLines,
} from '../tail/proof.ts'
import type { LogFile } from './log-file.ts'
import type { SoughtGeneration } from './log-match.ts'

/** How far lines that were added or taken away may move the place of a guard. */
const MOVED_BYTES_MAX = 1024 * 1024
/** Looks at files of other names than the generation had. */
const LOOKS_MAX = 256
/** Different bytes in a guard that is believed wherever it is found. */
const DIFFERENT_BYTES_MIN = 24
const LF = 0x0a

/** Of the `missing` generations, those that one of the `strangers` was. */
export async function findAltered(
  missing: readonly SoughtGeneration[],
  strangers: readonly LogFile[],
): Promise<Map<SoughtGeneration, LogFile>> {
  const found = new Map<SoughtGeneration, LogFile>()
  const left = new Set(strangers)
  let looks = 0
  const lookAt = async (one: SoughtGeneration, file: LogFile, isNamed: boolean): Promise<void> => {
    if ((one.facts.name === file.name) !== isNamed || found.has(one)) return
    if (!isNamed && ++looks > LOOKS_MAX) return
    if (beginsAlike(one, file) || (await endsAlike(one.guard, file))) {
      found.set(one, file)
      left.delete(file)
    }
  }
  for (const isNamed of [true, false]) {
    for (const one of missing) for (const file of left) await lookAt(one, file, isNamed)
  }
  for (const one of missing) {
    const file = found.has(one) ? undefined : namedAlike(one, missing, left)
    if (file === undefined) continue
    found.set(one, file)
    left.delete(file)
  }
  return found
}

/** Lines of a log have times in them: two that begin with the same one are the same. */
function beginsAlike({ lines }: SoughtGeneration, file: LogFile): boolean {
  return lines.length > 0 && !repeatsLines(file.head) && sameLines(file.head, lines).bytes > 0
}

/** The bytes of the guard are there, before a line end near the place where they were. */
export async function endsAlike(guard: SoughtGeneration['guard'], file: LogFile): Promise<boolean> {
  if (guard === undefined || guard.offset < GUARD_BYTES_MAX) return false
  const from = Math.max(0, guard.offset - MOVED_BYTES_MAX)
  const near = await file.bytes(from, guard.offset + MOVED_BYTES_MAX - from)
  const isThere = (end: number): boolean => {
    const before = near.subarray(end - GUARD_BYTES_MAX, end)
    return end >= GUARD_BYTES_MAX && guardOf(before) === guard.hash && tells(before)
  }
  for (let end = near.indexOf(LF) + 1; end > 0; end = near.indexOf(LF, end) + 1) {
    if (isThere(end)) return true
  }
  return isThere(near.length)
}

/** Bytes of a log's lines; a run of one byte may be in any file. */
function tells(bytes: Uint8Array): boolean {
  return new Set(bytes).size >= DIFFERENT_BYTES_MIN
}

/**
 * A file with the name of the generation. A rotation that nobody has seen yet may have given the
 * name to a newer file, whose lines are younger; in the same window, only the file itself tells.
 */
function namedAlike(
  one: SoughtGeneration,
  missing: readonly SoughtGeneration[],
  strangers: ReadonlySet<LogFile>,
): LogFile | undefined {
  const { guard, path, key } = one
  const isShort = guard === undefined || guard.offset < PROOF_BYTES_MAX + GUARD_BYTES_MAX
  if (!isShort || path === undefined) return undefined
  const name = basename(path)
  const named = [...strangers].filter((file) => file.name === name)
  const isOnlyOne = missing.filter((other) => other.path?.endsWith(`/${name}`)).length === 1
  // In a copy of the logs the directory is another one: then no other file may have the name.
  const [only] = isOnlyOne && named.length === 1 ? named : []
  const file = named.find((other) => other.path === path) ?? only
  if (file === undefined) return undefined
  const age = one.ageOf(file.head)
  const isItself = file.key === key || file.path !== path
  return age === 'older' || (age === 'same' && isItself) ? file : undefined
}
