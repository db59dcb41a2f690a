// The rules of a StateStore, whatever holds the bytes: staging, reading through what is staged,
// commits one after the other, and the end of the store at the first failed write.
//
//   put, remove ──▶ staged ──commit()──▶ commits that wait or run ──▶ backend
//   get, entries read the newest of these that knows the key
//
// commit() cuts off what is staged at the call itself, so a caller that stages more while the
// commit runs can rely on that not being durable yet.

import { MeterFastError } from '../errors.ts'
import { corruptState, newerFormat } from './frame.ts'
import { checkKey, META_PREFIX } from './keys.ts'
import type { StateStore } from './state.ts'

const STATE_FORMAT = 2
const VERSION_KEY = `${META_PREFIX}version`
const SEQUENCE_KEY = `${META_PREFIX}sequence`

/** Encoded value per key; null means that the key is gone. */
export type Changes = ReadonlyMap<string, Uint8Array | null>
type Entry = readonly [string, Uint8Array]

/** Where committed values are. Stored values are in the form that `encode` gives. */
export interface Backend {
  /** Names the state in errors. */
  readonly path: string
  encode(key: string, bytes: Uint8Array): Uint8Array
  decode(key: string, stored: Uint8Array): Uint8Array
  get(key: string): Uint8Array | undefined
  /** One consistent picture, in order of keys. */
  range(prefix: string): Iterable<Entry>
  /** All or nothing, durable when it resolves. */
  write(changes: Changes): Promise<void>
  close(): Promise<void>
}

export class StagedStore implements StateStore {
  readonly #backend: Backend
  /** Oldest first; the last one is what is staged now, the others belong to commits. */
  readonly #layers: Map<string, Uint8Array | null>[] = [new Map()]
  #tail: Promise<void> = Promise.resolve()
  #failure: MeterFastError | undefined
  /** Of what is committed; of a new state the present one. */
  readonly #format: number
  #closing: Promise<void> | undefined

  /** @throws {MeterFastError} METER_STATE_CORRUPT when the state is not ours or is newer. */
  constructor(backend: Backend) {
    this.#backend = backend
    const version = this.#committedNumber(VERSION_KEY)
    if (version !== undefined && version > STATE_FORMAT) {
      throw newerFormat(backend.path, version, STATE_FORMAT)
    }
    this.#format = version ?? STATE_FORMAT
    if (version !== undefined) return
    for (const [key] of backend.range('')) {
      throw corruptState(backend.path, `it holds "${key}" but no "${VERSION_KEY}"`)
    }
  }

  /** An earlier version than the present one wrote it: upgrade it before anything else. */
  get isOld(): boolean {
    return this.#format < STATE_FORMAT
  }

  /** Stages that the state has the present format. */
  stageUpgrade(): void {
    this.#stage(VERSION_KEY, this.#encodeNumber(VERSION_KEY, STATE_FORMAT))
  }

  get sequence(): number {
    this.#check()
    return this.#committedNumber(SEQUENCE_KEY) ?? 0
  }

  get(key: string): Uint8Array | undefined {
    this.#check()
    checkKey(key)
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const stored = this.#layers[i]?.get(key)
      if (stored === null) return undefined
      if (stored !== undefined) return this.#backend.decode(key, stored)
    }
    const stored = this.#backend.get(key)
    return stored && this.#backend.decode(key, stored)
  }

  *entries(prefix: string): Generator<Entry> {
    for (const [key, stored] of this.#stored(prefix)) {
      if (!key.startsWith(META_PREFIX)) yield [key, this.#backend.decode(key, stored)]
    }
  }

  *keys(prefix: string): Generator<string> {
    for (const [key] of this.#stored(prefix)) if (!key.startsWith(META_PREFIX)) yield key
  }

  put(key: string, bytes: Uint8Array): void {
    this.#checkOwn(key)
    this.#stage(key, this.#backend.encode(key, bytes))
  }

  remove(key: string): void {
    this.#checkOwn(key)
    this.#stage(key, null)
  }

  removePrefix(prefix: string): void {
    for (const [key] of this.#stored(prefix)) {
      if (!key.startsWith(META_PREFIX)) this.#stage(key, null)
    }
  }

  // Async so that a store that has failed rejects here, as a running commit does.
  async commit(): Promise<void> {
    this.#check()
    const changes = this.#layers.at(-1)
    if (changes && changes.size > 0) {
      this.#layers.push(new Map())
      this.#tail = this.#tail.then(() => this.#write(changes))
    }
    await this.#tail
  }

  close(): Promise<void> {
    const closeBackend = () => this.#backend.close()
    this.#closing ??= this.#tail.then(closeBackend, closeBackend)
    return this.#closing
  }

  async #write(changes: Map<string, Uint8Array | null>): Promise<void> {
    try {
      const sequence = (this.#committedNumber(SEQUENCE_KEY) ?? 0) + 1
      changes.set(SEQUENCE_KEY, this.#encodeNumber(SEQUENCE_KEY, sequence))
      if (sequence === 1) changes.set(VERSION_KEY, this.#encodeNumber(VERSION_KEY, STATE_FORMAT))
      await this.#backend.write(changes)
    } catch (cause) {
      // A sync that is tried again can report success after its pages were dropped: never retry.
      this.#failure = cause instanceof MeterFastError ? cause : this.#writeFailed(cause)
      throw this.#failure
    }
    this.#layers.shift()
  }

  #writeFailed(cause: unknown): MeterFastError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new MeterFastError(
      'METER_DISK',
      `state "${this.#backend.path}": a commit could not be written (${reason}). The last commit ` +
        'before it is whole. Free space or mend the disk, then open the state again.',
      { cause },
    )
  }

  #stage(key: string, stored: Uint8Array | null): void {
    this.#layers.at(-1)?.set(key, stored)
  }

  *#stored(prefix: string): Generator<Entry> {
    this.#check()
    const staged = new Map<string, Uint8Array | null>()
    for (const layer of this.#layers) {
      for (const [key, stored] of layer) if (key.startsWith(prefix)) staged.set(key, stored)
    }
    const committed = this.#backend.range(prefix)
    if (staged.size === 0) yield* committed
    else yield* overlay(committed, [...staged].sort(byKey))
  }

  #committedNumber(key: string): number | undefined {
    const stored = this.#backend.get(key)
    return stored && Number(Buffer.from(this.#backend.decode(key, stored)).toString('latin1'))
  }

  #encodeNumber(key: string, value: number): Uint8Array {
    return this.#backend.encode(key, Buffer.from(String(value)))
  }

  #checkOwn(key: string): void {
    this.#check()
    checkKey(key)
    if (key.startsWith(META_PREFIX)) {
      throw new MeterFastError('METER_BUG', `"${key}" belongs to the state itself`)
    }
  }

  #check(): void {
    if (this.#failure) throw this.#failure
    if (this.#closing !== undefined) {
      throw new MeterFastError('METER_MISUSE', `state "${this.#backend.path}" is closed`)
    }
  }
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1
}

/** Merges two ordered lists; a staged entry hides the committed one of its key. */
function* overlay(
  committed: Iterable<Entry>,
  staged: readonly (readonly [string, Uint8Array | null])[],
): Generator<Entry> {
  let next = 0
  for (const entry of committed) {
    for (let over = staged[next]; over && over[0] < entry[0]; over = staged[++next]) {
      if (over[1]) yield [over[0], over[1]]
    }
    // The staged entry of the same key is yielded in its turn, before the next committed one.
    if (staged[next]?.[0] !== entry[0]) yield entry
  }
  for (const [key, stored] of staged.slice(next)) if (stored) yield [key, stored]
}
