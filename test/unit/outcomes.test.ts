// Every outcome of DESIGN 4.7 by its name: which lines get it, stated here, found by `Meter`, and
// confirmed by the oracle. The order of the rows is in outcomes-order.test.ts.

import { expect, test } from 'vitest'
import { OUTCOMES } from '../../src/native.ts'
import { cri, file, line, lineWith, outcomes, type RuleOptions, report } from './metering.ts'

interface Case {
  readonly outcome: string
  readonly when: string
  /** Lines, or files as bytes. */
  readonly input: readonly (string | Buffer)[]
  readonly options?: RuleOptions
  /** Lines with this outcome; one when left out. */
  readonly count?: number
  /** Outcomes of the other lines. */
  readonly others?: Readonly<Record<string, number>>
}

const GOOD = { metered: 1 }
const LATER = '2026-11-02T13:00:00Z'

const ENVELOPE: readonly Case[] = [
  {
    outcome: 'ignored.stderr',
    when: 'a CRI record of stderr, whatever is in it',
    input: [cri('[info] x', 'stderr F'), cri(line(), 'stderr F'), cri(line())],
    count: 2,
    others: GOOD,
  },
  {
    outcome: 'ignored.blank',
    when: 'an empty line, and one of white space only',
    input: ['', line(), ' \t ', ''],
    count: 3,
    others: GOOD,
  },
  {
    outcome: 'ignored.blank',
    when: 'an empty physical line in CRI, between two parts too',
    input: [cri(line().slice(0, 20), 'stdout P'), '', cri(line().slice(20))],
    others: GOOD,
  },
  {
    outcome: 'ignored.blank',
    when: 'an empty CRI record',
    input: [cri(line()), cri(''), cri('  ')],
    count: 2,
    others: GOOD,
  },
  {
    outcome: 'quarantined.bad_envelope',
    when: 'no CRI record in a CRI stream',
    input: [
      cri(line()),
      line(),
      '2026-11-02T12:00:00Z stdout F',
      cri(line(), 'stdin F'),
      cri(line(), 'stdout X'),
      cri(line(), 'stdout FP'),
      cri(line(), 'STDOUT F'),
    ],
    count: 6,
    others: GOOD,
  },
  {
    outcome: 'quarantined.cut',
    when: 'a P part without its F at the end of the stream',
    input: [cri(line()), cri('{"bytes_sent":', 'stdout P'), cri('[info]', 'stderr F')],
    others: { ...GOOD, 'ignored.stderr': 1 },
  },
  {
    outcome: 'quarantined.cut',
    when: 'not at the end of a file: parts are joined across files',
    input: [
      file(cri(line()), cri(line().slice(0, 30), 'stdout P')),
      file(cri(line().slice(30)), cri('{', 'stdout P')),
    ],
    others: { metered: 2 },
  },
  {
    outcome: 'quarantined.too_long',
    when: 'more than line_bytes_max bytes; exactly as many are read',
    input: [
      lineWith(`"x":"${'y'.repeat(1024 - line().length - 7)}"`),
      line({ x: 'y'.repeat(2000) }),
    ],
    options: { lineBytesMax: 1024 },
    others: GOOD,
  },
  {
    outcome: 'quarantined.too_long',
    when: 'parts that are too long only together',
    input: [...['{"x":"', 'a'.repeat(600)].map((p) => cri(p, 'stdout P')), cri('b'.repeat(600))],
    options: { lineBytesMax: 1024 },
  },
]

