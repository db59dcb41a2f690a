import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  acceptedBatches,
  forgetAccepted,
  forgetRejected,
  rejectedEvents,
} from '../../src/durable/settled.ts'
import { Spool } from '../../src/durable/spool.ts'
import { openMemoryState, openState, type StateStore } from '../../src/durable/store.ts'
import { standIn, temporaryDirectory } from './durable-stand-in.ts'

const MINUTE = 60_000
const NOW = 1_790_000_000_000
const limits = { eventsMax: 100, bytesMax: 2 ** 20, batchesMax: 1000 }

const event = (id: string, timeMs = NOW, text = `{"id":"${id}"}`) => ({ id, timeMs, text })
const many = (count: number, filler = '') =>
  Array.from({ length: count }, (_, i) => {
    const id = `E${String(i).padStart(6, '0')}`
    return event(id, NOW + (i % 3) * MINUTE, `{"id":"${id}","data":"${filler}"}`)
  })

let store: StateStore
let spool: Spool
beforeEach(() => {
  store = openMemoryState()
  spool = new Spool(store)
})

describe('freezing', () => {
  test('takes events in order of window, then id, whenever they were added', () => {
    spool.add([event('C', NOW), event('A', NOW + MINUTE)])
    spool.add([event('B', NOW), event('D', NOW - MINUTE)])
    const numbers = spool.freeze({ ...limits, eventsMax: 3 }, NOW)
    expect([...spool.pending()].map(({ number, ids }) => [number, ids])).toEqual([
      [0, ['D', 'B', 'C']],
      [1, ['A']],
    ])
    expect(numbers).toEqual([0, 1])
    expect(spool.events(0).map(({ text }) => text)).toEqual([
      '{"id":"D"}',
      '{"id":"B"}',
      '{"id":"C"}',
    ])
    expect(spool.freeze(limits, NOW)).toEqual([])
  })

  test('a batch as a JSON array fills bytesMax exactly, and one byte less makes two', () => {
    spool.add([event('A'), event('B'), event('C')])
    const whole = Buffer.byteLength('[{"id":"A"},{"id":"B"},{"id":"C"}]')
    expect(spool.freeze({ ...limits, bytesMax: whole - 1 }, NOW)).toEqual([0, 1])
    expect([...spool.pending()].map(({ ids }) => ids.length)).toEqual([2, 1])
    store = openMemoryState()
    spool = new Spool(store)
    spool.add([event('A'), event('B'), event('C')])
    spool.freeze({ ...limits, bytesMax: whole }, NOW)
    expect([...spool.pending()].map(({ bytes }) => bytes)).toEqual([whole])
  })

  test('an event above bytesMax is a batch of its own', () => {
    spool.add([event('A'), event('B', NOW, 'ä'.repeat(600)), event('C')])
    spool.freeze({ ...limits, bytesMax: 100 }, NOW)
    expect([...spool.pending()].map(({ ids, bytes }) => [ids, bytes])).toEqual([
      [['A'], 12],
      [['B'], 1202],
      [['C'], 12],
    ])
  })

  test('stops at batchesMax and goes on where it stopped', () => {
    spool.add(many(25))
    const slice = { ...limits, eventsMax: 10, batchesMax: 2 }
    expect(spool.freeze(slice, NOW + MINUTE)).toEqual([0, 1])
    expect(spool.freeze(slice, NOW + MINUTE)).toEqual([2])
    expect([...spool.pending()].map(({ ids }) => ids.length)).toEqual([10, 10, 5])
  })

  test('events more than five minutes ahead wait until they are not', () => {
    spool.add([event('A', NOW + 5 * MINUTE), event('B', NOW + 5 * MINUTE + 1)])
    spool.freeze(limits, NOW)
    spool.freeze(limits, NOW)
    expect([...spool.pending()].map(({ ids }) => ids)).toEqual([['A']])
    spool.freeze(limits, NOW + 1)
    expect([...spool.pending()].map(({ ids }) => ids)).toEqual([['A'], ['B']])
  })

  test('held events wait for their release, which may come in slices', () => {
    spool.add(['A', 'B', 'C'].map((id) => ({ ...event(id), held: true })))
    spool.add([event('D')])
    expect(spool.counts()).toEqual({ events: 4, bytes: 40, held: 3, batches: 0 })
    spool.freeze(limits, NOW)
    expect(spool.release(2)).toBe(2)
    spool.freeze(limits, NOW)
    expect([...spool.pending()].map(({ ids }) => ids)).toEqual([['D'], ['A', 'B']])
    expect(spool.counts()).toEqual({ events: 4, bytes: 40, held: 1, batches: 2 })
    expect(spool.release(2)).toBe(1)
    expect(spool.release(2)).toBe(0)
  })
})

