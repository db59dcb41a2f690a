// Which of the log files that people name is which generation of which stream.
//
// A file is a generation when it begins with the bytes that its proof covers, whatever it is called
// and however it is packed. Of several files of one generation one is read: plain before packed,
// and where files only begin alike, the one that ends as the generation did. Files of generations
// are held open, so that a rotation meanwhile takes nothing away.

import { stat } from 'node:fs/promises'
import type { GenerationHistory } from '../durable/history.ts'
import { MeterFastError } from '../errors.ts'
import { guardOf } from '../tail/proof.ts'
import { withoutGzip } from '../tail/rotation.ts'
import { endsAlike, findAltered } from './log-altered.ts'
import { LogFile } from './log-file.ts'

/** Listings, until one brings nothing new: files are rotated while they are looked for. */
const ROUNDS_MAX = 8

/** A generation that a file is looked for. */
export interface SoughtGeneration {
  readonly stream: string
  readonly facts: GenerationHistory
  /** Hash of the up to 256 bytes before an offset of it, if one is known. */
  readonly guard: { readonly hash: string; readonly offset: number } | undefined
  /** Hashes of its first lines (tail/proof.ts), where these are like no others. */
  readonly lines: readonly string[]
  /** Where its file was at the last commit; undefined once the tail has forgotten it. */
  readonly path: string | undefined
  /** Device and inode that its file had. */
  readonly key: string | undefined
  /** How the window of the first line in these bytes lies to the last one of the stream. */
  ageOf(head: Uint8Array): 'older' | 'same' | 'younger'
}

export interface FoundLog {
  readonly file: LogFile
  /** It is the generation by its end or its name, but does not begin as it did. */
  readonly isAltered: boolean
}

export class LogMatch {
  readonly #found: ReadonlyMap<SoughtGeneration, FoundLog>
  /** Paths of files that are no generation. */
  readonly strangers: readonly string[]

  private constructor(
    found: ReadonlyMap<SoughtGeneration, FoundLog>,
    strangers: readonly string[],
  ) {
    this.#found = found
    this.strangers = strangers
  }

  /**
   * Looks for the generations among the files that `list` gives, which is called again until it
   * brings no other file.
   * @throws {MeterFastError} METER_INPUT_MISSING naming all files that cannot be read
   */
  static async find(
    list: () => Promise<readonly string[]>,
    sought: readonly SoughtGeneration[],
  ): Promise<LogMatch> {
    const table = new ProofTable(sought)
    const candidates = new Map<SoughtGeneration, LogFile[]>()
    const strangers: LogFile[] = []
    for await (const file of openAll(list)) {
      const matches = table.matches(file.head)
      for (const one of matches) candidates.set(one, [...(candidates.get(one) ?? []), file])
      if (matches.length === 0) strangers.push(file)
    }
    const found = await chooseAll(candidates)
    const missing = sought.filter((one) => !found.has(one))
    for (const [one, file] of await findAltered(missing, strangers)) {
      found.set(one, { file, isAltered: true })
    }
    const kept = new Set(Array.from(found.values(), ({ file }) => file))
    const all = new Set([...strangers, ...[...candidates.values()].flat()])
    for (const file of all) if (!kept.has(file)) await file.close()
    const unknown = [...all].filter((file) => !kept.has(file))
    return new LogMatch(found, unknown.map(({ path }) => path).sort())
  }

  of(one: SoughtGeneration): FoundLog | undefined {
    return this.#found.get(one)
  }

  /** Generations that have a file. */
  get size(): number {
    return this.#found.size
  }

