// Wake-ups: a hint is quick, hints are merged, silence is polled; and a directory that rests is
// not listed again.

import { appendFile, mkdtemp, rename, rm, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DirectoryStamp } from '../../src/tail/directory-stamp.ts'
import { StreamFollower } from '../../src/tail/follow.ts'
import { Waker } from '../../src/tail/watch.ts'

let directory = ''
let waker = new Waker()
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tail-watch-'))
  waker = new Waker()
  waker.setDirectories([directory])
})
afterEach(async () => {
  waker.close()
  await rm(directory, { recursive: true })
})

async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

describe('Waker', () => {
  test('a write, a rename and an unlink each end a wait long before its timeout', async () => {
    const path = join(directory, 'a.log')
    const changes = [
      () => appendFile(path, 'line\n'),
      () => rename(path, `${path}.1`),
      () => unlink(`${path}.1`),
    ]
    for (const change of changes) {
      const fresh = new Waker()
      fresh.setDirectories([directory])
      const waited = fresh.wait(5_000)
      await change()
      expect(await waited).toBe('hint')
    }
  })

  test('silence ends a wait at its timeout', async () => {
    expect(await waker.wait(30)).toBe('timeout')
  })

  test('a thousand writes are at most ten wake-ups a second', async () => {
    let writing = true
    const writer = (async () => {
      while (writing) {
        await appendFile(join(directory, 'a.log'), 'line\n')
        await sleep(1)
      }
    })()
    let wakeUps = 0
    const startMs = performance.now()
    while (performance.now() - startMs < 950) {
      if ((await waker.wait(400)) === 'hint') wakeUps += 1
    }
    writing = false
    await writer
    expect(wakeUps).toBeGreaterThanOrEqual(5)
    expect(wakeUps).toBeLessThanOrEqual(11)
  })

  test('after a wake-up there is one more look, for what came while nothing watched', async () => {
    const first = waker.wait(5_000)
    await appendFile(join(directory, 'a.log'), 'line\n')
    expect(await first).toBe('hint')
    await appendFile(join(directory, 'a.log'), 'line\n')
    expect(await elapsedMs(() => waker.wait(5_000))).toBeLessThan(1_000)
    expect(await waker.wait(150)).toBe('timeout')
  })

  test('wake() before a wait ends it at once, during it too', async () => {
    waker.wake()
    expect(await waker.wait(5_000)).toBe('hint')
    await waker.wait(5_000)
    const waited = waker.wait(5_000)
    setTimeout(() => waker.wake(), 150)
    expect(await waited).toBe('hint')
  })

  test('an abort ends a wait, and one that was before it', async () => {
    const controller = new AbortController()
    const waited = waker.wait(5_000, controller.signal)
    controller.abort()
    expect(await waited).toBe('aborted')
    expect(await waker.wait(5_000, controller.signal)).toBe('aborted')
  })

  test('a directory that is not there is polled, without a word', async () => {
    waker.setDirectories([join(directory, 'later')])
    expect(await waker.wait(30)).toBe('timeout')
    expect(waker.takeProblems()).toEqual([])
  })
})

describe('a directory that rests', () => {
  test('is not listed again until it changes; a fresh one always is', async () => {
    const stamp = new DirectoryStamp()
    expect(stamp.isUnchanged(directory)).toBe(false)
    expect(stamp.isUnchanged(directory)).toBe(false)
    await sleep(1_100)
    expect(stamp.isUnchanged(directory)).toBe(false)
    expect(stamp.isUnchanged(directory)).toBe(true)
    await appendFile(join(directory, 'a.log'), 'line\n')
    expect(stamp.isUnchanged(directory)).toBe(false)
    expect(stamp.isUnchanged(join(directory, 'gone'))).toBe(false)
  })

  test('growth and rotation are seen all the same', async () => {
    const path = join(directory, 'a.log')
    await appendFile(path, 'a1\n')
    const place = { stream: 's', directory, liveName: 'a.log', attempt: undefined }
    const follower = new StreamFollower(place)
    await sleep(1_100)
    await follower.refresh()
    follower.current()
    follower.progress(3)
    await follower.refresh()
    expect(follower.caughtUp).toBe(true)
    await appendFile(path, 'a2\n')
    await follower.refresh()
    expect(follower.current()).toMatchObject({ offset: 3, unread: true })
    follower.progress(6)
    await rename(path, `${path}.1`)
    await appendFile(path, 'b1\n')
    await follower.refresh()
    expect(follower.caughtUp).toBe(false)
    await follower.refresh()
    expect(follower.advance()).toBe(true)
    expect(follower.current()).toMatchObject({ generation: 1, offset: 0, unread: true })
    await follower.close()
  })
})
