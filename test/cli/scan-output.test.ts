// The forms of `scan`: JSON, CSV, the table and the events, letter by letter.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { at, datumLine, file, meterFast, useCommand } from './command.ts'

useCommand()

const ESCAPE = '\u001B[31mred\u001B[0m \u009B1m \u202Egnp'

// One line of each group, and names that need quotes.
const EVERY_GROUP = Buffer.concat([
  Buffer.from(datumLine()),
  Buffer.from(datumLine({ route_name: 'grpcroute/ns-6f1c/api', duration: 1999 })),
  Buffer.from(datumLine({ route_name: 'say "hi", all', bytes_sent: '9007199254740992' })),
  Buffer.from(datumLine({ route_name: ESCAPE, project_name: 'p-abd' })),
  Buffer.from(datumLine({ route_name: null })),
  // A byte that is no UTF-8, where it does not matter.
  Buffer.from(datumLine({ path: '/\xff' }), 'latin1'),
  Buffer.from(datumLine({ access_log_type: 'UpstreamEnd' })),
  Buffer.from(datumLine({ project_name: null, route_name: '-' })),
  Buffer.from(datumLine({ bytes_sent: -1 })),
  Buffer.from('\n[2026-11-22 12:00:02.000][info] another logger\n'),
  Buffer.from(datumLine().slice(0, 60)),
])

const LINES =
  '{"read":12,"metered":6,"lenient":1,"ignored":{"blank":1,"not_json":1,"upstream":1},' +
  '"unattributed":{"no_route":1},"quarantined":{"malformed":1,"bad_number":1}}'

const amounts = (requests: number, egress: string, ingress: number, ms: number, floor: number) =>
  `"requests":"${requests}","egressBytes":"${egress}","ingressBytes":"${ingress}",` +
  `"connectionMs":"${ms}","connectionSecondsFloor":"${floor}"}`

const TOTALS = [
  `{"project":"p-abc","route":null,${amounts(1, '1822', 11, 2140, 2)}`,
  '{"project":"p-abc","route":{"kind":"GRPCRoute","namespace":"ns-6f1c","name":"api"},' +
    amounts(1, '1822', 11, 1999, 1),
  '{"project":"p-abc","route":{"kind":"HTTPRoute","namespace":"ns-6f1c","name":"web"},' +
    amounts(2, '3644', 22, 4280, 4),
  '{"project":"p-abc","route":{"kind":"unknown","namespace":"","name":"say \\"hi\\", all"},' +
    amounts(1, '9007199254740992', 11, 2140, 2),
  `{"project":"p-abd","route":{"kind":"unknown","namespace":"","name":${JSON.stringify(ESCAPE)}},` +
    amounts(1, '1822', 11, 2140, 2),
]

const QUARANTINE = 'meter-fast: lines in quarantine, not in the totals: 1 malformed, 1 bad_number\n'

describe('scan --json', () => {
  test('is one object on one line, in exactly the documented form', async () => {
    file('all.log', EVERY_GROUP)
    const { code, stdout, stderr } = await meterFast(['scan', '--json', 'all.log'])
    const bytes = EVERY_GROUP.length
    expect(stdout).toBe(`{"bytes":${bytes},"lines":${LINES},"totals":[${TOTALS.join(',')}]}\n`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: QUARANTINE })
  })
})

