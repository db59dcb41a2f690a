// A configuration with mistakes: every one of them at once, with its place and what to write.

import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { at, datumLine, file, meterFast, useCommand } from './command.ts'

useCommand()

const FIVE_MISTAKES = `windw: 60s
streams:
  - files: ['logs/*.log']
    source_id: node-1
    format: datun
    envelope: crii
state: { dir: state, spool_bytes_max: 1 }
sink: { type: fil, path: usage.ndjson }
dimensions: { region: r, gateway: g, gateway_namespace: n, gateway_class: c }
`
const FIVE_TEXTS = [
  'five.yaml:1:1: windw: unknown key; did you mean window?',
  'five.yaml:5:13: streams[0].format: unknown preset "datun"; ' +
    'choose datum, envoy-gateway, istio or contour, or write a map of roles',
  'five.yaml:6:15: streams[0].envelope: "crii" is not known; choose auto, raw, cri or docker',
  'five.yaml:7:39: state.spool_bytes_max: 1B is below 1MiB; choose 1MiB to 1TiB',
  'five.yaml:8:15: sink.type: "fil" is not known; ' +
    'choose stdout, file, milo-gateway, collector, cloudevents-http or nats',
]

describe('a configuration with five mistakes', () => {
  test.each(['run', 'scan'])('%s names all five, exits 78 and does nothing', async (command) => {
    file('five.yaml', FIVE_MISTAKES)
    file('a.log', datumLine())
    const files = command === 'scan' ? ['a.log'] : []
    const { code, stdout, stderr } = await meterFast([command, '-c', 'five.yaml', ...files])
    const head = 'meter-fast: METER_CONFIG_INVALID: five.yaml has 5 problems:'
    expect(stderr.split('\n')).toEqual([head, ...FIVE_TEXTS, ''])
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
    expect([existsSync(at('state')), existsSync(at('usage.ndjson'))]).toEqual([false, false])
  })

  test('check prints all five as its result, exits 78', async () => {
    file('five.yaml', FIVE_MISTAKES)
    const { code, stdout, stderr } = await meterFast([
      ...['check', '-c', 'five.yaml', '--no-environment'],
    ])
    expect(stdout.split('\n')).toEqual([...FIVE_TEXTS, 'five.yaml: 5 problems', ''])
    expect({ code, stderr }).toEqual({ code: 78, stderr: '' })
  })

  test('check --json gives the same five as data', async () => {
    file('five.yaml', FIVE_MISTAKES)
    const { code, stdout } = await meterFast([
      ...['check', '-c', 'five.yaml', '--no-environment', '--json'],
    ])
    const { ok, problems } = JSON.parse(stdout) as {
      ok: boolean
      problems: { at: string; key: string; what: string; todo: string }[]
    }
    const texts = problems.map(
      ({ at: place, key, what, todo }) => `${place}: ${key}: ${what}; ${todo}`,
    )
    expect({ code, ok }).toEqual({ code: 78, ok: false })
    expect(texts).toEqual(FIVE_TEXTS)
  })
})

describe('a configuration that cannot be read', () => {
  test.each(['run', 'check'])('%s: a missing file exits 66 and is named', async (command) => {
    const { code, stdout, stderr } = await meterFast([command, '-c', 'no.yaml'])
    expect(stderr).toContain('METER_INPUT_MISSING: no.yaml cannot be read')
    expect(stderr).toContain('Name a configuration file that this user may read.')
    expect({ code, stdout }).toEqual({ code: 66, stdout: '' })
  })

  test('text that is no YAML exits 78 with the line', async () => {
    file('torn.yaml', 'window: 60s\nsink: { type: stdout\n')
    const { code, stdout, stderr } = await meterFast(['run', '-c', 'torn.yaml'])
    expect(stderr).toMatch(/METER_CONFIG_INVALID: torn\.yaml has a problem:\ntorn\.yaml:[23]:/)
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  })

  test('a stream without any time in its lines exits 78 with --events', async () => {
    const format = '{ project: p, egressBytes: bytes }'
    file(
      'clockless.yaml',
      `streams: [{ files: ['x.log'], source_id: n, format: ${format} }]\nsink: { type: stdout }\n`,
    )
    file('clockless.log', '{"p":"p-abc","bytes":1}\n')
    const args = ['scan', '-c', 'clockless.yaml', 'clockless.log']
    const { code, stdout, stderr } = await meterFast([...args, '--events'])
    expect(stderr).toContain('clockless.log has no times')
    expect(stderr).toContain('Map startTime, or scan without --events.')
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
    const totals = await meterFast([...args, '--csv'])
    expect(totals.stdout).toBe(
      'project,kind,namespace,name,requests,egress_bytes,ingress_bytes,connection_ms,' +
        'connection_seconds_floor\r\np-abc,,,,1,1,0,0,0\r\n',
    )
  })
})

test('check --schema prints a JSON Schema that knows every section', async () => {
  const { code, stdout, stderr } = await meterFast(['check', '--schema'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { properties } = JSON.parse(stdout) as { properties: Record<string, unknown> }
  const sections = ['window', 'streams', 'dimensions', 'exclude', 'state', 'sink', 'observe']
  expect(Object.keys(properties)).toEqual(expect.arrayContaining(sections))
})

describe('a configuration of a later version', () => {
  test('what this one does not know is told with what it knows: exit 78', async () => {
    file(
      'later.yaml',
      `streams: [{ files: ['*.log'], source_id: n, format: datum, priority: 3 }]
forecast: { horizon: 7d }
state: { dir: state }
sink: { type: stdout }
dimensions: { region: r, gateway: g, gateway_namespace: n, gateway_class: c }
`,
    )
    const { code, stdout } = await meterFast(['check', '--no-environment', '-c', 'later.yaml'])
    expect(code).toBe(78)
    const [stream = '', top = '', ...rest] = stdout.split('\n')
    expect(stream).toMatch(/^later.yaml:1:\d+: streams\[0\].priority: unknown key; known here: \w/)
    expect(top).toMatch(/^later.yaml:2:1: forecast: unknown key; known here: window, \w/)
    expect(rest).toEqual(['later.yaml: 2 problems', ''])
  })
})
