// Deleted logs that are held open until they are read: how much of the disk they may keep, and
// which one goes first.

import { readdirSync, readlinkSync, statfsSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import {
  type DiskRoom,
  type HeldFiles,
  type HeldGeneration,
  releaseHeld,
  toRelease,
} from '../../src/tail/held.ts'
import { append, at, directory, gzip, lines, move, Reader } from './tail-reader.ts'

/** Held files by age, oldest first: their bytes on disk. */
function held(...sizes: readonly number[]): HeldGeneration[] {
  return sizes.map((diskBytes, age) => ({
    ...{ generation: age, dev: '1', path: '/held', diskBytes, changedAtMs: age },
  }))
}

const room = (freeBytes: number): Map<string, DiskRoom> =>
  new Map([['1', { totalBytes: 1_000, freeBytes }]])
const AMPLE = room(900)

describe('beyond the limits', () => {
  test.each<[string, HeldGeneration[], number, Map<string, DiskRoom>, number[]]>([
    ['nothing goes within both limits', held(50, 50), 100, AMPLE, []],
    ['the oldest goes, and no more than must', held(10, 50, 50), 100, AMPLE, [0]],
    ['as many go as must', held(10, 50, 50, 50), 100, AMPLE, [0, 1]],
    ['the age is that of the content', held(50, 10, 50).reverse(), 100, AMPLE, [0]],
    ['the last tenth of the disk stays free', held(10, 20, 30), 1_000, room(75), [0, 1]],
    ['nothing is held where that is not enough', held(10, 20, 30), 1_000, room(0), [0, 1, 2]],
    ['a disk that is not known has no share to keep', held(10, 20), 1_000, new Map(), []],
  ])('%s', (_, all, heldBytesMax, rooms, released) => {
    const found = toRelease(all, heldBytesMax, rooms).map(({ generation }) => generation)
    expect(found).toEqual(released)
  })

  test('each disk keeps its own share', () => {
    const [a, b] = held(10, 20)
    const all = [a, { ...b, dev: '2' }] as HeldGeneration[]
    const rooms = new Map([...room(900), ['2', { totalBytes: 1_000, freeBytes: 0 }] as const])
    expect(toRelease(all, 1_000, rooms)).toEqual([all[1]])
  })

  test('over all streams it is the oldest that goes', async () => {
    const released: string[] = []
    const stream = (name: string, ...all: HeldGeneration[]): HeldFiles => ({
      held: () => all,
      release: async (generation) => void released.push(`${name} ${generation}`),
    })
    const [first, second, third, fourth] = held(10, 10, 10, 10) as [
      ...[HeldGeneration, HeldGeneration, HeldGeneration, HeldGeneration],
    ]
    const streams = [stream('a', second, fourth), stream('b', first, third)]
    await releaseHeld(streams, 20, async () => ({ totalBytes: 1_000, freeBytes: 900 }))
    expect(released).toEqual(['b 0', 'a 1'])
  })

  test('the system is asked once for each disk, and not at all while nothing is held', async () => {
    const asked: string[] = []
    const ask = async (path: string): Promise<DiskRoom> => {
      asked.push(path)
      return { totalBytes: 1_000, freeBytes: 900 }
    }
    const none = { held: () => [], release: async () => undefined }
    await releaseHeld([none], 100, ask)
    expect(asked).toEqual([])
    await releaseHeld([{ ...none, held: () => held(10, 10) }], 100, ask)
    expect(asked).toEqual(['/held'])
  })
})

const unread = lines('a')

/** A reader that has seen `a.log`, which was deleted before it was read. */
async function deletedUnread(): Promise<Reader> {
  const reader = new Reader()
  await append('a.log', '')
  await reader.read()
  await append('a.log', unread)
  await unlink(at('a.log'))
  await reader.follower.refresh()
  return reader
}

describe('a follower', () => {
  test('counts what was deleted before it was read, and only that', async () => {
    const reader = await deletedUnread()
    const [one, ...others] = reader.follower.held()
    expect(others).toEqual([])
    expect(one).toMatchObject({ generation: 0 })
    expect(one?.diskBytes).toBeGreaterThanOrEqual(unread.length)
    // The path leads to the disk although the file has no name.
    expect(statfsSync(one?.path ?? '').blocks).toBe(statfsSync(directory).blocks)
    expect(await reader.read()).toBe(unread)
    expect(reader.follower.held()).toEqual([])
    await append('a.log', 'b1\n')
    await reader.read()
    expect(reader.follower.held()).toEqual([])
    expect(reader.gaps()).toEqual([])
  })

  test('lets one go: a gap of all that was not read, then the next one is read', async () => {
    const reader = await deletedUnread()
    await append('a.log', 'b1\n')
    await reader.follower.refresh()
    await reader.follower.refresh()
    await reader.follower.release(0)
    const names = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return ''
      }
    })
    expect(names.filter((name) => name.startsWith(directory))).toEqual([at('a.log')])
    expect(await reader.read()).toBe('b1\n')
    const end = unread.length
    expect(reader.gaps()).toEqual([`released 0 a.log [0, ${end}) ${end}`])
    const again = new Reader(undefined, await reader.stop())
    expect(await again.read()).toBe('')
    expect(again.gaps()).toEqual([])
  })

  test('lets one go in the middle: what was read stays read', async () => {
    const reader = new Reader()
    await append('a.log', 'a1\n')
    await reader.read()
    await append('a.log', 'a2\n')
    await unlink(at('a.log'))
    await reader.follower.refresh()
    await reader.follower.release(0)
    await append('a.log', 'b1\n')
    expect(await reader.read()).toBe('a1\n|b1\n')
    // Its writer may have it open and write more: nobody knows where it ends.
    expect(reader.gaps()).toEqual(['released 0 a.log [3, ?) 3'])
  })

  test('reads on in a copy that has a name, and nothing is missing', async () => {
    const reader = new Reader()
    await append('a.log', lines('a'))
    await reader.read()
    await reader.commit()
    await append('a.log', 'a2\n')
    await move('a.log', 'a.log.1')
    await gzip('a.log.1')
    await append('a.log', 'b1\n')
    await reader.follower.refresh()
    await reader.follower.refresh()
    expect(reader.follower.held()).toHaveLength(1)
    await reader.follower.release(0)
    await reader.follower.refresh()
    expect(reader.follower.held()).toEqual([])
    expect(await reader.read()).toBe(`${lines('a')}a2\n|b1\n`)
    expect(reader.gaps()).toEqual([])
  })

  test('counts nothing that has a name: it costs nothing', async () => {
    const reader = new Reader()
    await append('a.log.1', unread)
    await append('a.log', unread)
    await reader.follower.refresh()
    expect(reader.follower.held()).toEqual([])
  })
})
