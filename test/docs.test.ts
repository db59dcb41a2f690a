// docs/operations.md runs as it stands, on a node that has metered.

import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { line } from './agent/bills.ts'
import { describeDocument, type Place, ROOT } from './docs/runner.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const MINUTE_MS = 60_000

/** A node that has metered: usage of two projects, some of nobody, a bad line, an archive. */
async function prepareNode({ directory, run }: Place): Promise<void> {
  mkdirSync(join(directory, 'logs'))
  const unowned = { project: null, route: 'httproute/ns-b/api/rule/0', sent: 7 }
  const log = [
    line(START_MS, { sent: 100 }),
    line(START_MS, unowned),
    '{"project_name":"p-a","bytes_sent":-1}\n',
    line(START_MS + MINUTE_MS, { project: 'p-b', sent: 1 }),
    line(START_MS + 2 * MINUTE_MS, { sent: 3 }),
  ].join('')
  writeFileSync(join(directory, 'logs/access.log'), log)
  const config = {
    streams: [{ files: ['logs/access.log'], source_id: 'node-1', format: 'datum' }],
    state: { dir: 'state' },
    sink: { type: 'file', path: 'usage.ndjson' },
  }
  writeFileSync(join(directory, 'meter-fast.yaml'), JSON.stringify(config))
  await run('meter-fast run -c meter-fast.yaml --once 2>&1')
  cpSync(join(directory, 'logs'), join(directory, 'archive'), { recursive: true })
}

describeDocument({
  path: 'docs/operations.md',
  prepare: prepareNode,
  env: { METER_FAST_STATE: 'state' },
  prints: [
    ['check', /^meter-fast\.yaml: ok/m],
    ['cp -a "$METER_FAST_STATE" state-before-upgrade', /5 read = 3 metered/],
    ['--unattributed  ', /"reason":"no_project".*ns-b\/api/],
    ['--unattributed --namespaces', /"replay":"unattributed","pieces":1,"requests":1/],
    ['--accepted', /"replay":"accepted","events":[1-9]/],
    ['verify', /^no difference$/m],
    ['explain', /^p-a at 2026-11-02T12:00:00/m],
    ["grep '^spool'", /^spool +\d+ events wait/],
    ['release', /^0$/m],
  ],
})

test('how long logs last is what the formula of docs/operations.md gives, and kubelet does', () => {
  const text = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
  const rows = [...text.matchAll(/^\| ([\d,]+) \| [\d.]+ [kM]B \| (.*) \|$/gm)]
  const settings = [
    [10, 5],
    [100, 5],
    [1024, 10],
    [4096, 10],
  ] as const
  expect(rows).toHaveLength(4)
  for (const [, rate = '', cells = ''] of rows) {
    const bytesPerSecond = 436 * Number(rate.replaceAll(',', ''))
    const spans = settings.map(([mebibytes, files]) => {
      const looks = Math.ceil((mebibytes * 1024 * 1024) / bytesPerSecond / 10)
      const seconds = (files - 1) * 10 * looks
      expect(shortestLife(bytesPerSecond, mebibytes * 1024 * 1024, files)).toBe(seconds)
      return spanText(seconds)
    })
    expect(cells.split(' | ')).toEqual(spans)
  }
})

/**
 * A kubelet, second by second: every 10 s it looks at the live file, and when that is large enough
 * deletes old files until `filesMax - 2` rotated ones are left, then renames it. Gives the shortest
 * time between the last byte of a file and its deletion.
 */
function shortestLife(bytesPerSecond: number, sizeMax: number, filesMax: number): number {
  const rotatedAt: number[] = []
  let live = 0
  let shortest = Number.POSITIVE_INFINITY
  for (let second = 10, deleted = 0; deleted < 20; second += 10) {
    live += 10 * bytesPerSecond
    if (live < sizeMax) continue
    for (; rotatedAt.length > filesMax - 2; deleted += 1) {
      shortest = Math.min(shortest, second - (rotatedAt.shift() ?? 0))
    }
    rotatedAt.push(second)
    live = 0
  }
  return shortest
}

/** Rounded down: who plans with it has at least that. */
function spanText(seconds: number): string {
  if (seconds < 600) return `${seconds} s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`
  return `${(Math.floor(seconds / 360) / 10).toFixed(1)} h`
}
