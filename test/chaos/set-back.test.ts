// A batch that the sender sets back: it comes again behind all that waited then, before all that
// came later, and nothing of it is written anew.

import { beforeEach, describe, expect, test } from 'vitest'
import { SpoolOutbox } from '../../src/agent/outbox.ts'
import { realWorld } from '../../src/agent/world.ts'
import { Spool } from '../../src/durable/spool.ts'
import { openMemoryState, type StateStore } from '../../src/durable/store.ts'
import { NEVER } from '../sink/batches.ts'
import { projectEvent } from './spool-rig.ts'

const START_MS = Date.UTC(2026, 10, 22, 12)
const NOTHING = { accepted: [], quarantined: [] }

let store: StateStore
let spool: Spool
let outbox: SpoolOutbox
beforeEach(() => {
  store = openMemoryState()
  spool = new Spool(store)
  const world = realWorld(() => START_MS)
  outbox = new SpoolOutbox(spool, () => store.commit(), world)
})

/** Adds batches of two events each, and gives their numbers. */
function add(count: number): number[] {
  return Array.from({ length: count }, () => {
    const at = 2 * spool.nextNumber
    const events = [projectEvent('p-a', at), projectEvent('p-a', at + 1)]
    const window = { stream: 's', epoch: 0, windowStartMs: START_MS, windowMs: 60_000, part: '0' }
    return spool.add({ events, pieces: [{ ...window, events: 2 }] }, START_MS)
  })
}

async function next() {
  const batch = await outbox.next(NEVER)
  if (batch === undefined) throw new Error('there is a batch')
  return batch
}

async function accept(): Promise<number> {
  const batch = await next()
  outbox.settled(batch, { accepted: [...batch.ids], quarantined: [] })
  return batch.number
}

async function setBack(): Promise<number> {
  const batch = await next()
  outbox.settled(batch, NOTHING)
  return batch.number
}

describe('a batch that is set back', () => {
  test('comes again behind all that waited', async () => {
    add(3)
    expect([await setBack(), await accept(), await accept(), await accept()]).toEqual([0, 1, 2, 0])
  })

  test('comes again before what came later', async () => {
    add(2)
    expect(await setBack()).toBe(0)
    add(300)
    expect(await accept()).toBe(1)
    expect(await accept()).toBe(0)
    expect(await accept()).toBe(2)
  })

  test('comes again at once when nothing else waits', async () => {
    add(1)
    expect([await setBack(), await setBack(), await accept()]).toEqual([0, 0, 0])
  })

  test('has its turn although more comes than is sent', async () => {
    add(1)
    await setBack()
    const turns: number[] = []
    for (let round = 0; round < 10; round += 1) {
      add(300)
      turns.push(await accept())
    }
    expect(turns).toContain(0)
  })

  test('all of many have turns in order, and others among them', async () => {
    add(600)
    for (let index = 0; index < 600; index += 1) expect(await setBack()).toBe(index)
    const [later] = add(1)
    for (let index = 0; index < 600; index += 1) expect(await setBack()).toBe(index)
    expect(await setBack()).toBe(later)
  })

  test('stays as it is: nothing is written but its attempts', async () => {
    add(2)
    const content = () => [...store.entries('spool/batch/')].map(([, bytes]) => `${bytes}`)
    const before = content()
    await setBack()
    await accept()
    const batch = await next()
    expect([...spool.queued()]).toMatchObject([{ number: 0, attempts: 2 }])
    expect(content()[0]).toBe(before[0])
    expect(batch.ids).toHaveLength(2)
  })

  test('with one event settled comes again without it, and keeps its attempts', async () => {
    add(2)
    const batch = await next()
    const [one = '', other = ''] = batch.ids
    outbox.settled(batch, { accepted: [one], quarantined: [] })
    expect(await accept()).toBe(1)
    const rest = await next()
    expect(rest.ids).toEqual([other])
    expect([...spool.queued()]).toMatchObject([{ number: rest.number, attempts: 2 }])
  })
})
