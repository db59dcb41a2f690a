// Looks at every commit as it becomes durable: positions (positions.ts), what enters the spool and
// what leaves it (I6), and by which life windows were closed. And at every request: that what it
// sends was durable before (I2), and is not what the receiver has accepted for sure.

import type { FrozenBatch } from '../../src/deliver/sink.ts'
import { decodeJson } from '../../src/durable/codec.ts'
import { type LedgerRow, readLedgerRow } from '../../src/durable/ledger.ts'
import type { Position } from '../../src/durable/records.ts'
import { readContent, waitingBatches } from '../../src/durable/spool-records.ts'
import type { Changes } from '../../src/durable/staged-store.ts'
import type { StateReader } from '../../src/durable/state.ts'
import type { GapRecord } from '../../src/tail/generation-list.ts'
import type { Life } from './life.ts'
import { StreamClaims, streamHead } from './positions.ts'
import type { Receiver } from './receiver.ts'
import type { StreamLog } from './stream-log.ts'
import { check } from './violation.ts'

/** After the end of a window. */
const GRACE_MS = 30_000

/** A ledger row, and the life that committed it. */
export interface PieceRow extends LedgerRow {
  readonly life: Life
}

/** A commit that has just become durable. */
interface Commit {
  readonly picture: StateReader
  readonly life: Life
  readonly gaps: readonly GapRecord[]
}

export class CommitWatch {
  readonly streams = new Map<string, StreamClaims>()
  /** By stream, epoch, window and part. */
  readonly pieces = new Map<string, PieceRow>()
  /** The text of every event that was ever in the spool. */
  readonly events = new Map<string, string>()
  /** Events that the state says have left the spool, and how. */
  readonly settled = new Map<string, 'accepted' | 'rejected'>()
  readonly gaps: GapRecord[] = []
  /** How often an event was accepted, or refused for good. */
  accepted = 0
  rejected = 0
  /** Somebody asked for events that were refused. */
  isSentAgain = false
  /** Where the ledger of each stream begins. */
  readonly firstGenerations = new Map<string, number>()
  readonly #rejectedByKey = new Map<string, string>()
  /** Where the last piece of each stream ended. */
  readonly #pieceEnds = new Map<string, Position>()
  /** Ids of every batch that ever was. */
  readonly #idsOf = new Map<number, readonly string[]>()
  readonly #receiver: Receiver
  readonly #logOf: (stream: string) => StreamLog | undefined

  constructor(receiver: Receiver, logOf: (stream: string) => StreamLog | undefined) {
    this.#receiver = receiver
    this.#logOf = logOf
  }

  /** What was claimed of each of these logs, also of those that no commit has named. */
  claimsOf(logs: Iterable<StreamLog>): StreamClaims[] {
    return Array.from(logs, (log) => this.streams.get(log.place.stream) ?? new StreamClaims(log))
  }

  committed(changes: Changes, picture: StateReader, life: Life): void {
    const keys = [...changes.keys()]
    const put = keys.filter((key) => changes.get(key) !== null)
    const gaps = put.filter((key) => key.startsWith('gap/'))
    const commit = {
      picture,
      life,
      gaps: gaps.map((key) => decodeJson<GapRecord>(at(picture, key))),
    }
    this.gaps.push(...commit.gaps)
    // What was refused may be sent again, when somebody asks for it.
    for (const key of keys.filter((one) => !put.includes(one))) {
      const id = this.#rejectedByKey.get(key)
      if (id !== undefined) this.settled.delete(id)
    }
    for (const key of put) this.#put(key, at(picture, key), commit)
    for (const key of keys) {
      if (put.includes(key)) continue
      if (/^spool\/(queue|held)\//.test(key)) this.#left(key, picture)
    }
  }

  #put(key: string, bytes: Uint8Array, commit: Commit): void {
    const [family, kind] = key.split('/', 2)
    if (family === 'stream') this.#stream(bytes, commit)
    else if (family === 'ledger') this.#piece(bytes, commit.life)
    else if (family === 'spool' && kind === 'batch') this.#batch(key, commit.picture)
    else if (family === 'accepted') this.#accepted(key, bytes, commit.picture)
    else if (family === 'rejected') this.#rejected(key, bytes)
  }

