// `top` beside a real agent: what it shows was written, and it gives the terminal back.

import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type LivePicture, LiveState } from '../../src/agent/live.ts'
import { line } from '../agent/bills.ts'
import {
  Clock,
  Command,
  config,
  configFile,
  RunningAgent,
  runOnce,
  scratch,
  until,
} from '../agent/rig.ts'
import { tooWide } from './cells-wide.ts'
import { file, meterFast, useCommand } from './command.ts'
import { onTerminal } from './pseudo-terminal.ts'

useCommand()

const MINUTE_MS = 60_000
const NOON_MS = Date.UTC(2026, 10, 2, 12)
const SCREEN_ON = '\u001B[?1049h'
const SCREEN_OFF = '\u001B[?1049l'
const ESCAPE = '\u001B'
const EITHER_SCREEN = new RegExp(`${ESCAPE}\\[\\?1049[hl]`)
const CONTROLS = new RegExp(`${ESCAPE}\\[[?\\d]*[A-Za-z]|\\r`, 'g')

describe('the live state', () => {
  test('what is used between pictures is what was written, through all closes', async () => {
    const directory = await scratch()
    const clock = new Clock(NOON_MS)
    const log = join(directory, 'access.log')
    const write = (atMs: number, project: string, sent: number) =>
      appendFileSync(log, line(atMs, { project, sent, received: 1 }))
    write(NOON_MS, 'p-a', 5)
    const running = new RunningAgent(config(directory), { now: clock.now })
    const live = new LiveState(join(directory, 'state'))
    const looks: LivePicture[] = []
    let written = 1n
    const look = async () => {
      await until('all is committed', async () => {
        const picture = await live.read().catch(() => undefined)
        if (picture !== undefined) looks.push(picture)
        return picture?.lines.read === written
      })
    }
    await look()
    expect(looks.find(({ used }) => used === undefined)).toBe(looks[0])
    const first = looks.length
    for (let minute = 0; minute < 4; minute += 1) {
      for (let i = 0; i < 3; i += 1) write(NOON_MS + minute * MINUTE_MS + i, `p-${i % 2}`, 1_000)
      written += 3n
      await look()
    }
    // Closed by time, opened again by a late line, closed by content.
    clock.set(NOON_MS + 4 * MINUTE_MS + 31_000)
    await until('the window is closed', async () => {
      const picture = await live.read()
      looks.push(picture)
      return picture.counts.closed_by_time === 1
    })
    write(NOON_MS + 3 * MINUTE_MS + 9, 'p-0', 1_000)
    write(NOON_MS + 4 * MINUTE_MS, 'p-1', 1_000)
    written += 2n
    await look()
    await running.stop()

    const sums = new Map<string, bigint[]>()
    for (const { used } of looks.slice(first)) {
      for (const [project, { requests, egressBytes, ingressBytes }] of used ?? []) {
        const [r = 0n, e = 0n, i = 0n] = sums.get(project) ?? []
        sums.set(project, [r + requests, e + egressBytes, i + ingressBytes])
      }
    }
    expect(Object.fromEntries(sums)).toEqual({
      'p-0': [9n, 9_000n, 9n],
      'p-1': [5n, 5_000n, 5n],
    })
    const last = looks.at(-1)
    expect(Object.fromEntries(last?.open ?? [])).toEqual({
      'p-1': { requests: 1n, egressBytes: 1_000n, ingressBytes: 1n },
    })
    expect(last?.streams).toMatchObject([
      {
        isOpen: true,
        windowStartMs: NOON_MS + 4 * MINUTE_MS,
        // 30 s after its end.
        closesAtMs: NOON_MS + 5 * MINUTE_MS + 30_000,
        unreadBytes: 0,
      },
    ])
  })

  test('bytes that nobody has read are the backlog of their stream', async () => {
    const directory = await scratch()
    const log = join(directory, 'access.log')
    const text = line(NOON_MS)
    appendFileSync(log, text)
    await runOnce(config(directory, {}, true))
    appendFileSync(log, text.repeat(7))
    const { streams, agentPid } = await new LiveState(join(directory, 'state')).read()
    expect(agentPid).toBeNull()
    expect(streams.map(({ unreadBytes }) => unreadBytes)).toEqual([7 * text.length])
  })
})

