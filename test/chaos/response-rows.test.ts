// The response table of DESIGN 7, row by row, over real connections: a sender, the gateway sink and
// a gateway that answers as the row says. Every attempt of a batch brings the same bytes.

import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GatewaySink } from '../../src/deliver/gateway-sink.ts'
import { Sender, type SenderSignal } from '../../src/deliver/sender.ts'
import type { FrozenBatch } from '../../src/deliver/sink.ts'
import { NEVER, TestOutbox, testBatch, testId, withoutWaits } from '../sink/batches.ts'
import { type GatewayStep, startGateway, type TestGateway } from '../sink/gateway.ts'
import { type Fault, type FaultProxy, startFaultProxy } from './fault-proxy.ts'

const NOW_MS = Date.UTC(2026, 10, 22, 12)
const HOUR_MS = 3_600_000
const TIMEOUT_MS = 300

let gateway: TestGateway
let proxy: FaultProxy
let sink: GatewaySink
let waits: number[]
beforeEach(async () => {
  gateway = await startGateway()
  proxy = await startFaultProxy(gateway.port)
  sink = new GatewaySink({ url: proxy.url, timeoutMs: TIMEOUT_MS, now: () => NOW_MS })
  waits = []
})
afterEach(async () => {
  await sink.close()
  await proxy.close()
  await gateway.close()
})

async function send(...batches: FrozenBatch[]): Promise<TestOutbox> {
  const outbox = new TestOutbox(...batches)
  await new Sender(sink, outbox, withoutWaits(waits)).run(NEVER)
  expect(gateway.changed).toEqual([])
  return outbox
}

const say = (status: number, body = '', headers = {}): GatewayStep => ({
  ...{ do: 'say', status, body, headers },
})
const sizes = () => gateway.requests.map(({ body }) => (JSON.parse(`${body}`) as unknown[]).length)

/** All of the batch is stored by one more request of the same bytes, after these waits. */
async function resentWhole(count: number, expectedWaits: number[]): Promise<void> {
  const batch = testBatch(1, count)
  const outbox = await send(batch)
  expect(outbox.accepted).toEqual(batch.ids)
  expect(outbox.quarantined).toEqual({})
  expect([...gateway.stored.keys()]).toEqual(batch.ids)
  for (const { body } of gateway.requests) expect(body.equals(batch.body)).toBe(true)
  expect(waits).toEqual(expectedWaits)
}

describe('200 with accepted = n, or 204: the batch is accepted', () => {
  test.each([
    ['200', say(200, '{"accepted":3}')],
    ['204', say(204)],
  ])('%s', async (_name, step) => {
    gateway.script = [step]
    const outbox = await send(testBatch(1, 3))
    expect(outbox.accepted).toHaveLength(3)
    expect(gateway.requests).toHaveLength(1)
  })
})

describe('200 with accepted < n: ambiguous', () => {
  test('the same bytes are sent once more, and that may settle it', async () => {
    gateway.script = [say(200, '{"accepted":99}')]
    await resentWhole(100, [750])
  })

  test('then it is bisected, and the one event that is dropped is not_accepted', async () => {
    gateway.drops = ({ id }) => id === testId(61)
    const outbox = await send(testBatch(1, 100))
    expect(outbox.quarantined).toEqual({ [testId(61)]: 'not_accepted' })
    expect(outbox.accepted).toHaveLength(99)
    // Each of the 8 sizes down to 1 is sent twice, and 7 good halves once.
    expect(gateway.requests.length).toBeLessThanOrEqual(2 * 8 + 7)
    expect(sizes().slice(0, 4)).toEqual([100, 100, 50, 50])
  })
})

describe('2xx that cannot be read: ambiguous', () => {
  test.each<[string, Fault]>([
    ['a body that is no JSON', { do: 'replace', bytes: 'half-json' }],
    ['a body without end', { do: 'replace', bytes: 'endless' }],
  ])('%s: the same bytes are sent once more', async (_name, fault) => {
    const faults: Fault[] = [fault]
    proxy.decide = () => faults.shift() ?? { do: 'pass' }
    await resentWhole(100, [750])
    expect(gateway.duplicates).toBe(100)
  })

  test('a single event whose answers stay unreadable is not_accepted', async () => {
    gateway.script = [say(200, '<html>'), say(200, '')]
    const outbox = await send(testBatch(1, 1))
    expect(outbox.quarantined).toEqual({ [testId(0)]: 'not_accepted' })
    expect(gateway.requests).toHaveLength(2)
  })
})

