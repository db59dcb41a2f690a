// What people see of each command on terminals of 40, 80 and 120 columns. The files in screens/
// are looked at by a person; here it is checked that nothing else is shown, and nothing too wide.
// Sentences on stderr are no screens: each is one line, which a terminal wraps and a person copies.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { line } from '../agent/bills.ts'
import { configFile, scratch } from '../agent/rig.ts'
import { tooWide } from './cells-wide.ts'
import { datumLine, file, meterFast, type Outcome, useCommand } from './command.ts'
import { expectScreen, WIDTHS } from './screens.ts'

useCommand()

const START_MS = Date.UTC(2026, 10, 2, 12)
const COMMANDS = [
  ...['run', 'scan', 'check', 'catalog', 'generate', 'release', 'status', 'top', 'replay'],
  ...['verify', 'explain', 'compare', 'bench', 'demo', 'completion'],
]

const on = (columns: number, ...args: string[]): Promise<Outcome> =>
  meterFast(args, { env: { COLUMNS: `${columns}` } })

/** Paths of this run as they would be on another machine. */
const withoutPaths = (text: string, directory: string) => text.replaceAll(directory, '/d')

describe.each(WIDTHS)('on %i columns', (columns) => {
  test('scan', async () => {
    const amounts = { bytes_sent: 9_876_543_210, bytes_received: 1_234_567, duration: 7_300_000 }
    file(
      'mixed.log',
      [
        datumLine(amounts).repeat(1200),
        datumLine({ ...amounts, project_name: 'p-b', route_name: 'grpcroute/ns-1/api' }),
        datumLine({
          project_name: `p-${'long-name-'.repeat(5)}end`,
          route_name: `httproute/ns-${'of-a-tenant-'.repeat(4)}x/${'route-'.repeat(9)}y`,
        }),
        datumLine({ project_name: 'p-kanji', route_name: '顧客ログ/ルート😀' }),
        datumLine({ project_name: 'p-kanji', route_name: null }),
        datumLine({ project_name: null }),
        datumLine({ bytes_sent: -1 }),
        '\n',
      ].join(''),
    )
    const { stdout, code } = await on(columns, 'scan', '--format', 'datum', 'mixed.log')
    expect(code).toBe(0)
    await expectScreen('scan', columns, stdout)
  })

  test('check with problems', async () => {
    file(
      'bad.yaml',
      `window: 7s
streams:
  - files: ['/var/log/envoy/access*.log']
    sourceid: n1
    format: datun
  - kubernetes: { namespace: [datum-downstream-gateway], containers: [envoy] }
state: { dir: state, spool_bytes_max: 10 }
sink: { type: milo-gateway, url: 'ftp://a-host-with-a-long-name.example.org:8080/v1/usage' }
`,
    )
    const args = ['check', '--no-environment', '-c', 'bad.yaml']
    const { stdout, code } = await on(columns, ...args)
    expect(code).toBe(78)
    await expectScreen('check', columns, stdout)
  })

  test.each(COMMANDS)('help %s', async (name) => {
    const { stdout, code } = await on(columns, 'help', name)
    expect(code).toBe(0)
    expect(tooWide(stdout, columns)).toEqual([])
  })

  test('the overview and the help of top', async () => {
    await expectScreen('help', columns, (await on(columns, '--help')).stdout)
    await expectScreen('help-top', columns, (await on(columns, 'help', 'top')).stdout)
  })
})

describe.each(WIDTHS)('of a state, on %i columns', (columns) => {
  let directory = ''
  let state = ''
  let log = ''
  beforeAll(async () => {
    directory = await scratch()
    state = join(directory, 'state')
    log = join(directory, 'access.log')
    const project = `p-${'long-name-'.repeat(5)}end`
    const text = [
      line(START_MS, { sent: 1_000 }),
      line(START_MS, { project, sent: 9_876_543_210, ms: 100 }),
      line(START_MS, { project: null, route: 'httproute/ns-b/web', sent: 7 }),
      '{"project_name":"p-a","bytes_sent":-1}\n',
      line(START_MS + 60_000),
    ]
    writeFileSync(log, text.join(''))
    const path = await configFile(directory, { rest: { on_missing_state: 'hold' } })
    expect((await meterFast(['run', '--once', '-c', path])).code).toBe(0)
    writeFileSync(log, text.toSpliced(1, 1).join(''))
  })

  test('status', async () => {
    const { stdout } = await on(columns, 'status', '--state', state)
    await expectScreen('status', columns, stdout.replace(/\([\d.]+ kB\)/, '(2.1 kB)'))
  })

  test('verify with a difference', async () => {
    const { stdout, stderr, code } = await on(columns, 'verify', '--state', state, '--logs', log)
    expect({ code, stderr: code === 1 ? '' : stderr }).toEqual({ code: 1, stderr: '' })
    expect(tooWide(stdout, columns)).toEqual([])
    expect(stdout).toContain('difference')
  })

  test('explain', async () => {
    const args = ['explain', '--state', state, '--project', 'p-a', '--window', `${START_MS}`]
    const { stdout, code } = await on(columns, ...args, '--logs', log)
    expect(code).toBe(0)
    expect(tooWide(withoutPaths(stdout, directory), columns)).toEqual([])
    expect(stdout.replaceAll(/\s/g, '')).toContain('usagerequests1,egress-bytes1000')
  })
})
