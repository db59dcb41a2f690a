// Commands that look into a state or change it: status, release, replay.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { line } from '../agent/bills.ts'
import { configFile, scratch } from '../agent/rig.ts'
import { meterFast, useCommand } from './command.ts'

useCommand()

const START_MS = Date.UTC(2026, 10, 2, 12)
const BAD = '{"project_name":"p-a","bytes_sent":-1}'

const BEFORE_BAD =
  line(START_MS, { sent: 1_000 }) +
  line(START_MS, { project: null, route: 'httproute/ns-b/web', sent: 7 })

/** A state with metered, unattributed and quarantined lines, and events held. */
async function state(parts: Parameters<typeof configFile>[1] = {}) {
  const directory = await scratch()
  const log = `${BEFORE_BAD}${BAD}\n${line(START_MS + 60_000)}`
  writeFileSync(join(directory, 'access.log'), log)
  const path = await configFile(directory, parts)
  expect(await meterFast(['run', '--once', '-c', path])).toMatchObject({ code: 0 })
  return { path, dir: join(directory, 'state') }
}

describe('status', () => {
  let dir: string
  beforeAll(async () => {
    ;({ dir } = await state())
  })

  test('says what became of every line, and that the counts add up', async () => {
    const { code, stdout } = await meterFast(['status', '--state', dir])
    expect(code).toBe(0)
    expect(stdout).toContain('no agent runs')
    expect(stdout).toContain('4 read = 2 metered + 0 ignored + 1 unattributed + 1 quarantined')
    expect(stdout).toContain('4 made, 4 accepted')
    expect(stdout).toMatch(/quarantined +1 bad_number/)
    expect(stdout).toMatch(/unattributed +1 no_project/)
    expect(stdout).toMatch(
      /^file\/n1\/access\.log +access\.log +[\d,]+ +4 +2026-11-02 12:01 +closed$/m,
    )
  })

  test('--json is one object, with amounts as text', async () => {
    const { stdout } = await meterFast(['status', '--state', dir, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      agentPid: null,
      lines: { read: '4', metered: '2', quarantined: { bad_number: '1' } },
      spool: { events: 0, held: 0, oldestMs: null },
      counts: { events: 4, events_accepted: 4, closed_by_content: 1, closed_by_time: 1, gaps: 0 },
      streams: [{ stream: 'file/n1/access.log', isOpen: false, windowMs: 60_000 }],
    })
  })

  test('lists quarantined lines with their places, and usage without a project', async () => {
    const lines = await meterFast(['status', '--state', dir, '--quarantine'])
    expect(JSON.parse(lines.stdout)).toMatchObject({
      stream: 'file/n1/access.log',
      generation: 0,
      offset: BEFORE_BAD.length,
      reason: 'bad_number',
      text: BAD,
    })
    const usage = await meterFast(['status', '--state', dir, '--unattributed'])
    expect(JSON.parse(usage.stdout)).toMatchObject({
      reason: 'no_project',
      route: '"httproute/ns-b/web"',
      egressBytes: '7',
    })
    expect((await meterFast(['status', '--state', dir, '--gaps'])).stdout).toBe('')
  })
})

describe('release and replay', () => {
  test('release prints how many events it let go', async () => {
    const { path, dir } = await state({ rest: { on_missing_state: 'hold' } })
    const held = await meterFast(['status', '--state', dir])
    expect(held.stdout).toContain('4 of them held')
    expect((await meterFast(['release', '--state', dir])).stdout).toBe('4\n')
    expect((await meterFast(['release', '--state', dir])).stdout).toBe('0\n')
    await meterFast(['run', '--once', '-c', path])
    expect((await meterFast(['status', '--state', dir])).stdout).toContain('0 events wait')
  })

  test('replay takes its map from a flag or from a file, and prints what it did', async () => {
    const { dir } = await state()
    const file = join(dir, 'map.yaml')
    writeFileSync(file, 'namespaces: { ns-b: p-b }\n')
    const unattributed = ['replay', '--state', dir, '--unattributed']
    const none = await meterFast([...unattributed, '--namespaces', 'ns-z=p-z'])
    expect(none).toMatchObject({ code: 0, stdout: '{"replay":"unattributed"}\n' })
    expect(none.stderr).toContain('nothing to replay')
    const some = await meterFast([...unattributed, '--map', file])
    expect(JSON.parse(some.stdout)).toEqual({ replay: 'unattributed', pieces: 1, requests: 1 })
  })
})

describe('a mistake is told before anything is done', () => {
  let empty: string
  beforeAll(async () => {
    empty = await scratch()
    mkdirSync(join(empty, 'nothing'))
  })

  test.each([
    [['status'], 64, 'name the state directory'],
    [['status', '--state', '/no/such/place'], 66, 'there is no state in "/no/such/place"'],
    [['release', '--state', '/no/such/place'], 66, 'there is no state'],
    [['replay', '--state', 'x'], 64, 'choose one of --unattributed'],
    [['replay', '--state', 'x', '--rejected', '--accepted'], 64, 'choose one of'],
    [['replay', '--state', 'x', '--accepted', '--from', '1'], 64, 'needs --from and --to'],
    [['replay', '--state', 'x', '--accepted', '--from', 'now', '--to', '2'], 64, '--from must be'],
    [['replay', '--state', 'x', '--unattributed'], 64, 'needs a map'],
    [['replay', '--state', 'x', '--unattributed', '--namespaces', 'a'], 64, 'KEY=PROJECT'],
    [['replay', '--state', 'x', '--unattributed', '--namespaces', 'a=P'], 64, 'is no project'],
    [['replay', '--state', 'x', '--unattributed', '--map', '/no/map'], 66, 'cannot be read'],
  ] as const)('%j', async (args, code, text) => {
    const result = await meterFast(args)
    expect(result.stderr).toContain(text)
    expect(result.code).toBe(code)
  })

  test('a directory without a state is not made one', async () => {
    const dir = join(empty, 'nothing')
    expect((await meterFast(['replay', '--state', dir, '--rejected'])).code).toBe(66)
    expect(readdirSync(dir)).toEqual([])
  })
})
