// One file, one stream: patterns overlap, roots are links, files have several names. A file that is
// found as two streams would be billed twice, and two files of one stream's name once.

import { lstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MeterFastError } from '../errors.ts'
import type { StreamPlace } from './listing.ts'
import { problemOf, type TailProblem } from './problem.ts'

/** `<dev>:<inode>`; undefined for what is not there. */
function keyOf(path: string, stat: typeof statSync): string | undefined {
  try {
    const { dev, ino } = stat(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

/** Of the file at the live name itself, never of what a link leads to. */
export function liveKey({ directory, liveName }: StreamPlace): string | undefined {
  return keyOf(join(directory, liveName), lstatSync)
}

/** Says that the file is read under another name, as `stream`. */
export function linkedProblem({ directory, liveName }: StreamPlace, stream: string): TailProblem {
  const path = join(directory, liveName)
  return problemOf(path, 'linked', `is another name of a file of stream ${stream}: not read again`)
}

function pathOf({ directory, liveName }: StreamPlace): string {
  return join(directory, liveName)
}

export class Claims<Found extends StreamPlace> {
  readonly #byName = new Map<string, Found>()
  readonly #byPath = new Map<string, Found>()

  /**
   * Overlapping patterns find the same stream again; everything else that meets is an error.
   * @throws {MeterFastError} METER_CONFIG_INVALID
   */
  add(found: Found): void {
    const path = pathOf(found)
    const namesake = this.#byName.get(found.stream)
    if (namesake !== undefined && pathOf(namesake) !== path) {
      if (isSameDirectory(namesake.directory, found.directory)) return
      throw new MeterFastError(
        'METER_CONFIG_INVALID',
        `${pathOf(namesake)} and ${path} would both be stream "${found.stream}": base names must ` +
          'differ under one source_id. Give them source_ids of their own.',
      )
    }
    const owner = this.#byPath.get(path)
    if (owner !== undefined && owner.stream !== found.stream) {
      throw new MeterFastError(
        'METER_CONFIG_INVALID',
        `${path} would be billed twice, as "${owner.stream}" and as "${found.stream}". ` +
          'Name it in one source only.',
      )
    }
    this.#byName.set(found.stream, found)
    this.#byPath.set(path, found)
  }

  /** The streams, without those whose file is another's: of several names the first one counts. */
  settle(): { readonly streams: Found[]; readonly linked: TailProblem[] } {
    const all = [...this.#byName.values()]
    // Containers have directories of their own, and nothing is asked where there is one stream.
    if (all.filter(({ attempt }) => attempt === undefined).length < 2) {
      return { streams: all, linked: [] }
    }
    const owners = new Map<string, Found>()
    const linked: TailProblem[] = []
    const streams = all.filter((one) => {
      const directory = keyOf(one.directory, statSync)
      const keys = [liveKey(one), directory && `${directory}/${one.liveName}`]
      const known = keys.filter((key) => key !== undefined)
      const owner = known.map((key) => owners.get(key)).find((other) => other !== undefined)
      if (owner !== undefined) {
        linked.push(linkedProblem(one, owner.stream))
        return false
      }
      for (const key of known) owners.set(key, one)
      return true
    })
    return { streams, linked }
  }
}

function isSameDirectory(one: string, other: string): boolean {
  const key = keyOf(one, statSync)
  return key !== undefined && key === keyOf(other, statSync)
}
