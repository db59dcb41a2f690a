// What the library promises about `Meter`: its result does not depend on how the bytes come, what
// is taken belongs to the caller, and amounts are exact. Wrong use is in meter-misuse.test.ts.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Meter, type Segment } from '../../src/meter.ts'
import { Dice } from '../reference/dice.ts'
import { cri, file, line, NOON_MS } from './metering.ts'

const folder = mkdtempSync(join(tmpdir(), 'meter-fast-meter-'))
afterAll(() => rmSync(folder, { recursive: true }))

function golden(name: string): Buffer {
  return readFileSync(new URL(`../golden/${name}`, import.meta.url))
}

function eventsOf(segments: readonly Segment[]): string {
  return segments.flatMap((segment) => segment.events().map(({ text }) => `${text}\n`)).join('')
}

/** Feeds `log` in pieces of `sizeOf()` bytes, all from one buffer that is wiped in between. */
function inPieces(log: Buffer, sizeOf: () => number, takesEachTime = false) {
  using meter = new Meter({ stream: 'scan' })
  const segments: Segment[] = []
  const reused = Buffer.alloc(log.length)
  for (let at = 0; at < log.length; ) {
    const size = sizeOf()
    const piece = reused.subarray(0, log.copy(reused, 0, at, at + size))
    meter.feed(piece)
    piece.fill('}')
    at += piece.length
    if (takesEachTime) segments.push(...meter.take())
  }
  meter.endFile()
  meter.end()
  segments.push(...meter.take())
  return { events: eventsOf(segments), counters: meter.counters() }
}

describe.each(['plain', 'mixed', 'stream', 'cri', 'docker'])(
  'any way to cut the bytes of %s',
  (name) => {
    const log = golden(`${name}.log`)
    const events = golden(`${name}.events.ndjson`).toString()
    const { counters } = inPieces(log, () => log.length)

    test.each([1, 2, 3, 7, 64, 1023, 4096, 65_536, 10_000_000])('%i bytes at a time', (size) => {
      expect(inPieces(log, () => size)).toEqual({ events, counters })
    })

    test.each([1, 2, 3, 4, 5, 6])('sizes of seed %i, with takes in between', (seed) => {
      const dice = new Dice(seed)
      const size = () => dice.below(dice.chance(0.2) ? 20_000 : 300)
      expect(inPieces(log, size, true)).toEqual({ events, counters })
    })

    test.each([1, 17, 4096, 1_000_000])('%i bytes at a time from a file', async (bytesMax) => {
      const fd = openSync(new URL(`../golden/${name}.log`, import.meta.url), 'r')
      using meter = new Meter({ stream: 'scan' })
      const [part] = bytesMax > 17 ? [log] : [log.subarray(0, 8000)]
      let read = 0
      while (read < part.length)
        read += await meter.read(fd, Math.min(bytesMax, part.length - read))
      closeSync(fd)
      meter.endFile()
      meter.end()
      const whole = inPieces(part, () => part.length)
      expect({ events: eventsOf(meter.take()), counters: meter.counters() }).toEqual(whole)
    })
  },
)

