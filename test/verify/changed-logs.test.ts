// A log that was changed after it was read: verify tells which stream, window, project and meter.

import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Difference } from '../../src/verify/verify.ts'
import { line } from '../agent/bills.ts'
import { scratch } from '../agent/rig.ts'
import { logsIn, verify } from './rig.ts'
import {
  MINUTE_MS,
  makeScene,
  minuteLines,
  type Scene,
  START_MS,
  STREAM,
  verifyScene,
} from './scene.ts'

/** The lines of the log that has a minute, for a test to change. */
function change(scene: Scene, minute: number, edit: (lines: string[]) => string[]): void {
  const path = scene.logs[minute < 3 ? 0 : 1] as string
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  writeFileSync(path, edit(lines.map((one) => `${one}\n`)).join(''))
}

/** Where a line of a minute is in its log. */
function placeOf(minute: number, index: number): number {
  return (minute % 3) * minuteLines(0).length + index
}

function windowOf(minute: number): number {
  return START_MS + minute * MINUTE_MS
}

/** Differences in one window, as `project meter expected found`. */
function told(differences: readonly Difference[], minute: number): string[] {
  return differences
    .filter((one) => one.stream === STREAM && one.windowStartMs === windowOf(minute))
    .map(({ project, meter, expected, found }) => `${project} ${meter} ${expected} ${found}`)
}

test('nothing differs while nothing is changed', async () => {
  const scene = await makeScene()
  const report = await verifyScene(scene)
  expect(report.differences).toEqual([])
  const [stream] = report.streams
  const lines = BigInt(6 * minuteLines(0).length)
  expect(stream).toMatchObject({ stream: STREAM, lines: { covered: lines, total: lines } })
  expect(stream?.uncovered).toEqual([])
  expect(report.events).toEqual({ pieces: 5, checkedPieces: 5 })
})

describe('one line is taken out', () => {
  // The first lines of a log are its proof, the last ones its guard, minute 5 is open.
  const places = [0, 1, 2, 3, 4, 5].flatMap((minute) =>
    [0, 5, 11].map((index) => ({ minute, index })),
  )
  test.each(places)('line $index of minute $minute', async ({ minute, index }) => {
    const scene = await makeScene()
    change(scene, minute, (lines) => lines.toSpliced(placeOf(minute, index), 1))
    const { differences } = await verifyScene(scene)
    const project = ['p-a', 'p-b', 'p-c'][Math.floor(index / 4)]
    expect(told(differences, minute)).toContain(`${project} requests 3 4`)
    const meters = told(differences, minute).map((text) => text.split(' ').slice(0, 2).join(' '))
    expect(meters).toContain(`${project} egress-bytes`)
    expect(meters).toContain(`${project} connection-ms`)
  })

  test.each([
    ['usage without a project', 12, 'unattributed no_route requests 0 1'],
    ['a quarantined line', 13, 'null lines quarantined.malformed 0 1'],
  ])('%s', async (_name, index, difference) => {
    const scene = await makeScene()
    change(scene, 1, (lines) => lines.toSpliced(placeOf(1, index), 1))
    const { differences } = await verifyScene(scene)
    expect(told(differences, 1)).toContain(difference)
  })

  test('every line of a window', async () => {
    const scene = await makeScene()
    const count = minuteLines(0).length
    change(scene, 1, (lines) => lines.toSpliced(placeOf(1, 0), count))
    const { differences } = await verifyScene(scene)
    expect(told(differences, 1)).toContain('p-b requests 0 4')
  })

  test.each([0, 1, 2])('line %i of a log of three lines', async (index) => {
    const lines = minuteLines(0).slice(0, 3)
    const scene = await makeScene('accepted', [lines.join('')])
    change(scene, 0, () => lines.toSpliced(index, 1))
    const { differences } = await verifyScene(scene)
    expect(told(differences, 0)).toContain('p-a requests 2 3')
  })

  test('from a log that was compressed afterwards', async () => {
    const scene = await makeScene()
    change(scene, 1, (lines) => lines.toSpliced(placeOf(1, 4), 1))
    const [path = ''] = scene.logs
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)))
    rmSync(path)
    const { differences } = await verifyScene(scene)
    expect(told(differences, 1)).toContain('p-b requests 3 4')
  })

  test.each([0, 5])('from a copy of the logs under other names, line %i', async (index) => {
    const scene = await makeScene()
    change(scene, 4, (lines) => lines.toSpliced(placeOf(4, index), 1))
    const directory = await scratch()
    for (const [at, path] of scene.logs.entries())
      copyFileSync(path, join(directory, `access${at}`))
    const { differences } = await verify(scene.config, logsIn(directory))
    expect(told(differences, 4)).toContain(`${index === 0 ? 'p-a' : 'p-b'} requests 3 4`)
  })
})

