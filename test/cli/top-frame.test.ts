// One frame of `top`, from a picture that is put together by hand.

import { describe, expect, test } from 'vitest'
import type { LivePicture, LiveStream } from '../../src/agent/live.ts'
import { frameLines } from '../../src/cli/top-frame.ts'
import { RateMeter, type Rates } from '../../src/cli/top-rates.ts'
import { cellsWide } from './cells-wide.ts'
import { expectScreen, terminal, WIDTHS } from './screens.ts'

const NOON_MS = Date.UTC(2026, 10, 22, 12)
const POD = '0a1b2c3d-0000-4000-8000-00000000000'

function stream(name: string, changes: Partial<LiveStream> = {}): LiveStream {
  return {
    stream: name,
    linesRead: 1_000n,
    windowStartMs: NOON_MS,
    windowMs: 60_000,
    isOpen: true,
    closesAtMs: NOON_MS + 90_000,
    unreadBytes: 0,
    ...changes,
  }
}

const usage = (requests: number, egress: number, ingress: number) => ({
  requests: BigInt(requests),
  egressBytes: BigInt(egress),
  ingressBytes: BigInt(ingress),
})

const COUNTS = { gaps: 1, events_rejected: 2 } as LivePicture['counts']

function picture(changes: Partial<LivePicture> = {}): LivePicture {
  return {
    atMs: NOON_MS + 56_200,
    agentPid: 4711,
    commits: 8_211,
    committedAtMs: NOON_MS + 55_200,
    streams: [
      stream(`k8s/${POD}1/envoy/0`, { unreadBytes: 12_400_000, linesRead: 31_000n }),
      stream(`k8s/${POD}2/envoy/0`),
      stream('file/node-7/access.log', {
        windowStartMs: NOON_MS - 3_600_000,
        isOpen: false,
        closesAtMs: null,
        unreadBytes: null,
      }),
    ],
    lines: {
      read: 12_345_678n,
      metered: 12_345_000n,
      lenient: 0n,
      ignored: { upstream: 500n },
      unattributed: { no_route: 170n },
      quarantined: { malformed: 8n },
    },
    spool: { events: 1_234, bytes: 512_345, held: 0, batches: 13, oldestMs: NOON_MS - 120_000 },
    counts: COUNTS,
    open: new Map([
      ['p-abc', usage(123_456, 9_876_543_210, 1_234_567)],
      ['p-with-a-name-that-is-longer-than-most-names-are-and-ends-in-9', usage(12, 3_400, 0)],
      ['p-quiet', usage(1, 0, 0)],
    ]),
    used: new Map(),
    ...changes,
  }
}

function ratesOf(now: LivePicture): Rates {
  const meter = new RateMeter()
  const streams = now.streams.map((one) => ({ ...one, linesRead: 1_000n }))
  const before = { commits: 8_210, committedAtMs: NOON_MS + 50_200, streams, used: undefined }
  meter.add(picture(before))
  return meter.add(now)
}

const BUSY = picture({
  used: new Map([
    ['p-abc', usage(29_990, 512_000_000, 64_000)],
    ['p-with-a-name-that-is-longer-than-most-names-are-and-ends-in-9', usage(3, 1_000, 0)],
  ]),
})

