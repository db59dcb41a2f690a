// The spool: frozen batches that wait, are sent, and leave with a record of what became of them.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  acceptedBatches,
  forgetAccepted,
  forgetRejected,
  rejectedEvents,
} from '../../src/durable/settled.ts'
import { Spool } from '../../src/durable/spool.ts'
import { type BatchContent, readContent, withPieces } from '../../src/durable/spool-records.ts'
import { openMemoryState, openState, type StateStore } from '../../src/durable/store.ts'
import { standIn, temporaryDirectory } from './durable-stand-in.ts'

const MINUTE = 60_000
const NOW = 1_790_000_000_000
const ALL = Number.MAX_SAFE_INTEGER

const event = (id: string, text = `{"id":"${id}"}`) => ({ id, text })
const piece = (stream: string, part = '0') => ({
  stream,
  epoch: 0,
  windowStartMs: NOW,
  windowMs: MINUTE,
  part,
})

/** A batch of one piece of stream `s`. */
function batch(...ids: string[]): BatchContent {
  return { events: ids.map((id) => event(id)), pieces: [{ ...piece('s'), events: ids.length }] }
}

let store: StateStore
let spool: Spool
beforeEach(() => {
  store = openMemoryState()
  spool = new Spool(store)
})

const numbers = (batches: Iterable<{ number: number }>) =>
  Array.from(batches, ({ number }) => number)
const textsOf = (number: number) => spool.events(number).map(({ text }) => text)

describe('a batch', () => {
  test('waits in the order of its number, with its events as they were added', () => {
    expect(spool.add(batch('B', 'Ü'), NOW)).toBe(0)
    expect(spool.add(batch('A'), NOW - MINUTE)).toBe(1)
    const none = { attempts: 0, firstAttemptAtMs: null, lastAttemptAtMs: null }
    expect([...spool.sendable(NOW)]).toEqual([
      { number: 0, timeMs: NOW, events: 2, bytes: 21, ...none },
      { number: 1, timeMs: NOW - MINUTE, events: 1, bytes: 10, ...none },
    ])
    expect(textsOf(0)).toEqual(['{"id":"B"}', '{"id":"Ü"}'])
    expect(spool.counts()).toEqual({ events: 3, bytes: 31, held: 0, batches: 2 })
  })

  test('more than five minutes ahead waits until it is not, and holds no other up', () => {
    spool.add(batch('A'), NOW + 5 * MINUTE + 1)
    spool.add(batch('B'), NOW + 5 * MINUTE)
    expect(numbers(spool.sendable(NOW))).toEqual([1])
    expect(numbers(spool.sendable(NOW + 1))).toEqual([0, 1])
    expect(numbers(spool.queued())).toEqual([0, 1])
  })

  test('that is held waits for its release, which may come in slices', () => {
    for (const id of ['A', 'B', 'C']) spool.add(batch(id), NOW, true)
    spool.add(batch('D'), NOW)
    expect(spool.counts()).toEqual({ events: 4, bytes: 40, held: 3, batches: 4 })
    expect(numbers(spool.sendable(NOW))).toEqual([3])
    expect(spool.release(2)).toBe(2)
    expect(numbers(spool.sendable(NOW))).toEqual([0, 1, 3])
    expect(spool.counts()).toEqual({ events: 4, bytes: 40, held: 1, batches: 4 })
    expect(spool.release(2)).toBe(1)
    expect(spool.release(2)).toBe(0)
  })

  test('can be put on hold, keeps its attempts, and comes back by a release', () => {
    spool.add(batch('A', 'B'), NOW)
    spool.attempt(0, NOW)
    spool.hold(0)
    expect([...spool.sendable(NOW)]).toEqual([])
    expect(spool.counts()).toMatchObject({ events: 2, held: 2 })
    expect(spool.release(ALL)).toBe(2)
    expect([...spool.sendable(NOW)]).toMatchObject([{ number: 0, attempts: 1 }])
  })

  test('knows which piece of a segment each of its events is of', () => {
    const pieces = [
      { ...piece('a'), events: 2 },
      { ...piece('b', 'r1'), events: 1 },
    ]
    const events = ['1', '2', '3'].map((id) => event(id))
    spool.add({ events, pieces }, NOW)
    const content = readContent(store, 0)
    expect(content).toEqual({ events, pieces })
    expect(Array.from(withPieces(content as BatchContent), ([one, of]) => [one.id, of])).toEqual([
      ['1', piece('a')],
      ['2', piece('a')],
      ['3', piece('b', 'r1')],
    ])
  })
})

