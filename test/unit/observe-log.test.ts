// Signals as a log: JSON for machines, sentences for people, of the same list.

import { describe, expect, test } from 'vitest'
import { makeLog } from '../../src/observe/log.ts'
import {
  LEVELS,
  levelOf,
  SIGNALS,
  type Signal,
  type SignalKind,
} from '../../src/observe/signals.ts'

const GAP = {
  stream: 'file/n1/a.log',
  generation: 3,
  name: 'a.log.1',
  offset: 10,
  end: null,
  bytes: 5,
  reason: 'vanished',
  bootChanged: false,
}
const answer = (kind: string, status = 0) => ({ kind, status, text: 'its words' })
const answered = (kind: string, status = 0): Signal => ({
  kind: 'delivery',
  signal: { kind: 'answered', batch: 1, events: 2, answer: answer(kind, status), waitMs: 1_500 },
})
const REFUSED: Signal = {
  kind: 'delivery',
  signal: {
    kind: 'settled',
    batch: 1,
    accepted: 3,
    quarantined: [
      { id: 'A', reason: 'bad unit' },
      { id: 'B', reason: 'too old' },
    ],
  },
}

/** One of each kind; the compiler asks for a new one. */
const ALL: { readonly [Kind in SignalKind]: Extract<Signal, { kind: Kind }> } = {
  listening: { kind: 'listening', address: 'http://127.0.0.1:9464' },
  waiting: { kind: 'waiting', message: 'in use by process 7' },
  started: { kind: 'started', resumedStreams: 2, isFirstStart: false },
  reloaded: { kind: 'reloaded' },
  'reload-refused': { kind: 'reload-refused', message: 'window: 7s does not divide one hour' },
  stream: { kind: 'stream', stream: 'file/n1/a.log' },
  problem: { kind: 'problem', message: '/var/log/a: EACCES' },
  gap: { kind: 'gap', gap: GAP },
  held: { kind: 'held', events: 5 },
  ambiguous: { kind: 'ambiguous', batches: 2, heldEvents: 0 },
  future: { kind: 'future', timeMs: 0 },
  'spool-half-full': { kind: 'spool-half-full', bytes: 5, bytesMax: 10 },
  'spool-full': { kind: 'spool-full', bytes: 10 },
  'spool-free': { kind: 'spool-free', bytes: 9 },
  'unsent-old': { kind: 'unsent-old', ageMs: 86_400_000 },
  'disk-full': { kind: 'disk-full' },
  'disk-free': { kind: 'disk-free' },
  reopened: { kind: 'reopened', message: 'a commit failed' },
  committed: { kind: 'committed', stageMs: 1, renderMs: 2, commitMs: 3 },
  delivery: answered('unreachable') as Extract<Signal, { kind: 'delivery' }>,
}

async function written(
  form: 'text' | 'json',
  signals: readonly Signal[],
  level: (typeof LEVELS)[number] = 'debug',
): Promise<string> {
  let text = ''
  const write = (more: string): void => {
    text += more
  }
  const log = await makeLog({ form, level, write })
  for (const signal of signals) log.signal(signal)
  return text
}

async function records(signals: readonly Signal[], level?: (typeof LEVELS)[number]) {
  const text = await written('json', signals, level)
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('JSON', () => {
  test('every signal is one line with its level, time, kind and a message', async () => {
    const found = await records(Object.values(ALL))
    expect(found).toHaveLength(Object.keys(SIGNALS).length)
    for (const { level, time, kind, msg } of found) {
      expect(LEVELS).toContain(level)
      expect(new Date(String(time)).toISOString()).toBe(time)
      expect(Object.keys(SIGNALS)).toContain(String(kind).replace(/^delivery-.*/, 'delivery'))
      expect(msg).toMatch(/./)
    }
  })

  test('values are fields, and nothing names the process or the machine', async () => {
    const [record] = await records([ALL.gap])
    const { time: _time, ...rest } = record ?? {}
    expect(rest).toEqual({
      level: 'error',
      kind: 'gap',
      ...GAP,
      msg: 'GAP: file/n1/a.log: a.log.1 from byte 10 on: vanished, 5 bytes were not read',
    })
  })

  test('an answer of the sink has its verdict and status as fields', async () => {
    expect(await records([answered('unknown', 503)])).toMatchObject([
      {
        level: 'warn',
        kind: 'delivery-answered',
        result: 'unknown',
        status: 503,
        events: 2,
        msg: 'sink: unknown (503): its words, next attempt in 2 s',
      },
    ])
  })

  test('each refused event is a line of its own, so that none is too long', async () => {
    expect(await records([REFUSED])).toMatchObject([
      { level: 'error', kind: 'delivery-refused', id: 'A', reason: 'bad unit' },
      { level: 'error', kind: 'delivery-refused', id: 'B', reason: 'too old' },
    ])
  })

  test('text from outside cannot end a line or begin another record', async () => {
    const message = '"}\n{"level":"error"}\u2028'
    expect(await records([{ kind: 'problem', message }])).toMatchObject([{ msg: message }])
  })
})

describe('text', () => {
  test('is a sentence a line; numbers that no person reads are left out', async () => {
    const text = await written('text', [ALL.gap, ALL.committed, ALL.started])
    expect(text).toBe(
      'meter-fast: GAP: file/n1/a.log: a.log.1 from byte 10 on: vanished, ' +
        '5 bytes were not read\nmeter-fast: going on with 2 streams\n',
    )
  })
})

describe('levels', () => {
  test.each([
    ['accepted', 'debug'],
    ['unknown', 'warn'],
    ['unreachable', 'warn'],
    ['unauthorized', 'error'],
    ['misconfigured', 'error'],
  ])('an answer "%s" of the sink is %s', (kind, level) => {
    expect(levelOf(answered(kind))).toBe(level)
  })

  test('a settled batch is debug, and an error when an event was refused', () => {
    expect(levelOf(REFUSED)).toBe('error')
    const signal = { kind: 'settled', batch: 1, accepted: 3, quarantined: [] } as const
    expect(levelOf({ kind: 'delivery', signal })).toBe('debug')
  })

  test.each(LEVELS)('%s leaves out what is less, in both forms', async (least) => {
    const weight = (level: string) => LEVELS.indexOf(level as (typeof LEVELS)[number])
    const all = [...Object.values(ALL), answered('accepted'), REFUSED]
    const wanted = all.filter((signal) => weight(levelOf(signal)) >= weight(least))
    const found = await records(all, least)
    expect(found.length).toBe((await records(wanted)).length)
    expect(await written('text', all, least)).toBe(await written('text', wanted))
  })
})
