// What one stream's directory holds now: the stream's files, oldest first, as names.
// A listing is a moment's truth; whoever opens a name checks what it got.

import { type Dirent, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isMissing, problemOf, type TailProblem, unreadable } from './problem.ts'
import { compareAge, isOtherCompression, isRotationOf, isTemporary } from './rotation.ts'

/** Where a stream lives. It stays the same for as long as the stream exists. */
export interface StreamPlace {
  /** The stream's name of DESIGN 5.1: part of every event's id. */
  readonly stream: string
  /** Absolute path of the directory of all its generations. */
  readonly directory: string
  /** Base name of the file that the writer has open, as long as nothing was rotated. */
  readonly liveName: string
  /** `<n>` of `<n>.log` in the pods layout; undefined for plain files. */
  readonly attempt: number | undefined
}

export interface Listing {
  /** Base names of the stream's readable files, oldest first; the live name last. */
  readonly names: readonly string[]
  /** A container's stream can get no more lines: a higher attempt exists, or its pod is gone. */
  readonly over: boolean
  readonly problems: readonly TailProblem[]
}

const ATTEMPT = /^(0|[1-9]\d{0,8})\.log(?:[.-].*)?$/

/** `<n>` of `<n>.log` and of its rotations; undefined for every other name. */
export function attemptOf(name: string): number | undefined {
  const digits = ATTEMPT.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

function refusal(path: string, entry: Dirent): TailProblem | undefined {
  if (entry.isSymbolicLink()) {
    return problemOf(path, 'symlink', 'is a symbolic link and is not followed; name its target')
  }
  if (!entry.isFile()) return problemOf(path, 'not_a_file', 'is no regular file and is not read')
  if (isOtherCompression(entry.name)) {
    return problemOf(path, 'compression', 'cannot be read; rotate with gzip or uncompressed')
  }
  return undefined
}

/** The stream's part of a directory that was read already. */
export function selectListing(place: StreamPlace, entries: readonly Dirent[]): Listing {
  const names: string[] = []
  const problems: TailProblem[] = []
  let over = false
  for (const entry of entries) {
    const { name } = entry
    const attempt = place.attempt === undefined ? undefined : attemptOf(name)
    if (attempt !== undefined && attempt > (place.attempt ?? 0)) over = true
    if (name !== place.liveName && !isRotationOf(place.liveName, name)) continue
    if (isTemporary(name)) continue
    const problem = refusal(join(place.directory, name), entry)
    if (problem === undefined) names.push(name)
    else problems.push(problem)
  }
  names.sort((a, b) => compareAge(place.liveName, a, b))
  return { names, over, problems }
}

/**
 * The directory of a container is gone for good only while the pods' root still lists others: one
 * that is empty or gone was unmounted. A plain file's directory may come back at any time, and
 * then its lines go on in the windows that were open.
 */
function isGoneForGood({ directory, attempt }: StreamPlace): boolean {
  if (attempt === undefined) return false
  try {
    return readdirSync(dirname(dirname(directory))).length > 0
  } catch {
    return false
  }
}

/**
 * Undefined when the system refuses to list it: then nothing is known, and nothing is over.
 * Not async: the shorter a listing takes, the fewer renames can run through it.
 */
export function listStream(
  place: StreamPlace,
  refused: (problem: TailProblem) => void,
): Listing | undefined {
  try {
    return selectListing(place, readdirSync(place.directory, { withFileTypes: true }))
  } catch (error) {
    if (isMissing(error)) return { names: [], over: isGoneForGood(place), problems: [] }
    refused(unreadable(place.directory, error))
    return undefined
  }
}
