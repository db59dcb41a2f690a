// A state that was changed by somebody who knows its form, checksums and all: verify tells what.

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { getJson, packRecord, putJson, unpackRecord } from '../../src/durable/codec.ts'
import { LmdbBackend } from '../../src/durable/lmdb-backend.ts'
import { acceptedEntries, rejectedKeys } from '../../src/durable/settled.ts'
import {
  batchKey,
  putContent,
  readContent,
  waitingBatches,
} from '../../src/durable/spool-records.ts'
import type { StateStore } from '../../src/durable/state.ts'
import { stateNative } from '../../src/native.ts'
import type { Difference } from '../../src/verify/verify.ts'
import {
  edit,
  type Fate,
  MINUTE_MS,
  makeScene,
  type Scene,
  START_MS,
  STREAM,
  verifyScene,
} from './scene.ts'

const WINDOW_MS = START_MS + MINUTE_MS

/** `check project meter expected found`, of one window unless it is told otherwise. */
function told(differences: readonly Difference[], windowStartMs: number | null = WINDOW_MS) {
  return differences
    .filter((one) => windowStartMs === null || one.windowStartMs === windowStartMs)
    .map((one) => `${one.check} ${one.project} ${one.meter} ${one.expected} ${one.found}`)
}

async function verifyChanged(scene: Scene, change: (store: StateStore) => void) {
  await edit(scene, change)
  const { differences } = await verifyScene(scene)
  expect(differences).not.toEqual([])
  return differences
}

function keyOf(store: StateStore, prefix: string, isIt: (key: string) => boolean = () => true) {
  const key = [...store.keys(prefix)].find(isIt)
  if (key === undefined) throw new Error(`no ${prefix}`)
  return key
}

/** The row of the second window. */
function rowKey(store: StateStore): string {
  return keyOf(store, 'ledger/', (key) => key.includes(String(WINDOW_MS)))
}

/** Adds to the first amount in a value that is `before`: of a usage page or of a snapshot. */
function addToAmount(bytes: Uint8Array, before: bigint, more: bigint): Uint8Array {
  const view = Buffer.from(bytes)
  for (let at = 0; at + 8 <= view.length; at += 1) {
    if (view.readBigInt64LE(at) !== before) continue
    view.writeBigInt64LE(before + more, at)
    return view
  }
  throw new Error(`no amount is ${before}`)
}

// In minute 1 each project has four lines: p-a sent 200 to 203, p-b 210 to 213, p-c 220 to 223.
const SENT = 4n * 210n + 6n
const FATES = ['accepted', 'queued', 'held', 'refused'] as const

describe('the ledger', () => {
  test('a sum in a row', async () => {
    const scene = await makeScene()
    const differences = await verifyChanged(scene, (store) => {
      const key = rowKey(store)
      const { head, body } = unpackRecord(store.get(key) as Uint8Array)
      store.put(key, packRecord(head, addToAmount(body, SENT, 1n)))
    })
    expect(differences.every(({ stream }) => stream === STREAM)).toBe(true)
    expect(told(differences)).toEqual([
      `events p-b egress-bytes ${SENT + 1n} ${SENT}`,
      `ledger p-b egress-bytes ${SENT} ${SENT + 1n}`,
    ])
  })

  test('a count of lines in a row', async () => {
    const scene = await makeScene()
    const differences = await verifyChanged(scene, (store) => {
      const key = rowKey(store)
      const { head, body } = unpackRecord<{ lines: object }>(store.get(key) as Uint8Array)
      const lines = { ...head.lines, metered: '13' }
      store.put(key, packRecord({ ...head, lines }, body))
    })
    expect(told(differences)).toEqual(['ledger null lines metered 12 13'])
    expect(told(differences, null)).toContain('lines null lines metered 73 72')
  })

  test.each([
    ['from', 'first byte'],
    ['to', 'last byte'],
  ])('where a row begins or ends: %s', async (field, meter) => {
    const scene = await makeScene()
    const differences = await verifyChanged(scene, (store) => {
      const key = rowKey(store)
      const { head, body } = unpackRecord<Record<string, { offset: number }>>(
        store.get(key) as Uint8Array,
      )
      const place = { ...head[field], offset: (head[field]?.offset ?? 0) + 1 }
      store.put(key, packRecord({ ...head, [field]: place }, body))
    })
    expect(differences.map((one) => one.meter)).toContain(meter)
    expect(differences.map(({ stream }) => stream)).toContain(STREAM)
  })

  test('a row that is taken out', async () => {
    const scene = await makeScene()
    const differences = await verifyChanged(scene, (store) => store.remove(rowKey(store)))
    expect(told(differences)).toContain(`ledger p-b egress-bytes ${SENT} 0`)
    expect(told(differences)).toContain('ledger p-b requests 4 0')
    expect(differences.map(({ check }) => check)).toContain('pieces')
  })

  test('a row more', async () => {
    const scene = await makeScene()
    const differences = await verifyChanged(scene, (store) => {
      const key = rowKey(store)
      const { head, body } = unpackRecord<object>(store.get(key) as Uint8Array)
      store.put(key.replace(/0$/, '1'), packRecord({ ...head, part: '1' }, body))
    })
    expect(told(differences)).toContain('ledger p-b requests 0 4')
  })
})

