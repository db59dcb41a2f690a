// The binary is the whole command: it meters, runs the agent and reads its state with no Node in
// PATH, as a user who is not root.

import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventSums, truthOf, truthSums } from '../package/usage.ts'
import { Host, USER } from './host.ts'
import { writeConfig, writeLog } from './story.ts'

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }

let host: Host
let log: string

beforeAll(() => {
  host = new Host()
  log = writeLog(host)
})

afterAll(() => host.remove())

describe('the binary', () => {
  test('--version names the package, and the Node and simdjson inside', () => {
    const { stdout, stderr } = host.run(['--version'])
    expect(stdout).toMatch(
      /^meter-fast \S+ \(simdjson 3\.9\.4 \w+, node v24\.\d+\.\d+, linux x64\)/,
    )
    expect(stdout).toContain(`meter-fast ${version} `)
    expect(stderr).toBe('')
  })

  test('scan of a generated log is its truth, and stderr has no warning', () => {
    const { stdout, stderr } = host.run(['scan', '--json', log])
    expect(JSON.parse(stdout)).toEqual(truthOf(log))
    expect(stderr).not.toMatch(/warning/i)
  })

  test('run --once delivers to a file, and status and verify read the state', () => {
    const state = host.makeDirectory('state')
    const config = writeConfig(host, log, state)
    const { code, stderr } = host.run(['run', '-c', config, '--once'])
    expect(stderr).not.toMatch(/"level":"error"|Warning:/)
    expect(code).toBe(0)
    expect(eventSums(readFileSync(join(state, 'events.ndjson'), 'utf8'))).toEqual(truthSums(log))
    expect(host.run(['status', '--state', state]).stdout).toMatch(/5,000 read = /)
    const verified = host.run(['verify', '--state', state, '--logs', log])
    expect(verified).toMatchObject({ code: 0 })
  })

  test('the demo starts, kills and restarts agents: the binary again', () => {
    const { code, stdout } = host.run(['demo'])
    expect(code, stdout).toBe(0)
  })

  test('bench is not inside and says where it is', () => {
    const { code, stderr } = host.run(['bench'])
    expect(code).toBe(64)
    expect(stderr).toMatch(/METER_USAGE: the benchmark .* npx meter-fast bench\n$/)
  })
})

describe('unpacked addons', () => {
  const scan = (directory: string) =>
    host.run(['scan', '--json', log], { env: { METER_FAST_NATIVE_DIR: directory } })

  function unpacked(directory: string): string {
    const own = join(directory, `meter-fast-native-${USER}`)
    const [name = ''] = readdirSync(own)
    return join(own, name)
  }

  test('are private, named by the hash of their bytes, and alone in their directory', () => {
    const directory = host.makeDirectory('private')
    expect(scan(directory).code).toBe(0)
    const file = unpacked(directory)
    expect(file).toMatch(/\/meter_fast-[0-9a-f]{16}\.node$/)
    expect(statSync(file).mode & 0o777).toBe(0o500)
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(file, '..'))).toHaveLength(1)
  })

  test('are used again by the next start', () => {
    const directory = host.makeDirectory('again')
    scan(directory)
    const { ino } = statSync(unpacked(directory))
    scan(directory)
    expect(statSync(unpacked(directory)).ino).toBe(ino)
  })

  test.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 100_000)],
    [
      'changed in one bit',
      (bytes: Buffer) => bytes.fill((bytes[200_000] ?? 0) ^ 1, 200_000, 200_001),
    ],
  ])('are written anew before use when what lies there is %s', (name, spoil) => {
    const directory = host.makeDirectory(name.replaceAll(' ', '-'))
    scan(directory)
    const file = unpacked(directory)
    const whole = readFileSync(file)
    rmSync(file)
    writeFileSync(file, spoil(Buffer.from(whole)))
    chownSync(file, USER, USER)
    chmodSync(file, 0o500)
    expect(JSON.parse(scan(directory).stdout)).toEqual(truthOf(log))
    expect(readFileSync(file).equals(whole)).toBe(true)
  })

  test('replace those of other versions, a day later', () => {
    const directory = host.makeDirectory('upgraded')
    scan(directory)
    const file = unpacked(directory)
    const [fresh, old] = ['aaaa', 'bbbb'].map((hash) =>
      file.replace(/-\w+\.node$/, `-${hash}.node`),
    )
    for (const other of [fresh, old]) writeFileSync(`${other}`, '')
    utimesSync(`${old}`, 0, 0)
    rmSync(file)
    scan(directory)
    expect(readdirSync(join(file, '..'))).toEqual(
      [file, `${fresh}`].map((one) => basename(one)).sort(),
    )
  })

  test("are never taken from another user's directory", () => {
    const directory = host.makeDirectory('theirs')
    mkdirSync(join(directory, `meter-fast-native-${USER}`), { mode: 0o755 })
    const { code, stderr } = scan(directory)
    expect(code).toBe(70)
    expect(stderr).toContain(`meter-fast-native-${USER} is not a directory of user ${USER}`)
  })

  test('a named directory that is not there is an error, not a reason to use another', () => {
    const { code, stderr } = scan('/nowhere')
    expect(code).toBe(70)
    expect(stderr).toMatch(
      /METER_NATIVE_MISSING: .*\n {2}\/nowhere: ENOENT.*\nSet METER_FAST_NATIVE_DIR/,
    )
  })
})
