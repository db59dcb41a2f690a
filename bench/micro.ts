// The parts of the path one by one, through the public API and in this process: what a window costs
// in TypeScript, and what folding costs without reading. tinybench does the timing.

import { readFile } from 'node:fs/promises'
import { Meter } from 'meter-fast'
import { Bench } from 'tinybench'
import type { Corpus } from './corpus.ts'

export interface MicroPart {
  readonly name: string
  /** What is counted. */
  readonly unit: string
  readonly perSecond: number
  /** Relative margin of error of tinybench, in percent. */
  readonly errorPercent: number
}

export interface MicroOutcome {
  /** Why the answer is wrong; null when it is right. */
  readonly wrong: string | null
  /** Empty when the answer is wrong. */
  readonly parts: readonly MicroPart[]
}

type Segment = ReturnType<Meter['take']>[number]

interface Truth {
  readonly totals: readonly { readonly requests: string }[]
}

const PART_TIME_MS = 1000
/** Small enough to stay in the processor's caches, as a reused read buffer does. */
const BLOCK_BYTES = 1024 * 1024

export async function measureMicro(corpus: Corpus): Promise<MicroOutcome> {
  const bytes = await readFile(corpus.path)
  using meter = new Meter({ stream: 'bench', format: corpus.format })
  meter.feed(bytes)
  meter.endFile()
  meter.end()
  const segments = meter.take()
  const wrong = requestsProblem(segments, corpus.truth as Truth)
  if (wrong !== null) return { wrong, parts: [] }

  const segment = segments.reduce((best, next) => (countRows(next) > countRows(best) ? next : best))
  const block = bytes.subarray(0, bytes.lastIndexOf('\n', BLOCK_BYTES) + 1)
  using folding = new Meter({ stream: 'bench', format: corpus.format })
  const bench = new Bench({ time: PART_TIME_MS })
  const units = new Map([
    ['fold', { unit: 'bytes', count: block.length }],
    ['drain', { unit: 'rows', count: countRows(segment) }],
    ['events with ids', { unit: 'events', count: segment.events().length }],
  ])
  bench.add('fold', () => folding.feed(block))
  bench.add('drain', () => {
    countRows(segment)
  })
  bench.add('events with ids', () => {
    segment.events()
  })
  await bench.run()
  const parts = bench.tasks.map(({ name, result }) => {
    if (result.state !== 'completed') throw new Error(`${name} did not complete: ${result.state}`)
    const { unit, count } = units.get(name) ?? { unit: 'runs', count: 1 }
    const { mean, rme } = result.throughput
    return { name, unit, perSecond: mean * count, errorPercent: rme }
  })
  return { wrong, parts }
}

function countRows(segment: Segment): number {
  let rows = 0
  for (const _row of segment.rows()) rows += 1
  return rows
}

/** Rows, and events, of all segments must hold every metered request once. */
function requestsProblem(segments: readonly Segment[], truth: Truth): string | null {
  const expected = sum(truth.totals.map(({ requests }) => BigInt(requests)))
  const inRows = sum(segments.flatMap((segment) => [...segment.rows()].map((row) => row.requests)))
  if (inRows !== expected) return `rows hold ${inRows} requests, not ${expected}`
  const events = segments.flatMap((segment) => segment.events())
  const inEvents = sum(
    events.filter(({ type }) => type.endsWith('/requests')).map(({ text }) => billedValue(text)),
  )
  return inEvents === expected ? null : `events hold ${inEvents} requests, not ${expected}`
}

function billedValue(eventText: string): bigint {
  const { data } = JSON.parse(eventText) as { data: { value: string } }
  return BigInt(data.value)
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}
