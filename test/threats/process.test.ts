// What the process may do, and what its parts are (docs/threats.md).

import { chmodSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { at, datumLine, file, meterFast, useCommand } from '../cli/command.ts'

useCommand()

const ROOT = new URL('../../', import.meta.url).pathname
const MIB = 1024 * 1024

test('the agent needs no capability, and writes nothing but its state and its sink', async () => {
  file('logs/access.log', datumLine())
  chmodSync(at('logs/access.log'), 0o440)
  chmodSync(at('logs'), 0o550)
  const config = {
    streams: [{ files: [at('logs/access.log')], source_id: 'n1' }],
    state: { dir: at('state'), reserve_bytes: '0B' },
    sink: { type: 'file', path: at('usage.ndjson') },
  }
  const path = file('config.json', JSON.stringify(config))
  const isRoot = process.getuid?.() === 0
  const drop = ['setpriv', '--no-new-privs', '--inh-caps', '-all', '--bounding-set', '-all', '--']
  const before = isRoot ? drop : []
  const { code, stderr } = await meterFast(['run', '--once', '-c', path], { before })
  chmodSync(at('logs'), 0o750)
  expect(code, stderr).toBe(0)
  expect(readFileSync(at('usage.ndjson'), 'utf8').split('\n')).toHaveLength(5)
})

test('a decompression bomb costs time, not memory', async () => {
  const member = gzipSync(Buffer.alloc(64 * MIB))
  file('bomb.log.gz', Buffer.concat([member, member, member, member, gzipSync(`\n${datumLine()}`)]))
  // The process may hold less than a quarter of what comes out of 256 KiB.
  const before = ['prlimit', `--data=${1024 * MIB}`, '--']
  const { code, stdout, stderr } = await meterFast(['scan', '--json', 'bomb.log.gz'], { before })
  expect(code, stderr).toBe(0)
  expect(JSON.parse(stdout).lines).toMatchObject({ metered: 1, quarantined: { too_long: 1 } })
})

test('no log is mapped into memory: one that is truncated while it is read ends no process', () => {
  const sources = readdirSync(join(ROOT, 'native'), { recursive: true, encoding: 'utf8' })
  const texts = sources.filter((name) => /\.(cc|h)$/.test(name))
  expect(texts.length).toBeGreaterThan(50)
  for (const name of texts) {
    expect(readFileSync(join(ROOT, 'native', name), 'utf8'), name).not.toMatch(/\bmmap\s*\(/)
  }
})

test('every package is pinned to a version, and to a hash', () => {
  const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'))
  const { dependencies, devDependencies } = read('package.json')
  for (const version of Object.values({ ...dependencies, ...devDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/)
  }
  interface Locked {
    readonly integrity?: string
    readonly os?: readonly string[]
    readonly cpu?: readonly string[]
    readonly libc?: readonly string[]
  }
  const { '': _, ...locked }: Record<string, Locked> = read('package-lock.json').packages
  const ours = Object.entries(locked).filter(
    ([, { os = ['linux'], cpu = ['x64'], libc = ['glibc'] }]) =>
      os.includes('linux') && libc.includes('glibc') && /x64|arm64/.test(cpu.join()),
  )
  expect(ours.length).toBeGreaterThan(50)
  for (const [name, { integrity }] of ours) expect(integrity, name).toMatch(/^sha512-/)
})
