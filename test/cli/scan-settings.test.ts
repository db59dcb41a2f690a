// Where a scan takes its format and its settings from: the log itself, flags, the environment, a
// configuration.

import { describe, expect, test } from 'vitest'
import { slowEvents } from '../reference/slow-events.ts'
import { datumLine, file, meterFast, scanEvents, useCommand } from './command.ts'

useCommand()

describe('--format auto, the default', () => {
  const gateway = datumLine({ project_name: undefined })

  test('takes datum when the first line has a project', async () => {
    const { stdout, stderr } = await meterFast(['scan', '--csv', file('d.log', datumLine())])
    expect(stdout).toContain('\r\np-abc,HTTPRoute,ns-6f1c,web,1,')
    expect(stderr).toBe('')
  })

  test('takes envoy-gateway when it has none: the namespace is billed', async () => {
    const { stdout, stderr } = await meterFast(['scan', '--csv', file('g.log', gateway)])
    expect(stdout).toContain('\r\nns-6f1c,HTTPRoute,ns-6f1c,web,1,')
    expect(stderr).toBe('')
  })

  test('looks at the first accepted line, over other text, torn lines and files', async () => {
    const first = file('first.log', 'starting\n\n{"project_name":"p-abc",\n')
    const second = file('second.log', `${gateway}${datumLine()}`)
    const { stdout } = await meterFast(['scan', '--csv', first, second])
    expect(stdout).toContain('\r\nns-6f1c,HTTPRoute,ns-6f1c,web,2,')
  })

  test('takes datum for a line that fits none, and says so', async () => {
    const { code, stdout, stderr } = await meterFast(['scan', '--json', file('o.log', '{"a":1}\n')])
    const word = 'the first line fits no preset: reading it as datum; --format says otherwise'
    expect({ code, stderr }).toEqual({ code: 0, stderr: `meter-fast: ${word}\n` })
    expect(stdout).toContain('"unattributed":{"no_route":1}')
  })
})

describe('environment twins', () => {
  const gateway = ['ns-6f1c,HTTPRoute,ns-6f1c,web,1,', 'p-abc,HTTPRoute,ns-6f1c,web,1,'] as const

  test('METER_FAST_FORMAT stands for --format; the flag wins', async () => {
    const env = { METER_FAST_FORMAT: 'envoy-gateway', METER_FAST_CSV: '1' }
    const log = file('e.log', datumLine())
    expect((await meterFast(['scan', log], { env })).stdout).toContain(gateway[0])
    const flag = await meterFast(['scan', '--format', 'datum', log], { env })
    expect(flag.stdout).toContain(gateway[1])
  })

  test('METER_FAST_STREAM, METER_FAST_WINDOW and METER_FAST_EVENTS', async () => {
    const env = {
      METER_FAST_STREAM: 'file/n/a.log',
      METER_FAST_WINDOW: '10s',
      METER_FAST_EVENTS: 'true',
    }
    const { stdout } = await meterFast(['scan', file('e.log', datumLine())], { env })
    const expected = slowEvents([Buffer.from(datumLine())], {
      stream: 'file/n/a.log',
      windowMs: 10_000,
    })
    expect(stdout.split('\n').slice(0, -1)).toEqual(expected)
  })

  test('METER_FAST_STRICT exits 1 on quarantine, and 0 is off', async () => {
    const log = file('torn.log', '{"torn\n')
    const code = async (METER_FAST_STRICT: string) =>
      (await meterFast(['scan', log], { env: { METER_FAST_STRICT } })).code
    expect([await code('1'), await code('true'), await code('0')]).toEqual([1, 1, 0])
  })

  test('an empty variable counts as not set', async () => {
    const env = { METER_FAST_FORMAT: '', METER_FAST_WINDOW: '', METER_FAST_CONFIG: '' }
    const { code, stderr } = await meterFast(['scan', file('e.log', datumLine())], { env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('a bad value is refused as that of the flag is', async () => {
    const env = { METER_FAST_WINDOW: '7s' }
    const { code, stderr } = await meterFast(['scan', file('e.log', datumLine())], { env })
    expect(code).toBe(64)
    expect(stderr).toContain('--window must divide one hour and be at least 1s, not "7s"')
  })
})

describe('scan -c FILE', () => {
  const CONFIG = `window: 10s
connection_seconds: per_request_floor
streams:
  - files: ['/var/log/other*.log']
    source_id: elsewhere
    format:
      { project: tenant, route: route, egressBytes: /sizes/0, durationMs: ms, startTime: at,
        responseCode: code }
dimensions: { region: '\${REGION}' }
exclude: { response_codes: [503] }
sink: { type: stdout }
`
  const record = { tenant: 'p-x', route: 'httproute/ns/r', at: '2026-11-22T12:00:12Z', ms: 2500 }
  const LOG = [200, 503, 200].map((code) =>
    JSON.stringify({ ...record, code, sizes: [70, 1], ingress: 5 }),
  )

  test('takes format, window, dimensions, seconds and exclusions from the file', async () => {
    file('custom.yaml', CONFIG)
    file('custom.log', `${LOG.join('\n')}\n`)
    const env = { REGION: 'eu-1' }
    const lines = await scanEvents(['-c', 'custom.yaml', 'custom.log'], env)
    const seen = lines.map((line) => {
      const { type, time, subject, data } = JSON.parse(line)
      return [type.split('/').at(-1), time, subject, data.value, data.dimensions]
    })
    const dimensions = {
      httproute_name: 'r',
      httproute_namespace: 'ns',
      project_name: 'p-x',
      region: 'eu-1',
    }
    const event = (meter: string, value: string) => [
      ...[meter, '2026-11-22T12:00:10.000Z', 'projects/p-x', value, dimensions],
    ]
    expect(seen.toSorted()).toEqual([
      event('connection-seconds', '4'),
      event('egress-bytes', '140'),
      event('requests', '2'),
    ])
    const { stdout } = await meterFast(['scan', '--json', '-c', 'custom.yaml', 'custom.log'], {
      env,
    })
    expect(stdout).toContain('"metered":2,"lenient":0,"ignored":{"excluded":1}')
  })

  test('--window and --format stand above the file', async () => {
    file('custom.yaml', CONFIG)
    file('datum.log', datumLine({ start_time: '2026-11-22T12:00:12Z' }))
    const args = ['-c', 'custom.yaml', '--format', 'datum', '--window', '5m', 'datum.log']
    const lines = await scanEvents(args, { REGION: 'eu-1' })
    expect(lines.map((line) => JSON.parse(line).time)).toEqual(
      Array.from({ length: 4 }, () => '2026-11-22T12:00:00.000Z'),
    )
  })

  test('a variable that is not set is told with its place, exit 78', async () => {
    file('custom.yaml', CONFIG)
    file('custom.log', `${LOG.join('\n')}\n`)
    const { code, stderr } = await meterFast(['scan', '-c', 'custom.yaml', 'custom.log'])
    expect(code).toBe(78)
    expect(stderr).toMatch(/custom\.yaml:9:23: dimensions\.region: .*REGION/)
  })
})
