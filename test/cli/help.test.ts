// What a user reads before the first run: --help of every command, --version, and which words the
// command line knows.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { meterFast, useCommand } from './command.ts'

useCommand()

const COLUMNS_MAX = 100

// By hand, from DESIGN section 9 and the issue; not from the tables of the program.
const CONFIG_VALUES = [
  ...['--window', '--connection-seconds', '--catalog', '--state-dir', '--state-spool-bytes-max'],
  ...['--meters-source', '--meters-subject'],
  ...['--state-held-bytes-max', '--limits-line-bytes-max', '--limits-keys-max', '--sink-type'],
  ...['--limits-stream-states-max', '--sink-path', '--sink-url', '--sink-bearer-file'],
  ...['--sink-tls-ca-file', '--sink-tls-cert-file', '--sink-tls-key-file', '--sink-timeout'],
  ...['--sink-dedup-window', '--on-missing-state', '--observe-listen', '--ambiguous-policy'],
  ...['--observe-log-form', '--observe-log-level', '--observe-route-series-max'],
  ...['--state-reserve-bytes', '--state-accepted-retention', '--state-ledger-retention'],
  ...['--sink-compression', '--sink-creds-file', '--sink-file-bytes-max', '--sink-proxy'],
  ...['--sink-stream', '--sink-subject'],
  ...['--state-quarantine-bytes-max', '--workers-max'],
]
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  run: ['--config', '--once', '--dry-run', ...CONFIG_VALUES],
  scan: [
    ...['--json', '--csv', '--events', '--strict', '--format', '--envelope', '--stream'],
    ...['--window', '--config'],
  ],
  check: ['--config', '--json', '--schema', '--no-environment', '--online', ...CONFIG_VALUES],
  catalog: ['--against', '--json', '--out'],
  generate: [
    ...['--lines', '--projects', '--routes', '--seed', '--format', '--envelope', '--start'],
    ...['--per-second', '--truth'],
  ],
  release: ['--state'],
  status: ['--state', '--json', '--quarantine', '--unattributed', '--gaps'],
  top: ['--state', '--config', '--once'],
  replay: [
    ...['--state', '--unattributed', '--namespaces', '--projects', '--map', '--quarantined'],
    ...['--reason', '--rejected', '--project', '--accepted', '--from', '--to'],
  ],
  verify: ['--state', '--logs', '--json'],
  explain: ['--state', '--project', '--window', '--logs', '--json'],
  compare: [
    ...['--logs', '--config', '--format', '--causes', '--hard-coded', '--by-hour', '--from'],
    ...['--to', '--first', '--json'],
  ],
  bench: [
    ...['--json', '--scenario', '--lines', '--repetitions', '--micro', '--memory'],
    ...['--durability', '--steady', '--per-second', '--workers'],
    ...['--delivery', '--delivery-events'],
  ],
  demo: [],
  completion: [],
}

function widest(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length))
}

function flagsOf(help: string): string[] {
  const lines = help.split('\n').map((line) => /^ {2}(?:-\w, )?(--[a-z-]+)/.exec(line)?.[1])
  return lines.filter((flag) => flag !== undefined)
}

describe('--help', () => {
  test.each(Object.entries(FLAGS))('of %s lists its flags, in 100 columns', async (name, flags) => {
    const { code, stdout, stderr } = await meterFast([name, '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^Usage: meter-fast ${name}`))
    expect(stdout).toContain('\nExamples:\n')
    expect(widest(stdout)).toBeLessThanOrEqual(COLUMNS_MAX)
    expect(flagsOf(stdout).toSorted()).toEqual([...flags].toSorted())
    expect((await meterFast(['help', name])).stdout).toBe(stdout)
    expect((await meterFast([name, '-h'])).stdout).toBe(stdout)
  })

  test('of meter-fast lists every command and every exit code', async () => {
    const { code, stdout, stderr } = await meterFast(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(widest(stdout)).toBeLessThanOrEqual(COLUMNS_MAX)
    const listed = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name)
    expect(listed.toSorted()).toEqual(Object.keys(FLAGS).toSorted())
    for (const exit of ['0', '1', '64', '66', '69', '70', '74', '78']) {
      expect(stdout).toMatch(new RegExp(`\\b${exit} [a-z]`))
    }
    expect((await meterFast(['help'])).stdout).toBe(stdout)
  })

  test('every flag of scan that --help lists is taken', async () => {
    for (const flag of FLAGS['scan'] ?? []) {
      const { stderr } = await meterFast(['scan', flag])
      expect(stderr).not.toContain('Unknown option')
    }
  })
})

test('--version names the version of package.json, the kernel and the machine', async () => {
  const packageFile = new URL('../../package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
  const { code, stdout, stderr } = await meterFast(['--version'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const kernels = 'icelake|haswell|westmere|arm64|ppc64|lasx|lsx|fallback'
  const { version: node, platform, arch } = process
  const form = `^meter-fast ${version} \\(simdjson [0-9.]+ (${kernels}), node ${node}, ${platform}`
  expect(stdout).toMatch(new RegExp(`${form} ${arch}\\)\n$`))
})

describe('a word that is no command', () => {
  const cases = [
    ['scann', 'there is no command "scann"; did you mean "scan"?'],
    ['chekc', 'there is no command "chekc"; did you mean "check"?'],
    ['frobnicate', 'there is no command "frobnicate"; "meter-fast --help" lists the commands'],
    // Names that every JavaScript object has are no commands either.
    ['constructor', 'there is no command "constructor"; "meter-fast --help" lists the commands'],
  ] as const
  test.each(cases)('%s: exit 64, and what was meant', async (word, text) => {
    const expected = { code: 64, stdout: '', stderr: `meter-fast: METER_USAGE: ${text}\n` }
    expect(await meterFast([word])).toEqual(expected)
    expect(await meterFast(['help', word])).toEqual(expected)
    expect(await meterFast([word, '--help'])).toEqual(expected)
  })

  test('no word at all: the overview on stderr, exit 64, stdout stays empty', async () => {
    const { code, stdout, stderr } = await meterFast([])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toBe((await meterFast(['--help'])).stdout)
  })
})
