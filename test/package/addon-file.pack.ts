// An addon that does not fit is told in one sentence, and built from source where that is possible.
// Each kind is made from the real one: cut short, for another processor, for a newer C library.

import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  onTestFinished,
  test,
} from 'vitest'
import { Machine } from './machine.ts'
import { truthOf } from './usage.ts'

const LOG = inject('log')
const ADDON = 'meter-fast.glibc.node'

/** What `npm install` and `npm rebuild` run. */
const INSTALL_STEP = ['node_modules/meter-fast/native/install.cjs']
const SCAN = ['node_modules/meter-fast/dist/cli/main.js', 'scan', '--json', LOG]

let bare: Machine
let installed: string

beforeAll(async () => {
  bare = new Machine('20.20.2')
  await bare.succeed('npm', ['install', inject('tarball')])
  installed = join(bare.directory, 'node_modules/meter-fast')
})

afterAll(() => bare.remove())

const prebuilt = (platform: string) => join(installed, 'prebuilds', platform, ADDON)

function cutShort(): void {
  truncateSync(prebuilt('linux-x64'), 400_000)
}

function forAnotherProcessor(): void {
  copyFileSync(prebuilt('linux-arm64'), prebuilt('linux-x64'))
}

/** Asks for a symbol of a glibc that does not exist yet; linked against a stand-in for it. */
function forNewerLibrary(): void {
  const at = (name: string) => join(bare.directory, name)
  writeFileSync(at('later.c'), 'int later(void) { return 0; }\n')
  writeFileSync(at('later.map'), 'GLIBC_2.99 { later; };\n')
  writeFileSync(at('addon.c'), 'int later(void);\nint addon(void) { return later(); }\n')
  const stands = ['-Wl,-soname,libc.so.6', `-Wl,--version-script=${at('later.map')}`]
  const shared = ['-shared', '-fPIC', '-nostdlib', '-o']
  execFileSync('gcc', [...shared, at('liblater.so'), at('later.c'), ...stands])
  execFileSync('gcc', [...shared, prebuilt('linux-x64'), at('addon.c'), at('liblater.so')])
}

const KINDS = [
  ['cut short', cutShort, /is cut short \(400000 of \d{6} bytes\)/],
  ['for another processor', forAnotherProcessor, /is for arm64, and this Node is for x64/],
  ['for a newer C library', forNewerLibrary, /needs GLIBC_2\.99, and this system has 2\.\d+/],
  [
    'missing',
    () => rmSync(prebuilt('linux-x64')),
    /there is (none|no prebuilt addon) for linux-x64/,
  ],
] as const

describe.each(KINDS)('a prebuilt addon that is %s', (_what, spoil, reason) => {
  let whole: Buffer

  beforeEach(() => {
    whole = readFileSync(prebuilt('linux-x64'))
    spoil()
    return () => writeFileSync(prebuilt('linux-x64'), whole)
  })

  test('is an error with that reason where nothing was built, and no crash', async () => {
    const { code, stderr } = await bare.run('node', SCAN)
    expect(code).toBe(70)
    expect(stderr).toMatch(/^meter-fast: METER_NATIVE_MISSING: the native addon does not load: /)
    expect(stderr).toMatch(reason)
    expect(stderr).toContain('Run "npm rebuild meter-fast" to build it here; that needs Python 3')
  })

  test('without a compiler the install step says what to install', async () => {
    const { code, stderr } = await bare.run('node', INSTALL_STEP)
    expect(code).toBe(1)
    const [first, second, ...rest] = stderr.split('\n')
    expect(first).toMatch(reason)
    expect(first).toMatch(/; the addon is built from source now/)
    expect(second).toMatch(/not found are Python 3, make, a C\+\+ compiler \(g\+\+\)\. Install/)
    expect(rest.join('\n')).toContain('apt-get install python3 make g++')
  })
})

describe('with a compiler', () => {
  test('the install step builds from source what does not fit, and the command works', {
    // Minutes on a busy machine.
    timeout: 600_000,
  }, async () => {
    const machine = new Machine('20.20.2', true)
    onTestFinished(() => machine.remove())
    await machine.succeed('npm', ['install', '--ignore-scripts', inject('tarball')])
    const root = join(machine.directory, 'node_modules/meter-fast')
    truncateSync(join(root, 'prebuilds/linux-x64', ADDON), 1000)
    const built = await machine.succeed('node', INSTALL_STEP)
    expect(built.stderr).toMatch(/is cut short \(1000 of \d{6} bytes\); the addon is built from/)
    const { stdout } = await machine.succeed('node', SCAN)
    expect(JSON.parse(stdout)).toEqual(truthOf(LOG))
  })

  test('a build that fails says so after what the compiler said', async () => {
    const machine = new Machine('20.20.2', true)
    onTestFinished(() => machine.remove())
    await machine.succeed('npm', ['install', '--ignore-scripts', inject('tarball')])
    const root = join(machine.directory, 'node_modules/meter-fast')
    writeFileSync(join(root, 'native/base/hash.cc'), '#error "broken for the test"\n')
    const built = await machine.run('node', [...INSTALL_STEP, '--force'])
    expect(built.code).not.toBe(0)
    expect(built.stderr).toMatch(/the native addon did not build; the lines above say why/)
  })
})