  #stream(bytes: Uint8Array, { gaps, life }: Commit): void {
    const { stream, generations } = streamHead(bytes)
    const log = this.#logOf(stream)
    check('I3', log !== undefined, () => `the state has a stream ${stream} that nobody writes`)
    if (log === undefined) return
    const claims = this.streams.get(stream) ?? new StreamClaims(log)
    this.streams.set(stream, claims)
    claims.committed(
      generations,
      gaps.filter((gap) => gap.stream === stream),
      life,
    )
  }

  #piece(bytes: Uint8Array, life: Life): void {
    const row = readLedgerRow(bytes)
    const name = pieceName(row.stream, row.epoch, row.windowStartMs, row.windowMs, row.part)
    check('I5', !this.pieces.has(name), () => `the piece ${name} was closed twice`)
    this.pieces.set(name, { ...row, life })
    // A stop closes nothing, and time does so late enough for every buffer of a gateway.
    const isTime = life.isOnce || life.latestMs > row.windowStartMs + row.windowMs + GRACE_MS
    check('I11', !row.byTime || isTime, () => `${name} was closed before its time`)
    // Pieces cover a stream without a hole and without an overlap.
    const { stream, from, to } = row
    // A replay has no bytes of its own.
    if (from === null) return
    // Which generation is the oldest is known when the first one is read.
    const end = this.#pieceEnds.get(stream) ?? { generation: from.generation, offset: 0 }
    const follows = from.generation === end.generation && from.offset === end.offset
    if (!this.firstGenerations.has(stream)) this.firstGenerations.set(stream, from.generation)
    check('I1', follows, () => `${name} begins at ${shown(from)}, not at ${shown(end)}`)
    this.#pieceEnds.set(stream, to ?? end)
  }

  #batch(key: string, picture: StateReader): void {
    const events = readContent(picture, numberOf(key))?.events ?? []
    this.#idsOf.set(
      numberOf(key),
      events.map(({ id }) => id),
    )
    for (const { id, text } of events) {
      const known = this.events.get(id)
      check('I4', known === undefined || known === text, () => `id ${id} was made twice: ${text}`)
      check('I6', !this.settled.has(id), () => `${id} came back into the spool`)
      this.events.set(id, text)
    }
  }

  #accepted(key: string, bytes: Uint8Array, picture: StateReader): void {
    const { without } = decodeJson<{ without: readonly string[] }>(bytes)
    for (const { id } of readContent(picture, numberOf(key))?.events ?? []) {
      if (without.includes(id)) continue
      const isTrue = this.#receiver.accepted.has(id)
      check('I6', isTrue, () => `${id} left the spool as accepted, and nobody accepted it`)
      this.settled.set(id, 'accepted')
      this.accepted += 1
    }
  }

  #rejected(key: string, bytes: Uint8Array): void {
    const { id, text } = decodeJson<{ id: string; text: string }>(bytes)
    const isTrue = this.#receiver.refused.has(id)
    check('I6', isTrue, () => `${id} left the spool as rejected, and nobody refused it`)
    check('I4', this.events.get(id) === text, () => `${id} was rejected with other bytes`)
    this.settled.set(id, 'rejected')
    this.rejected += 1
    this.#rejectedByKey.set(key, id)
  }

  /** A batch does not wait any more: each of its events is settled or waits in another one. */
  #left(key: string, picture: StateReader): void {
    const number = numberOf(key)
    const waiting = new Set<string>()
    for (const kind of ['queue', 'held'] as const) {
      for (const batch of waitingBatches(picture, kind)) {
        for (const id of this.#idsOf.get(batch.number) ?? []) waiting.add(id)
      }
    }
    for (const id of this.#idsOf.get(number) ?? []) {
      const isKept = this.settled.has(id) || waiting.has(id)
      check('I6', isKept, () => `${id} left the spool, neither accepted nor rejected`)
    }
  }

  /** A request is made: everything in it must be durable, its attempt too (I2). */
  requested(batch: FrozenBatch, picture: StateReader): void {
    const kept = new Map(
      readContent(picture, batch.number)?.events.map(({ id, text }) => [id, text]),
    )
    const waits = [...waitingBatches(picture, 'queue')].find(
      ({ number }) => number === batch.number,
    )
    check('I2', (waits?.attempts ?? 0) > 0, () => `batch ${batch.number} is sent unannounced`)
    for (const [index, id] of batch.ids.entries()) {
      const isDurable = kept.get(id) === batch.texts[index]
      check('I2', isDurable, () => `${id} is sent and not durable`)
      check('I6', !this.settled.has(id), () => `${id} is sent after it was settled`)
    }
  }
}

function shown(position: Position | null): string {
  return `${position?.generation}:${position?.offset}`
}

function at(picture: StateReader, key: string): Uint8Array {
  return picture.get(key) ?? new Uint8Array()
}

/** The number that ends a key of the spool, or of an accepted batch. */
function numberOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1))
}

/** Names a piece of a segment, the same for the state and for the oracle. */
export function pieceName(
  stream: string,
  epoch: number,
  windowStartMs: number,
  windowMs: number,
  part: string | number,
): string {
  return `${stream} ${epoch} ${windowStartMs}+${windowMs} ${part}`
}
