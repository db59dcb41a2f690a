// Takes a state of format 1 over into format 2, in one commit: a crash leaves the one or the other.
//
// Format 1 kept an event under its id and made batches later; accepted events lay with their record
// of acceptance; a closed segment held its rules. It had no history and no sums in its ledger, so
// nothing before the upgrade can be computed again, and its batches do not say what they are of.
// Event bytes, ids and positions stay as they are.

import { getJson, jsonEntries, packRecord, putJson, unpackRecord } from './codec.ts'
import { putGeneration, putSettings } from './history.ts'
import { numberAt } from './keys.ts'
import { type LedgerHead, putLedgerRow } from './ledger.ts'
import { noteQuarantined } from './quarantine.ts'
import {
  type PieceName,
  putStream,
  putUnattributed,
  type StreamHistory,
  streams,
} from './records.ts'
import { putAccepted } from './settled.ts'
import {
  type BatchEntry,
  type BatchPiece,
  COUNTS_KEY,
  type CountsRecord,
  type EventText,
  putContent,
  type WaitKind,
  waitKey,
} from './spool-records.ts'
import type { StateStore } from './state.ts'

/** Events of one new batch. */
const BATCH_EVENTS = 100

/** Stages the upgrade. */
export function upgradeFrom1(store: StateStore): void {
  const nextBatch = getJson<{ nextBatch: number }>(store, COUNTS_KEY)?.nextBatch ?? 0
  const spool = new Upgrade(store, nextBatch)
  spool.takeBatches()
  spool.takeWaiting('queue', 'spool/ready/')
  spool.takeWaiting('held', 'spool/held/')
  spool.takeAccepted()
  takeRejected(store)
  spool.end()
  takeSegments(store)
  takeLedger(store)
  takeQuarantine(store)
  takeStreams(store)
}

class Upgrade {
  readonly #store: StateStore
  #nextBatch: number
  #counts = { events: 0, bytes: 0, held: 0, batches: 0 }

  constructor(store: StateStore, nextBatch: number) {
    this.#store = store
    this.#nextBatch = nextBatch
  }