describe('one line is doubled', () => {
  const places = [0, 2, 3, 5].flatMap((minute) => [0, 11].map((index) => ({ minute, index })))
  test('the last line of a log that was rotated', async () => {
    const scene = await makeScene()
    change(scene, 2, (lines) => [...lines, lines.at(-1) ?? ''])
    const { differences } = await verifyScene(scene)
    expect(told(differences, 2)).toEqual(['null lines quarantined.malformed 2 1'])
  })

  test.each(places)('line $index of minute $minute', async ({ minute, index }) => {
    const scene = await makeScene()
    const place = placeOf(minute, index)
    change(scene, minute, (lines) => lines.toSpliced(place, 0, lines[place] ?? ''))
    const { differences } = await verifyScene(scene)
    const project = ['p-a', 'p-b', 'p-c'][Math.floor(index / 4)]
    // What was added behind the position of a live log is not read yet.
    if (minute < 5) expect(told(differences, minute)).toContain(`${project} requests 5 4`)
    else expect(differences).not.toEqual([])
  })
})

describe('changes that cancel in the sums', () => {
  test('two lines become one: the requests and the lines tell', async () => {
    const scene = await makeScene()
    const both = line(windowOf(1), { project: 'p-a', sent: 200 + 201, received: 7, ms: 601 })
    change(scene, 1, (lines) => lines.toSpliced(placeOf(1, 0), 2, both))
    const found = told((await verifyScene(scene)).differences, 1)
    expect(found).toContain('p-a requests 3 4')
    expect(found).toContain('null lines metered 11 12')
    expect(found.some((text) => text.startsWith('p-a egress-bytes'))).toBe(false)
    expect(found.some((text) => text.startsWith('p-a connection-ms'))).toBe(false)
  })

  test('a line that bills nothing is taken out: the lines tell', async () => {
    const lines = minuteLines(0)
    const ping = line(windowOf(0), { project: 'p-a', sent: 0, more: { access_log_type: 'TcpEnd' } })
    const scene = await makeScene('accepted', [[ping, ...lines, ...minuteLines(1)].join('')])
    change(scene, 0, (all) => all.slice(1))
    const found = told((await verifyScene(scene)).differences, 0)
    expect(found).toEqual([expect.stringContaining('last byte'), 'null lines ignored.tcp 0 1'])
  })

  test('usage moves from one project to another', async () => {
    const scene = await makeScene()
    const moved = (text = ''): string => text.replace('"p-a"', '"p-b"')
    change(scene, 1, (lines) => lines.with(placeOf(1, 0), moved(lines[placeOf(1, 0)])))
    const found = told((await verifyScene(scene)).differences, 1)
    expect(found).toContain('p-a requests 3 4')
    expect(found).toContain('p-b requests 5 4')
  })

  test('usage moves from one window to another', async () => {
    const scene = await makeScene()
    const [from, to] = [placeOf(1, 3), placeOf(2, 3)]
    change(scene, 1, (lines) => lines.toSpliced(to, 0, lines[from] ?? '').toSpliced(from, 1))
    const { differences } = await verifyScene(scene)
    expect(told(differences, 1)).toContain('p-a requests 3 4')
    expect(told(differences, 2)).toContain('p-a requests 5 4')
  })
})

test('a file that only has the name of a log that is gone is no difference', async () => {
  const scene = await makeScene()
  const [, live = ''] = scene.logs
  rmSync(live)
  writeFileSync(live, minuteLines(9).join(''))
  const report = await verifyScene(scene)
  expect(report.differences).toEqual([])
  expect(report.strangers.map((path) => basename(path))).toEqual(['access.log'])
  expect(report.streams[0]?.uncovered).toMatchObject([{ generation: 1, why: 'log gone' }])
})