describe('settling', () => {
  test('accepted events and refused ones leave, each with its record', () => {
    const number = spool.add(batch('A', 'B', 'Ü'), NOW)
    const quarantined = [{ id: 'B', reason: 'bad dimension' }]
    expect(spool.settle(number, { accepted: ['Ü', 'A'], quarantined }, NOW + 1)).toBeUndefined()
    expect(spool.counts()).toEqual({ events: 0, bytes: 0, held: 0, batches: 0 })
    expect([...spool.queued()]).toEqual([])
    const events = [event('A'), event('Ü')]
    expect([...acceptedBatches(store, 0, ALL)]).toEqual([
      { acceptedAtMs: NOW + 1, batch: number, events, pieces: [{ ...piece('s'), events: 2 }] },
    ])
    const [rejected] = rejectedEvents(store)
    const reason = 'bad dimension'
    const refused = { ...event('B'), reason, rejectedAtMs: NOW + 1, piece: piece('s') }
    expect(rejected).toEqual(refused)
    if (rejected) forgetRejected(store, rejected)
    expect([...rejectedEvents(store)]).toEqual([])
  })

  test('a batch of which nothing was accepted leaves nothing but what was refused', () => {
    const number = spool.add(batch('A'), NOW)
    const quarantined = [{ id: 'A', reason: 'x' }]
    spool.settle(number, { accepted: [], quarantined }, NOW)
    expect([...store.entries('spool/')].map(([key]) => key)).toEqual(['spool/counts'])
    expect([...acceptedBatches(store, 0, ALL)]).toEqual([])
    expect([...rejectedEvents(store)].map(({ id }) => id)).toEqual(['A'])
  })

  test('events that the answer does not name stay, frozen under a new number', () => {
    const pieces = ['a', 'b', 'c'].map((stream) => ({ ...piece(stream), events: 1 }))
    const number = spool.add({ events: ['A', 'B', 'C'].map((id) => event(id)), pieces }, NOW)
    spool.attempt(number, NOW)
    const rest = spool.settle(number, { accepted: ['B'], quarantined: [] }, NOW) ?? -1
    expect(rest).not.toBe(number)
    // They were sent, and may have arrived: a start after a crash must find them ambiguous.
    const sent = { attempts: 1, firstAttemptAtMs: NOW, lastAttemptAtMs: NOW }
    expect([...spool.queued()]).toMatchObject([{ number: rest, events: 2, bytes: 20, ...sent }])
    expect(readContent(store, rest)).toEqual({
      events: [event('A'), event('C')],
      pieces: [pieces[0], pieces[2]],
    })
    expect(spool.counts()).toEqual({ events: 2, bytes: 20, held: 0, batches: 1 })
  })

  test.each([
    ['an event twice', { accepted: ['A', 'A'], quarantined: [] }],
    ['an event as both', { accepted: ['A'], quarantined: [{ id: 'A', reason: 'x' }] }],
    ['an event of another batch', { accepted: ['B'], quarantined: [] }],
  ])('an answer that names %s is a bug', (_name, outcome) => {
    spool.add(batch('A'), NOW)
    spool.add(batch('B'), NOW)
    expect(() => spool.settle(0, outcome, NOW)).toThrow(
      expect.objectContaining({ code: 'METER_BUG' }),
    )
    expect(() => spool.settle(7, outcome, NOW)).toThrow(/batch 7 is not in the spool/)
  })

  test('accepted events are found by time, and forgotten by age in slices', () => {
    for (const [at, id] of ['A', 'B', 'C', 'D'].entries()) {
      const number = spool.add(batch(id), NOW)
      spool.settle(number, { accepted: [id], quarantined: [] }, NOW + at * MINUTE)
    }
    const found = (fromMs: number, toMs: number) =>
      Array.from(acceptedBatches(store, fromMs, toMs), (one) => one.batch)
    expect(found(NOW + MINUTE, NOW + 3 * MINUTE)).toEqual([1, 2])
    expect(forgetAccepted(store, NOW + 3 * MINUTE, 2)).toBe(2)
    expect(forgetAccepted(store, NOW + 3 * MINUTE, 2)).toBe(1)
    expect(forgetAccepted(store, NOW + 3 * MINUTE, 2)).toBe(0)
    expect(found(0, ALL)).toEqual([3])
    expect([...store.entries('spool/batch/')]).toHaveLength(1)
  })
})

describe('on disk', () => {
  let directory: string
  let remove: () => void
  beforeEach(() => {
    ;({ directory, remove } = temporaryDirectory())
  })
  afterEach(() => remove())

  async function restart(): Promise<void> {
    await store.close()
    store = await openState(directory, standIn)
    spool = new Spool(store)
  }

  test('batches come back with the same number, bytes and attempts', async () => {
    await restart()
    for (let number = 0; number < 3; number += 1) spool.add(batch(`${number}a`, `${number}b`), NOW)
    spool.add(batch('H'), NOW, true)
    spool.attempt(1, NOW)
    spool.attempt(1, NOW + 1)
    await store.commit()
    const picture = () => ({
      queued: [...spool.queued()],
      texts: numbers(spool.queued()).map(textsOf),
      counts: spool.counts(),
    })
    const before = picture()
    expect(before.queued.map(({ attempts }) => attempts)).toEqual([0, 2, 0])
    expect(before.queued[1]).toMatchObject({ firstAttemptAtMs: NOW, lastAttemptAtMs: NOW + 1 })
    await restart()
    expect(picture()).toEqual(before)
    expect(spool.add(batch('X'), NOW)).toBe(4)
  })

  test('an answer that was not committed is asked for again with the same bytes', async () => {
    await restart()
    spool.add(batch('A', 'B'), NOW)
    spool.attempt(0, NOW)
    await store.commit()
    const texts = textsOf(0)
    spool.settle(0, { accepted: ['A', 'B'], quarantined: [] }, NOW)
    await restart()
    expect(textsOf(0)).toEqual(texts)
    expect([...acceptedBatches(store, 0, ALL)]).toEqual([])
    spool.settle(0, { accepted: ['A', 'B'], quarantined: [] }, NOW)
    await store.commit()
    await restart()
    expect(spool.counts()).toEqual({ events: 0, bytes: 0, held: 0, batches: 0 })
  })
})
