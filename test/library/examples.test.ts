// The programs of docs/library.md are compiled and run as they stand.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { until } from '../agent/rig.ts'
import { Traffic } from '../compare/traffic.ts'
import { blocksOf, describeDocument } from '../docs/runner.ts'
import { useProject } from './project.ts'

const project = useProject()
const at = (name: string): string => join(project.directory, name)

const CONFIG = {
  streams: [{ files: ['access.log'], source_id: 'n1', format: 'datum' }],
  state: { dir: 'state', reserve_bytes: '0B' },
  sink: { type: 'file', path: 'usage.ndjson' },
}

beforeAll(() => {
  for (const block of blocksOf('docs/library.md', 'ts')) {
    const [, name = ''] = /^\/\/ (\S+\.ts):/.exec(block) ?? []
    expect(name, 'a program begins with its name').not.toBe('')
    project.write(name, block)
  }
  project.compile()
  writeFileSync(at('access.log'), new Traffic().add(70, {}).log())
  writeFileSync(at('other.log'), new Traffic().add(5, {}).log())
  writeFileSync(at('meter-fast.yaml'), JSON.stringify(CONFIG))
}, 120_000)

test('totals.ts prints what each project used in each window', () => {
  const lines = project.run('totals.ts').trim().split('\n')
  expect(lines.at(-1)).toBe('70n lines')
  const requests = lines.slice(0, -1).map((line) => /Z p-shop (\d+)n$/.exec(line)?.[1])
  expect(requests.reduce((sum, count) => sum + Number(count), 0)).toBe(70)
  expect(requests.length).toBeGreaterThan(50)
})

test('workers.ts meters several logs at once', () => {
  const lines = project.run('workers.ts', 'access.log', 'other.log').trim().split('\n')
  expect(lines.sort()).toEqual(['access.log 70n', 'other.log 5n'])
})

test('sink.ts gets every event', () => {
  writeFileSync(at('meter-fast.yaml'), JSON.stringify({ ...CONFIG, state: { dir: 'once' } }))
  const events = Number(/^(\d+) events$/m.exec(project.run('sink.ts'))?.[1])
  writeFileSync(at('meter-fast.yaml'), JSON.stringify(CONFIG))
  expect(events).toBeGreaterThan(100)
})

test('agent.ts follows the log until it is told to end', async () => {
  const child = project.start('agent.ts')
  const ended = new Promise((resolve) => child.once('close', resolve))
  let printed = ''
  child.stdout?.on('data', (data) => {
    printed += String(data)
  })
  const usage = (): string =>
    existsSync(at('usage.ndjson')) ? readFileSync(at('usage.ndjson'), 'utf8') : ''
  try {
    await until('an event of the last window', () => usage().includes('"time":"2026-11-22T12:57'))
  } finally {
    child.kill('SIGTERM')
  }
  expect(await ended).toBe(0)
  expect(printed).toContain('70n lines metered')
})

test('errors.ts prints the code', () => {
  expect(project.run('errors.ts')).toBe('METER_USAGE 64\n')
})

describeDocument({ path: 'docs/library.md', prints: [] })