describe('usage events', () => {
  test.each(FATES)('the value of one that is %s', async (fate) => {
    const scene = await makeScene(fate)
    const raised = (text: string) => text.replace(`"value":"${SENT}"`, `"value":"${SENT + 1n}"`)
    const differences = await verifyChanged(scene, (store) => {
      if (fate === 'refused') {
        for (const key of rejectedKeys(store)) {
          const event = getJson<{ text: string }>(store, key)
          putJson(store, key, { ...event, text: raised(event?.text ?? '') })
        }
        return
      }
      for (const number of batchesOf(store, fate)) {
        const content = readContent(store, number)
        const events = content?.events.map((event) => ({ ...event, text: raised(event.text) }))
        putContent(store, number, { pieces: content?.pieces ?? [], events: events ?? [] })
      }
    })
    expect(told(differences, null)).toEqual([`events p-b egress-bytes ${SENT} ${SENT + 1n}`])
  })

  test.each(FATES)('a batch that was %s is dropped', async (fate) => {
    const scene = await makeScene(fate)
    const differences = await verifyChanged(scene, (store) => {
      if (fate === 'accepted') store.removePrefix('accepted/')
      if (fate === 'refused') store.removePrefix('rejected/')
      for (const number of batchesOf(store, fate)) store.remove(batchKey(number))
    })
    expect(told(differences)).toContain(`events p-b egress-bytes ${SENT} 0`)
    expect(told(differences)).toContain('events p-b requests 4 0')
  })

  test('one that bills another project', async () => {
    const scene = await makeScene()
    const differences = await verifyChanged(scene, (store) => {
      for (const number of batchesOf(store, 'accepted')) {
        const content = readContent(store, number)
        const events = content?.events.map((event) => ({
          ...event,
          text: event.text.replace('projects/p-b', 'projects/p-x'),
        }))
        putContent(store, number, { pieces: content?.pieces ?? [], events: events ?? [] })
      }
    })
    expect(told(differences)).toContain('events p-b requests 4 0')
    expect(told(differences)).toContain('events p-x requests 0 4')
  })

  test('events that are written twice, as a replay does, count once', async () => {
    const scene = await makeScene()
    await edit(scene, (store) => {
      for (const number of batchesOf(store, 'accepted')) {
        const content = readContent(store, number)
        if (content !== undefined) putContent(store, number + 1000, content)
        putJson(store, `spool/queue/${String(number + 1000).padStart(16, '0')}`, { events: 1 })
      }
    })
    expect((await verifyScene(scene)).differences).toEqual([])
  })
})

test('a copy of an event that has other bytes is told', async () => {
  const scene = await makeScene()
  const differences = await verifyChanged(scene, (store) => {
    for (const number of batchesOf(store, 'accepted')) {
      const content = readContent(store, number)
      const events = content?.events.map(({ id, text }) => ({ id, text: `${text} ` }))
      putContent(store, number + 1000, { pieces: content?.pieces ?? [], events: events ?? [] })
      putJson(store, `spool/queue/${String(number + 1000).padStart(16, '0')}`, { events: 1 })
    }
  })
  expect(differences[0]).toMatchObject({ check: 'events', stream: STREAM, found: 'other bytes' })
})

