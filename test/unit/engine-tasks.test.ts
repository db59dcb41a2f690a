// Calls of the engine that may touch every key are promises: what they exclude meanwhile, and who
// owns what they hand over.

import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { resolveFormat } from '../../src/config/formats.ts'
import { usageRows } from '../../src/emit/usage-page.ts'
import { createEngine, type Engine, type EngineOptions } from '../../src/native.ts'
import { file, line } from './metering.ts'

const OPTIONS: EngineOptions = {
  envelope: 'raw',
  format: resolveFormat('datum'),
  windowMs: 60_000,
  totalsOnly: false,
  keepQuarantine: true,
  exclude: { codes: [], flags: [] },
  lineBytesMax: 1024 * 1024,
  keysMax: 1_000_000,
  streamStatesMax: 1_000_000,
}

const KEYS = 5_000

/** An engine with 5,000 open keys: pages enough that they leave the core without a copy. */
function filled(): Engine {
  const engine = createEngine(OPTIONS)
  const names = Array.from({ length: KEYS }, (_, i) => `httproute/ns/route-${i}`)
  engine.feedSync(file(...names.map((route_name) => line({ route_name }))))
  return engine
}

const TASKS: Readonly<Record<string, (engine: Engine) => Promise<unknown>>> = {
  feed: (engine) => engine.feed(file(line())),
  endGeneration: (engine) => engine.endGeneration(),
  closeByTime: (engine) => engine.closeByTime(),
  endStream: (engine) => engine.endStream(),
  snapshot: (engine) => engine.snapshot(),
  checkpoint: (engine) => engine.checkpoint(),
  openTotals: (engine) => engine.openTotals(),
}

const CALLS: Readonly<Record<string, (engine: Engine) => unknown>> = {
  ...TASKS,
  read: (engine) => engine.read(0, 1),
  restore: (engine) => engine.restore(new Uint8Array(), []),
  feedSync: (engine) => engine.feedSync(file(line())),
  endGenerationSync: (engine) => engine.endGenerationSync(),
  endStreamSync: (engine) => engine.endStreamSync(),
  seek: (engine) => engine.seek(0),
  take: (engine) => engine.take(),
  counters: (engine) => engine.counters(),
  offset: (engine) => engine.offset(),
  readOffset: (engine) => engine.readOffset(),
  pendingBytes: (engine) => engine.pendingBytes(),
  windowStartMs: (engine) => engine.windowStartMs(),
  windowMs: (engine) => engine.windowMs(),
  hasOpenSegment: (engine) => engine.hasOpenSegment(),
  envelope: (engine) => engine.envelope(),
  close: (engine) => engine.close(),
}

const misuse = (message: string) => expect.objectContaining({ code: 'METER_MISUSE', message })

describe.each(Object.keys(TASKS))('while %s runs', (task) => {
  test('every other call throws METER_MISUSE, and it ends well', async () => {
    const engine = filled()
    const running = TASKS[task]?.(engine)
    for (const call of Object.values(CALLS)) {
      expect(() => call(engine)).toThrowError(
        misuse('an earlier call of this engine is running: await it first'),
      )
    }
    await running
    expect(engine.counters()[0]).toBeGreaterThanOrEqual(BigInt(KEYS))
  })
})

test.each(Object.keys(CALLS).filter((name) => name !== 'close'))(
  '%s of a closed engine throws METER_MISUSE',
  (name) => {
    const engine = filled()
    engine.close()
    engine.close()
    expect(() => CALLS[name]?.(engine)).toThrowError(misuse('the engine is closed: make a new one'))
  },
)

test('feed takes a copy: the buffer may be used again at once', async () => {
  const engine = createEngine(OPTIONS)
  const bytes = file(...Array.from({ length: 1_000 }, () => line()))
  const running = engine.feed(bytes)
  bytes.fill(0)
  await running
  expect(engine.counters()[0]).toBe(1_000n)
})

test('a damaged snapshot rejects with METER_STATE_CORRUPT and closes the engine', async () => {
  const { head, pages } = await filled().snapshot()
  const engine = createEngine(OPTIONS)
  const damaged = pages.flatMap(({ bytes }) => bytes?.subarray(1) ?? [])
  await expect(engine.restore(head, damaged)).rejects.toMatchObject({ code: 'METER_STATE_CORRUPT' })
  expect(() => engine.offset()).toThrowError(misuse('the engine is closed: make a new one'))
})

test.each([
  [null, []],
  [new Uint8Array(), [1]],
  [new Uint8Array(), 'pages'],
])('restore of %j and %j is METER_USAGE', (head, pages) => {
  const engine = createEngine(OPTIONS)
  expect(() => engine.restore(head as Uint8Array, pages as Uint8Array[])).toThrowError(
    expect.objectContaining({ code: 'METER_USAGE' }),
  )
  expect(engine.offset()).toBe(0)
})

describe('pages belong to who has them', () => {
  test('when the engine is closed and has handed over more since', async () => {
    const engine = filled()
    const open = await engine.openTotals()
    await engine.closeByTime()
    const [first] = engine.take().closed
    engine.feedSync(file(line({ start_time: '2026-11-02T12:01:00Z' })))
    await engine.closeByTime()
    const [second] = engine.take().closed
    engine.close()
    const requests = (pages: readonly Uint8Array[] = []) =>
      pages.flatMap((page) => [...usageRows(page)]).reduce((sum, row) => sum + row.requests, 0n)
    expect(requests(first?.pages)).toBe(BigInt(KEYS))
    expect(requests(open.pages)).toBe(BigInt(KEYS))
    expect(requests(second?.pages)).toBe(1n)
  })

  test('each begins at a multiple of 8 bytes, so that amounts are read in place', async () => {
    const engine = filled()
    const { pages, unattributed, projects, reasons } = await engine.openTotals()
    for (const page of [...pages, ...unattributed, ...projects, reasons]) {
      expect(page.byteOffset % 8).toBe(0)
    }
  })

  test('a worker thread ends while it holds some, and while a task runs', async () => {
    for (const job of ['pages', 'task']) {
      const worker = new Worker(new URL('engine-worker.mjs', import.meta.url), {
        workerData: { job, options: OPTIONS, lines: KEYS },
      })
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
      await worker.terminate()
    }
    expect((await filled().openTotals()).pages).toHaveLength(5)
  })
})
