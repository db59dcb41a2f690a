// `explain`: which files, byte ranges and usage events made a number.

import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { operate } from '../../src/agent/replay.ts'
import { openState } from '../../src/durable/store.ts'
import { stateNative } from '../../src/native.ts'
import { type ExplainedPiece, explainUsage } from '../../src/verify/explain.ts'
import { line } from '../agent/bills.ts'
import { meterFast, useCommand } from '../cli/command.ts'
import { logsIn } from './rig.ts'
import {
  type Fate,
  MINUTE_MS,
  makeScene,
  minuteLines,
  type Scene,
  START_MS,
  STREAM,
} from './scene.ts'

useCommand()

const COLUMNS_MAX = 100

async function explain(scene: Scene, minute: number, project = 'p-b') {
  return explainUsage(scene.config.state.dir, {
    project,
    atMs: START_MS + minute * MINUTE_MS,
    logs: logsIn(scene.directory),
  })
}

/** The text that the ranges of a piece name. */
function bytesOf({ ranges }: ExplainedPiece): string {
  return ranges
    .map(({ path, from, to }) => readFileSync(path ?? '').subarray(from, to ?? undefined))
    .join('')
}

describe('a closed piece', () => {
  test('its bytes are the lines of its window, over two generations too', async () => {
    const scene = await makeScene()
    for (const minute of [0, 1, 2, 3, 4]) {
      const { pieces } = await explain(scene, minute)
      expect(pieces.map(bytesOf)).toEqual([minuteLines(minute).join('')])
    }
    const half = Math.floor(minuteLines(0).length / 2)
    const [first, second] = [minuteLines(0).slice(0, half), minuteLines(0).slice(half)]
    const cut = await makeScene('accepted', [
      first.join(''),
      [...second, line(START_MS + MINUTE_MS)].join(''),
    ])
    const { pieces } = await explain(cut, 0)
    expect(pieces.map(bytesOf)).toEqual([minuteLines(0).join('')])
    expect(pieces[0]?.ranges.map(({ generation, name }) => [generation, name])).toEqual([
      [0, 'access.log-20261101'],
      [1, 'access.log'],
    ])
  })

  test('its amounts are those of the project, its lines those of all', async () => {
    const { pieces, total } = await explain(await makeScene(), 1)
    expect(pieces).toMatchObject([
      {
        ...{ stream: STREAM, epoch: 0, part: '0', windowStartMs: START_MS + MINUTE_MS },
        ...{ closed: 'by content', otherEvents: 'none' },
        lines: { read: 14n, metered: 12n },
        amounts: { requests: 4n, egressBytes: 846n, ingressBytes: 42n, connectionMs: 1_206n },
      },
    ])
    expect(total).toEqual(pieces[0]?.amounts)
  })

  test.each([
    ['accepted', { kind: 'accepted', atMs: 0 }],
    ['queued', { kind: 'queued' }],
    ['held', { kind: 'held' }],
    ['refused', { kind: 'rejected', atMs: START_MS, reason: 'bad' }],
  ] as [Fate, object][])('its events that are %s', async (fate, place) => {
    const { pieces } = await explain(await makeScene(fate), 1)
    const events = pieces[0]?.events ?? []
    const values = events.map(({ type, value }) => [type.split('/').at(-1), value])
    expect(values.sort()).toEqual([
      ['connection-seconds', '1'],
      ['egress-bytes', '846'],
      ['ingress-bytes', '42'],
      ['requests', '4'],
    ])
    expect(events.map(({ places }) => places)).toEqual(events.map(() => [place]))
  })

  test('events that were sent again are named with all places', async () => {
    const scene = await makeScene()
    const store = await openState(scene.config.state.dir, stateNative)
    for await (const _step of operate(store, { kind: 'accepted', fromMs: 0, toMs: 1 }, START_MS)) {
      await store.commit()
    }
    await store.close()
    const { pieces } = await explain(scene, 1)
    const [event] = pieces[0]?.events ?? []
    expect(event?.places.map(({ kind }) => kind)).toEqual(['queued', 'accepted'])
  })
})

test('the open piece goes to where the stream stands', async () => {
  const scene = await makeScene()
  const { pieces } = await explain(scene, 5)
  expect(pieces).toMatchObject([{ closed: 'open', events: [], otherEvents: 'not made yet' }])
  expect(pieces.map(bytesOf)).toEqual([minuteLines(5).join('')])
})

