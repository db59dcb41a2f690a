// Going on after a restart, and files that were compressed, copied, emptied or damaged.

import { copyFile, truncate, unlink, utimes, writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { append, at, gzip, lines, move, Reader } from './tail-reader.ts'

describe('restart', () => {
  test('goes on after several rotations, under any name', async () => {
    const first = new Reader()
    await append('a.log', 'a1\n')
    await first.read()
    const records = await first.stop()
    await append('a.log', 'a2\n')
    await move('a.log', 'a.log.1')
    await append('a.log', 'b1\n')
    await move('a.log.1', 'a.log.2')
    await move('a.log', 'a.log.1')
    await append('a.log', 'c1\n')
    const second = new Reader(undefined, records)
    expect(await second.read()).toBe('a2\n|b1\n|c1\n')
    expect(second.follower.takeGaps()).toEqual([])
    const names = (await second.follower.records()).map(({ generation, name }) => [
      generation,
      name,
    ])
    expect(names).toEqual([
      [0, 'a.log.2'],
      [1, 'a.log.1'],
      [2, 'a.log'],
    ])
  })

  test('goes on in the .gz of an unread file, at the same uncompressed offset', async () => {
    const first = new Reader()
    const long = `${'a line to fill the file\n'.repeat(100)}`
    await append('a.log', long)
    await first.read()
    const records = await first.stop()
    await append('a.log', 'unread\n')
    await move('a.log', 'a.log.1')
    await gzip('a.log.1')
    await append('a.log', 'b1\n')
    const second = new Reader(undefined, records)
    expect(await second.read()).toBe('unread\n|b1\n')
    const third = new Reader(undefined, await second.stop())
    expect(await third.read()).toBe('')
  })

  test('goes on in a copy when the file itself is gone', async () => {
    const first = new Reader()
    await append('a.log', 'a1\n')
    await first.read()
    const records = await first.stop()
    await append('a.log', 'a2\n')
    await copyFile(at('a.log'), at('a.log.1'))
    await truncate(at('a.log'))
    await append('a.log', 'b1\n')
    const second = new Reader(undefined, records)
    expect(await second.read()).toBe('a2\n|b1\n')
    expect(second.follower.takeGaps()).toEqual([])
  })

  test('of files with the same lines, the one with the known inode goes on', async () => {
    const first = new Reader()
    await append('a.log', 'same\n')
    await first.read()
    const records = await first.stop()
    await move('a.log', 'a.log-20260102')
    await append('a.log-20260101', 'same\nolder\n')
    await append('a.log', 'b1\n')
    expect(await new Reader(undefined, records).read()).toBe('|same\nolder\n|b1\n')
  })

  test('the same first 1 KiB and other bytes before the position: a new generation', async () => {
    const first = new Reader()
    const head = 'a line to fill the first bytes\n'.repeat(40)
    await append('a.log', `${head}one\n`)
    await first.read()
    const records = await first.stop()
    await unlink(at('a.log'))
    await append('a.log', `${head}two\n`)
    const second = new Reader(undefined, records)
    expect(await second.read()).toBe(`|${head}two\n`)
    expect(second.follower.takeGaps()).toMatchObject([{ generation: 0, reason: 'vanished' }])
  })

  test('a commit proves what was read since the last look, and only that', async () => {
    const { follower } = new Reader()
    await append('a.log', '')
    await follower.refresh()
    follower.current()
    await append('a.log', 'a1\n')
    follower.progress(3)
    const [before] = await follower.records()
    expect(before).toMatchObject({ offset: 3, proofBytes: 3 })
    await writeFile(at('a.log'), 'another file\n')
    const [after] = await follower.records()
    expect(after?.proof).toBe(before?.proof)
  })

  test('an unfinished generation that is gone is one gap, newer ones are read', async () => {
    const first = new Reader()
    await append('a.log', 'a1\n')
    await first.read()
    const records = await first.stop()
    await unlink(at('a.log'))
    await append('a.log', 'b1\n')
    const second = new Reader(undefined, records)
    expect(await second.read(2)).toBe('')
    expect(await second.read()).toBe('|b1\n')
    const place = { stream: 's', generation: 0, name: 'a.log', bootChanged: false }
    const gap = { ...place, offset: 3, end: null, bytes: 0, reason: 'vanished' }
    expect(second.follower.takeGaps()).toEqual([gap])
    // It is remembered: should it come back, only its rest is read.
    const [lost, live] = await second.stop()
    expect(lost).toMatchObject({ generation: 0, offset: 3, finished: true, lost: true })
    expect(live).toMatchObject({ generation: 1, offset: 3, finished: false })
  })

  test('a finished generation that is gone is no gap', async () => {
    const first = new Reader()
    await append('a.log.1', 'a1\n')
    await append('a.log', 'b1\n')
    expect(await first.read()).toBe('a1\n|b1\n')
    const records = await first.stop()
    await unlink(at('a.log.1'))
    const second = new Reader(undefined, records)
    expect(await second.read(5)).toBe('')
    expect(second.follower.takeGaps()).toEqual([])
    expect((await second.follower.records()).map(({ lost }) => lost)).toEqual([
      undefined,
      undefined,
    ])
  })

  test('an unfinished line is read again, whole', async () => {
    const first = new Reader()
    await append('a.log', 'a1\nto')
    await first.read()
    const records = await first.stop()
    expect(records).toMatchObject([{ offset: 3, proofBytes: 3, finished: false }])
    await append('a.log', 'rn\n')
    expect(await new Reader(undefined, records).read()).toBe('torn\n')
  })
})

describe('compressed and copied files', () => {
  test('a .gz from before the first start is read; its generation comes first', async () => {
    await append('a.log.2', 'a1\n')
    await gzip('a.log.2')
    await append('a.log.1', 'b1\n')
    await append('a.log', 'c1\n')
    expect(await new Reader().read()).toBe('a1\n|b1\n|c1\n')
  })

  test('the .gz of a generation that was read is not read again', async () => {
    const reader = new Reader()
    await append('a.log.1', 'a1\n')
    await append('a.log', 'b1\n')
    await reader.read()
    await writeFile(at('a.log.1.gz'), gzipSync('a1\n'))
    await reader.read()
    await unlink(at('a.log.1'))
    expect(await reader.read()).toBe('a1\n|b1\n')
    const records = await reader.stop()
    expect(records).toMatchObject([{ name: 'a.log.1.gz', finished: true }, { name: 'a.log' }])
    expect(await new Reader(undefined, records).read()).toBe('')
  })

  test('a file that was empty at the last look and is a .gz now is read once', async () => {
    const reader = new Reader()
    await append('a.log', '')
    await reader.read()
    await append('a.log', 'a1\n')
    await move('a.log', 'a.log.1')
    await gzip('a.log.1')
    await append('a.log', 'b1\n')
    expect(await reader.read()).toBe('a1\n|b1\n')
  })

  test('renamed and compressed between two looks, it is not read again', async () => {
    const reader = new Reader()
    await append('a.log.1', 'a1\n')
    await append('a.log', 'b1\n')
    await reader.read()
    await move('a.log.1', 'a.log.2')
    await gzip('a.log.2')
    expect(await reader.read()).toBe('a1\n|b1\n')
  })

  test('a .gz may be read in steps: each goes on where the last one stopped', async () => {
    const text = lines('a', 20_000)
    await append('a.log.1', text)
    await gzip('a.log.1')
    await append('a.log', 'b1\n')
    const { follower } = new Reader()
    await follower.refresh()
    let read = ''
    let steps = 0
    for (let now = follower.current(); now?.unread; now = follower.current()) {
      for await (const chunk of follower.readCompressed()) {
        read += Buffer.from(chunk).toString()
        follower.progress(now.offset + chunk.length)
        break
      }
      steps += 1
      await follower.refresh()
    }
    expect(read).toBe(text)
    expect(steps).toBeGreaterThan(10)
    expect(follower.advance()).toBe(true)
    expect(follower.current()).toMatchObject({ name: 'a.log' })
  })

  test('a damaged .gz is read as far as it goes, and the rest is a gap', async () => {
    const reader = new Reader()
    const whole = gzipSync('a1\na2\n')
    await writeFile(at('a.log.1.gz'), whole.subarray(0, whole.length - 6))
    await append('a.log', 'b1\n')
    expect(await reader.read()).toBe('a1\na2\n|b1\n')
    expect(reader.follower.takeGaps()).toMatchObject([{ offset: 6, reason: 'damaged' }])
    expect(reader.follower.takeProblems()).toMatchObject([{ reason: 'damaged' }])
  })

  test('a file that is emptied in place is a gap, and a new generation from 0', async () => {
    const reader = new Reader()
    await append('a.log', 'a1\na2\n')
    await reader.read()
    await truncate(at('a.log'))
    await append('a.log', 'b1\n')
    expect(await reader.read()).toBe('a1\na2\n|b1\n')
    expect(reader.follower.takeGaps()).toMatchObject([{ offset: 6, reason: 'truncated' }])
  })

  test('a file that may be a copy that begins is taken once it rests', async () => {
    const reader = new Reader()
    await append('a.log', 'b1\n')
    await reader.read()
    await append('a.log.1', 'torn')
    await reader.read()
    expect(await reader.follower.records()).toHaveLength(1)
    const old = new Date(Date.now() - 10_000)
    await utimes(at('a.log.1'), old, old)
    await reader.read()
    expect(await reader.follower.records()).toHaveLength(2)
    await append('a.log.1', ' no more\n')
    await move('a.log', 'a.log.0')
    await append('a.log', 'c1\n')
    expect(await reader.read()).toBe('b1\n|torn no more\n|c1\n')
  })

  test('a rotated file that is only a torn line is a line at the first start', async () => {
    await append('a.log.1', 'torn')
    await append('a.log', 'b1\n')
    expect(await new Reader().read()).toBe('torn|b1\n')
  })
})
