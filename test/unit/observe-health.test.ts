// When an agent is alive and when it is ready, by what happened to it.

import { expect, test } from 'vitest'
import { Health } from '../../src/observe/health.ts'
import type { Look } from '../../src/observe/picture.ts'
import type { Signal } from '../../src/observe/signals.ts'

const LOOK: Look = {
  streams: 1,
  bytesRead: 0,
  paths: [],
  unreadBytes: 0,
  oldestOpenMs: undefined,
  newestMs: undefined,
  spool: { events: 0, held: 0, bytes: 0 },
  oldestUnsentMs: undefined,
  hasDisk: true,
  isSpoolFull: false,
}
const STARTED: Signal = { kind: 'started', resumedStreams: 0, isFirstStart: true }
const LOCKED: Signal = { kind: 'waiting', message: 'the state is in use by process 7' }

class Clock {
  nowMs = 1_000_000
  readonly health = new Health(() => this.nowMs)

  pass(seconds: number): void {
    this.nowMs += seconds * 1000
  }
}

function running(): Clock {
  const clock = new Clock()
  clock.health.note(STARTED)
  clock.health.looked(LOOK)
  return clock
}

function answered(kind: string, status = 0): Signal {
  const answer = { kind, status, text: 'its words' }
  const facts = { kind: 'answered' as const, batch: 0, events: 1, answer, waitMs: 0 }
  return { kind: 'delivery', signal: facts }
}

test('a start is alive and not ready', () => {
  const { health } = new Clock()
  expect(health.alive().ok).toBe(true)
  expect(health.ready()).toEqual({ ok: false, lines: ['not ready', 'the agent is starting'] })
})

test('an agent that reads is alive and ready', () => {
  const { health } = running()
  expect(health.alive()).toEqual({ ok: true, lines: ['alive'] })
  expect(health.ready()).toEqual({ ok: true, lines: ['ready'] })
})

test('waiting for the state of another process is ready for 60 s, and alive for ever', () => {
  const clock = new Clock()
  clock.health.note(LOCKED)
  clock.pass(59)
  expect(clock.health.ready().ok).toBe(true)
  expect(clock.health.ready().lines.join()).toContain('in use by process 7')
  clock.pass(1)
  expect(clock.health.ready().ok).toBe(false)
  clock.pass(36_000)
  expect(clock.health.ready().lines.join()).toContain('in use by process 7')
  expect(clock.health.alive().ok).toBe(true)
  clock.health.note(STARTED)
  expect(clock.health.ready().ok).toBe(true)
})

test('a full disk is not ready, and starting again would not mend it', () => {
  const clock = running()
  clock.health.note({ kind: 'disk-full' })
  expect(clock.health.ready().ok).toBe(false)
  clock.health.note(STARTED)
  clock.health.looked({ ...LOOK, hasDisk: false })
  expect(clock.health.ready().lines.join()).toContain('the disk of the state is full')
  expect(clock.health.alive().ok).toBe(true)
  clock.health.looked(LOOK)
  expect(clock.health.ready().ok).toBe(true)
})

test('a full spool is not ready', () => {
  const { health } = running()
  health.looked({ ...LOOK, isSpoolFull: true })
  expect(health.ready()).toEqual({
    ok: false,
    lines: ['not ready', 'the spool is full: nothing is read'],
  })
})

test.each(['unknown', 'unreachable', 'unauthorized'])(
  'a sink that answers "%s" is told, and the agent stays ready: the spool is there for that',
  (kind) => {
    const { health } = running()
    health.note(answered(kind))
    expect(health.ready().ok).toBe(true)
    expect(health.ready().lines.join()).toContain(`${kind}: its words`)
    health.note(answered('accepted', 200))
    expect(health.ready().lines).toEqual(['ready'])
  },
)

test('a sink that is configured wrong is not ready: a rollout stops at the first node', () => {
  const { health } = running()
  health.note(answered('misconfigured', 404))
  expect(health.ready().ok).toBe(false)
  expect(health.alive().ok).toBe(true)
})

test('a loop that has not come round for five minutes is not alive, nor ready', () => {
  const clock = running()
  clock.pass(300)
  expect(clock.health.alive().ok).toBe(true)
  clock.pass(1)
  expect(clock.health.alive().ok).toBe(false)
  expect(clock.health.ready().ok).toBe(false)
  clock.health.looked(LOOK)
  expect(clock.health.alive().ok).toBe(true)
})
