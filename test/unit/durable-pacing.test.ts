import { expect, test } from 'vitest'
import { nextCommitAtMs } from '../../src/durable/pacing.ts'

test.each([
  ['a commit in no time: a second after its start', 0, 0, 1000],
  ['10 ms: the second covers 50 times it', 5000, 5010, 6000],
  ['exactly where both rules meet', 0, 1000 / 51, 1000],
  ['100 ms: 5 s after its end', 1000, 1100, 6100],
  ['200 ms: 10 s after its end', 0, 200, 10_200],
  ['a minute: never more than 10 s after its end', 0, 60_000, 70_000],
  ['a clock that went back counts as no time', 1000, 400, 2000],
])('%s', (_rule, startedAtMs, endedAtMs, nextAtMs) => {
  expect(nextCommitAtMs(startedAtMs, endedAtMs)).toBeCloseTo(nextAtMs, 6)
})
