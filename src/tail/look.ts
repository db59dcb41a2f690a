// Opens what a stream's directory lists and is not open yet, against renames that go on
// meanwhile: it lists again until two listings in a row agree and every listed file is open. So
// no file slips through between two names, none is seen before an older one, and a file that
// was unlinked in between is kept by its descriptor.

import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { type GenerationFile, openGenerationFile } from './generation-file.ts'
import { listStream, type StreamPlace } from './listing.ts'
import { isMissing, type TailProblem, unreadable } from './problem.ts'

/** A directory that is renamed in faster than this many listings is looked at again later. */
const ROUNDS_MAX = 16

export interface Look {
  /** Names to `<dev>:<inode>`, oldest first, the live name last. */
  readonly keys: ReadonlyMap<string, string>
  /** Files that were not held before, in the order of first sight. The caller closes them. */
  readonly opened: readonly GenerationFile[]
  /** The stream can get no more lines. */
  readonly over: boolean
  /** Two listings in a row agreed, and nothing that can be opened was left out of them. */
  readonly stable: boolean
  /** It is stable, and every listed file is held or in `opened`. */
  readonly complete: boolean
  /** What is listed and not read. */
  readonly problems: readonly TailProblem[]
}

function listedKeys(
  place: StreamPlace,
  names: readonly string[],
  refused: (problem: TailProblem) => void,
): Map<string, string> {
  const keys = new Map<string, string>()
  for (const name of names) {
    const path = join(place.directory, name)
    try {
      const stats = lstatSync(path, { bigint: true })
      if (stats.isFile()) keys.set(name, `${stats.dev}:${stats.ino}`)
    } catch (error) {
      if (!isMissing(error)) refused(unreadable(path, error))
    }
  }
  return keys
}

class Opening {
  readonly opened: Map<string, GenerationFile>
  /** Names that could not be opened as the file that they were listed as. */
  readonly #failed = new Set<string>()
  readonly #isHeld: (key: string) => boolean

  constructor(isHeld: (key: string) => boolean, carried: readonly GenerationFile[]) {
    this.#isHeld = isHeld
    this.opened = new Map(carried.map((file) => [file.key, file]))
  }

  get complete(): boolean {
    return this.#failed.size === 0
  }

  wants(name: string, key: string): boolean {
    const known = this.#isHeld(key) || this.opened.has(key)
    return !known && !this.#failed.has(`${key} ${name}`)
  }

  /** The name may have come to mean another file since it was listed. */
  async open(
    path: string,
    name: string,
    key: string,
    refused: (problem: TailProblem) => void,
  ): Promise<void> {
    const file = await openGenerationFile(path, refused)
    if (file?.key !== key) this.#failed.add(`${key} ${name}`)
    if (file === undefined) return
    if (this.#isHeld(file.key) || this.opened.has(file.key)) await file.close()
    else this.opened.set(file.key, file)
  }
}

/**
 * Undefined when the directory cannot be listed: nothing is known then. `carried` are the files
 * that an unstable look opened before; they become part of this one.
 */
export async function look(
  place: StreamPlace,
  isHeld: (key: string) => boolean,
  carried: readonly GenerationFile[],
  refused: (problem: TailProblem) => void,
): Promise<Look | undefined> {
  const opening = new Opening(isHeld, carried)
  const { opened } = opening
  let before = ''
  for (let round = 1; ; round += 1) {
    const listing = listStream(place, refused)
    if (listing === undefined) {
      for (const file of opened.values()) await file.close()
      return undefined
    }
    const { names, over, problems } = listing
    const keys = listedKeys(place, names, refused)
    const wanted = [...keys].filter(([name, key]) => opening.wants(name, key))
    const stamp = JSON.stringify([...keys])
    const stable = wanted.length === 0 && stamp === before
    if (stable || round === ROUNDS_MAX) {
      const complete = stable && opening.complete
      return { keys, opened: [...opened.values()], over, stable, complete, problems }
    }
    before = stamp
    for (const [name, key] of wanted) {
      await opening.open(join(place.directory, name), name, key, refused)
    }
  }
}
