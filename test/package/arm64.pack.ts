// The package on arm64: installed with npm for that processor, run by an official arm64 build of
// Node under emulation.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { Machine, nodeRuntime } from './machine.ts'
import { truthOf } from './usage.ts'

const LOG = inject('log')
const MAIN = 'node_modules/meter-fast/dist/cli/main.js'
/** Where Debian's cross packages have the arm64 libraries. */
const LIBRARIES = '/usr/aarch64-linux-gnu'

let machine: Machine

beforeAll(async () => {
  machine = new Machine('24.21.0')
  const platform = ['--cpu=arm64', '--os=linux', '--libc=glibc', '--ignore-scripts']
  await machine.succeed('npm', ['install', ...platform, inject('tarball')])
})

afterAll(() => machine.remove())

/** Runs a script of the working directory. */
function emulate(script: string, ...args: string[]) {
  const node = join(nodeRuntime('24.21.0', 'arm64'), 'bin/node')
  return spawnSync('qemu-aarch64', ['-L', LIBRARIES, node, script, ...args], {
    cwd: machine.directory,
    encoding: 'utf8',
    timeout: 150_000,
  })
}

test('the prebuilt addon is that of arm64 and chose a kernel of it', () => {
  const { stdout, stderr } = emulate(MAIN, '--version')
  expect(stdout, stderr).toMatch(/\(simdjson 3\.9\.4 arm64, node v24\.21\.0, linux arm64\)/)
})

test('the command scans a log to its truth', () => {
  const { stdout, stderr } = emulate(MAIN, 'scan', '--json', LOG)
  expect(stderr).not.toMatch(/METER_/)
  expect(JSON.parse(stdout)).toEqual(truthOf(LOG))
})

// The agent itself maps 256 GiB of address space for its state, and the emulator cannot.
test("lmdb's addon for arm64 is installed, loads and commits", () => {
  writeFileSync(
    join(machine.directory, 'commit.cjs'),
    `const database = require('lmdb').open({ path: 'store', mapSize: 2 ** 20 })
     database.put('key', 'value').then(() => process.stdout.write(database.get('key')))`,
  )
  const { stdout, stderr } = emulate('commit.cjs')
  expect(stdout, stderr).toBe('value')
})