  takeBatches(): void {
    type Batch = BatchEntry & { readonly ids: readonly string[] }
    for (const [key, { ids, ...entry }] of jsonEntries<Batch>(this.#store, 'spool/batch/')) {
      this.#put(numberAt(key, 2), 'queue', this.#events(ids), entry)
    }
  }

  takeWaiting(kind: WaitKind, prefix: string): void {
    let ids: string[] = []
    for (const [key, { id }] of [...jsonEntries<{ readonly id: string }>(this.#store, prefix)]) {
      this.#store.remove(key)
      ids.push(id)
      if (ids.length === BATCH_EVENTS) ids = this.#putNew(kind, ids)
    }
    if (ids.length > 0) this.#putNew(kind, ids)
  }

  takeAccepted(): void {
    type Head = { readonly ids: readonly string[]; readonly lengths: readonly number[] }
    for (const [key, packed] of [...this.#store.entries('accepted/')]) {
      const { head, body } = unpackRecord<Head>(packed)
      const texts = Buffer.from(body)
      let at = 0
      const events = head.ids.map((id, index) => {
        const start = at
        at += head.lengths[index] ?? 0
        return { id, text: texts.toString('utf8', start, at) }
      })
      putContent(this.#store, numberAt(key, 2), { events, pieces: events.map(pieceOf) })
      putAccepted(this.#store, numberAt(key, 2), numberAt(key, 1), [])
    }
  }

  end(): void {
    const counts: CountsRecord = { ...this.#counts, nextBatch: this.#nextBatch }
    putJson(this.#store, COUNTS_KEY, counts)
    this.#store.removePrefix('spool/event/')
  }

  #putNew(kind: WaitKind, ids: readonly string[]): string[] {
    const none = { attempts: 0, firstAttemptAtMs: null, lastAttemptAtMs: null }
    this.#put(this.#nextBatch, kind, this.#events(ids), none)
    this.#nextBatch += 1
    return []
  }

  #put(
    number: number,
    kind: WaitKind,
    events: readonly EventText[],
    attempts: Pick<BatchEntry, 'attempts' | 'firstAttemptAtMs' | 'lastAttemptAtMs'>,
  ): void {
    const pieces = events.map(pieceOf)
    const bytes = putContent(this.#store, number, { events, pieces })
    const timeMs = Math.max(...pieces.map(({ windowStartMs }) => windowStartMs))
    const { attempts: count, firstAttemptAtMs, lastAttemptAtMs } = attempts
    const times = { attempts: count, firstAttemptAtMs, lastAttemptAtMs }
    putJson(this.#store, waitKey(kind, number), { timeMs, events: events.length, bytes, ...times })
    this.#counts = {
      events: this.#counts.events + events.length,
      bytes: this.#counts.bytes + bytes,
      held: this.#counts.held + (kind === 'held' ? events.length : 0),
      batches: this.#counts.batches + 1,
    }
  }

  #events(ids: readonly string[]): EventText[] {
    return ids.map((id) => {
      const text = this.#store.get(`spool/event/${id}`) ?? new Uint8Array()
      return { id, text: Buffer.from(text).toString() }
    })
  }
}

/** The stream of an event is not known: an empty name is no stream's. */
function pieceOf({ text }: EventText): BatchPiece {
  const { time = '' } = JSON.parse(text) as { readonly time?: string }
  const windowStartMs = Date.parse(time) || 0
  return { stream: '', epoch: 0, windowStartMs, windowMs: 0, part: '0', events: 1 }
}

function takeRejected(store: StateStore): void {
  for (const [key, event] of [...jsonEntries<EventText>(store, 'rejected/')]) {
    const { events: _one, ...piece } = pieceOf(event)
    putJson(store, key, { ...event, piece })
  }
}

interface SegmentOf1 extends Omit<PieceName, 'part'> {
  readonly part: number
  readonly rules: unknown
}

function takeSegments(store: StateStore): void {
  for (const [key, { rules, ...head }] of [...jsonEntries<SegmentOf1>(store, 'segment/')]) {
    const pages = [...store.entries(key.replace('segment/', 'segment-page/'))].length
    const settings = putSettings(store, { rules })
    putJson(store, key, { ...head, part: String(head.part), pages, settings })
  }
}

function takeLedger(store: StateStore): void {
  type Row = Omit<LedgerHead, 'part'> & { readonly part: number }
  for (const [key, row] of [...jsonEntries<Row>(store, 'ledger/')]) {
    const unknown = { from: null, to: null, settings: '', closedAtMs: 0 }
    const head: LedgerHead = { ...row, ...unknown, part: String(row.part) }
    store.remove(key)
    putLedgerRow(store, head, { projects: [], reasons: new Uint8Array() })
    takeUnattributed(store, key, head)
  }
}

/** Keys of format 1 did not tell windows of other lengths apart. */
function takeUnattributed(store: StateStore, ledgerKeyOf1: string, piece: PieceName): void {
  const prefix = `${ledgerKeyOf1.replace(/^ledger/, 'unattributed')}/`
  for (const [key, packed] of [...store.entries(prefix)]) {
    store.remove(key)
    putUnattributed(store, piece, numberAt(key, 5), unpackRecord(packed).body)
  }
}

/** Quarantined lines say more of where they are from. */
function takeQuarantine(store: StateStore): void {
  let quarantinedBytes = 0
  for (const [key, packed] of [...store.entries('quarantine/')]) {
    const { head, body } = unpackRecord<object>(packed)
    store.put(key, packRecord({ ...head, settings: '' }, body))
    quarantinedBytes += body.length
  }
  noteQuarantined(store, quarantinedBytes)
}

interface GenerationOf1 {
  readonly generation: number
  readonly name: string
  readonly proof: string
  readonly proofBytes: number
  readonly offset: number
  readonly finished: boolean
}

/** What was read of the present generations has no settings, so it is never computed again. */
function takeStreams(store: StateStore): void {
  for (const record of [...streams<unknown, GenerationOf1>(store)]) {
    const { head, ...rest } = record
    const { stream, generations } = rest
    for (const [order, one] of generations.entries()) {
      const { generation, name, proof, proofBytes, finished, offset } = one
      const endOffset = finished ? offset : null
      const facts = { generation, name, proof, proofBytes, endOffset }
      putGeneration(store, stream, { ...facts, order, settings: '', guard: null, atMs: 0 })
    }
    const last = generations.find(({ finished }) => !finished) ?? generations.at(-1)
    const history: StreamHistory = {
      settings: '',
      pieceFrom: { generation: last?.generation ?? 0, offset: last?.offset ?? 0 },
      entries: 0,
      generationsRead: Math.max(1, generations.length),
    }
    putStream(store, { ...rest, history }, head)
  }
}
