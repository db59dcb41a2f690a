// `meter-fast catalog` as a user runs it: what it prints, what it writes, its exit codes.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configuration, ownConfiguration, service, yaml } from '../unit/catalog-documents.ts'
import { at, datumLine, file, meterFast, scanEvents, useCommand } from './command.ts'

useCommand()

const COMPONENT = join(import.meta.dirname, '../../deploy/components/service-catalog')

describe('catalog render', () => {
  test('--out writes the component that the repository holds, also a second time', async () => {
    for (const _ of [1, 2]) {
      const { code, stdout, stderr } = await meterFast(['catalog', 'render', '--out', 'made/here'])
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
      expect(stderr).toContain('made/here/kustomization.yaml is written')
      const names = readdirSync(COMPONENT)
      expect(readdirSync(at('made/here'))).toEqual(names)
      for (const name of names) {
        const made = readFileSync(join(at('made/here'), name), 'utf8')
        expect(made).toBe(readFileSync(join(COMPONENT, name), 'utf8'))
      }
    }
  })

  test('without --out it prints documents that check accepts', async () => {
    const { code, stdout } = await meterFast(['catalog', 'render'])
    expect(code).toBe(0)
    file('printed.yaml', stdout)
    expect(await meterFast(['catalog', 'check', 'printed.yaml'])).toEqual({
      ...{ code: 0, stderr: '' },
      stdout: 'printed.yaml: ok\n',
    })
  })

  test('a directory that cannot be made: exit 74, and what to do', async () => {
    file('plain', '')
    const { code, stderr } = await meterFast(['catalog', 'render', '--out', 'plain/below'])
    expect(code).toBe(74)
    expect(stderr).toMatch(/^meter-fast: METER_DISK: .*plain\/below.* Name another directory\.\n$/)
  })
})

describe('catalog check', () => {
  test('tells every problem with its place, exit 78', async () => {
    const document = configuration()
    document.spec.metrics[0].unit = ''
    document.spec.metrics[1].displayName = null
    file('bad.yaml', yaml(document))
    const { code, stdout, stderr } = await meterFast(['catalog', 'check', 'bad.yaml'])
    expect({ code, stderr }).toEqual({ code: 78, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(
        /^bad\.yaml:\d+:\d+: spec\.metrics\[0\]\.unit: it has 0 characters; write 1 to 64 of them$/,
      ),
      expect.stringMatching(
        /^bad\.yaml:\d+:\d+: warning: spec\.metrics\[1\]\.displayName: is miss/,
      ),
      'bad.yaml: 1 problem, 1 warning',
      '',
    ])
    const json = JSON.parse((await meterFast(['catalog', 'check', '--json', 'bad.yaml'])).stdout)
    expect(json.ok).toBe(false)
    expect(json.problems).toHaveLength(2)
    expect(json.problems[0]).toEqual({
      severity: 'error',
      at: expect.stringMatching(/^bad\.yaml:\d+:\d+$/),
      key: 'spec.metrics[0].unit',
      what: 'it has 0 characters',
      todo: 'write 1 to 64 of them',
    })
  })

  test('--against: what was published may not go; it may be given twice', async () => {
    file('service.yaml', yaml(service()))
    file('old.yaml', yaml(configuration()))
    const document = configuration()
    document.spec.metrics[0].dimensions.pop()
    file('new.yaml', yaml(document))
    const earlier = ['--against', 'old.yaml', '--against', 'service.yaml']
    const files = ['service.yaml', 'new.yaml']
    const { code, stdout } = await meterFast(['catalog', 'check', ...files, ...earlier])
    expect(code).toBe(78)
    expect(stdout).toMatch(
      /^new\.yaml:\d+:\d+: spec\.metrics\[0\]\.dimensions: "project_name" is gone/,
    )
    expect((await meterFast(['catalog', 'check', ...files])).code).toBe(0)
  })

  test('a file that is not there: exit 66', async () => {
    const { code, stderr } = await meterFast(['catalog', 'check', 'nowhere.yaml'])
    expect(code).toBe(66)
    expect(stderr).toContain('METER_INPUT_MISSING: nowhere.yaml cannot be read')
  })
})

test.each([
  [[], 'say "check FILE..." or "render"'],
  [['lint'], 'say "check FILE..." or "render"'],
  [['check'], '"check" needs files'],
  [['check', 'a.yaml', '--out', 'x'], '--out belongs to "render"'],
  [['render', 'a.yaml'], '"render" takes no file, such as "a.yaml"'],
  [['render', '--against', 'a.yaml'], '--against and --json belong to "check"'],
  [['render', '--json'], '--against and --json belong to "check"'],
  [['check', '--no'], 'Unknown option'],
])('catalog %j is wrong use', async (args, text) => {
  const { code, stdout, stderr } = await meterFast(['catalog', ...args])
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toContain(text)
})

describe('the catalog of a configuration', () => {
  const CONFIG = `streams: [{ files: ['/var/log/x.log'], source_id: n }]
sink: { type: stdout }
`

  test('scan -c makes events of the meters that it declares', async () => {
    file('own.yaml', yaml(ownConfiguration()))
    file(
      'own-config.yaml',
      `${CONFIG}catalog: ${at('own.yaml')}
dimensions: { model: { from: model } }
meters:
  source: urn:ai
  subject: accounts/{project}
  amounts: { ai.example.com/model/calls: requests, ai.example.com/model/sent: egressBytes }
`,
    )
    file('own.log', datumLine({ model: 'm-1' }) + datumLine({ model: 'm-2', bytes_sent: 5 }))
    const events = (await scanEvents(['-c', 'own-config.yaml', 'own.log'])).map((text) => {
      const { source, type, subject, data } = JSON.parse(text)
      return [source, type, subject, data.value, data.dimensions.model].join(' ')
    })
    expect(events.toSorted()).toEqual([
      'urn:ai ai.example.com/model/calls accounts/p-abc 1 m-1',
      'urn:ai ai.example.com/model/calls accounts/p-abc 1 m-2',
      'urn:ai ai.example.com/model/sent accounts/p-abc 1822 m-1',
      'urn:ai ai.example.com/model/sent accounts/p-abc 5 m-2',
    ])
  })

  test('run refuses to start when it disagrees, and warns when nothing gives a value', async () => {
    const state = `state: { dir: ${at('state')} }\n`
    file('zone.yaml', `${CONFIG}${state}dimensions: { zone: a }\n`)
    const refused = await meterFast(['run', '--once', '-c', 'zone.yaml'])
    expect(refused.code).toBe(78)
    expect(refused.stderr).toContain('zone.yaml:4:15: dimensions.zone: no meter of the catalog')
    file('warn.yaml', `${CONFIG}${state}`)
    const warned = await meterFast(['run', '--once', '-c', 'warn.yaml'])
    expect(warned.code).toBe(0)
    expect(warned.stderr).toContain('warn.yaml:1:1: warning: dimensions: nothing gives region,')
  })
})