  async close(): Promise<void> {
    const files = new Set(Array.from(this.#found.values(), ({ file }) => file))
    for (const file of files) await file.close()
  }
}

/** Generations by what proves them. */
class ProofTable {
  readonly #byBytes = new Map<number, Map<string, SoughtGeneration[]>>()

  constructor(sought: readonly SoughtGeneration[]) {
    for (const one of sought) {
      const { proof, proofBytes } = one.facts
      if (proofBytes === 0) continue
      const byHash = this.#byBytes.get(proofBytes) ?? new Map<string, SoughtGeneration[]>()
      this.#byBytes.set(proofBytes, byHash)
      byHash.set(proof, [...(byHash.get(proof) ?? []), one])
    }
  }

  matches(head: Uint8Array): SoughtGeneration[] {
    const found: SoughtGeneration[] = []
    for (const [bytes, byHash] of this.#byBytes) {
      // A guard is the plain hash of the bytes that it covers, as a proof is.
      if (head.length >= bytes) found.push(...(byHash.get(guardOf(head.subarray(0, bytes))) ?? []))
    }
    return found
  }
}

/** Every regular file once. */
async function* openAll(list: () => Promise<readonly string[]>): AsyncGenerator<LogFile> {
  const seen = new Set<string>()
  const problems = new Map<string, string>()
  for (let round = 0, before = -1; round < ROUNDS_MAX && seen.size > before; round += 1) {
    before = seen.size
    for (const path of await list()) {
      const file = await openUnlessSeen(path, seen).catch((error: NodeJS.ErrnoException) => {
        problems.set(path, `${path} cannot be read: ${error.message}`)
      })
      if (file) yield file
    }
  }
  if (problems.size > 0) {
    throw new MeterFastError('METER_INPUT_MISSING', [...problems.values()].join('\n'))
  }
}

/** Undefined for a name that is gone by now, and for what is no regular file. */
async function openUnlessSeen(path: string, seen: Set<string>): Promise<LogFile | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true })
    if (seen.has(`${dev}:${ino}`)) return undefined
    seen.add(`${dev}:${ino}`)
    return await LogFile.open(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A file that is proven by its end is nobody else's, as far as there is another choice. */
async function chooseAll(
  candidates: ReadonlyMap<SoughtGeneration, readonly LogFile[]>,
): Promise<Map<SoughtGeneration, FoundLog>> {
  const found = new Map<SoughtGeneration, FoundLog>()
  const taken = new Set<LogFile>()
  const take = (one: SoughtGeneration, file: LogFile | undefined): void => {
    if (file === undefined) return
    found.set(one, { file, isAltered: false })
    taken.add(file)
  }
  for (const [one, files] of candidates) {
    if (one.guard !== undefined) take(one, await endsAsRead(one, inOrder(one, files)))
  }
  for (const [one, files] of candidates) {
    if (one.guard !== undefined) continue
    const sorted = inOrder(one, files)
    take(one, sorted.find((file) => !taken.has(file)) ?? sorted[0])
  }
  return found
}

/** Plain ones that are long enough, then packed ones, then the longest; its own name first. */
function inOrder(one: SoughtGeneration, files: readonly LogFile[]): LogFile[] {
  const isWhole = (file: LogFile): boolean => file.sizeBytes >= (one.facts.endOffset ?? 0)
  const rank = (file: LogFile): number => (file.isCompressed ? 1 : isWhole(file) ? 0 : 2)
  const named = (file: LogFile): number => Number(!isNamed(one, file))
  return [...files].sort(
    (a, b) => rank(a) - rank(b) || named(a) - named(b) || b.sizeBytes - a.sizeBytes,
  )
}

/**
 * The file that ends where it was read as it did then. When none does, a line near that place may
 * have been changed: it is still the one that has the name, or that holds these bytes close by.
 * Others only begin with the same lines.
 */
async function endsAsRead(
  one: SoughtGeneration,
  files: readonly LogFile[],
): Promise<LogFile | undefined> {
  const [only] = files
  if (files.length === 1 && only !== undefined && isNamed(one, only)) return only
  for (const file of files) {
    if (one.guard && (await file.guardAt(one.guard.offset)) === one.guard.hash) return file
  }
  const named = files.find((file) => isNamed(one, file))
  if (named !== undefined) return named
  for (const file of files) if (await endsAlike(one.guard, file)) return file
  return undefined
}

function isNamed({ facts, key }: SoughtGeneration, file: LogFile): boolean {
  return withoutGzip(facts.name) === withoutGzip(file.name) || key === file.key
}