const TEXT: readonly Case[] = [
  {
    outcome: 'ignored.not_json',
    when: 'neither begins with { nor ends with }',
    input: ['[2026-11-02][info] x', 'x', '"x"', '[]', '0', line()],
    count: 5,
    others: GOOD,
  },
  {
    outcome: 'quarantined.malformed',
    when: 'an object that is cut at either end or run together',
    input: [line().slice(0, -1), line().slice(1), line() + line(), `${line()} {`, '{', '}'],
    count: 6,
  },
  {
    outcome: 'quarantined.malformed',
    when: 'no RFC 8259 object, though it looks like one',
    input: [
      lineWith(''),
      lineWith('"x":01'),
      lineWith('"x":+1'),
      lineWith('"x":.5'),
      lineWith('"x":1.'),
      lineWith('"x":1e'),
      lineWith('"x":True'),
      lineWith('"x":nul'),
      lineWith('"x":NaN'),
      lineWith('"x":Infinity'),
      lineWith('"x":+inf'),
      lineWith("'x':1"),
      lineWith('"x" 1'),
      lineWith('"x":[1,]'),
      lineWith('"x":[1}'),
      lineWith('"x":"\t"'),
      lineWith('"x":"\u0000"'),
      lineWith('"x":1 /* */'),
      lineWith('"x":\u00ff'),
      lineWith(`"x":${'['.repeat(64)}${']'.repeat(64)}`),
    ],
    count: 20,
  },
  {
    outcome: 'quarantined.malformed',
    when: 'mending changed a key at any depth, or a byte of a mapped value',
    input: [
      lineWith('"\u00ff":1'),
      lineWith('"x":[{"\\x":1}]'),
      line({ route_name: undefined }).replace('p-a', 'p-a\u00ff'),
      lineWith('"stream_id":"\\ud800"'),
      lineWith('"bytes_\\xsent":1'),
      line({ duration: undefined }).replace(/}$/, ',"duration":inf}'),
      line({ bytes_sent: undefined }).replace(/}$/, ',"bytes_sent":[nan]}'),
    ],
    count: 7,
  },
  {
    outcome: 'lenient',
    when: 'mending changed only what nothing is read from: metered and counted twice',
    input: [
      lineWith('"x":"\u00ff"'),
      lineWith('"x":"\\x41\\"'.replace('\\"', '"')),
      lineWith('"x":["\\ud800"]'),
      lineWith('"x":{"y":[inf, -inf, nan,-nan]}'),
      lineWith('"x":"\u00ed\u00a0\u0080"'),
      line(),
    ],
    count: 5,
    others: { metered: 6 },
  },
  {
    outcome: 'quarantined.duplicate_key',
    when: 'a mapped key occurs twice, also with another escape or the same value',
    input: [
      lineWith('"bytes_sent":10'),
      lineWith('"bytes\\u005fsent":11'),
      lineWith('"route_name":null'),
      lineWith('"stream_id":1,"stream_id":1'),
    ],
    count: 4,
  },
]

const LOG_TYPE: readonly Case[] = [
  {
    outcome: 'ignored.no_stream_id',
    when: 'no request, and nothing that names the stream',
    input: ['DownstreamStart', 'DownstreamPeriodic', 'DownstreamTunnelSuccessfullyEstablished'].map(
      (type) => report(type, 1, { connection_id: null, stream_id: undefined }),
    ),
    count: 3,
  },
  {
    outcome: 'ignored.stream_state_full',
    when: 'one more long-lived request than stream_states_max',
    input: [
      report('DownstreamPeriodic', 1),
      report('DownstreamPeriodic', 1, { connection_id: 8 }),
      report('DownstreamPeriodic', 2),
    ],
    options: { streamStatesMax: 1 },
    others: { metered: 2 },
  },
  {
    outcome: 'ignored.upstream',
    when: 'every type that begins with Upstream',
    input: ['UpstreamEnd', 'UpstreamPeriodic', 'UpstreamPoolReady', 'Upstream'].map((type) =>
      report(type, 1),
    ),
    count: 4,
  },
  {
    outcome: 'ignored.tcp',
    when: 'every type that begins with Tcp',
    input: ['TcpConnectionEnd', 'TcpPeriodic', 'TcpUpstreamConnected'].map((t) => report(t, 1)),
    count: 3,
  },
  {
    outcome: 'ignored.udp',
    when: 'every type that begins with Udp',
    input: ['UdpSessionEnd', 'UdpTunnelUpstreamConnected', 'Udp'].map((type) => report(type, 1)),
    count: 3,
  },
  {
    outcome: 'ignored.not_set',
    when: 'NotSet without a route',
    input: [null, '', '-', undefined, 5].map((route_name) => report('NotSet', 1, { route_name })),
    count: 5,
  },
  {
    outcome: 'quarantined.log_type',
    when: 'a type that nobody knows, or none that is text',
    input: ['Downstream', 'downstreamend', 'DownstreamEnd2', 'X', 1, true, {}, []].map((type) =>
      line({ access_log_type: type }),
    ),
    count: 8,
  },
]

