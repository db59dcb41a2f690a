// Rules of the sender against a gateway that fails in every way of the response table.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GatewaySink } from '../../src/deliver/gateway-sink.ts'
import { type Outbox, Sender, type SenderSignal } from '../../src/deliver/sender.ts'
import {
  type FrozenBatch,
  freezeBatch,
  type Sink,
  type SinkAnswer,
} from '../../src/deliver/sink.ts'
import { NEVER, TestOutbox, testBatch, testId, withoutWaits } from '../sink/batches.ts'
import { type GatewayStep, startGateway, type TestGateway } from '../sink/gateway.ts'

let gateway: TestGateway
let sink: GatewaySink
let waits: number[]
beforeEach(async () => {
  gateway = await startGateway()
  sink = new GatewaySink({ url: gateway.url, timeoutMs: 200 })
  waits = []
})
afterEach(async () => {
  await sink.close()
  await gateway.close()
})

async function send(...batches: FrozenBatch[]): Promise<TestOutbox> {
  const outbox = new TestOutbox(...batches)
  await new Sender(sink, outbox, withoutWaits(waits)).run(NEVER)
  return outbox
}

const idsOf = (event: { readonly id?: unknown }) => `${event.id}`

describe('each event is stored once, by identical bytes on each attempt, when the sink', () => {
  test.each<[string, GatewayStep[], number[]]>([
    ['accepts', [], []],
    [
      'answers 429 with Retry-After in seconds',
      [{ do: 'fail', status: 429, retryAfter: '7' }],
      [7000],
    ],
    ['answers 429 in the middle of a batch', [{ do: 'fail', status: 429, after: 42 }], [1000]],
    ['answers 503', [{ do: 'fail', status: 503 }], [750]],
    ['answers 503 in the middle of a batch', [{ do: 'fail', status: 503, after: 99 }], [750]],
    [
      'answers 503 with Retry-After above one hour',
      [{ do: 'fail', status: 503, retryAfter: '86400' }],
      [3_600_000],
    ],
    [
      'answers 408, 500 and 502',
      [408, 500, 502].map((status) => ({ do: 'say', status }) as const),
      [750, 1250, 2250],
    ],
    ['breaks the connection before it stores', [{ do: 'reset', when: 'before' }], [750]],
    ['breaks the connection after it stored', [{ do: 'reset', when: 'after' }], [750]],
    ['does not answer', [{ do: 'hang' }], [750]],
    ['answers 200 that cannot be read', [{ do: 'say', status: 200, body: '<html>' }], [750]],
    [
      'takes our token only later',
      [
        { do: 'say', status: 401 },
        { do: 'say', status: 403 },
      ],
      [60_000, 60_000],
    ],
    [
      'is at another path for a while',
      [404, 405, 302].map((status) => ({ do: 'say', status }) as const),
      [60_000, 60_000, 60_000],
    ],
  ])('%s', async (_name, script, expectedWaits) => {
    gateway.script = script
    const batch = testBatch(7, 100)
    const outbox = await send(batch)
    expect([...gateway.stored]).toEqual(batch.ids.map((id, index) => [id, batch.texts[index]]))
    expect(gateway.requests).toHaveLength(expectedWaits.length + 1)
    for (const request of gateway.requests) expect(request.body.equals(batch.body)).toBe(true)
    expect(outbox.outcomes.get(7)).toEqual({ accepted: [...batch.ids], quarantined: [] })
    expect(waits).toEqual(expectedWaits)
  })

  test('honours a Retry-After date', async () => {
    const nowMs = Date.UTC(2026, 10, 22, 12)
    const retryAfter = new Date(nowMs + 90_000).toUTCString()
    gateway.script = [{ do: 'fail', status: 429, retryAfter }]
    await sink.close()
    sink = new GatewaySink({ url: gateway.url, now: () => nowMs })
    await send(testBatch(1, 1))
    expect(waits).toEqual([90_000])
  })

  test('fails again after it had accepted: the waits begin small again', async () => {
    const fail: GatewayStep = { do: 'fail', status: 503 }
    gateway.script = [fail, fail, { do: 'answer' }, fail]
    await send(testBatch(1, 1), testBatch(2, 1, 1))
    expect(waits).toEqual([750, 1250, 750])
  })

  test('is away for long: all of it arrives after, and nothing is quarantined', async () => {
    gateway.script = Array.from({ length: 150 }, () => ({ do: 'fail', status: 503 }))
    const outbox = await send(testBatch(1, 10), testBatch(2, 10, 10))
    expect(gateway.stored.size).toBe(20)
    expect(outbox.accepted.sort()).toEqual(testBatch(1, 20).ids)
    expect(outbox.quarantined).toEqual({})
    expect(gateway.duplicates).toBe(0)
    expect(Math.max(...waits)).toBe(30_250)
  })
})