describe('ids', () => {
  test('the same event again changes nothing, waiting or in a batch', () => {
    spool.add([event('A'), event('A')])
    spool.freeze(limits, NOW)
    spool.add([event('A')])
    expect(spool.counts()).toEqual({ events: 1, bytes: 10, held: 0, batches: 1 })
    expect(spool.freeze(limits, NOW)).toEqual([])
  })

  test('the same id with other bytes is a bug, never a replacement', () => {
    spool.add([event('A')])
    expect(() => spool.add([event('A', NOW, '{"id":"A","value":"2"}')])).toThrow(
      expect.objectContaining({ code: 'METER_BUG', message: expect.stringMatching(/event A/) }),
    )
    spool.freeze(limits, NOW)
    expect(spool.events(0).map(({ text }) => text)).toEqual(['{"id":"A"}'])
  })
})

describe('settling', () => {
  test('accepted events and refused ones leave, each with its record', () => {
    spool.add([event('A'), event('B'), event('Ü')])
    const [number = -1] = spool.freeze(limits, NOW)
    const quarantined = [{ id: 'B', reason: 'bad dimension' }]
    expect(spool.settle(number, { accepted: ['Ü', 'A'], quarantined }, NOW + 1)).toBeUndefined()
    expect(spool.counts()).toEqual({ events: 0, bytes: 0, held: 0, batches: 0 })
    expect([...spool.pending()]).toEqual([])
    expect([...store.entries('spool/')].map(([key]) => key)).toEqual(['spool/counts'])
    expect([...acceptedBatches(store, 0, Number.MAX_SAFE_INTEGER)]).toEqual([
      {
        acceptedAtMs: NOW + 1,
        batch: number,
        events: [
          { id: 'Ü', text: '{"id":"Ü"}' },
          { id: 'A', text: '{"id":"A"}' },
        ],
      },
    ])
    const [rejected] = rejectedEvents(store)
    expect(rejected).toEqual({
      id: 'B',
      text: '{"id":"B"}',
      reason: 'bad dimension',
      rejectedAtMs: NOW + 1,
    })
    if (rejected) forgetRejected(store, rejected)
    expect([...rejectedEvents(store)]).toEqual([])
  })

  test('events that the answer does not name stay, frozen under a new number', () => {
    spool.add([event('A'), event('B'), event('C')])
    const [number = -1] = spool.freeze(limits, NOW)
    spool.attempt(number, NOW)
    const rest = spool.settle(number, { accepted: ['B'], quarantined: [] }, NOW)
    expect([...spool.pending()]).toEqual([
      {
        number: rest,
        ids: ['A', 'C'],
        bytes: 23,
        attempts: 0,
        firstAttemptAtMs: null,
        lastAttemptAtMs: null,
      },
    ])
    expect(rest).not.toBe(number)
    expect(spool.counts()).toEqual({ events: 2, bytes: 20, held: 0, batches: 1 })
  })

  test.each([
    ['an event twice', { accepted: ['A', 'A'], quarantined: [] }],
    ['an event as both', { accepted: ['A'], quarantined: [{ id: 'A', reason: 'x' }] }],
    ['an event of another batch', { accepted: ['B'], quarantined: [] }],
  ])('an answer that names %s is a bug', (_name, outcome) => {
    spool.add([event('A'), event('B')])
    spool.freeze({ ...limits, eventsMax: 1 }, NOW)
    expect(() => spool.settle(0, outcome, NOW)).toThrow(
      expect.objectContaining({ code: 'METER_BUG' }),
    )
    expect(() => spool.settle(7, outcome, NOW)).toThrow(/batch 7 is not in the spool/)
  })

  test('halves of a batch are new batches of the same events', () => {
    spool.add(many(5))
    const [number = -1] = spool.freeze(limits, NOW)
    const texts = spool.events(number).map(({ text }) => text)
    const [first, second] = spool.split(number)
    expect(spool.events(first).map(({ text }) => text)).toEqual(texts.slice(0, 3))
    expect(spool.events(second).map(({ text }) => text)).toEqual(texts.slice(3))
    expect([...spool.pending()].map((batch) => batch.number)).toEqual([first, second])
    const sizes = [...spool.pending()].map(({ bytes }) => bytes)
    expect(sizes).toEqual(
      [first, second].map((n) => Buffer.byteLength(`[${spool.events(n).map(({ text }) => text)}]`)),
    )
    expect(() => spool.split(number)).toThrow(/not in the spool/)
    const [one] = spool.split(second)
    expect(() => spool.split(one)).toThrow(/cannot be split/)
    expect(spool.counts().batches).toBe(3)
  })

  test('accepted events are found by time, and forgotten by age in slices', () => {
    spool.add(many(4))
    for (const number of spool.freeze({ ...limits, eventsMax: 1 }, NOW)) {
      const ids = [...spool.pending()].filter((batch) => batch.number === number)[0]?.ids ?? []
      spool.settle(number, { accepted: ids, quarantined: [] }, NOW + number * MINUTE)
    }
    const numbers = (fromMs: number, toMs: number) =>
      Array.from(acceptedBatches(store, fromMs, toMs), ({ batch }) => batch)
    expect(numbers(NOW + MINUTE, NOW + 3 * MINUTE)).toEqual([1, 2])
    expect(forgetAccepted(store, NOW + 3 * MINUTE, 2)).toBe(2)
    expect(forgetAccepted(store, NOW + 3 * MINUTE, 2)).toBe(1)
    expect(forgetAccepted(store, NOW + 3 * MINUTE, 2)).toBe(0)
    expect(numbers(0, Number.MAX_SAFE_INTEGER)).toEqual([3])
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

  test('pending batches come back with the same number, ids, bytes and attempts', async () => {
    await restart()
    spool.add([...many(250), { ...event('H'), held: true }, event('F', NOW + 9 * MINUTE)])
    spool.freeze(limits, NOW + 2 * MINUTE)
    spool.attempt(1, NOW)
    spool.attempt(1, NOW + 1)
    await store.commit()
    const picture = () => ({
      pending: [...spool.pending()],
      bodies: [...spool.pending()].map(
        ({ number }) =>
          `[${spool
            .events(number)
            .map(({ text }) => text)
            .join(',')}]`,
      ),
      counts: spool.counts(),
    })
    const before = picture()
    expect(
      before.pending.map(({ number, ids, attempts }) => [number, ids.length, attempts]),
    ).toEqual([
      [0, 100, 0],
      [1, 100, 2],
      [2, 50, 0],
    ])
    expect(before.pending.map(({ bytes }) => bytes)).toEqual(
      before.bodies.map((body) => Buffer.byteLength(body)),
    )
    expect(before.pending[1]).toMatchObject({ firstAttemptAtMs: NOW, lastAttemptAtMs: NOW + 1 })
    await restart()
    expect(picture()).toEqual(before)
    spool.add([event('X')])
    expect(spool.freeze(limits, NOW)).toEqual([3])
  })

  test('an answer that was not committed is asked for again with the same bytes', async () => {
    await restart()
    spool.add([event('A'), event('B')])
    spool.freeze(limits, NOW)
    spool.attempt(0, NOW)
    await store.commit()
    const texts = spool.events(0).map(({ text }) => text)
    spool.settle(0, { accepted: ['A', 'B'], quarantined: [] }, NOW)
    await restart()
    expect(spool.events(0).map(({ text }) => text)).toEqual(texts)
    expect([...acceptedBatches(store, 0, Number.MAX_SAFE_INTEGER)]).toEqual([])
    spool.settle(0, { accepted: ['A', 'B'], quarantined: [] }, NOW)
    await store.commit()
    await restart()
    expect(spool.counts()).toEqual({ events: 0, bytes: 0, held: 0, batches: 0 })
  })

  test('with 10,000 events in the spool every commit takes less than 200 ms', async () => {
    await restart()
    spool.add(many(10_000, 'x'.repeat(550)))
    const commitMs = async () => {
      const startMs = performance.now()
      await store.commit()
      return performance.now() - startMs
    }
    const times = { add: await commitMs(), freeze: 0, attempt: 0, settle: 0 }
    expect(spool.freeze(limits, NOW + 2 * MINUTE).length).toBe(100)
    times.freeze = await commitMs()
    spool.attempt(0, NOW)
    times.attempt = await commitMs()
    const [first] = spool.pending()
    spool.settle(0, { accepted: first?.ids ?? [], quarantined: [] }, NOW)
    times.settle = await commitMs()
    expect(spool.counts().events).toBe(9900)
    for (const [step, tookMs] of Object.entries(times)) expect(tookMs, step).toBeLessThan(200)
  })
})
