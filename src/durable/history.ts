// What is needed to compute a stream again from its logs, exactly as it was computed the first
// time: events are a pure function of the bytes, the settings and the closes by time, and this is
// where the last two are.
//
//   settings/<hash>                    how lines are read and what events are made of them
//   generation/<stream>/<n>            what proves a generation, and where its reading ended
//   checkpoint/<stream>/<n>            the engine as it was when generation n began
//   history/<stream>/<n>               what happened at a place of the stream, in order
//
// A checkpoint lets the computation begin in the middle when older logs are gone.

import { createHash } from 'node:crypto'
import type { EngineSnapshot } from '../native.ts'
import { getJson, jsonEntries, packRecord, putJson, unpackRecord } from './codec.ts'
import { nameAt, nameField, numberAt, numberField } from './keys.ts'
import type { Position } from './records.ts'
import type { StateReader, StateStore } from './state.ts'

/** Pages of a larger checkpoint are not kept: the computation cannot begin at its generation. */
const CHECKPOINT_BYTES_MAX = 1024 * 1024

/** Something that no byte of a log says, and that changes what comes of the bytes behind it. */
export type HistoryEntry = { readonly at: Position } & (
  | /** From here on lines are read with these settings. */
  {
      readonly kind: 'settings'
      readonly settings: string
    } /** The wall clock closed the open segment. */
  | {
      readonly kind: 'close'
    } /** Reading went on at `to` of the same generation: what lies between is not in the totals. */
  | { readonly kind: 'skip'; readonly to: number }
  /** The stream ended: parts without their end were cut, the open segment closed by content. */
  | { readonly kind: 'end' }
)

/** What is kept of a generation when its file may be gone. */
export interface GenerationHistory {
  readonly generation: number
  /** Its place in the order in which the generations of the stream were read. */
  readonly order: number
  /** Names the settings that its first byte was read with. */
  readonly settings: string
  /** Base name at the last look: a hint for people. */
  readonly name: string
  /** SHA-256 in hex of the first `proofBytes` uncompressed bytes. */
  readonly proof: string
  readonly proofBytes: number
  /**
   * Where its reading ended; null while it is read, and when reading went on in another generation
   * without an end: that one begins with a skip.
   */
  readonly endOffset: number | null
  /** SHA-256 in hex of the up to 256 bytes before `endOffset`, if it is known. */
  readonly guard: string | null
  /** The wall clock when it was staged: for retention. */
  readonly atMs: number
}

/** Stages settings, any JSON, unless they are there; gives their name. */
export function putSettings(store: StateStore, settings: unknown): string {
  const text = JSON.stringify(settings)
  const name = createHash('sha256').update(text).digest('hex').slice(0, 16)
  const key = `settings/${name}`
  if (store.get(key) === undefined) store.put(key, Buffer.from(text))
  return name
}

export function readSettings<Settings>(store: StateReader, name: string): Settings | undefined {
  return getJson<Settings>(store, `settings/${name}`)
}

/** Stages the next entry of a stream's history; `number` counts them. */
export function putHistory(
  store: StateStore,
  stream: string,
  number: number,
  entry: HistoryEntry,
): void {
  putJson(store, `history/${nameField(stream)}/${numberField(number)}`, entry)
}

/** The entries of a stream, in order. */
export function* historyOf(store: StateReader, stream: string): Generator<HistoryEntry> {
  for (const [, entry] of jsonEntries<HistoryEntry>(store, `history/${nameField(stream)}/`)) {
    yield entry
  }
}

export function putGeneration(store: StateStore, stream: string, one: GenerationHistory): void {
  putJson(store, generationKey(stream, one.generation), one)
}

/** The generations of a stream, in the order in which they were read. */
export function generationsOf(store: StateReader, stream: string): GenerationHistory[] {
  const prefix = `generation/${nameField(stream)}/`
  const all = Array.from(jsonEntries<GenerationHistory>(store, prefix), ([, one]) => one)
  return all.sort((a, b) => a.order - b.order)
}

