import { expect, test } from 'vitest'
import {
  decodeJson,
  encodeJson,
  packCounts,
  packRecord,
  unpackCounts,
  unpackRecord,
} from '../../src/durable/codec.ts'
import { KEY_BYTES_MAX, nameField, numberAt, numberField } from '../../src/durable/keys.ts'
import { ledgerKey } from '../../src/durable/ledger.ts'
import { quarantineKey } from '../../src/durable/quarantine.ts'
import {
  counterKey,
  gapKey,
  type PieceName,
  putSegment,
  putSegmentPage,
  putStream,
  putStreamPage,
  putUnattributed,
  readUnattributed,
  removeSegment,
  removeStream,
  replaceUnattributed,
  segmentPages,
  streamPages,
  streams,
  takeNumber,
  unattributedKeys,
  waitingSegments,
} from '../../src/durable/records.ts'
import { openMemoryState } from '../../src/durable/store.ts'

const page = (text: string) => new Uint8Array(Buffer.from(text))
const texts = (pages: Uint8Array[]) => pages.map((bytes) => Buffer.from(bytes).toString())

test('a name is escaped into one field, and long names end with their hash', () => {
  expect(nameField('k8s/0a-1/envoy/0')).toBe('k8s%2f0a-1%2fenvoy%2f0')
  expect(nameField('a~%b')).toBe('a%7e%25b')
  expect(nameField('ü€')).toBe('%fc%u20ac')
  const long = nameField('x'.repeat(5000))
  expect(long).toMatch(/^x{335}~[0-9a-f]{64}$/)
  expect(nameField('x'.repeat(400))).toBe('x'.repeat(400))
})

test('different names give different fields', () => {
  const names = ['', 'a', 'a/', 'a%2f', 'é', '%e9', '%u00e9', '\ud800', '\ud801', '\ufffd']
  const long = names.map((name) => 'y'.repeat(600) + name)
  const fields = [...names, ...long].map(nameField)
  expect(new Set(fields).size).toBe(fields.length)
})

test('the longest keys fit into the store, whatever the names hold', () => {
  const stream = '\u20ac'.repeat(10_000)
  const most = 2 ** 53 - 1
  const piece = { stream, windowStartMs: most, windowMs: most, epoch: most, part: `r${most}` }
  expect(ledgerKey(piece).length).toBeLessThan(KEY_BYTES_MAX)
  const store = openMemoryState()
  putStream(store, { stream, place: null, lineDimensions: [], generations: [] }, page(''))
  putStreamPage(store, stream, { name: stream, bytes: page('p') })
  putUnattributed(store, piece, 2 ** 53 - 1, page('b'))
  expect(texts(streamPages(store, stream))).toEqual(['p'])
})

test('parts in keys are in order of number, and a replay is never a part', () => {
  const piece = { stream: 's', windowStartMs: 1, windowMs: 1, epoch: 0 }
  const keys = ['0', '9', '10', 'r1', 'r2', 'r10'].map((part) => ledgerKey({ ...piece, part }))
  expect([...keys].sort()).toEqual(keys)
  expect(new Set(keys).size).toBe(keys.length)
})

test('where the length of windows changes, two that begin alike are two pieces', () => {
  const piece = { stream: 's', windowStartMs: 3_600_000, epoch: 0, part: '0' }
  const [short, long] = [60_000, 300_000].map((windowMs) => ({ ...piece, windowMs }))
  expect(ledgerKey(short as PieceName)).not.toBe(ledgerKey(long as PieceName))
})

test('numbers in keys are in order of number, and only whole ones are taken', () => {
  const numbers = [0, 9, 10, 1_790_000_000_000, 2 ** 53 - 1]
  const keys = numbers.map(gapKey)
  expect([...keys].sort()).toEqual(keys)
  expect(keys.map((key) => numberAt(key, 1))).toEqual(numbers)
  for (const bad of [-1, 0.5, 2 ** 53, Number.NaN]) {
    expect(() => numberField(bad)).toThrow(expect.objectContaining({ code: 'METER_BUG' }))
  }
})

test('families of records do not mix', () => {
  const piece = { stream: 's', windowStartMs: 1, windowMs: 1, epoch: 2, part: '3' }
  const keys = [ledgerKey(piece), gapKey(1), quarantineKey(1), counterKey('read')]
  expect(new Set(keys.map((key) => key.split('/')[0])).size).toBe(keys.length)
})

test('a packed record gives back its head and an aligned copy of its body', () => {
  const body = page('12345678')
  const packed = packRecord({ a: 'ä', n: 2 ** 53 - 1 }, body)
  const back = unpackRecord<{ a: string; n: number }>(packed)
  expect(back.head).toEqual({ a: 'ä', n: 2 ** 53 - 1 })
  expect(back.body).toEqual(body)
  expect(back.body.byteOffset).toBe(0)
  packed.fill(0)
  expect(back.body).toEqual(body)
  expect(unpackRecord(packRecord(null, page('')))).toEqual({ head: null, body: page('') })
  expect(() => unpackRecord(packed.subarray(0, 2))).toThrow(/no packed record/)
  expect(() => encodeJson({ value: 1n })).toThrow(TypeError)
  expect(decodeJson(encodeJson(['x', null, 1.5]))).toEqual(['x', null, 1.5])
})