describe('scan --csv', () => {
  test('is RFC 4180: CR LF, and quotes where a comma or a quote is', async () => {
    file('all.log', EVERY_GROUP)
    const { code, stdout } = await meterFast(['scan', '--csv', 'all.log'])
    const head = 'project,kind,namespace,name,requests,egress_bytes,ingress_bytes'
    expect(stdout.split('\r\n')).toEqual([
      `${head},connection_ms,connection_seconds_floor`,
      'p-abc,,,,1,1822,11,2140,2',
      'p-abc,GRPCRoute,ns-6f1c,api,1,1822,11,1999,1',
      'p-abc,HTTPRoute,ns-6f1c,web,2,3644,22,4280,4',
      'p-abc,unknown,,"say ""hi"", all",1,9007199254740992,11,2140,2',
      `p-abd,unknown,,${ESCAPE},1,1822,11,2140,2`,
      '',
    ])
    expect(code).toBe(0)
  })

  test('quotes names with line ends', async () => {
    file('ends.log', datumLine({ route_name: 'a\r\nb' }))
    const { stdout } = await meterFast(['scan', '--csv', 'ends.log'])
    expect(stdout).toContain('\r\np-abc,unknown,,"a\r\nb",1,')
  })
})

describe('the table of scan', () => {
  test('without a terminal is plain text; a name cannot steer a terminal', async () => {
    file('all.log', EVERY_GROUP)
    const { code, stdout } = await meterFast(['scan', 'all.log'], {
      env: { TERM: 'xterm-256color' },
    })
    expect(stdout.split('\n')).toEqual([
      'PROJECT  ROUTE                          REQUESTS  EGRESS  INGRESS  CONNECTED',
      'p-abc    -                                     1  1.8 kB     11 B      2.1 s',
      'p-abc    GRPCRoute/ns-6f1c/api                 1  1.8 kB     11 B      2.0 s',
      'p-abc    HTTPRoute/ns-6f1c/web                 2  3.6 kB     22 B      4.3 s',
      'p-abc    unknown/say "hi", all                 1  9.0 PB     11 B      2.1 s',
      'p-abd    unknown/?[31mred?[0m ?1m ?gnp         1  1.8 kB     11 B      2.1 s',
      '',
      '6 requests in 6 metered lines: 9.0 PB egress, 66 B ingress, 12.7 s connected',
      '12 lines read, 1.8 kB; 1 ignored (blank), 1 ignored (not_json), 1 ignored (upstream), ' +
        '1 unattributed (no_route), 1 quarantined (malformed), 1 quarantined (bad_number)',
      '',
    ])
    expect(code).toBe(0)
  })

  test('is as wide as its names when it is piped, and as COLUMNS says', async () => {
    const namespace = 'n'.repeat(250)
    file('wide.log', datumLine({ route_name: `httproute/${namespace}/web` }))
    const piped = (await meterFast(['scan', 'wide.log'])).stdout
    expect(piped).toContain(`HTTPRoute/${namespace}/web`)
    const cut = (await meterFast(['scan', 'wide.log'], { env: { COLUMNS: '120' } })).stdout
    const [head = '', row = ''] = cut.split('\n')
    expect([head.length, row.length]).toEqual([120, 120])
    expect(row).toMatch(/^p-abc +HTTPRoute\/n+…n+\/web +1 /)
    // A machine reads these: nothing is ever cut there.
    for (const form of ['--json', '--csv', '--events']) {
      const { stdout } = await meterFast(['scan', form, 'wide.log'], { env: { COLUMNS: '40' } })
      expect(stdout).toContain(namespace)
    }
  })

  test('shows 200 rows and says how many there are', async () => {
    const lines = Array.from({ length: 203 }, (_, i) => datumLine({ project_name: `p-${i}` }))
    file('many.log', lines.join(''))
    const rows = (await meterFast(['scan', 'many.log'])).stdout.split('\n')
    expect(rows.indexOf('... and 3 more rows: --csv and --json print all')).toBe(201)
    const csv = (await meterFast(['scan', '--csv', 'many.log'])).stdout.split('\r\n')
    expect(csv.length).toBe(1 + 203 + 1)
  })
})

test('no form of output has escape codes when it is piped, nor has stderr', async () => {
  file('all.log', Buffer.concat([EVERY_GROUP, Buffer.from('{"torn\n')]))
  for (const form of [[], ['--json'], ['--events']]) {
    const { stdout, stderr } = await meterFast(['scan', ...form, 'all.log'])
    expect(stdout + stderr).not.toContain('\u001B')
  }
})