describe('an event that the sink cannot take', () => {
  test('is quarantined with the reason of 207, the rest is accepted', async () => {
    const { ids, texts } = testBatch(1, 5)
    const events = ids.map((id, index) => ({ id, text: texts[index] ?? '' }))
    const bad = { id: ids[2] ?? '', text: (texts[2] ?? '').replace('"value":"1"', '"value":1') }
    const outbox = await send(freezeBatch(1, events.with(2, bad)))
    expect(gateway.requests).toHaveLength(1)
    expect(outbox.accepted).toEqual(ids.toSpliced(2, 1))
    expect(outbox.quarantined).toEqual({ [testId(2)]: 'INVALID_VALUE_TYPE: see the contract' })
  })

  test('is found by halves when 207 does not name it', async () => {
    const batch = testBatch(1, 8)
    const unnamed = JSON.stringify({ accepted: 7, rejected: [{ id: '', reason: 'INVALID_ULID' }] })
    gateway.script = [{ do: 'say', status: 207, body: unnamed }]
    const outbox = await send(batch)
    expect(gateway.requests).toHaveLength(3)
    expect(outbox.accepted).toEqual(batch.ids)
    expect(gateway.requests.slice(1).map(({ body }) => body.toString())).toEqual([
      `[${batch.texts.slice(0, 4).join(',')}]`,
      `[${batch.texts.slice(4).join(',')}]`,
    ])
  })

  test('and drops without a word is found by halves and is not_accepted', async () => {
    gateway.drops = (event) => [testId(3), testId(77)].includes(idsOf(event))
    const outbox = await send(testBatch(1, 100))
    expect(outbox.quarantined).toEqual({
      [testId(3)]: 'not_accepted',
      [testId(77)]: 'not_accepted',
    })
    expect(outbox.accepted).toHaveLength(98)
    expect(gateway.stored.size).toBe(98)
  })

  test('and answers by 503 each time is quarantined, the rest is stored', async () => {
    gateway.poison = (event) => idsOf(event) === testId(40)
    const outbox = await send(testBatch(1, 100), testBatch(2, 10, 100))
    expect(Object.keys(outbox.quarantined)).toEqual([testId(40)])
    expect(outbox.quarantined[testId(40)]).toMatch(/^refused 503 /)
    expect(gateway.stored.size).toBe(109)
    expect(gateway.requests.length).toBeLessThan(60)
  })

  test('does not hold up the events behind it, even as the first of its batch', async () => {
    gateway.poison = (event) => idsOf(event) === testId(0)
    const outbox = await send(testBatch(1, 4))
    expect([...gateway.stored.keys()]).toEqual([testId(2), testId(3), testId(1)])
    expect(Object.keys(outbox.quarantined)).toEqual([testId(0)])
  })

  test('is tried five times more after an outage, whatever it was refused before', async () => {
    let attempts = 0
    const refused: SinkAnswer = { kind: 'unknown', status: 503, text: '' }
    const answerOf = ({ ids }: FrozenBatch): SinkAnswer => {
      attempts += 1
      if (attempts <= 20) return refused
      const first = ids[0] === testId(0)
      return first && attempts <= 25 ? refused : { kind: 'accepted', status: 200, text: '' }
    }
    const outbox = new TestOutbox(testBatch(1, 2))
    await new Sender(fakeSink([], answerOf), outbox, withoutWaits()).run(NEVER)
    expect(outbox.accepted).toEqual([testId(1), testId(0)])
    expect(attempts).toBe(26)
  })

  test('is not quarantined while nothing at all is accepted', async () => {
    let answers = 0
    const stop = new AbortController()
    const outbox = new TestOutbox(testBatch(1, 2))
    gateway.poison = () => true
    const onSignal = (signal: SenderSignal) => {
      if (signal.kind === 'answered') answers += 1
      if (answers === 60) stop.abort()
    }
    await new Sender(sink, outbox, { ...withoutWaits(), onSignal }).run(stop.signal)
    expect(answers).toBe(60)
    expect(outbox.outcomes.size).toBe(0)
  })

  test.each([400, 422, 409, 413])(
    'by %i is found by halves, and that event alone is quarantined',
    async (status) => {
      const answerOf = (batch: FrozenBatch): SinkAnswer =>
        batch.ids.includes(testId(5))
          ? { kind: status === 413 ? 'tooLarge' : 'refused', status, text: 'no' }
          : { kind: 'accepted', status: 200, text: '' }
      const seen: FrozenBatch[] = []
      const outbox = new TestOutbox(testBatch(1, 100))
      await new Sender(fakeSink(seen, answerOf), outbox, withoutWaits(waits)).run(NEVER)
      expect(outbox.quarantined).toEqual({ [testId(5)]: `refused ${status} no` })
      expect(outbox.accepted.sort()).toEqual(testBatch(1, 100).ids.toSpliced(5, 1))
      expect(seen.length).toBeLessThanOrEqual(15)
      expect(waits).toEqual([])
    },
  )
})

