// Following real files while they are written: rotation under any name, unlinks, ends.

import { mkdir, readdir, readlink, rm, symlink, unlink } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { append, at, directory, move, Reader } from './tail-reader.ts'

describe('rotation by rename', () => {
  test('a renamed file is read to its end before the new one', async () => {
    const reader = new Reader()
    await append('a.log', 'a1\n')
    expect(await reader.read()).toBe('a1\n')
    await append('a.log', 'a2\n')
    await move('a.log', 'a.log.1')
    await append('a.log', 'b1\n')
    await append('a.log.1', 'a3\n')
    expect(await reader.read()).toBe('a1\na2\na3\n|b1\n')
    expect(reader.follower.takeGaps()).toEqual([])
  })

  test('two rotations between two looks lose nothing and keep the order', async () => {
    const reader = new Reader()
    await append('a.log', 'a1\n')
    await reader.read()
    await append('a.log', 'a2\n')
    await move('a.log', 'a.log.2')
    await append('a.log.1', 'b1\n')
    await append('a.log', 'c1\n')
    expect(await reader.read()).toBe('a1\na2\n|b1\n|c1\n')
  })

  test('a renamed file is written on while the new one is missing or empty', async () => {
    const reader = new Reader()
    await append('a.log', 'a1\n')
    await reader.read()
    await move('a.log', 'a.log-20260101')
    expect(await reader.read()).toBe('a1\n')
    await append('a.log', '')
    expect(await reader.read()).toBe('a1\n')
    await append('a.log-20260101', 'a2\n')
    expect(await reader.read()).toBe('a1\na2\n')
    await append('a.log', 'b1\n')
    expect(await reader.read()).toBe('a1\na2\n|b1\n')
  })

  test('at the end of input an empty newer file is enough', async () => {
    const reader = new Reader()
    await append('a.log.1', 'a1\ntorn')
    await append('a.log', '')
    expect(await reader.read()).toBe('a1\ntorn')
    expect(reader.follower.advance(true)).toBe(true)
    expect(reader.follower.current()).toMatchObject({ name: 'a.log', offset: 0, unread: false })
  })

  test('a renamed file that grows between two looks is not finished', async () => {
    const reader = new Reader()
    await append('a.log', 'a1\n')
    await reader.read()
    await move('a.log', 'a.log.1')
    await append('a.log', 'b1\n')
    expect(await reader.read(1)).toBe('a1\n')
    await append('a.log.1', 'a2\n')
    expect(await reader.read(1)).toBe('a1\na2\n')
    expect(await reader.read(1)).toBe('a1\na2\n|b1\n')
  })

  test('renamed back, it is the same generation', async () => {
    const reader = new Reader()
    await append('a.log', 'a1\n')
    await reader.read()
    await move('a.log', 'a.log.20260101-000000')
    await reader.read()
    await move('a.log.20260101-000000', 'a.log')
    await append('a.log', 'a2\n')
    expect(await reader.read()).toBe('a1\na2\n')
    expect(await reader.follower.records()).toMatchObject([{ generation: 0, offset: 6 }])
  })

  test('growth after the end is a gap, never silence', async () => {
    const reader = new Reader()
    await append('a.log', 'a1\n')
    await move('a.log', 'a.log.1')
    await append('a.log', 'b1\n')
    await reader.read()
    await append('a.log.1', 'late\n')
    expect(await reader.read()).toBe('a1\n|b1\n')
    const place = { stream: 's', generation: 0, name: 'a.log.1', bootChanged: false }
    const gap = { ...place, offset: 3, end: 8, bytes: 5, reason: 'late' }
    expect(reader.follower.takeGaps()).toEqual([gap])
    await reader.read()
    expect(reader.follower.takeGaps()).toEqual([])
  })

  test('an older file that appears late is read before what nobody began', async () => {
    const reader = new Reader()
    await append('a.log', 'a1\n')
    await reader.read()
    await move('a.log', 'a.log.3')
    await append('a.log', 'd1\n')
    await reader.follower.refresh()
    await append('a.log.2', 'b1\n')
    expect(await reader.read()).toBe('a1\n|b1\n|d1\n')
    // The live file was begun: it is not left before it is rotated.
    await append('a.log.1', 'c1\n')
    expect(await reader.read()).toBe('a1\n|b1\n|d1\n')
    await append('a.log', 'd2\n')
    await move('a.log', 'a.log.0')
    await append('a.log', 'e1\n')
    expect(await reader.read()).toBe('a1\n|b1\n|d1\nd2\n|c1\n|e1\n')
  })

  test('an older file that appears late does not end the one that is still written', async () => {
    const reader = new Reader()
    await append('a.log', 'b1\n')
    await reader.read()
    await append('a.log.2', 'a1\n')
    await reader.read()
    await move('a.log', 'a.log.1')
    await reader.read(6)
    // Its writer has not opened a new file yet.
    await append('a.log.1', 'b2\n')
    await reader.read()
    await append('a.log', 'c1\n')
    expect(await reader.read(6)).toBe('b1\nb2\n|a1\n|c1\n')
    expect(reader.gaps()).toEqual([])
  })

  test('a finished file that is moved back to the live name is read on', async () => {
    const reader = new Reader()
    await append('a.log', 'a1\n')
    await move('a.log', 'a.log.1')
    await append('a.log', 'b1\n')
    await reader.read()
    await move('a.log', 'a.log.0')
    await move('a.log.1', 'a.log')
    await append('a.log', 'a2\n')
    expect(await reader.read(6)).toBe('a1\n|b1\n|a2\n')
    expect(reader.gaps()).toEqual([])
    const again = new Reader(undefined, await reader.stop())
    await append('a.log', 'a3\n')
    expect(await again.read(6)).toBe('a3\n')
    expect(again.gaps()).toEqual([])
  })

  test('files that begin with the same lines are read each', async () => {
    const reader = new Reader()
    await append('a.log', 'same\n')
    await reader.read()
    await move('a.log', 'a.log.1')
    await append('a.log', 'same\n')
    expect(await reader.read()).toBe('same\n|same\n')
    await move('a.log.1', 'a.log.2')
    await move('a.log', 'a.log.1')
    await append('a.log', 'same\nmore\n')
    expect(await reader.read()).toBe('same\n|same\n|same\nmore\n')
  })

  test('an inode that is given to the next file does not pass on its position', async () => {
    const reader = new Reader()
    let expected = ''
    for (let i = 0; i < 6; i += 1) {
      await append('a.log', 'same\n')
      await reader.read()
      expected += i === 0 ? 'same\n' : '|same\n'
      expect(reader.text).toBe(expected)
      await move('a.log', 'a.log.1')
    }
  })
})