describe('207: the rest is accepted, each rejected id goes to quarantine', () => {
  const rejects = (accepted: number, ...ids: string[]) =>
    say(
      207,
      JSON.stringify({ accepted, rejected: ids.map((id) => ({ id, reason: 'R', detail: 'd' })) }),
    )

  test('when the ids add up, by one request', async () => {
    gateway.script = [rejects(8, testId(2), testId(7))]
    const outbox = await send(testBatch(1, 10))
    expect(outbox.quarantined).toEqual({ [testId(2)]: 'R: d', [testId(7)]: 'R: d' })
    expect(outbox.accepted).toHaveLength(8)
    expect(gateway.requests).toHaveLength(1)
  })

  test.each([
    ['an id is empty', rejects(9, '')],
    ['an id was not sent', rejects(9, testId(99))],
    ['an id comes twice', rejects(8, testId(1), testId(1))],
    ['the counts do not add up', rejects(7, testId(1))],
    ['nothing is rejected', say(207, '{"accepted":10}')],
    ['it cannot be read', say(207, '{"accepted"')],
  ])('when %s, the batch is bisected', async (_name, step) => {
    gateway.script = [step]
    const outbox = await send(testBatch(1, 10))
    expect(sizes()).toEqual([10, 5, 5])
    expect(outbox.accepted).toEqual(testBatch(1, 10).ids)
  })
})

describe('408, 429, 5xx, reset, timeout: unknown outcome, the same bytes again', () => {
  test.each([408, 429, 500, 501, 502, 503, 504, 599])('%i', async (status) => {
    gateway.script = [say(status)]
    await resentWhole(100, [750])
  })

  test.each<[string, Fault]>([
    ['a reset before the gateway saw it', { do: 'reset' }],
    ['a reset within the request', { do: 'cut-request', share: 0.5 }],
    ['an answer that is lost after the gateway stored it', { do: 'lose-answer' }],
    ['an answer that is cut within its head', { do: 'cut-answer', share: 0.2 }],
    ['silence, the gateway saw it', { do: 'black-hole', seen: true }],
    ['silence, the gateway did not see it', { do: 'black-hole', seen: false }],
    ['an answer that is cut within its body', { do: 'cut-answer', share: 0.9 }],
    ['silence within the head of an answer', { do: 'stall', share: 0.2 }],
    ['silence within the body of an answer', { do: 'stall', share: 0.9 }],
    ['an answer that drips for longer than the deadline', { do: 'drip', msPerByte: 20 }],
    ['bytes that are no HTTP', { do: 'replace', bytes: 'garbage' }],
    ['a head of more than 16 KiB', { do: 'replace', bytes: 'huge-head' }],
  ])('%s', async (_name, fault) => {
    let attempts = 0
    proxy.decide = () => (attempts++ === 0 ? fault : { do: 'pass' })
    await resentWhole(100, [750])
    expect(attempts).toBe(2)
  })

  test('200 whose body breaks off, again and again, costs no event', async () => {
    let attempts = 0
    proxy.decide = () => (attempts++ < 20 ? { do: 'cut-answer', share: 0.9 } : { do: 'pass' })
    const outbox = await send(testBatch(1, 1))
    expect(outbox.quarantined).toEqual({})
    expect(outbox.accepted).toHaveLength(1)
  })

  test('an answer that drips within the deadline is an answer', async () => {
    proxy.decide = () => ({ do: 'drip', msPerByte: 1 })
    await resentWhole(1, [])
  })

  test('waits are drawn from 0.5 s up to a bound that doubles from 1 s to 60 s', async () => {
    gateway.script = Array.from({ length: 9 }, () => say(503))
    await send(testBatch(1, 1))
    expect(waits).toEqual([750, 1250, 2250, 4250, 8250, 16_250, 30_250, 30_250, 30_250])
  })

  test.each([
    ['seconds', '7', 7_000],
    ['0 seconds', '0', 500],
    ['a date', new Date(NOW_MS + 90_000).toUTCString(), 90_000],
    ['a date that has passed', new Date(NOW_MS - 90_000).toUTCString(), 500],
    ['more than one hour', '86400', HOUR_MS],
    ['a date in more than one hour', new Date(NOW_MS + 2 * HOUR_MS).toUTCString(), HOUR_MS],
    ['a word', 'soon', 750],
    ['a negative number', '-5', 750],
    ['a fraction', '1.5', 750],
    ['a date that is none', 'Sun, 99 Nov 2026 12:00:00 GMT', 750],
    ['nothing', '', 750],
  ])('Retry-After of %s', async (_name, value, waitMs) => {
    gateway.script = [say(429, '', { 'retry-after': value })]
    await resentWhole(10, [waitMs])
  })

  test('after 5 refusals of one batch its halves are tried, each 5 times', async () => {
    gateway.poison = ({ id }) => id === testId(0)
    await send(testBatch(1, 4))
    expect(sizes().slice(0, 6)).toEqual([4, 4, 4, 4, 4, 2])
    const refused = gateway.requests.filter(({ body }) => body.includes(testId(0)))
    // One of its half came before the other half was accepted, and so counts for nothing.
    expect(refused).toHaveLength(5 + (1 + 5) + 5)
  })

  test('once anything is accepted, an event still refused 5 times is quarantined', async () => {
    gateway.poison = ({ id }) => id === testId(1)
    const outbox = await send(testBatch(1, 2))
    expect(Object.keys(outbox.quarantined)).toEqual([testId(1)])
    expect(outbox.quarantined[testId(1)]).toMatch(/^refused 503 /)
    expect(outbox.accepted).toEqual([testId(0)])
  })

  test('while nothing is accepted, nothing is quarantined', async () => {
    gateway.poison = () => true
    const stop = new AbortController()
    const outbox = new TestOutbox(testBatch(1, 3), testBatch(2, 3, 3))
    const onSignal = (signal: SenderSignal) => {
      if (signal.kind === 'answered' && gateway.requests.length === 200) stop.abort()
    }
    await new Sender(sink, outbox, { ...withoutWaits(), onSignal }).run(stop.signal)
    expect(outbox.outcomes.size).toBe(0)
  })
})

