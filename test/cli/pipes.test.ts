// Standard streams: logs that come through a pipe, readers that leave early, disks that are full.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, test } from 'vitest'
import { lineMix } from '../reference/line-mix.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { slowScan } from '../reference/slow-scan.ts'
import { MAIN } from './build.ts'
import { at, datumLine, file, meterFast, useCommand } from './command.ts'

useCommand()

const LOG = lineMix(23, 3000)

describe('standard input', () => {
  test('is read as a file with the name -', async () => {
    const args = ['scan', '--json', '--format', 'datum', '-']
    const { code, stdout } = await meterFast(args, { input: LOG })
    expect(JSON.parse(stdout)).toEqual(slowScan([LOG]))
    expect(code).toBe(0)
  })

  test('stands among files where it is named', async () => {
    const [first, second, third] = [lineMix(1, 50), lineMix(2, 50), lineMix(3, 50)]
    file('first.log', first)
    file('third.log', third)
    const args = ['scan', '--events', '--format', 'datum', 'first.log', '-', 'third.log']
    const { stdout } = await meterFast(args, { input: second })
    expect(stdout.split('\n').slice(0, -1)).toEqual(slowEvents([first, second, third]))
  })

  test('is read only once, also when its format is looked for', async () => {
    const input = `no JSON yet\n${datumLine().repeat(500)}`
    const { code, stdout, stderr } = await meterFast(['scan', '--json', '-'], { input })
    expect(JSON.parse(stdout)).toEqual(slowScan([Buffer.from(input)]))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('that ends within a line still has that line', async () => {
    const { stdout } = await meterFast(['scan', '--csv', '-'], { input: datumLine().trimEnd() })
    expect(stdout).toContain('\r\np-abc,HTTPRoute,ns-6f1c,web,1,1822,11,2140,2\r\n')
  })

  test('that is empty is no error', async () => {
    const { code, stdout } = await meterFast(['scan', '--json', '-'])
    expect(JSON.parse(stdout)).toEqual(slowScan([Buffer.alloc(0)]))
    expect(code).toBe(0)
  })

  test('a named pipe is read like standard input', async () => {
    execFileSync('mkfifo', [at('pipe')])
    const writer = spawn('cp', [at(file('pipe.log', LOG)), at('pipe')])
    const written = once(writer, 'exit')
    const { stdout } = await meterFast(['scan', '--json', '--format', 'datum', 'pipe'])
    await written
    expect(JSON.parse(stdout)).toEqual(slowScan([LOG]))
  })
})

describe('standard output', () => {
  beforeAll(() => {
    file('long.log', LOG)
  })

  test.each(['--events', '--json', '--csv'])(
    'that is closed early ends scan %s quietly with 0',
    async (form) => {
      const args = [MAIN, 'scan', form, '--format', 'datum', at('long.log')]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      const stderr = text(child.stderr)
      const ended = once(child, 'close')
      // Nothing of what is printed is read: more than the pipe holds.
      child.stdout.destroy()
      const [code] = await ended
      expect(code).toBe(0)
      expect((await stderr).replace(/^meter-fast: lines in quarantine.*\n$/, '')).toBe('')
    },
  )

  test('scan --events | head -1 gives one line and exits 0', () => {
    const script =
      'set -o pipefail; "$0" "$1" scan --events --format datum long.log 2>/dev/null | head -1'
    const args = ['-c', script, process.execPath, MAIN]
    const [first = ''] = slowEvents([LOG])
    expect(execFileSync('bash', args, { cwd: at('.'), encoding: 'utf8' })).toBe(`${first}\n`)
  })

  test('on a full disk exits 74 and says so', async () => {
    const full = openSync('/dev/full', 'w')
    const { code, stderr } = await meterFast(['scan', '--json', 'long.log'], { stdoutFd: full })
    closeSync(full)
    expect(code).toBe(74)
    expect(stderr).toContain('METER_DISK: standard output: ENOSPC')
    expect(stderr).toContain('Make room for it.')
    expect(stderr).not.toContain('    at ')
  })
})

describe('a reader that is gone before anything is written', () => {
  test.each([
    [['--help']],
    [['help', 'run']],
    [['completion', 'zsh']],
    [['check', '--schema']],
    [['scan', 'long.log']],
    [['generate', '--lines', '20000']],
  ])('of stdout ends %j quietly with 0', async (args) => {
    const { code, stderr } = await withClosed('stdout', args)
    expect({ code, stderr: stderr.replace(/^meter-fast: lines in quarantine.*\n$/, '') }).toEqual({
      code: 0,
      stderr: '',
    })
  })

  test('of stderr ends nothing, and does not change the exit code', async () => {
    const { code, stdout } = await withClosed('stderr', ['scan', '--json', 'long.log'])
    expect(JSON.parse(stdout)).toEqual(slowScan([LOG]))
    expect(code).toBe(0)
    expect((await withClosed('stderr', ['scan', 'no.log'])).code).toBe(66)
  })
})

async function withClosed(name: 'stdout' | 'stderr', args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: at('.'),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  child[name].destroy()
  const other = name === 'stdout' ? child.stderr : child.stdout
  const said = await text(other)
  const [code] = (await ended) as [number | null]
  return { code, stdout: name === 'stderr' ? said : '', stderr: name === 'stdout' ? said : '' }
}
