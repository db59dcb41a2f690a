// The product against the oracle: on every seeded mix of lines, however its bytes are cut and
// wherever it is restarted, the totals are the oracle's and the events are equal to the byte.
// METER_FAST_SEEDS=N runs N seeds a case instead of the default.

import { describe, expect, test } from 'vitest'
import { Dice } from '../reference/dice.ts'
import { lineMix } from '../reference/line-mix.ts'
import type { SlowOptions } from '../reference/options.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { slowScan } from '../reference/slow-scan.ts'
import { meterFiles } from './product.ts'

const SEEDS = Number(process.env['METER_FAST_SEEDS'] ?? 12)
const LINES = 1_200

interface Case {
  readonly name: string
  readonly mix: Parameters<typeof lineMix>[2]
  readonly options: SlowOptions & Parameters<typeof meterFiles>[1]
}

const CASES: readonly Case[] = [
  { name: 'raw lines', mix: {}, options: { envelope: 'raw' } },
  { name: 'raw lines, detected', mix: {}, options: {} },
  { name: 'CRI lines', mix: { envelope: 'cri' }, options: { envelope: 'cri' } },
  { name: 'CRI lines, detected', mix: { envelope: 'cri' }, options: {} },
  { name: 'docker records', mix: { envelope: 'docker' }, options: { envelope: 'docker' } },
  { name: 'docker records, detected', mix: { envelope: 'docker' }, options: {} },
  { name: 'lines as Envoy writes them', mix: { faultShare: 0 }, options: {} },
  { name: 'sums near 2^63', mix: { isHuge: true, faultShare: 0.05 }, options: {} },
  { name: 'envoy-gateway format', mix: {}, options: { format: 'envoy-gateway' } },
  {
    name: 'istio format, a project from the route',
    mix: {},
    options: { format: { preset: 'istio', project: { route: 'namespace', strip: 'ns-' } } },
  },
  {
    name: 'contour format, one project',
    mix: { envelope: 'cri' },
    options: { format: { preset: 'contour', project: { constant: 'p-all' } } },
  },
  {
    name: 'dimensions of the line, deep ones too',
    mix: {},
    options: {
      format: { preset: 'datum', dimensions: { gateway: '/gateway/0/name', region: 'method' } },
    },
  },
  { name: 'few keys a segment', mix: { faultShare: 0.1 }, options: { keysMax: 2 } },
  { name: 'few long-lived requests', mix: {}, options: { streamStatesMax: 3 } },
  { name: 'short lines only', mix: { envelope: 'cri' }, options: { lineBytesMax: 1024 } },
  {
    name: 'short docker records only',
    mix: { envelope: 'docker' },
    options: { lineBytesMax: 1024 },
  },
  { name: 'windows of one hour', mix: {}, options: { windowMs: 3_600_000 } },
  { name: 'seconds per request', mix: {}, options: { connectionSeconds: 'per_request_floor' } },
  {
    name: 'excluded codes and flags',
    mix: {},
    options: { exclude: { codes: ['0', '404', '503'], flags: ['NR', 'UH'] } },
  },
]

describe.each(CASES)('$name: totals and events are the oracle’s', ({ mix, options }) => {
  test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))('seed %i', async (seed) => {
    const log = lineMix(seed, LINES, mix)
    const files = cut(log, new Dice(seed))
    const whole = await meterFiles(files, { ...options, totalsOnly: true })
    expect(whole.report).toEqual(slowScan(files, options))
    const expected = slowEvents(files, options)
    expect((await meterFiles(files, options)).events).toEqual(expected)
    const restarted = await meterFiles(files, options, new Dice(seed + 1))
    expect(restarted.events).toEqual(expected)
  })
})

/** One to four files, cut behind line ends as a rotation does. */
function cut(log: Buffer, dice: Dice): Buffer[] {
  const files: Buffer[] = []
  let from = 0
  for (let pieces = dice.below(4); pieces > 0; pieces--) {
    const end = log.indexOf(0x0a, from + dice.below(log.length - from)) + 1
    if (end === 0) break
    files.push(log.subarray(from, end))
    from = end
  }
  return [...files, log.subarray(from)]
}