describe('read', () => {
  const path = join(folder, 'access.log')

  test('resolves to fewer bytes only at the end, and goes on when the file has grown', async () => {
    const text = `${line()}\n`
    writeFileSync(path, text)
    const fd = openSync(path, 'r')
    using meter = new Meter({ stream: 's' })
    expect(await meter.read(fd, 10)).toBe(10)
    expect(await meter.read(fd, 1_000_000)).toBe(text.length - 10)
    expect(await meter.read(fd, 10)).toBe(0)
    writeFileSync(path, line().slice(0, 50), { flag: 'a' })
    expect(await meter.read(fd, 1_000_000)).toBe(50)
    expect(meter.counters().metered).toBe(1n)
    writeFileSync(path, `${line().slice(50)}\n`, { flag: 'a' })
    await meter.read(fd, 1_000_000)
    expect(meter.counters().metered).toBe(2n)
    closeSync(fd)
  })

  test('of what is no file rejects with METER_DISK, and the meter goes on', async () => {
    using meter = new Meter({ stream: 's' })
    const directory = openSync(folder, 'r')
    await expect(meter.read(directory, 10)).rejects.toMatchObject({
      code: 'METER_DISK',
      message: 'a log file cannot be read: Is a directory',
    })
    closeSync(directory)
    meter.feed(file(line()))
    expect(meter.counters().metered).toBe(1n)
  })

  test.each([
    [-1, 10],
    [0, 0],
    [0, -1],
    ['0', 10],
    [0, Number.NaN],
  ])('of descriptor %j and %j bytes is METER_USAGE', async (fd, bytes) => {
    using meter = new Meter({ stream: 's' })
    await expect(async () => meter.read(fd as number, bytes)).rejects.toMatchObject({
      code: 'METER_USAGE',
      message: 'read takes a file descriptor and a positive number of bytes',
    })
    expect(meter.counters().read).toBe(0n)
  })
})

describe('what is taken', () => {
  test('is the caller’s: it outlives the meter, and can be read twice', () => {
    const meter = new Meter({ stream: 's' })
    meter.feed(file(line(), line({ start_time: '2026-11-02T12:01:00Z' })))
    const first = meter.take()
    meter.end()
    const second = meter.take()
    expect(meter.take()).toEqual([])
    meter.close()
    const starts = [...first, ...second].map((segment) => segment.windowStartMs - NOON_MS)
    expect(starts).toEqual([0, 60_000])
    for (const segment of [...first, ...second]) {
      expect([...segment.rows()]).toEqual([...segment.rows()])
      expect(segment.events()).toHaveLength(4)
      expect(segment.events()).toEqual(segment.events())
    }
  })

  test('has the same events in slices', async () => {
    using meter = new Meter({ stream: 's' })
    const lines = Array.from({ length: 700 }, (_, i) => line({ project_name: `p-${i}` }))
    meter.feed(file(...lines))
    meter.end()
    const [segment] = meter.take()
    const slices = []
    for await (const slice of segment?.eventSlices() ?? []) slices.push(slice)
    expect(slices.length).toBeGreaterThan(1)
    expect(slices.flat()).toEqual(segment?.events())
    expect(slices.flat()).toHaveLength(2800)
  })

  test('has exact amounts beyond 2^53', () => {
    using meter = new Meter({ stream: 's' })
    const half = { bytes_sent: '9007199254740992', bytes_received: 0, duration: 0 }
    meter.feed(file(line(half), line(half), line({ ...half, bytes_sent: 1 })))
    meter.end()
    const [segment] = meter.take()
    const [row] = segment?.rows() ?? []
    expect(row?.egressBytes).toBe(18_014_398_509_481_985n)
    const values = segment?.events().map(({ text }) => JSON.parse(text).data.value)
    expect(values?.sort()).toEqual(['18014398509481985', '3'])
  })

  test('counts as it goes, in BigInt', () => {
    using meter = new Meter({ stream: 's' })
    expect(meter.envelope).toBe('auto')
    meter.feed(file(cri(line()), cri('x'), cri(line({ project_name: null }))))
    expect(meter.envelope).toBe('cri')
    expect(meter.counters()).toEqual({
      read: 3n,
      metered: 1n,
      lenient: 0n,
      ignored: { not_json: 1n },
      unattributed: { no_project: 1n },
      quarantined: {},
    })
  })

  test('does not hold what was dropped behind the last line end', () => {
    using meter = new Meter({ stream: 's' })
    meter.feed(Buffer.from(`${line()}\n${line().slice(0, 20)}`))
    meter.dropUnfinishedLine()
    meter.endFile()
    meter.end()
    expect(meter.counters()).toMatchObject({ read: 1n, metered: 1n })
  })
})