describe('a frame', () => {
  test.each(WIDTHS)('of a busy agent on %i columns', async (columns) => {
    const lines = frameLines('/var/lib/meter-fast', BUSY, ratesOf(BUSY), terminal(columns, 40))
    await expectScreen('top', columns, `${lines.join('\n')}\n`)
  })

  test.each(WIDTHS)('of a state without an agent on %i columns', async (columns) => {
    const still = picture({
      agentPid: null,
      committedAtMs: NOON_MS - 7_200_000,
      spool: { events: 40, bytes: 9_000, held: 30, batches: 2, oldestMs: NOON_MS - 7_300_000 },
    })
    const rates = new RateMeter().add({ ...still, used: undefined })
    const lines = frameLines('/var/lib/meter-fast', still, rates, terminal(columns, 40))
    await expectScreen('top-still', columns, `${lines.join('\n')}\n`)
  })

  test.each([1, 5, 10, 15, 24, 50])('has no more lines than a terminal of %i', (rows) => {
    const open = new Map(Array.from({ length: 500 }, (_, i) => [`p-${i}`, usage(i, i, i)]))
    const streams = Array.from({ length: 60 }, (_, i) => stream(`file/n/${i}.log`))
    const many = picture({ open, streams })
    for (const columns of WIDTHS) {
      const lines = frameLines('state', many, ratesOf(many), terminal(columns, rows))
      expect(lines.length).toBeLessThanOrEqual(rows)
      for (const line of lines) expect(cellsWide(line)).toBeLessThanOrEqual(columns)
    }
  })

  test('says how many streams and projects it does not show', () => {
    const open = new Map(Array.from({ length: 500 }, (_, i) => [`p-${i}`, usage(i, i, i)]))
    const streams = Array.from({ length: 60 }, (_, i) => stream(`file/n/${i}.log`))
    const many = picture({ open, streams })
    const text = frameLines('state', many, ratesOf(many), terminal(80, 24)).join('\n')
    const shown = (pattern: RegExp) => text.match(pattern)?.length ?? 0
    expect(text).toContain(`... and ${60 - shown(/^file/gm)} more streams`)
    expect(text).toContain(`... and ${500 - shown(/^p-/gm)} more projects`)
  })

  test('a name cannot steer the terminal', () => {
    const evil = picture({ streams: [stream('file/\u001B[2J\u202E/a.log')] })
    const text = frameLines('\u001B[2J', evil, ratesOf(evil), terminal(80, 24)).join('\n')
    expect(text).not.toMatch(/(?!\n)\p{C}/u)
    expect(text).toContain('file/?[2J?/a.log')
  })
})

describe('rates', () => {
  const at = (second: number, changes: Partial<LivePicture> = {}) =>
    picture({
      commits: second,
      committedAtMs: NOON_MS + second * 1000,
      atMs: NOON_MS + second * 1000 + 300,
      ...changes,
    })
  const used = (requests: number) => new Map([['p-a', usage(requests, requests * 10, 0)]])

  test('are not known from one commit', () => {
    expect(new RateMeter().add(at(0, { used: undefined })).all).toBeUndefined()
  })

  test('are measured from commit to commit, however often the state is looked at', () => {
    const meter = new RateMeter()
    meter.add(at(0, { used: undefined }))
    meter.add(at(0, { atMs: NOON_MS + 3_900 }))
    expect(meter.add(at(4, { used: used(400) })).byProject.get('p-a')).toEqual({
      requests: 100,
      egressBytes: 1000,
      ingressBytes: 0,
    })
    expect(meter.add(at(4, { atMs: NOON_MS + 9_000 })).all?.requests).toBe(100)
  })

  test('are those of the last ten seconds', () => {
    const meter = new RateMeter()
    meter.add(at(0, { used: undefined }))
    meter.add(at(1, { used: used(1_000_000) }))
    for (let second = 2; second < 11; second += 1) meter.add(at(second, { used: used(50) }))
    expect(meter.add(at(11, { used: used(50) })).all?.requests).toBe(50)
  })

  test('fall to nothing when nothing is committed any more', () => {
    const meter = new RateMeter()
    meter.add(at(0, { used: undefined }))
    meter.add(at(1, { used: used(1_000) }))
    expect(meter.add(at(1, { atMs: NOON_MS + 60_000, used: new Map() })).all?.requests).toBe(0)
  })

  test('begin anew with another state', () => {
    const meter = new RateMeter()
    meter.add(at(0, { used: undefined }))
    meter.add(at(1, { used: used(1_000) }))
    expect(meter.add(at(2, { used: undefined })).all).toBeUndefined()
  })
})