/** Streams of which a generation is known, but those whose name is too long to be read back. */
export function historyStreams(store: StateReader): Set<string> {
  const names = Array.from(store.keys('generation/'), (key) => nameAt(key, 1))
  return new Set(names.filter((name) => !name.includes('~')))
}

/** Stages the engine as it is at the beginning of a generation, unless that is too large. */
export function putCheckpoint(
  store: StateStore,
  stream: string,
  generation: number,
  checkpoint: EngineSnapshot,
): void {
  const { head, pages } = checkpoint
  const parts: Uint8Array[] = [head]
  const names: string[] = []
  for (const { name, bytes } of pages) {
    if (bytes === null) continue
    names.push(name)
    parts.push(bytes)
  }
  if (parts.reduce((sum, { length }) => sum + length, 0) > CHECKPOINT_BYTES_MAX) return
  const packed: CheckpointHead = { names, lengths: parts.map(({ length }) => length) }
  store.put(checkpointKey(stream, generation), packRecord(packed, Buffer.concat(parts)))
}

/** Of the parts of a packed checkpoint: the engine's head, then its pages. */
interface CheckpointHead {
  readonly names: readonly string[]
  readonly lengths: readonly number[]
}

/** The engine at the beginning of a generation: what `Engine.restore` takes, pages by name. */
export interface Checkpoint {
  readonly head: Uint8Array
  readonly pages: ReadonlyMap<string, Uint8Array>
}

export function readCheckpoint(
  store: StateReader,
  stream: string,
  generation: number,
): Checkpoint | undefined {
  const packed = store.get(checkpointKey(stream, generation))
  if (!packed) return undefined
  const { head, body } = unpackRecord<CheckpointHead>(packed)
  let at = 0
  const [first = new Uint8Array(), ...pages] = head.lengths.map((length) => {
    at += length
    return body.slice(at - length, at)
  })
  return {
    head: first,
    pages: new Map(pages.map((page, index) => [head.names[index] ?? '', page])),
  }
}

/** Generations of a stream that have a checkpoint. */
export function checkpointsOf(store: StateReader, stream: string): Set<number> {
  const keys = store.keys(`checkpoint/${nameField(stream)}/`)
  return new Set(Array.from(keys, (key) => numberAt(key, 2)))
}

/**
 * Stages the end of what is kept of the oldest generation of a stream, and of its history up to
 * the one that is now the oldest.
 */
export function forgetGeneration(
  store: StateStore,
  stream: string,
  generation: number,
  isKept: (generation: number) => boolean,
): void {
  store.remove(generationKey(stream, generation))
  store.remove(checkpointKey(stream, generation))
  for (const [key, { at }] of jsonEntries<HistoryEntry>(store, `history/${nameField(stream)}/`)) {
    if (isKept(at.generation)) return
    store.remove(key)
  }
}

/** Stages that a stream has ended, so that its history is forgotten when its time is over. */
export function noteEnded(store: StateStore, stream: string, atMs: number): void {
  putJson(store, `ended/${numberField(atMs)}/${nameField(stream)}`, stream)
}

/** Stages the end of the history of streams that ended before; at most so many, gives how many. */
export function forgetEndedStreams(
  store: StateStore,
  beforeMs: number,
  streamsMax: number,
): number {
  let streams = 0
  for (const [key, stream] of jsonEntries<string>(store, 'ended/')) {
    if (streams === streamsMax || numberAt(key, 1) >= beforeMs) break
    streams += 1
    store.remove(key)
    for (const kind of ['generation', 'checkpoint', 'history']) {
      store.removePrefix(`${kind}/${nameField(stream)}/`)
    }
  }
  return streams
}

function generationKey(stream: string, generation: number): string {
  return `generation/${nameField(stream)}/${numberField(generation)}`
}

function checkpointKey(stream: string, generation: number): string {
  return `checkpoint/${nameField(stream)}/${numberField(generation)}`
}
