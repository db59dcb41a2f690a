// The contract that the state on disk and the state in memory share.

import { afterEach, describe, expect, test } from 'vitest'
import { openMemoryState, openState, type StateStore } from '../../src/durable/store.ts'
import { standIn, temporaryDirectory } from './durable-stand-in.ts'

const bytes = (text: string) => Buffer.from(text)
const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString()
const list = (store: StateStore, prefix: string) =>
  Array.from(store.entries(prefix), ([key, value]) => `${key}=${text(value)}`)

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

const stores = [
  { name: 'in memory', open: async () => openMemoryState() },
  {
    name: 'on disk',
    open: async () => {
      const { directory, remove } = temporaryDirectory()
      cleanups.push(remove)
      return await openState(directory, standIn)
    },
  },
]

describe.each(stores)('a state $name', ({ open }) => {
  async function withStore(body: (store: StateStore) => Promise<void>): Promise<void> {
    const store = await open()
    try {
      await body(store)
    } finally {
      await store.close()
    }
  }

  test('is empty at first, with sequence 0', () =>
    withStore(async (store) => {
      expect(store.sequence).toBe(0)
      expect(store.get('a')).toBeUndefined()
      expect(list(store, '')).toEqual([])
    }))

  test('reads see what is staged, before and after its commit', () =>
    withStore(async (store) => {
      store.put('a/1', bytes('one'))
      store.put('a/2', bytes('two'))
      expect(list(store, 'a/')).toEqual(['a/1=one', 'a/2=two'])
      await store.commit()
      store.put('a/1', bytes('ONE'))
      store.remove('a/2')
      store.put('a/3', bytes('three'))
      expect(text(store.get('a/1'))).toBe('ONE')
      expect(store.get('a/2')).toBeUndefined()
      expect(list(store, 'a/')).toEqual(['a/1=ONE', 'a/3=three'])
      const running = store.commit()
      expect(list(store, 'a/')).toEqual(['a/1=ONE', 'a/3=three'])
      await running
      expect(list(store, 'a/')).toEqual(['a/1=ONE', 'a/3=three'])
      expect(store.get('a/2')).toBeUndefined()
    }))

  test('entries are those of the prefix only, in byte order, whatever layer they are in', () =>
    withStore(async (store) => {
      for (const key of ['b/2', 'b', 'b/', 'b0', 'a/9', 'b/10', 'c']) store.put(key, bytes('x'))
      await store.commit()
      for (const key of ['b/1', 'b/15', 'b/3', 'b-']) store.put(key, bytes('y'))
      store.put('b/2', bytes('y'))
      expect(list(store, 'b/')).toEqual(['b/=x', 'b/1=y', 'b/10=x', 'b/15=y', 'b/2=y', 'b/3=y'])
      expect(list(store, '').length).toBe(11)
    }))

  test('a walk does not see what is staged or committed while it goes on', () =>
    withStore(async (store) => {
      for (const key of ['k/1', 'k/2', 'k/3']) store.put(key, bytes('old'))
      await store.commit()
      const seen: string[] = []
      for (const [key, value] of store.entries('k/')) {
        seen.push(`${key}=${text(value)}`)
        store.put('k/2', bytes('new'))
        store.remove('k/3')
        store.put('k/4', bytes('new'))
        await store.commit()
      }
      expect(seen).toEqual(['k/1=old', 'k/2=old', 'k/3=old'])
      expect(list(store, 'k/')).toEqual(['k/1=old', 'k/2=new', 'k/4=new'])
    }))

  test('a walk that is left midway leaves the store usable', () =>
    withStore(async (store) => {
      for (let i = 0; i < 50; i++) store.put(`k/${i}`, bytes('x'))
      await store.commit()
      for (let round = 0; round < 200; round++) {
        for (const [key] of store.entries('k/')) if (key === 'k/1') break
      }
      store.removePrefix('k/')
      await store.commit()
      expect(list(store, '')).toEqual([])
    }))

  test('removePrefix takes staged and committed keys, and later puts stay', () =>
    withStore(async (store) => {
      store.put('p/1', bytes('x'))
      store.put('q/1', bytes('x'))
      await store.commit()
      store.put('p/2', bytes('x'))
      store.removePrefix('p/')
      store.put('p/3', bytes('x'))
      await store.commit()
      expect(list(store, '')).toEqual(['p/3=x', 'q/1=x'])
    }))

  test('each commit with something staged adds one to the sequence, others add nothing', () =>
    withStore(async (store) => {
      await store.commit()
      expect(store.sequence).toBe(0)
      for (const sequence of [1, 2, 3]) {
        store.put('k', bytes('x'))
        await store.commit()
        await store.commit()
        expect(store.sequence).toBe(sequence)
      }
    }))

  test('what is staged while a commit runs goes into the next one', () =>
    withStore(async (store) => {
      store.put('first', bytes('1'))
      const first = store.commit()
      store.put('second', bytes('2'))
      await first
      expect(store.sequence).toBe(1)
      expect(text(store.get('second'))).toBe('2')
      await Promise.all([store.commit(), store.commit()])
      expect(store.sequence).toBe(2)
    }))

  test('neither the array that was put nor the array that was read is shared', () =>
    withStore(async (store) => {
      const mine = bytes('abc')
      store.put('k', mine)
      mine.fill(0)
      store.get('k')?.fill(0)
      expect(text(store.get('k'))).toBe('abc')
      await store.commit()
      store.get('k')?.fill(0)
      expect(text(store.get('k'))).toBe('abc')
    }))

  test('values of 0 bytes and of 3 MiB come back', () =>
    withStore(async (store) => {
      const large = Buffer.alloc(3 * 2 ** 20, 'large value ')
      store.put('empty', new Uint8Array())
      store.put('large', large)
      await store.commit()
      expect(store.get('empty')?.length).toBe(0)
      expect(large.equals(store.get('large') ?? bytes(''))).toBe(true)
      expect(Array.from(store.entries(''), ([, value]) => value.length)).toEqual([0, large.length])
    }))

  test('a key of 1,978 bytes is taken; longer, empty, blank or non-ASCII keys are refused', () =>
    withStore(async (store) => {
      const longest = 'k'.repeat(1978)
      store.put(longest, bytes('x'))
      await store.commit()
      expect(text(store.get(longest))).toBe('x')
      for (const key of [`${longest}k`, '', 'a b', 'ä', 'a\n']) {
        expect(() => store.put(key, bytes('x'))).toThrow(
          expect.objectContaining({ code: 'METER_BUG' }),
        )
      }
      expect(() => store.put('meta/sequence', bytes('9'))).toThrow(/belongs to the state itself/)
    }))

  test('a closed store refuses every call, and close may be called again', async () => {
    const store = await open()
    store.put('k', bytes('x'))
    const running = store.commit()
    await store.close()
    await running
    await store.close()
    const misuse = expect.objectContaining({ code: 'METER_MISUSE' })
    expect(() => store.get('k')).toThrow(misuse)
    expect(() => store.put('k', bytes('x'))).toThrow(misuse)
    expect(() => [...store.entries('')]).toThrow(misuse)
    expect(() => store.sequence).toThrow(misuse)
    await expect(store.commit()).rejects.toEqual(misuse)
  })
})
