// Nothing behind a poison event waits for it for ever: the gateway answers 503 at such an event on
// every attempt, and what comes after it in the batch is not stored.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GatewaySink } from '../../src/deliver/gateway-sink.ts'
import type { BatchEvent, Sink, SinkAnswer } from '../../src/deliver/sink.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'
import { deliverAll, projectEvent } from './spool-rig.ts'

let gateway: TestGateway
let sink: GatewaySink
beforeEach(async () => {
  gateway = await startGateway()
  sink = new GatewaySink({ url: gateway.url, timeoutMs: 5_000 })
  gateway.poison = ({ subject }) => subject === 'projects/p-poison'
})
afterEach(async () => {
  await sink.close()
  await gateway.close()
})

let index = 0
beforeEach(() => {
  index = 0
})

function events(project: string, count: number): BatchEvent[] {
  return Array.from({ length: count }, () => projectEvent(project, index++))
}

function mixed(...parts: BatchEvent[][]): BatchEvent[] {
  return parts.flat().sort((one, other) => (one.id < other.id ? -1 : 1))
}

/**
 * Refused pieces of one batch: each of its poison events makes at most 7 halves and itself
 * refused. A piece is refused 5 times, and 5 times more if the sink worked in between.
 */
const requestsOf = (batches: number, poison: number) => batches + 10 * 8 * poison + 8 * poison

/** Every event is where it belongs; the others went out while the poison was still tried. */
async function delivered(batches: readonly BatchEvent[][]) {
  const all = batches.flat()
  const isPoison = ({ text }: BatchEvent) => text.includes('p-poison')
  const outcome = await deliverAll(sink, batches)
  expect(outcome.counts).toEqual({ events: 0, bytes: 0, held: 0, batches: 0 })
  const wanted = all.filter((event) => !isPoison(event)).map(({ id }) => id)
  expect([...gateway.stored.keys()].sort()).toEqual(wanted.sort())
  expect([...outcome.rejected.keys()].sort()).toEqual(
    all
      .filter(isPoison)
      .map(({ id }) => id)
      .sort(),
  )
  for (const reason of outcome.rejected.values()) expect(reason).toMatch(/^refused 503 /)
  const poison = all.filter(isPoison).length
  expect(gateway.requests.length).toBeLessThanOrEqual(requestsOf(batches.length, poison))
  expect(gateway.changed).toEqual([])
}

describe('nothing behind a poison event waits for it for ever', () => {
  test('when it is alone in its batch', async () => {
    await delivered([events('p-poison', 1), events('p-a', 100), events('p-b', 1)])
  })

  test('when every event of its batch is poison', async () => {
    await delivered([events('p-poison', 12), events('p-a', 100), events('p-b', 100)])
  })

  test('when many batches hold nothing else', async () => {
    const poison = Array.from({ length: 30 }, () => events('p-poison', 2))
    await delivered([...poison, events('p-a', 100), events('p-b', 7)])
  })

  test('when a poison project is in each of many batches', async () => {
    const batches = Array.from({ length: 40 }, (_, at) =>
      mixed(events('p-a', 40), events('p-poison', at % 3), events('p-b', 30)),
    )
    await delivered(batches)
  })

  test('and batches of others go out before all of the poison is found', async () => {
    const batches = [events('p-poison', 20), events('p-a', 100), events('p-b', 100)]
    await delivered(batches)
    const firstOther = gateway.requests.findIndex(({ body }) => !body.includes('p-poison'))
    // Five refusals of the whole are enough to look whether the sink takes anything else.
    expect(firstOther).toBe(5)
  })
})

describe('a sink that is down costs no event', () => {
  const ACCEPTED: SinkAnswer = { kind: 'accepted', status: 200, text: '' }
  const DOWN: SinkAnswer = { kind: 'unknown', status: 503, text: 'down' }
  const AWAY: SinkAnswer = { kind: 'unreachable', status: 0, text: 'nobody listens' }

  /** A sink that answers by the number of the attempt, counted from 1. */
  function flapping(answerTo: (attempt: number) => SinkAnswer) {
    const seen: (string | undefined)[] = []
    const sink: Sink = {
      name: 'flapping',
      deliver: async ({ ids }) => answerTo(seen.push(ids[0])),
      close: async () => undefined,
    }
    return { sink, seen }
  }

  async function costsNothing(sink: Sink, batches: BatchEvent[][]): Promise<void> {
    const { counts, rejected } = await deliverAll(sink, batches)
    expect(rejected.size).toBe(0)
    expect(counts.events).toBe(0)
  }

  test('when it works for one batch between two outages', async () => {
    const answerTo = (attempt: number) => (attempt === 6 || attempt > 600 ? ACCEPTED : DOWN)
    const { sink: flap, seen } = flapping(answerTo)
    const [alone, ...others] = [1, 10, 10, 10].map((count) => events('p-a', count))
    await costsNothing(flap, [alone ?? [], ...others])
    // The second outage begins before the one event has its next turn: others are refused too.
    const order = [alone, ...others].map((batch) => batch?.[0]?.id)
    expect(seen.filter((id, at) => id !== seen[at - 1]).slice(0, 5)).toEqual([...order, order[0]])
  })

  test('when it goes away and comes back refusing', async () => {
    const answerTo = (attempt: number) => {
      if (attempt === 11 || attempt > 60) return ACCEPTED
      return attempt > 11 && attempt < 15 ? AWAY : DOWN
    }
    const { sink: flap, seen } = flapping(answerTo)
    const batches = [1, 1, 10].map((count) => events('p-a', count))
    await costsNothing(flap, batches)
    // Both single events were set back when the third batch was accepted.
    const firsts = batches.map((batch) => batch[0]?.id)
    expect([0, 5, 10, 11].map((at) => seen[at])).toEqual([...firsts, firsts[0]])
  })
})
