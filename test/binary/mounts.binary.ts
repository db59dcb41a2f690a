// Hardened hosts: a root file system that is read-only but for one directory, and a /tmp from which
// nothing may be executed.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventSums, truthOf, truthSums } from '../package/usage.ts'
import { Host, NOEXEC_TMP, readOnlyBut, USER } from './host.ts'
import { writeConfig, writeLog } from './story.ts'

let host: Host
let log: string
let state: string

beforeEach(() => {
  host = new Host()
  log = writeLog(host)
  state = host.makeDirectory('state')
})

afterEach(() => host.remove())

function expectDelivered(mounts: readonly string[]): void {
  const config = writeConfig(host, log, state)
  const { code, stderr } = host.run(['run', '-c', config, '--once'], { mounts })
  expect(code, stderr).toBe(0)
  expect(eventSums(readFileSync(join(state, 'events.ndjson'), 'utf8'))).toEqual(truthSums(log))
  expect(readdirSync(join(state, `meter-fast-native-${USER}`))).toHaveLength(2)
  expect(host.run(['status', '--state', state], { mounts }).stdout).toMatch(/5,000 read = /)
}

describe('a read-only file system with one writable directory', () => {
  test('the agent unpacks into its state directory', () => {
    expectDelivered(readOnlyBut(state))
  })

  test('a command without a state unpacks where METER_FAST_NATIVE_DIR says', () => {
    const env = { METER_FAST_NATIVE_DIR: state }
    const { stdout } = host.run(['scan', '--json', log], { mounts: readOnlyBut(state), env })
    expect(JSON.parse(stdout)).toEqual(truthOf(log))
  })

  test('without it, the error names what was tried and what to set', () => {
    const { code, stderr } = host.run(['scan', log], { mounts: readOnlyBut(state) })
    expect(code).toBe(70)
    expect(stderr).toMatch(
      /^meter-fast: METER_NATIVE_MISSING: the native addon meter_fast could not/,
    )
    expect(stderr).toMatch(/\n {2}\/tmp: EROFS: read-only file system, /)
    expect(stderr).toMatch(/\nSet METER_FAST_NATIVE_DIR to a directory that this user can write, /)
  })
})

describe('a /tmp that is mounted noexec', () => {
  test('the agent unpacks into its state directory', () => {
    expectDelivered(NOEXEC_TMP)
  })

  test('a command without a state unpacks where METER_FAST_NATIVE_DIR says', () => {
    const env = { METER_FAST_NATIVE_DIR: state }
    const { stdout } = host.run(['scan', '--json', log], { mounts: NOEXEC_TMP, env })
    expect(JSON.parse(stdout)).toEqual(truthOf(log))
  })

  test('without it, the error says noexec and what to set', () => {
    const { code, stderr } = host.run(['scan', log], { mounts: NOEXEC_TMP })
    expect(code).toBe(70)
    expect(stderr).toContain('\n  /tmp: its file system is mounted noexec\n')
    expect(stderr).toContain('Set METER_FAST_NATIVE_DIR to a directory')
  })
})