test('FORCE_COLOR colours the table that is piped, never what a machine reads', async () => {
  const env = { FORCE_COLOR: '3', COLORTERM: 'truecolor' }
  expect((await meterFast(['scan', 'all.log'], { env })).stdout).toContain('\u001B[1mPROJECT')
  for (const form of ['--json', '--events']) {
    const { stdout, stderr } = await meterFast(['scan', form, 'all.log'], { env })
    expect(stdout + stderr).not.toContain('\u001B')
  }
})

describe('words on stderr', () => {
  const words: readonly (readonly string[])[] = [
    ['scan', `${ESCAPE}.log`],
    ['scan', `--${ESCAPE}`],
    ['scan', '--format', ESCAPE, 'a.log'],
    ['run', '-c', `${ESCAPE}.yaml`],
    [ESCAPE],
  ]
  test.each(words)('show control characters of a name, obey none: %j %j', async (...args) => {
    file('a.log', datumLine())
    const { stderr } = await meterFast(args)
    expect(stderr).not.toMatch(/(?!\n)\p{C}/u)
    expect(stderr).toMatch(/(\?|\\u001b)\[31mred(\?|\\u001b)\[0m \?1m \?gnp/)
  })
})

describe('scan --events', () => {
  const golden = (name: string) => new URL(`../golden/${name}`, import.meta.url)
  test.each(['plain', 'mixed', 'stream', 'cri', 'docker'])(
    '%s: byte for byte as expected',
    async (name) => {
      file(`${name}.log`, readFileSync(golden(`${name}.log`)))
      const args = ['--events', '--format', 'datum', `${name}.log`]
      const { code, stdout } = await meterFast(['scan', ...args])
      // Buffers, so that a difference is told in one place and not as half a megabyte.
      const expected = readFileSync(golden(`${name}.events.ndjson`))
      expect(Buffer.from(stdout).equals(expected)).toBe(true)
      expect(code).toBe(0)
    },
  )

  test.each(['plain', 'mixed', 'stream', 'cri', 'docker'])(
    '%s: the totals as expected',
    async (name) => {
      file(`${name}.log`, readFileSync(golden(`${name}.log`)))
      const { stdout } = await meterFast(['scan', '--json', '--format', 'datum', at(`${name}.log`)])
      const expected = JSON.parse(readFileSync(golden(`${name}.scan.json`), 'utf8'))
      expect(JSON.parse(stdout)).toEqual(expected)
    },
  )

  test('the event of the design has the id of the design', async () => {
    const pod = 'datum-downstream-gateway_envoy-1_0a1b2c3d-0000-4000-8000-000000000001'
    const config = `window: 60s
streams: [{ kubernetes: { namespaces: [datum-downstream-gateway], containers: [envoy] } }]
dimensions: { region: us-east-1, gateway_class: datum-downstream-gateway }
sink: { type: stdout }
`
    file('design.yaml', config)
    file(`${pod}/envoy/0.log`, datumLine({ duration: 0, bytes_received: 0 }))
    const log = `${pod}/envoy/0.log`
    const { stdout } = await meterFast(['scan', '--events', '-c', 'design.yaml', log])
    expect(stdout.split('\n')).toContain(
      '{"specversion":"1.0","id":"01M81J18G0P50QWNXSREY2CTJ5",' +
        '"source":"//networking.datumapis.com/gateway",' +
        '"type":"networking.datumapis.com/gateway/egress-bytes","subject":"projects/p-abc",' +
        '"time":"2026-11-22T12:00:00.000Z","datacontenttype":"application/json",' +
        '"data":{"value":"1822","dimensions":{"gateway_class":"datum-downstream-gateway",' +
        '"httproute_name":"web","httproute_namespace":"ns-6f1c","project_name":"p-abc",' +
        '"region":"us-east-1"}}}',
    )
  })
})
