// Lifetimes and threads: objects that are dropped while they work, worker threads that end, and
// memory that does not grow with what a log holds. A fault here is a crash, not a wrong number.

import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, test } from 'vitest'
import { Meter } from '../../src/meter.ts'
import { line } from './metering.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const folder = mkdtempSync(join(tmpdir(), 'meter-fast-lifetime-'))
afterAll(() => rmSync(folder, { recursive: true }))

const MIB = 1024 * 1024
const LINES = 100_000
const big = join(folder, 'big.log')
writeFileSync(big, `${line()}\n`.repeat(LINES))

function golden(name: string): string {
  return fileURLToPath(new URL(`../golden/${name}`, import.meta.url))
}

describe('a meter that nobody holds any more', () => {
  test('ends its read in peace', async () => {
    const fd = openSync(big, 'r')
    const reads: Promise<number>[] = []
    for (let i = 0; i < 8; i++) {
      reads.push(new Meter({ stream: `s${i}` }).read(fd, 100 * MIB))
      collect()
    }
    await setImmediate()
    collect()
    expect(await Promise.all(reads)).toEqual(reads.map(() => readFileSync(big).length))
    closeSync(fd)
  })

  test('ends its read in peace when nobody holds the promise either', async () => {
    const fd = openSync(big, 'r')
    for (let i = 0; i < 8; i++) {
      void new Meter({ stream: `s${i}` }).read(fd, 100 * MIB)
      collect()
    }
    // A read of its own, queued behind them, tells that they are done.
    using last = new Meter({ stream: 'last' })
    for (let i = 0; i < 8; i++) {
      await last.read(fd, MIB)
      collect()
    }
    expect(last.counters().read).toBeGreaterThan(0n)
    closeSync(fd)
  })

  test('gives its memory back', async () => {
    const piece = Buffer.alloc(MIB, '{')
    const afterRounds = async (rounds: number): Promise<number> => {
      for (let i = 0; i < rounds * 20; i++) {
        new Meter({ stream: 's' }).feed(piece)
        if (i % 20 === 0) collect()
        if (i % 20 === 0) await setImmediate()
      }
      return process.memoryUsage().rss
    }
    // 200 MiB of unfinished lines later, no more is held than after the first 40 MiB.
    const before = await afterRounds(2)
    expect((await afterRounds(10)) - before).toBeLessThan(64 * MIB)
  })
})

describe('memory', () => {
  /** RSS that is added, at its highest, while `step` runs `count` times. */
  async function growth(count: number, step: (i: number) => unknown): Promise<number> {
    collect()
    const before = process.memoryUsage().rss
    let highest = before
    for (let i = 0; i < count; i++) {
      await step(i)
      highest = Math.max(highest, process.memoryUsage().rss)
    }
    return highest - before
  }

  test('is flat for a line of 256 MiB without LF that is fed', async () => {
    using meter = new Meter({ stream: 's' })
    const piece = Buffer.alloc(MIB, 'x')
    piece[0] = 0x7b
    expect(await growth(256, () => meter.feed(piece))).toBeLessThan(32 * MIB)
    expect(meter.counters().read).toBe(0n)
    meter.feed(Buffer.from(`\n${line()}\n`))
    expect(meter.counters()).toMatchObject({ read: 2n, metered: 1n, quarantined: { too_long: 1n } })
  })

  test('is flat for a file of 256 MiB without LF that is read', async () => {
    const path = join(folder, 'holes.log')
    const fd = openSync(path, 'w+')
    ftruncateSync(fd, 256 * MIB)
    using meter = new Meter({ stream: 's' })
    let read = 0
    const added = await growth(64, async () => {
      read += await meter.read(fd, 4 * MIB)
    })
    expect(added).toBeLessThan(32 * MIB)
    expect(read).toBe(256 * MIB)
    meter.endFile()
    meter.end()
    expect(meter.counters()).toMatchObject({ read: 1n, quarantined: { too_long: 1n } })
    closeSync(fd)
  })

  test('is flat for a CRI line of 256 MiB in parts', async () => {
    using meter = new Meter({ stream: 's', envelope: 'cri' })
    const head = '2026-11-02T12:00:00Z stdout P '
    const piece = Buffer.from(`${head.padEnd(MIB - 1, 'x')}\n`)
    expect(await growth(256, () => meter.feed(piece))).toBeLessThan(32 * MIB)
    meter.feed(Buffer.from('2026-11-02T12:00:00Z stdout F x\n'))
    expect(meter.counters()).toMatchObject({ read: 1n, quarantined: { too_long: 1n } })
  })

  test('does not grow with lines of the same keys', async () => {
    using meter = new Meter({ stream: 's' })
    const piece = Buffer.from(`${line()}\n`.repeat(4000))
    await growth(4, () => meter.feed(piece))
    expect(await growth(100, () => meter.feed(piece))).toBeLessThan(32 * MIB)
  })
})

describe('worker threads', () => {
  const script = new URL('meter-worker.mjs', import.meta.url)

  interface Said {
    readonly texts: string[]
    readonly counters: unknown
  }

  function inWorker(path: string): Promise<Said> {
    const worker = new Worker(script, { workerData: { job: 'meter', path } })
    return new Promise((resolve, reject) => {
      let said: Said | undefined
      worker.on('message', (message: Said) => {
        said = message
      })
      worker.on('error', reject)
      worker.on('exit', () => (said ? resolve(said) : reject(new Error('it said nothing'))))
    })
  }

  test('several at once say what the main thread says', async () => {
    const names = ['mixed.log', 'cri.log', 'stream.log', 'plain.log']
    const said = await Promise.all(names.map((name) => inWorker(golden(name))))
    for (const [i, name] of names.entries()) {
      using meter = new Meter({ stream: 'scan' })
      meter.feed(readFileSync(golden(name)))
      meter.endFile()
      meter.end()
      const texts = meter.take().flatMap((one) => one.events().map(({ text }) => text))
      expect(said[i]).toEqual({ texts, counters: meter.counters() })
      const events = readFileSync(golden(name.replace('.log', '.events.ndjson'))).toString()
      expect(said[i]?.texts.map((text) => `${text}\n`).join('')).toBe(events)
    }
  })

  test('one that ends while a read runs takes nothing with it', async () => {
    for (let i = 0; i < 6; i++) {
      const worker = new Worker(script, { workerData: { job: 'read', path: big } })
      await new Promise((resolve) => worker.once('message', resolve))
      await worker.terminate()
    }
    using meter = new Meter({ stream: 's' })
    meter.feed(Buffer.from(`${line()}\n`))
    expect(meter.counters().metered).toBe(1n)
  })
})
