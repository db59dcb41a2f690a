// `meter-fast verify` as people run it: what it prints, its exit codes, and what it says of input
// that it cannot use.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { meterFast, useCommand } from '../cli/command.ts'
import { makeScene, type Scene, STREAM } from './scene.ts'

useCommand()

const COLUMNS_MAX = 100

async function run({ config, directory }: Scene, ...more: string[]) {
  const logs = join(directory, 'access.log*')
  return meterFast(['verify', '--state', config.state.dir, '--logs', logs, ...more])
}

function removeLine(path: string, index: number): void {
  const lines = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, lines.toSpliced(index, 1).join('\n'))
}

function widest(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length))
}

describe('without a difference: exit 0', () => {
  test('and a short report with the covered share', async () => {
    const scene = await makeScene()
    const { code, stdout, stderr } = await run(scene)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const bytes = scene.logs.reduce((sum, path) => sum + readFileSync(path).length, 0)
    const size = `${(bytes / 1000).toFixed(1)} kB`
    expect(stdout).toBe(
      `commit 3 of ${scene.config.state.dir}: 1 stream\n` +
        `computed again: 84 of 84 lines (100 %), ${size} of ${size}\n` +
        'compared with usage events: 5 of 5 pieces\n' +
        'no difference\n',
    )
  })

  test('and why the rest is not covered', async () => {
    const scene = await makeScene()
    rmSync(scene.logs[0] as string)
    const { code, stdout, stderr } = await run(scene)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    // The window that is open at the beginning of the second log is not known whole.
    expect(stdout).toContain('computed again: 42 of 84 lines (50.0 %)')
    expect(stdout).toContain(`  ${STREAM}: 42 of 84 lines (50.0 %)`)
    expect(stdout).toMatch(
      /not covered: generation 0 \(access.log-20261101\), \d\.\d kB: no file is it any more/,
    )
  })

  test('as JSON', async () => {
    const scene = await makeScene()
    const { code, stdout, stderr } = await run(scene, '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { streams, ...report } = JSON.parse(stdout)
    expect(report).toEqual({
      ...{ ok: true, commit: 3, events: { pieces: 5, checkedPieces: 5 } },
      ...{ differencesTotal: 0, altered: [], strangers: [], differences: [] },
    })
    expect(streams).toMatchObject([
      { stream: STREAM, lines: { covered: 84, total: 84 }, uncovered: [] },
    ])
  })
})

describe('with a difference: exit 1', () => {
  test('and a table of stream, window, project and meter, expected and found', async () => {
    const scene = await makeScene()
    removeLine(scene.logs[0] as string, 18)
    const { code, stdout, stderr } = await run(scene)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^meter-fast: METER_CHECK_FAILED: \d+ differences between the logs/)
    expect(widest(stdout)).toBeLessThanOrEqual(COLUMNS_MAX)
    expect(stdout).toContain(`\n\n${STREAM}\n`)
    const title = '  window 2026-11-02T12:01:00.000Z (60 s): the ledger differs from the logs\n'
    const [, table = ''] = stdout.split(title)
    const rows = table.split(/\n {2}\w/)[0]?.split('\n') ?? []
    expect(rows.map((row) => row.trim().split(/ {2,}/))).toEqual([
      ['PROJECT', 'METER', 'EXPECTED', 'FOUND'],
      ['-', 'last byte', expect.anything(), expect.anything()],
      ['-', 'lines metered', '11', '12'],
      ['p-b', 'requests', '3', '4'],
      ['p-b', 'egress-bytes', '636', '846'],
      ['p-b', 'connection-ms', '906', '1206'],
    ])
  })

  test('as one object', async () => {
    const scene = await makeScene()
    removeLine(scene.logs[1] as string, 0)
    const { code, stdout } = await run(scene, '--json')
    expect(code).toBe(1)
    const { ok, differences, altered } = JSON.parse(stdout)
    expect(ok).toBe(false)
    expect(altered).toEqual([scene.logs[1]])
    expect(differences).toContainEqual({
      ...{ check: 'ledger', stream: STREAM, window: '2026-11-02T12:03:00.000Z' },
      ...{ windowMs: 60_000, epoch: 0, part: '0', project: 'p-a' },
      ...{ meter: 'requests', expected: '3', found: '4' },
    })
  })
})

describe('input that it cannot use', () => {
  test.each([
    ['no state', ['--logs', 'x'], 'verify: name the state directory: --state DIR'],
    ['no logs', ['--state', 'x'], 'verify: name the logs: --logs GLOB...'],
    ['an unknown flag', ['--stat', 'x'], "verify: Unknown option '--stat'"],
  ])('%s: exit 64', async (_name, args, problem) => {
    const { code, stdout, stderr } = await meterFast(['verify', ...args])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(`METER_USAGE: ${problem}`)
  })

  test('all patterns that fit nothing are named at once: exit 66', async () => {
    const scene = await makeScene()
    const patterns = ['--logs', 'no*such', 'nor-this.log', scene.directory]
    const { code, stdout, stderr } = await meterFast([
      ...['verify', '--state', scene.config.state.dir],
      ...patterns,
    ])
    expect({ code, stdout }).toEqual({ code: 66, stdout: '' })
    expect(stderr).toBe(
      'meter-fast: METER_INPUT_MISSING: no file fits "no*such": check the name\n' +
        'no file fits "nor-this.log": check the name\n' +
        `${scene.directory} is a directory: name its files, e.g. ${scene.directory}/*\n`,
    )
  })

  test('a directory without a state: exit 66, and it makes none', async () => {
    const scene = await makeScene()
    const state = join(scene.directory, 'nothing')
    mkdirSync(state)
    const [log = ''] = scene.logs
    const { code, stdout, stderr } = await meterFast(['verify', '--state', state, '--logs', log])
    expect({ code, stdout }).toEqual({ code: 66, stdout: '' })
    expect(stderr).toContain(`there is no state in "${state}"`)
  })

  test('files that are no log of the state: exit 66, never a proof of nothing', async () => {
    const scene = await makeScene()
    const other = join(scene.directory, 'other.log')
    writeFileSync(other, 'another log\n')
    const { code, stdout, stderr } = await meterFast([
      ...['verify', '--state', scene.config.state.dir, '--logs', other],
    ])
    expect({ code, stdout }).toEqual({ code: 66, stdout: '' })
    expect(stderr).toContain('none of 1 files is one of the 2 logs that were read into the state')
  })

  test('a log from which nothing can be computed: exit 66, and the report says why', async () => {
    // Of one log of three no window is known whole.
    const [first, second, third] = [0, 1, 2].map((at) => `{"at":${at}}\n`.repeat(200))
    const scene = await makeScene('accepted', [first ?? '', second ?? '', third ?? ''])
    rmSync(scene.logs[0] as string)
    rmSync(scene.logs[2] as string)
    const { code, stdout, stderr } = await run(scene)
    expect(code).toBe(66)
    expect(stdout).toContain('computed again: 0 of 600 lines')
    expect(stderr).toContain('none of 600 lines could be computed again: nothing is proven')
  })

  test('a flag of the environment counts', async () => {
    const scene = await makeScene()
    const env = {
      METER_FAST_STATE: scene.config.state.dir,
      METER_FAST_LOGS: join(scene.directory, 'access*'),
    }
    expect((await meterFast(['verify'], { env })).code).toBe(0)
  })
})
