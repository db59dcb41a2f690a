// What following costs and what happens at the limits of the system: descriptors over a thousand
// rotations, no descriptors left, system calls while nothing happens, bytes read of a .gz.

import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { rm, unlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { append, at, directory, gzip, lines, move, Reader } from './tail-reader.ts'

/** What this process has open below the test's directory, inotify aside. */
function openFiles(): string[] {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return targets.filter((target) => target.startsWith(directory))
}

test('a thousand rotations leave nothing open but what is there', async () => {
  const reader = new Reader()
  let expected = ''
  for (let rotation = 0; rotation < 1_000; rotation += 1) {
    const line = `${rotation}\n`
    await append('a.log', line)
    expected += rotation === 0 ? line : `|${line}`
    await reader.read(1)
    await move('a.log', `a.log.${10_000 + rotation}`)
    if (rotation % 3 === 0) await gzip(`a.log.${10_000 + rotation}`)
    const old = rotation - 4
    if (old >= 0) await unlink(at(`a.log.${10_000 + old}${old % 3 === 0 ? '.gz' : ''}`))
    if (rotation % 50 === 49) {
      await append('a.log', '')
      await reader.read(3)
      expect(openFiles().length).toBeLessThanOrEqual(6)
      expect((await reader.commit()).length).toBeLessThanOrEqual(60)
    }
  }
  await append('a.log', 'last\n')
  expect(await reader.read()).toBe(`${expected}|last\n`)
  expect(reader.gaps()).toEqual([])
  await reader.follower.close()
  expect(openFiles()).toEqual([])
})

test('without a descriptor left nothing is lost, and all goes on when there are some', async () => {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  const [soft, hard] = /^Max open files\s+(\d+)\s+(\d+)/m.exec(limits)?.slice(1) ?? []
  const limit = (value: number | string = ''): unknown =>
    execFileSync('prlimit', [`--pid=${process.pid}`, `--nofile=${value}:${hard}`])
  const reader = new Reader()
  await append('a.log', 'a1\n')
  await reader.read()
  await append('a.log', 'a2\n')
  await move('a.log', 'a.log.9')
  for (const name of ['8', '7', '6', '5']) await append(`a.log.${name}`, `${name}\n`)
  await append('a.log', 'b1\n')
  // Descriptors that setting the limit back needs.
  const spare = Array.from({ length: 48 }, () => openSync('/dev/null', 'r'))
  const highest = Math.max(...spare)
  limit(highest + 1)
  const filled: number[] = []
  try {
    while (filled.length < 10_000) filled.push(openSync('/dev/null', 'r'))
  } catch {
    // No descriptor is left.
  }
  await reader.read(5)
  for (const fd of [...filled, ...spare]) closeSync(fd)
  limit(soft)
  expect(reader.follower.takeProblems().map(({ reason }) => reason)).toContain('unreadable')
  expect(await reader.read(8)).toBe('a1\na2\n|8\n|7\n|6\n|5\n|b1\n')
  expect(reader.gaps()).toEqual([])
})

/** System calls of this process so far that read, as the kernel counts them. */
function readCalls(): number {
  return Number(/syscr: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

function bytesRead(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

test('where nothing happens nothing is read', async () => {
  const reader = new Reader()
  for (const name of ['a.log.2', 'a.log.1', 'a.log']) await append(name, lines(name))
  await reader.read()
  await reader.commit()
  await sleep(1_100)
  await reader.read(1)
  const before = readCalls()
  for (let look = 0; look < 500; look += 1) await reader.follower.refresh()
  // The counter is itself read, and other threads may read a little.
  expect(readCalls() - before).toBeLessThan(50)
})

test('a .gz that is read in steps is inflated once', async () => {
  await append('a.log.1', lines('a', 100_000))
  await gzip('a.log.1')
  await append('a.log', 'b1\n')
  const packedBytes = readFileSync(at('a.log.1.gz')).length
  const { follower } = new Reader()
  await follower.refresh()
  const before = bytesRead()
  let steps = 0
  for (let now = follower.current(); now?.unread; now = follower.current()) {
    for await (const chunk of follower.readCompressed()) {
      follower.progress(now.offset + chunk.length)
      break
    }
    steps += 1
  }
  expect(steps).toBeGreaterThan(50)
  expect(bytesRead() - before).toBeLessThan(3 * packedBytes)
})

test('what is let go in the middle of a .gz leaves nothing open', async () => {
  await append('a.log.1', lines('a', 20_000))
  await gzip('a.log.1')
  const { follower } = new Reader()
  await follower.refresh()
  const now = follower.current()
  for await (const chunk of follower.readCompressed()) {
    follower.progress((now?.offset ?? 0) + chunk.length)
    break
  }
  await follower.close()
  expect(openFiles()).toEqual([])
  await rm(at('a.log.1.gz'))
})