describe('400, 422 and any other 4xx: bisect, a single event is quarantined', () => {
  test.each([400, 422, 402, 406, 409, 410, 418, 451, 499])(
    '%i for one event among 100',
    async (status) => {
      gateway.refuses = ({ id }) => (id === testId(37) ? status : undefined)
      const outbox = await send(testBatch(1, 100))
      expect(Object.keys(outbox.quarantined)).toEqual([testId(37)])
      expect(outbox.quarantined[testId(37)]).toMatch(new RegExp(`^refused ${status} `))
      expect(outbox.accepted).toHaveLength(99)
      expect(gateway.requests.length).toBeLessThanOrEqual(15)
      expect(waits).toEqual([])
    },
  )
})

describe('413: halve', () => {
  test('until the gateway takes it; nothing is lost', async () => {
    gateway.script = [say(413), say(413), say(413)]
    const outbox = await send(testBatch(1, 100))
    expect(sizes()).toEqual([100, 50, 25, 13, 12, 25, 50])
    expect(outbox.accepted.sort()).toEqual(testBatch(1, 100).ids)
    expect(waits).toEqual([])
  })
})

describe('401, 403: hold, read the credentials again and retry every 60 s', () => {
  test.each([401, 403])('%i with a good token: the same batch after 60 s', async (status) => {
    gateway.script = [say(status), say(status)]
    await resentWhole(10, [60_000, 60_000])
  })

  test('401, then a rotated token is taken without a restart', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'meter-fast-token-'))
    const bearerFile = join(directory, 'token')
    await writeFile(bearerFile, 'old\n')
    gateway.token = 'new'
    await sink.close()
    sink = new GatewaySink({ url: proxy.url, timeoutMs: TIMEOUT_MS, bearerFile })
    const outbox = new TestOutbox(testBatch(1, 10))
    const sleep = async (ms: number) => {
      waits.push(ms)
      if (waits.length === 2) await writeFile(bearerFile, 'new\n')
    }
    await new Sender(sink, outbox, { sleep }).run(NEVER)
    rmSync(directory, { recursive: true })
    expect(waits).toEqual([60_000, 60_000])
    const tokens = gateway.requests.map(({ headers }) => headers.authorization)
    expect(tokens).toEqual(['Bearer old', 'Bearer old', 'Bearer new'])
    expect(outbox.accepted).toHaveLength(10)
  })
})

describe('404, 405, 415, 3xx and anything else: hold, and a redirect is never followed', () => {
  test.each([404, 405, 415, 300, 301, 302, 303, 304, 307, 308, 600, 999])('%i', async (status) => {
    gateway.script = [say(status, '', { location: `${gateway.url}/elsewhere` })]
    await resentWhole(10, [60_000])
    const paths = new Set(gateway.requests.map(({ path }) => path))
    expect([...paths]).toEqual(['/v1/usage/events:batchIngest'])
  })
})

describe('an answer that belongs to no request', () => {
  test.each([0, 10, 50])('%i ms late is never taken for the next one', async (afterMs) => {
    // The gateway drops what comes second, without a word, so only a wrong answer could accept it.
    gateway.drops = ({ id }) => !testBatch(1, 3).ids.includes(`${id}`)
    let attempts = 0
    proxy.decide = () => {
      attempts += 1
      if (attempts === 1) return { do: 'answer-twice', afterMs }
      return attempts === 2 ? { do: 'delay', ms: 100 } : { do: 'pass' }
    }
    const outbox = await send(testBatch(1, 3), testBatch(2, 3, 3))
    expect(Object.values(outbox.quarantined)).toEqual(Array(3).fill('not_accepted'))
    expect(outbox.accepted).toEqual(testBatch(1, 3).ids)
  })
})

describe('a stop', () => {
  test('while a single event is answered for the second time settles nothing', async () => {
    const stop = new AbortController()
    const faults: Fault[] = [
      { do: 'replace', bytes: 'half-json' },
      { do: 'stall', share: 0.9 },
    ]
    proxy.decide = () => faults.shift() ?? { do: 'pass' }
    proxy.onFault = (fault) => {
      if (fault.do === 'stall') setTimeout(() => stop.abort(), 50)
    }
    const outbox = new TestOutbox(testBatch(1, 1))
    await sink.close()
    sink = new GatewaySink({ url: proxy.url })
    await new Sender(sink, outbox, withoutWaits()).run(stop.signal)
    expect(gateway.requests).toHaveLength(2)
    expect(outbox.outcomes.size).toBe(0)
  })
})