describe('top into a pipe', () => {
  test('is one frame, of the state of a running agent or of its configuration', async () => {
    const directory = await scratch()
    const path = await configFile(directory)
    appendFileSync(join(directory, 'access.log'), line(Date.now(), { project: 'p-shown' }))
    const running = new Command('run', '-c', path)
    const state = join(directory, 'state')
    await until('the line is committed', async () => {
      return (await meterFast(['status', '--state', state])).stdout.includes('1 read')
    })
    for (const args of [
      ['--state', state],
      ['-c', path],
    ]) {
      const { code, stdout, stderr } = await meterFast(['top', ...args])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain(`process ${running.pid} runs`)
      expect(stdout).toMatch(/windows +\d\d:\d\d closes in \d+ s/)
      expect(stdout).toMatch(/^p-shown +\d/m)
      expect(stdout).not.toContain('\u001B')
    }
    await running.end('SIGTERM')
  })

  test.each([
    [['top'], 64, 'name the state directory: --state DIR, or -c FILE'],
    [['top', '--state', 'no-state'], 66, 'there is no state in "no-state"'],
    [['top', '-c', 'no.yaml'], 66, 'no.yaml'],
    [['top', 'x', '--state', 'y'], 64, 'it takes no argument "x"'],
  ] as const)('%j is refused', async (args, exit, text) => {
    const { code, stdout, stderr } = await meterFast(args)
    expect(stderr).toContain(text)
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
  })
})

describe('top on a terminal', () => {
  let state = ''
  const still = async () => {
    if (state !== '') return state
    const directory = await scratch()
    appendFileSync(join(directory, 'access.log'), line(NOON_MS, { project: 'p-shown' }))
    await runOnce(config(directory, {}, true))
    state = join(directory, 'state')
    return state
  }
  const frames = (output: string) => output.split('\u001B[H').length - 1

  test.each([
    ['q', 'q'],
    ['Ctrl-C', '\u0003'],
  ])('draws a frame a second on the other screen, until %s', async (_name, keys) => {
    const run = onTerminal(['top', '--state', await still()], { rows: 20, columns: 60 })
    await until('a third frame', () => frames(run.output()) > 2)
    expect(run.output()).not.toContain(SCREEN_OFF)
    run.type(keys)
    await run.ended
    const [before = '', shown = '', after = ''] = run.output().split(EITHER_SCREEN)
    expect(before).toBe('')
    expect(shown).toContain('no agent runs')
    expect(after).toMatch(/^code 0\r\n/)
    // The keyboard is as a shell wants it.
    expect(after).toMatch(/[^-]icanon/)
    expect(after).toMatch(/[^-]echo /)
    const last = shown.split('\u001B[H').at(-1) ?? ''
    const lines = last.replaceAll(CONTROLS, '')
    expect(tooWide(lines, 60)).toEqual([])
    expect(lines.split('\n').length).toBeLessThanOrEqual(20)
  })

  test('has colours, and none where NO_COLOR says so', async () => {
    for (const [env, isColoured] of [
      [{}, true],
      [{ NO_COLOR: '1' }, false],
    ] as const) {
      const run = onTerminal(['top', '--state', await still()], { env })
      await until('a frame', () => frames(run.output()) > 0)
      run.type('q')
      await run.ended
      expect(run.output().includes('\u001B[1m')).toBe(isColoured)
      expect(run.output()).toContain(SCREEN_ON)
    }
  })

  test('--once and a mistake leave the screen alone', async () => {
    const once = onTerminal(['top', '--once', '--state', await still()])
    await once.ended
    const missing = onTerminal(['top', '--state', file('no-state-at-all')])
    await missing.ended
    expect(once.output()).toContain('code 0')
    expect(missing.output()).toContain('code 66')
    expect(once.output() + missing.output()).not.toContain(SCREEN_ON)
  })
})