const CONTENT: readonly Case[] = [
  {
    outcome: 'quarantined.bad_number',
    when: 'an amount that is none, in any of the three',
    input: [
      line({ bytes_sent: -1 }),
      line({ bytes_received: 0.5 }),
      line({ duration: '1 s' }),
      line({ bytes_sent: true }),
      line({ bytes_sent: [] }),
    ],
    count: 5,
  },
  {
    outcome: 'ignored.excluded',
    when: 'a response code or one of the flags that the config names',
    input: [
      line({ response_code: 429 }),
      line({ response_code: '429' }),
      line({ response_code: 4.29e2 }),
      line({ response_flags: 'UF,URX' }),
      line({ response_flags: 'URX' }),
      line({ response_code: 42, response_flags: 'URXX' }),
    ],
    options: { exclude: { codes: ['429'], flags: ['URX'] } },
    count: 5,
    others: GOOD,
  },
  {
    outcome: 'quarantined.no_clock',
    when: 'before the first clock of the stream, not behind it',
    input: [
      line({ start_time: null }),
      line({ start_time: 'soon' }),
      line(),
      line({ start_time: null }),
    ],
    count: 2,
    others: { metered: 2 },
  },
  {
    outcome: 'unattributed.no_route',
    when: 'neither a project nor a route',
    input: [null, '', '-', undefined].map((none) => line({ project_name: none, route_name: none })),
    count: 4,
  },
  {
    outcome: 'unattributed.no_project',
    when: 'a route but no project',
    input: [null, '', '-', undefined].map((none) => line({ project_name: none })),
    count: 4,
  },
  {
    outcome: 'unattributed.bad_project',
    when: 'a project that is no name, with a route or without',
    input: [
      line({ project_name: 'P-A' }),
      line({ project_name: 'p-', route_name: null }),
      line({ project_name: 7 }),
    ],
    count: 3,
  },
  {
    outcome: 'quarantined.overflow',
    when: 'a sum of the segment over all keys would pass 2^63 - 1; the next window begins at 0',
    input: [
      ...Array.from({ length: 1023 }, (_, i) =>
        line({ bytes_sent: 2 ** 53, project_name: `p${i % 9}` }),
      ),
      line({ bytes_sent: 2 ** 53 - 1 }),
      line({ bytes_sent: 1 }),
      line({ bytes_sent: 0 }),
      line({ bytes_sent: 2 ** 53, start_time: LATER }),
    ],
    others: { metered: 1026 },
  },
  {
    outcome: 'metered',
    when: 'everything else, with and without a route or a known kind, 0 and 429 too',
    input: [
      line(),
      `  ${line()}\t`,
      `${line()}\r`,
      line({ route_name: null }),
      line({ route_name: 'x', response_code: 0 }),
      line({ response_code: 429, response_flags: 'RL' }),
      line({ access_log_type: 'DownstreamEnd' }),
      line({ access_log_type: 'NotSet' }),
      line({ bytes_sent: undefined, bytes_received: null, duration: '-' }),
      '{"project_name":"p","x":{"bytes_sent":-1},"y":"\\"bytes_sent\\":-1"}',
    ],
    count: 10,
  },
]

const CASES = [...ENVELOPE, ...TEXT, ...LOG_TYPE, ...CONTENT]

test('every outcome has a test of its own', () => {
  const tested = new Set(CASES.map(({ outcome }) => outcome))
  expect([...tested].sort()).toEqual([...OUTCOMES].sort())
})

for (const { outcome, when, input, options, count = 1, others } of CASES) {
  const [group, name] = outcome.split('.')
  test(`${name === undefined ? group : `${group} \`${name}\``}: ${when}`, () => {
    expect(outcomes(input, options)).toEqual({ ...others, [outcome]: count })
  })
}