test('counts survive a new order of names, and 0 is left out', () => {
  const packed = packCounts(['metered', 'lenient', 'blank'], BigInt64Array.of(2n ** 62n, 0n, 7n))
  expect(packed).toEqual({ metered: '4611686018427387904', blank: '7' })
  expect(unpackCounts(['new', 'blank', 'metered'], packed)).toEqual(
    BigInt64Array.of(0n, 7n, 2n ** 62n),
  )
  expect(() => unpackCounts(['metered'], packed)).toThrow(/unknown "blank"/)
})

test('numbers are taken once each, per name', () => {
  const store = openMemoryState()
  expect([takeNumber(store, 'gap'), takeNumber(store, 'gap'), takeNumber(store, 'q')]).toEqual([
    0, 1, 0,
  ])
})

function record(stream: string, ...inodes: number[]) {
  const generations = inodes.map((inode) => ({ inode }))
  return { stream, place: null, lineDimensions: ['gateway'], generations }
}

test('a stream keeps its record and the newest page of each name', () => {
  const store = openMemoryState()
  const put = (stream: string, name: string, text: string | null) =>
    putStreamPage(store, stream, { name, bytes: text === null ? null : page(text) })
  for (const stream of ['file/n/access.log', 'file/n/access.log2']) {
    for (const name of ['a', 'b', 'c']) put(stream, name, `${name}1`)
  }
  putStream(store, record('file/n/access.log', 1), page('head 1'))
  putStream(store, record('file/n/access.log2'), page('other'))
  putStream(store, record('file/n/access.log', 1, 2), page('head 2'))
  put('file/n/access.log', 'b', 'b2')
  put('file/n/access.log', 'c', null)
  expect([...streams<null, { inode: number }>(store)]).toEqual([
    {
      stream: 'file/n/access.log',
      place: null,
      lineDimensions: ['gateway'],
      generations: [{ inode: 1 }, { inode: 2 }],
      head: page('head 2'),
    },
    { ...record('file/n/access.log2'), head: page('other') },
  ])
  expect(texts(streamPages(store, 'file/n/access.log'))).toEqual(['a1', 'b2'])
  removeStream(store, 'file/n/access.log')
  expect(streamPages(store, 'file/n/access.log')).toEqual([])
  expect(texts(streamPages(store, 'file/n/access.log2'))).toEqual(['a1', 'b1', 'c1'])
  expect([...streams(store)].length).toBe(1)
})

test('closed segments wait in order of their numbers, with their pages in order', () => {
  const store = openMemoryState()
  const head = (part: string) => ({
    stream: 's',
    windowStartMs: 60_000,
    windowMs: 60_000,
    epoch: 0,
    part,
    rules: 'r',
  })
  const eleven = Array.from({ length: 11 }, (_, i) => page(`p${i}`))
  putSegment(store, 10, head('1'))
  putSegmentPage(store, 10, 0, page('x'))
  putSegment(store, 9, head('0'))
  for (const [index, one] of eleven.entries()) putSegmentPage(store, 9, index, one)
  expect([...waitingSegments(store)]).toEqual([
    { number: 9, head: head('0') },
    { number: 10, head: head('1') },
  ])
  expect(texts([...segmentPages(store, 9, 11)])).toEqual(eleven.map((_, i) => `p${i}`))
  removeSegment(store, 9, 11)
  expect(() => [...segmentPages(store, 9, 1)]).toThrow(/page 0 of segment 9 is not in the state/)
  expect([...waitingSegments(store)].map(({ number }) => number)).toEqual([10])
})

test('unattributed pages are found by window, oldest first', () => {
  const store = openMemoryState()
  for (const windowStartMs of [180_000, 60_000, 120_000]) {
    const piece = { stream: 's', windowStartMs, windowMs: 60_000, epoch: 0, part: '0' }
    putUnattributed(store, piece, 0, page(`${windowStartMs}a`))
    putUnattributed(store, piece, 1, page(`${windowStartMs}b`))
  }
  const found = [...unattributedKeys(store, 60_000, 180_000)]
  const pages = found.map((key) => readUnattributed(store, key)?.page ?? page(''))
  expect(texts(pages)).toEqual(['60000a', '60000b', '120000a', '120000b'])
  const [first = ''] = found
  const piece = { stream: 's', windowStartMs: 60_000, windowMs: 60_000, epoch: 0, part: '0' }
  expect(readUnattributed(store, first)?.piece).toEqual(piece)
  replaceUnattributed(store, first, piece, page('new'))
  expect(texts([readUnattributed(store, first)?.page ?? page('')])).toEqual(['new'])
  for (const key of found) replaceUnattributed(store, key, piece, undefined)
  expect([...unattributedKeys(store, 0, 2 ** 53)].length).toBe(2)
})