test('a time anywhere in the window names it; another one does not', async () => {
  const scene = await makeScene()
  const at = async (ms: number): Promise<number> => {
    const atMs = START_MS + MINUTE_MS + ms
    return (await explainUsage(scene.config.state.dir, { project: 'p-b', atMs })).pieces.length
  }
  expect([await at(0), await at(59_999), await at(-10 * MINUTE_MS)]).toEqual([1, 1, 0])
  expect((await explain(scene, 1, 'p-nobody')).pieces).toEqual([])
})

test('a log is named by its path, wherever it is now', async () => {
  const scene = await makeScene()
  const moved = join(scene.directory, 'access-kept')
  renameSync(scene.logs[0] as string, moved)
  const { pieces } = await explain(scene, 1)
  expect(pieces[0]?.ranges.map(({ name, path }) => [name, path])).toEqual([
    ['access.log-20261101', moved],
  ])
  const unnamed = { project: 'p-b', atMs: START_MS + MINUTE_MS }
  const without = await explainUsage(scene.config.state.dir, unnamed)
  expect(without.pieces[0]?.ranges[0]?.path).toBeNull()
})

describe('meter-fast explain', () => {
  async function run(scene: Scene, ...args: string[]) {
    return meterFast(['explain', '--state', scene.config.state.dir, ...args])
  }

  test('prints all of it in 100 columns', async () => {
    const scene = await makeScene('refused')
    const window = '2026-11-02T12:01:30Z'
    const { code, stdout, stderr } = await run(scene, '--project', 'p-b', '--window', window)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(Math.max(...stdout.split('\n').map((one) => one.length))).toBeLessThanOrEqual(
      COLUMNS_MAX,
    )
    expect(stdout).toMatch(/^p-b at 2026-11-02T12:01:30.000Z: 1 piece \(commit \d+\)\n/)
    expect(stdout).toContain(`\n\n${STREAM}\n`)
    for (const text of [
      'window 2026-11-02T12:01:00.000Z (60 s), epoch 0, part 0, closed by content at',
      'requests 4, egress-bytes 846, ingress-bytes 42, connection-ms 1206, connection-seconds 1',
      '14 of all projects: 12 metered, 1 unattributed (no_route), 1 quarantined (malformed)',
      'generation 0, bytes ',
      ': access.log-20261101',
      'rejected 2026-11-02T12:00:00.000Z: bad',
    ]) {
      expect(stdout).toContain(text)
    }
    expect(stdout.match(/[0-9A-Z]{26} {2}[a-z-]+ +\d+/g)).toHaveLength(4)
  })

  test('as JSON: amounts are texts', async () => {
    const scene = await makeScene()
    const atMs = String(START_MS + MINUTE_MS)
    const { stdout } = await run(
      ...[scene, '--project', 'p-b', '--window', atMs, '--json'],
      ...['--logs', ...scene.logs],
    )
    const { pieces, total, damaged } = JSON.parse(stdout)
    expect(damaged).toEqual([])
    expect(total.egressBytes).toBe('846')
    expect(pieces).toMatchObject([
      {
        ...{ window: '2026-11-02T12:01:00.000Z', windowMs: 60_000, closed: 'by content' },
        lines: { read: 14, metered: 12 },
        ranges: [{ generation: 0, name: 'access.log-20261101', path: scene.logs[0] }],
      },
    ])
  })

  test('says so when there is no usage', async () => {
    const scene = await makeScene()
    const { code, stdout } = await run(scene, '--project', 'p-x', '--window', '0')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^p-x at 1970-01-01T00:00:00.000Z: no usage \(commit \d+\)\n$/)
  })

  test.each([
    ['no state', ['--project', 'p', '--window', '0'], 'name the state directory: --state DIR'],
    ['no project', ['--state', 'x', '--window', '0'], 'name the project: --project NAME'],
    ['no window', ['--state', 'x', '--project', 'p'], 'name a time in the window: --window TIME'],
    [
      'no time',
      ['--state', 'x', '--project', 'p', '--window', 'noon'],
      '--window must be a time such as 2026-11-22T12:00:00Z',
    ],
    [
      'an argument',
      ['--state', 'x', '--project', 'p', '--window', '0', 'y'],
      'it takes no argument "y" without --logs',
    ],
  ])('%s: exit 64', async (_name, args, problem) => {
    const { code, stdout, stderr } = await meterFast(['explain', ...args])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(`METER_USAGE: explain: ${problem}`)
  })
})
