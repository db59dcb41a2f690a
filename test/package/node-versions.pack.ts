// The package in an empty directory, on each version of Node, with no compiler in PATH: installed
// by a plain `npm install`, it meters a log through the library and through the command.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { BUILD_TOOLS, type Ended, Machine, NODE_VERSIONS } from './machine.ts'
import { eventSums, truthOf, truthSums } from './usage.ts'

const LOG = inject('log')

const METERS = `
const meter = new Meter({ stream: 'test', format: 'datum' })
meter.feed(readFileSync(process.argv[2]))
meter.end()
for (const segment of meter.take()) {
  for (const event of segment.events()) process.stdout.write(event.text + '\\n')
}
`
const IMPORTS = `
import { readFileSync } from 'node:fs'
import { Meter } from 'meter-fast'
`
const REQUIRES = `
const { readFileSync } = require('node:fs')
const { Meter } = require('meter-fast')
`

describe.each(NODE_VERSIONS)('Node %s, no compiler', (version) => {
  let machine: Machine
  let installed: Ended

  beforeAll(async () => {
    machine = new Machine(version)
    installed = await machine.run('npm', ['install', inject('tarball')])
  })

  afterAll(() => machine.remove())

  test('this is that version, and nothing here compiles', async () => {
    expect((await machine.run('node', ['--version'])).stdout).toBe(`v${version}\n`)
    const found = await machine.run('sh', ['-c', `command -v ${BUILD_TOOLS.join(' ')}`])
    expect(found.stdout).toBe('')
  })

  test('npm install ends well and builds nothing', () => {
    expect(installed).toMatchObject({ code: 0 })
    expect(installed.stderr).not.toMatch(/from source|gyp (info|ERR)/)
  })

  test.each([
    ['import', 'meter.mjs', IMPORTS],
    ['require', 'meter.cjs', REQUIRES],
  ])('the library, by %s, meters a log as its truth says, without a warning', async (...row) => {
    const [, name, head] = row
    writeFileSync(join(machine.directory, name), head + METERS)
    const { stdout, stderr } = await machine.succeed('node', [name, LOG])
    expect(eventSums(stdout)).toEqual(truthSums(LOG))
    expect(stderr).toBe('')
  })

  test('the command scans it to the same totals', async () => {
    const { stdout, stderr } = await machine.succeed('npx', ['meter-fast', 'scan', '--json', LOG])
    expect(JSON.parse(stdout)).toEqual(truthOf(LOG))
    expect(stderr).not.toMatch(/warning/i)
  })

  test('the agent delivers it to a file, through a state on disk', async () => {
    const events = join(machine.directory, 'events.ndjson')
    writeFileSync(
      join(machine.directory, 'meter-fast.yaml'),
      `streams: [{ files: ['${LOG}'], source_id: node-1, format: datum }]\n` +
        `state: { dir: state }\nsink: { type: file, path: events.ndjson }\n`,
    )
    await machine.succeed('npx', ['meter-fast', 'run', '-c', 'meter-fast.yaml', '--once'])
    expect(eventSums(readFileSync(events, 'utf8'))).toEqual(truthSums(LOG))
  })
})

describe('npx, without an install', () => {
  test('npx --package TARBALL meter-fast scan FILE', async () => {
    const machine = new Machine('24.21.0')
    onTestFinished(() => machine.remove())
    const cache = join(machine.directory, 'cache')
    const npx = ['--yes', '--cache', cache, '--package', inject('tarball'), 'meter-fast']
    const { stdout } = await machine.succeed('npx', [...npx, 'scan', '--json', LOG])
    expect(JSON.parse(stdout)).toEqual(truthOf(LOG))
  })
})
