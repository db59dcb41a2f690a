// A `Meter` that is used at a wrong moment or with a wrong argument says so, and goes on.

import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Meter } from '../../src/meter.ts'
import { file, line } from './metering.ts'

const folder = mkdtempSync(join(tmpdir(), 'meter-fast-meter-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('a wrong moment', () => {
  const CALLS: Readonly<Record<string, (meter: Meter) => unknown>> = {
    feed: (meter) => meter.feed(file(line())),
    read: (meter) => meter.read(0, 10),
    endFile: (meter) => meter.endFile(),
    dropUnfinishedLine: (meter) => meter.dropUnfinishedLine(),
    end: (meter) => meter.end(),
    take: (meter) => meter.take(),
    counters: (meter) => meter.counters(),
    envelope: (meter) => meter.envelope,
  }

  test.each(Object.keys(CALLS))('%s after close throws METER_MISUSE', (name) => {
    const meter = new Meter({ stream: 's' })
    meter.close()
    expect(() => CALLS[name]?.(meter)).toThrowError(
      expect.objectContaining({
        code: 'METER_MISUSE',
        message: 'the engine is closed: make a new one',
      }),
    )
  })

  test('close twice, and close of a disposed one, is nothing', () => {
    const meter = new Meter({ stream: 's' })
    meter.close()
    meter.close()
    meter[Symbol.dispose]()
  })

  test.each([...Object.keys(CALLS), 'close'])(
    '%s while a read runs throws, and the read ends well',
    async (name) => {
      const path = join(folder, `${name}.log`)
      writeFileSync(path, `${line()}\n`.repeat(2000))
      const fd = openSync(path, 'r')
      using meter = new Meter({ stream: 's' })
      const running = meter.read(fd, 10_000_000)
      expect(() => (CALLS[name] ?? ((one: Meter) => one.close()))(meter)).toThrowError(
        expect.objectContaining({
          code: 'METER_MISUSE',
          message: 'an earlier call of this engine is running: await it first',
        }),
      )
      await running
      expect(meter.counters().metered).toBe(2000n)
      closeSync(fd)
    },
  )

  test.each(['text', null, undefined, 5, {}, [1], new Uint16Array(2), new ArrayBuffer(2)])(
    'feed of %j is METER_USAGE',
    (bytes) => {
      using meter = new Meter({ stream: 's' })
      expect(() => meter.feed(bytes as Uint8Array)).toThrowError(
        expect.objectContaining({ code: 'METER_USAGE', message: 'feed takes a Uint8Array' }),
      )
    },
  )
})
