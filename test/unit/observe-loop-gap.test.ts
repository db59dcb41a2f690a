// How late the event loop came round, while the agent works and only then.

import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { LoopGap } from '../../src/observe/loop-gap.ts'

const late: number[] = []
const gap = new LoopGap((ms) => late.push(ms))
afterEach(() => {
  gap.pause()
  late.length = 0
})

function block(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

test('work that keeps the loop from coming round is seen at its length', async () => {
  gap.resume()
  await delay(20)
  block(80)
  await delay(20)
  const most = Math.max(...late)
  expect(most).toBeGreaterThan(70)
})

test('work that ends before the loop could look is seen too', () => {
  gap.resume()
  block(50)
  gap.pause()
  expect(late).toHaveLength(1)
  expect(late[0]).toBeGreaterThan(40)
})

test('short work is no gap', () => {
  gap.resume()
  gap.pause()
  expect(late).toEqual([])
})

test('an idle agent has no timer of it', () => {
  const before = timers()
  gap.resume()
  expect(timers()).toBe(before + 1)
  gap.pause()
  expect(timers()).toBe(before)
})