describe('where a stream stands', () => {
  test('its open totals', async () => {
    const scene = await makeScene()
    const sent = 4n * 610n + 6n
    const differences = await verifyChanged(scene, (store) => {
      const key = keyOf(store, 'page/', (one) => one.endsWith('/mt0'))
      store.put(key, addToAmount(store.get(key) as Uint8Array, sent, 5n))
    })
    const open = START_MS + 5 * MINUTE_MS
    expect(told(differences, open)).toEqual([`open p-b egress-bytes ${sent} ${sent + 5n}`])
  })

  test('how far the tail has read', async () => {
    const scene = await makeScene()
    const differences = await verifyChanged(scene, (store) => {
      const key = keyOf(store, 'stream/')
      const { head, body } = unpackRecord<{ generations: { offset: number }[] }>(
        store.get(key) as Uint8Array,
      )
      const generations = head.generations.map((one) => ({ ...one, offset: one.offset - 100 }))
      store.put(key, packRecord({ ...head, generations }, body))
    })
    expect(differences.map(({ check, meter }) => `${check} ${meter}`)).toContain(
      'position position',
    )
  })

  test('tail and engine together: what is open does not fit', async () => {
    const scene = await makeScene()
    const differences = await verifyChanged(scene, (store) => {
      const key = keyOf(store, 'stream/')
      const { head, body } = unpackRecord<{ generations: { offset: number }[] }>(
        store.get(key) as Uint8Array,
      )
      const offset = head.generations.at(-1)?.offset ?? 0
      const generations = head.generations.map((one) =>
        one.offset === offset ? { ...one, offset: offset - 200 } : one,
      )
      const moved = addToAmount(body, BigInt(offset), -200n)
      store.put(key, packRecord({ ...head, generations }, moved))
    })
    const open = told(differences, START_MS + 5 * MINUTE_MS)
    expect(open).toContain('open null lines unattributed.no_route 0 1')
  })

  test('a close by time that is forgotten', async () => {
    const scene = await makeScene()
    const differences = await verifyChanged(scene, (store) => {
      const key = keyOf(store, 'stream/')
      const { head, body } = unpackRecord<{ history: { pieceFrom: { offset: number } } }>(
        store.get(key) as Uint8Array,
      )
      const { pieceFrom } = head.history
      const history = { ...head.history, pieceFrom: { ...pieceFrom, offset: pieceFrom.offset + 1 } }
      store.put(key, packRecord({ ...head, history }, body))
    })
    expect(differences.map(({ check, meter }) => `${check} ${meter}`)).toEqual([
      'pieces first byte',
    ])
  })
})

describe('what is kept and not billed', () => {
  test('usage without a project', async () => {
    const scene = await makeScene()
    const differences = await verifyChanged(scene, (store) => {
      const key = keyOf(store, 'unattributed/', (one) => one.includes(String(WINDOW_MS)))
      const { head, body } = unpackRecord(store.get(key) as Uint8Array)
      store.put(key, packRecord(head, addToAmount(body, 5n, 1n)))
    })
    expect(told(differences, null)).toEqual(['unattributed unattributed no_route egress-bytes 5 6'])
  })

  test('quarantined lines', async () => {
    const scene = await makeScene()
    const differences = await verifyChanged(scene, (store) => store.removePrefix('quarantine/'))
    expect(told(differences, null)).toEqual([
      'quarantine null generation 0, lines quarantined.malformed 3 0',
      'quarantine null generation 1, lines quarantined.malformed 3 0',
    ])
  })
})

describe('a value that fails its checksum', () => {
  test.each([
    ['a row of the ledger', 'ledger/', { stream: STREAM, windowStartMs: START_MS }],
    ['a page of open totals', 'page/', { stream: STREAM }],
    ['a batch of events', 'spool/batch/', { stream: '' }],
    ['a stream', 'stream/', { stream: STREAM }],
    ['a generation', 'generation/', { stream: STREAM }],
    ['settings', 'settings/', { stream: '' }],
    ['what happened to a stream', 'history/', { stream: STREAM }],
    ['a checkpoint', 'checkpoint/', { stream: STREAM }],
    ['usage without a project', 'unattributed/', { stream: STREAM, windowStartMs: START_MS }],
    ['quarantined lines', 'quarantine/', { stream: '' }],
  ])('%s: a difference that names it', async (_name, prefix, place) => {
    const scene = await makeScene()
    let key = ''
    await edit(scene, (store) => {
      key = keyOf(store, prefix)
    })
    await flip(scene, key)
    const { differences } = await verifyScene(scene)
    const damage = differences.filter(({ check }) => check === 'state')
    expect(damage).toContainEqual(
      expect.objectContaining({ ...place, found: expect.stringContaining(`"${key}"`) }),
    )
  })
})

function batchesOf(store: StateStore, fate: Fate): number[] {
  if (fate === 'accepted') return Array.from(acceptedEntries(store), ({ batch }) => batch)
  if (fate === 'refused') return []
  const kind = fate === 'queued' ? 'queue' : 'held'
  return Array.from(waitingBatches(store, kind), ({ number }) => number)
}

/** Flips a bit of a value below the checksums, as a disk does. */
async function flip({ config: { state } }: Scene, key: string): Promise<void> {
  const options = { readOnly: false, afterClose: () => undefined }
  const backend = new LmdbBackend(join(state.dir, 'state.mdb'), stateNative, options)
  const value = Buffer.from(backend.get(key) ?? [])
  value[value.length - 1] = (value.at(-1) ?? 0) ^ 1
  await backend.write(new Map([[key, value]]))
  await backend.close()
}
