// Files that are no logs, or no files: a clear text and an exit code, and nothing lost.

import { appendFileSync, chmodSync, mkdirSync, truncateSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Dice } from '../reference/dice.ts'
import { slowScan } from '../reference/slow-scan.ts'
import { at, datumLine, file, meterFast, useCommand } from './command.ts'

useCommand()

const NO_LINE =
  'meter-fast: no line to choose a format by: reading it as datum; --format says otherwise\n'

function refused(text: string) {
  const stderr = `meter-fast: METER_INPUT_MISSING: ${text}\n`
  return { code: 66, stdout: '', stderr }
}

describe('a FILE that is not there', () => {
  test('is named, exit 66', async () => {
    expect(await meterFast(['scan', 'no.log'])).toEqual(
      refused('no.log does not exist: check the name'),
    )
  })

  test('all of them are named at once, before anything is read', async () => {
    file('good.log', datumLine())
    mkdirSync(at('logs'), { recursive: true })
    const files = ['no.log', 'good.log', 'logs/', 'good.log/0.log', 'nor.log']
    const texts = [
      'no.log does not exist: check the name',
      'logs/ is a directory: name its files, e.g. logs/*.log',
      'good.log/0.log does not exist: a part before its last / is a file',
      'nor.log does not exist: check the name',
    ]
    expect(await meterFast(['scan', ...files])).toEqual(refused(texts.join('\n')))
  })
})

describe('a FILE that may not be read', () => {
  // The superuser may read everything, unless the right to do so is taken away.
  const before =
    process.getuid?.() === 0
      ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--']
      : []

  test('a file without permission: exit 66, and who may read it', async () => {
    chmodSync(at(file('secret.log', datumLine())), 0)
    expect(await meterFast(['scan', 'secret.log'], { before })).toEqual(
      refused('secret.log may not be read: run as a user who may, or as its group'),
    )
  })

  test('a file in a directory without permission: the same', async () => {
    file('closed/a.log', datumLine())
    chmodSync(at('closed'), 0)
    const outcome = await meterFast(['scan', 'closed/a.log'], { before })
    chmodSync(at('closed'), 0o700)
    expect(outcome).toEqual(
      refused('closed/a.log may not be read: run as a user who may, or as its group'),
    )
  })
})

describe('an empty file', () => {
  test('is no error: nothing in the totals, a word on stderr, exit 0', async () => {
    file('empty.log')
    const stdout =
      '{"bytes":0,"lines":{"read":0,"metered":0,"lenient":0,"ignored":{},"unattributed":{},' +
      '"quarantined":{}},"totals":[]}\n'
    const outcome = await meterFast(['scan', '--json', 'empty.log'])
    expect(outcome).toEqual({ code: 0, stdout, stderr: NO_LINE })
    expect((await meterFast(['scan', '--strict', 'empty.log'])).code).toBe(0)
    expect((await meterFast(['scan', '--events', 'empty.log'])).stdout).toBe('')
  })
})

describe('a binary file', () => {
  const dice = new Dice(3)
  const bytes = Buffer.from(Array.from({ length: 200_000 }, () => dice.below(256)))

  test('every line of it is counted and named, exit 0', async () => {
    file('binary.log', bytes)
    const { code, stdout, stderr } = await meterFast(['scan', '--json', 'binary.log'])
    const report = slowScan([bytes])
    expect(JSON.parse(stdout)).toEqual(report)
    expect(report.lines.read).toBe(bytes.filter((byte) => byte === 0x0a).length + 1)
    expect(report.totals).toEqual([])
    const malformed = report.lines.quarantined['malformed'] ?? 0
    expect(malformed).toBeGreaterThan(0)
    const word = `lines in quarantine, not in the totals: ${malformed} malformed`
    expect({ code, stderr }).toEqual({ code: 0, stderr: `${NO_LINE}meter-fast: ${word}\n` })
  })

  test('--strict exits 1', async () => {
    file('binary.log', bytes)
    const { code } = await meterFast(['scan', '--strict', '--json', 'binary.log'])
    expect(code).toBe(1)
  })
})

describe('--strict', () => {
  test('is content with ignored, lenient and unattributed lines', async () => {
    const lines = ['another logger\n', '\n', datumLine({ route_name: null, project_name: null })]
    file('fine.log', `${lines.join('')}${datumLine({ x: 'A' }).replace('"A"', '"\\q"')}`)
    const { code, stdout } = await meterFast(['scan', '--strict', '--json', 'fine.log'])
    expect(code).toBe(0)
    expect(stdout).toContain('"read":4,"metered":1,"lenient":1,')
  })
})

// `too_long` stands above `not_json` in the table of outcomes, so NUL bytes without a line end are
// one long line, whatever they hold; a NUL is not white space that would be cut.
describe('one line of 2 GiB', () => {
  const HOOK = `import { readFileSync } from 'node:fs'
    process.on('exit', () => {
      const [, peak] = /VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))
      process.stderr.write('peak ' + peak)
    })`
  const nodeFlags = [`--import=data:text/javascript,${encodeURIComponent(HOOK)}`]
  const PEAK_KIB_MAX = 150 * 1024
  const TOO_LONG = 'meter-fast: lines in quarantine, not in the totals: 1 too_long\n'

  function sparse(name: string, bytes: number): string {
    truncateSync(at(file(name)), bytes)
    return name
  }

  async function expectOneTooLong(bytes: number, args: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await meterFast(['scan', '--json', ...args], { nodeFlags })
    const { bytes: seen, lines, totals } = JSON.parse(stdout)
    const counts = { read: 2, metered: 1, lenient: 0, ignored: {}, unattributed: {} }
    expect(lines).toEqual({ ...counts, quarantined: { too_long: 1 } })
    expect([seen, totals[0].egressBytes]).toEqual([bytes, '1822'])
    const [words, peak] = stderr.split('peak ')
    expect({ code, words }).toEqual({ code: 0, words: TOO_LONG })
    expect(Number(peak)).toBeLessThan(PEAK_KIB_MAX)
  }

  test('is too_long once, the line after it counts, memory stays under 150 MiB', async () => {
    const size = 2 ** 31
    const line = `\n${datumLine()}`
    appendFileSync(at(sparse('big.log', size)), line)
    await expectOneTooLong(size + line.length, ['--format', 'datum', 'big.log'])
  }, 240_000)

  test('is not held in memory while a format is looked for behind it', async () => {
    const size = 2 ** 28
    const line = `\n${datumLine()}`
    appendFileSync(at(sparse('large.log', size)), line)
    await expectOneTooLong(size + line.length, ['large.log'])
  }, 120_000)
})