function fakeSink(seen: FrozenBatch[], answerOf: (batch: FrozenBatch) => SinkAnswer): Sink {
  return {
    name: 'fake',
    deliver: async (batch) => {
      seen.push(batch)
      return answerOf(batch)
    },
    close: async () => undefined,
  }
}

describe('the sender', () => {
  test('stopped while it waits, ends at once and leaves the batch in the outbox', async () => {
    gateway.script = [{ do: 'fail', status: 429, retryAfter: '3600' }]
    const stop = new AbortController()
    const outbox = new TestOutbox(testBatch(1, 1))
    const onSignal = () => setImmediate(() => stop.abort())
    const began = performance.now()
    await new Sender(sink, outbox, { onSignal }).run(stop.signal)
    expect(performance.now() - began).toBeLessThan(1000)
    expect(outbox.outcomes.size).toBe(0)
  })

  test('ends at once when it is stopped within an attempt', async () => {
    gateway.script = [{ do: 'hang' }]
    const stop = new AbortController()
    await sink.close()
    sink = new GatewaySink({ url: gateway.url })
    const run = new Sender(sink, new TestOutbox(testBatch(1, 1))).run(stop.signal)
    while (gateway.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    const began = performance.now()
    stop.abort()
    await run
    expect(performance.now() - began).toBeLessThan(1000)
  })

  test('when it is stopped between halves, tells what is settled already', async () => {
    const stop = new AbortController()
    const outbox = new TestOutbox(testBatch(1, 4), testBatch(2, 4, 4))
    const answerOf = ({ ids }: FrozenBatch): SinkAnswer => {
      if (ids.length === 4) return { kind: 'refused', status: 400, text: 'no' }
      stop.abort()
      return { kind: 'accepted', status: 200, text: '' }
    }
    await new Sender(fakeSink([], answerOf), outbox, withoutWaits()).run(stop.signal)
    expect([...outbox.outcomes]).toEqual([
      [1, { accepted: [testId(0), testId(1)], quarantined: [] }],
    ])
  })

  test('asks the outbox for a batch only after the one before is settled', async () => {
    const log: string[] = []
    const batches = [testBatch(1, 1), testBatch(2, 1, 1)]
    const outbox: Outbox = {
      next: async () => {
        log.push('next')
        return batches.shift()
      },
      settled: ({ number }) => log.push(`settled ${number}`),
    }
    await new Sender(sink, outbox).run(NEVER)
    expect(log).toEqual(['next', 'settled 1', 'next', 'settled 2', 'next'])
  })

  test('tells every answer with the wait after it, and every end of a batch', async () => {
    gateway.script = [{ do: 'fail', status: 429, retryAfter: '2' }]
    const signals: SenderSignal[] = []
    const outbox = new TestOutbox(testBatch(9, 3))
    await new Sender(sink, outbox, {
      ...withoutWaits(),
      onSignal: (signal) => signals.push(signal),
    }).run(NEVER)
    expect(signals).toMatchObject([
      {
        kind: 'answered',
        batch: 9,
        events: 3,
        answer: { kind: 'unknown', status: 429 },
        waitMs: 2000,
      },
      {
        kind: 'answered',
        batch: 9,
        events: 3,
        answer: { kind: 'accepted', status: 200 },
        waitMs: 0,
      },
      { kind: 'settled', batch: 9, accepted: 3, quarantined: [] },
    ])
  })
})