describe('unlinked files', () => {
  test('an unlinked file is read to its end, then let go', async () => {
    const reader = new Reader()
    await append('a.log', 'a1\n')
    await reader.read()
    await append('a.log', 'a2\n')
    await unlink(at('a.log'))
    await append('a.log', 'b1\n')
    expect(await reader.read()).toBe('a1\na2\n|b1\n')
    // A commit hears of its end, and of nothing more of it.
    const ended = { generation: 0, finished: true, left: true }
    const live = { generation: 1, name: 'a.log' }
    expect(await reader.commit()).toMatchObject([ended, live])
    await reader.read()
    expect(await reader.commit()).toMatchObject([live])
  })

  test('a finished and deleted file is closed', async () => {
    const reader = new Reader()
    await append('a.log.1', 'a1\n')
    await append('a.log', 'b1\n')
    await reader.read()
    await unlink(at('a.log.1'))
    await reader.read()
    const links = await readdir('/proc/self/fd')
    const targets = await Promise.all(
      links.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    )
    expect(targets.filter((target) => target.startsWith(directory))).toEqual([at('a.log')])
  })
})

describe('the end of a stream', () => {
  test('a higher attempt ends it when all is read', async () => {
    const reader = new Reader(0)
    await append('0.log', 'a1\ntorn')
    await reader.read()
    expect(reader.follower.ended).toBe(false)
    await append('1.log', 'b1\n')
    expect(await reader.read(1)).toBe('a1\ntorn')
    expect(reader.follower.ended).toBe(false)
    expect(await reader.read()).toBe('a1\ntorn|')
    expect(reader.follower.ended).toBe(true)
    const ended = { finished: true, offset: 7, proofBytes: 7 }
    expect(await reader.follower.records()).toMatchObject([ended])
    expect(reader.follower.takeGaps()).toEqual([])
    const next = new Reader(0, await reader.stop())
    expect(await next.read()).toBe('')
    expect(next.follower.ended).toBe(true)
  })

  test('its directory is gone: what is open is still read', async () => {
    const reader = new Reader(0)
    await append('0.log', 'a1\n')
    await reader.follower.refresh()
    await append('0.log', 'a2\n')
    await rm(directory, { recursive: true })
    expect(await reader.read()).toBe('a1\na2\n|')
    expect(reader.follower.ended).toBe(true)
  })
})

test('links, directories and .tmp are not read, and links are told once', async () => {
  const reader = new Reader()
  await append('secret', 'secret\n')
  await symlink(at('secret'), at('a.log.1'))
  await mkdir(at('a.log.2'))
  await append('a.log.3.tmp', 'tmp\n')
  await append('a.log', 'b1\n')
  expect(await reader.read()).toBe('b1\n')
  const problems = reader.follower.takeProblems().map(({ reason }) => reason)
  expect(problems.sort()).toEqual(['not_a_file', 'symlink'])
})

test('a position never moves back', async () => {
  const reader = new Reader()
  await append('a.log', 'a1\na2\n')
  await reader.read()
  expect(() => reader.follower.progress(3)).toThrow(/does not follow 6/)
})
