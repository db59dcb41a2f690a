// The order of DESIGN 4.7: a line to which two rows apply has the outcome of the first. Rows are
// numbered as in the table; each pair of neighbours that one line can meet is here.

import { expect, test } from 'vitest'
import {
  cri,
  file,
  line,
  lineWith,
  metered,
  outcomes,
  type RuleOptions,
  report,
} from './metering.ts'

const LONG = 'x'.repeat(2000)
const SHORT: RuleOptions = { lineBytesMax: 1024 }
const EXCLUDE: RuleOptions = { exclude: { codes: ['503'], flags: ['NR'] } }
const NO_CLOCK = { start_time: null }

type Case = readonly [
  first: string,
  second: string,
  input: readonly (string | Buffer)[],
  options?: RuleOptions,
  others?: Readonly<Record<string, number>>,
]

const CRI_GOOD = cri(line())
const ONE = { metered: 1 }

const CASES: readonly Case[] = [
  // Row 1: by envelope.
  ['ignored.stderr', 'ignored.blank', [CRI_GOOD, cri('', 'stderr F')], {}, ONE],
  ['ignored.stderr', 'quarantined.cut', [CRI_GOOD, cri('{', 'stderr P')], {}, ONE],
  ['ignored.stderr', 'quarantined.too_long', [CRI_GOOD, cri(LONG, 'stderr F')], SHORT, ONE],
  ['ignored.stderr', 'ignored.not_json', [CRI_GOOD, cri('x', 'stderr F')], {}, ONE],
  ['ignored.stderr', 'quarantined.malformed', [CRI_GOOD, cri('{', 'stderr F')], {}, ONE],
  ['ignored.blank', 'quarantined.cut', [CRI_GOOD, cri('  ', 'stdout P')], {}, ONE],
  ['ignored.blank', 'quarantined.too_long', [' '.repeat(2000)], SHORT],
  ['ignored.blank', 'ignored.not_json', ['   ']],
  // Row 2: what is no whole line.
  ['quarantined.bad_envelope', 'quarantined.too_long', [CRI_GOOD, LONG], SHORT, ONE],
  ['quarantined.bad_envelope', 'ignored.not_json', [CRI_GOOD, 'x'], {}, ONE],
  ['quarantined.bad_envelope', 'quarantined.malformed', [CRI_GOOD, '{"x":'], {}, ONE],
  ['quarantined.cut', 'quarantined.too_long', [CRI_GOOD, cri(LONG, 'stdout P')], SHORT, ONE],
  ['quarantined.cut', 'ignored.not_json', [CRI_GOOD, cri('x', 'stdout P')], {}, ONE],
  ['quarantined.cut', 'quarantined.malformed', [CRI_GOOD, cri('{', 'stdout P')], {}, ONE],
  ['quarantined.too_long', 'ignored.not_json', [LONG], SHORT],
  ['quarantined.too_long', 'quarantined.malformed', [`{"x":"${LONG}`], SHORT],
  // Row 3: another logger's text has neither brace; one of them is a line of ours, torn.
  ['ignored.not_json', 'quarantined.malformed', ['x', '"bytes_sent":1,"bytes_sent":-1']],
  ['quarantined.malformed', 'ignored.not_json', ['{ x', 'x }']],
  // Row 4.
  ['quarantined.malformed', 'quarantined.duplicate_key', [lineWith('"bytes_sent":1,"\\x":1')]],
  ['quarantined.malformed', 'ignored.tcp', [lineWith('"x":', { access_log_type: 'TcpPeriodic' })]],
  ['quarantined.malformed', 'quarantined.bad_number', [lineWith('"x":', { bytes_sent: -1 })]],
  [
    'quarantined.duplicate_key',
    'ignored.udp',
    [lineWith('"duration":1', { access_log_type: 'Udp' })],
  ],
  [
    'quarantined.duplicate_key',
    'quarantined.log_type',
    [lineWith('"duration":1', { access_log_type: 'X' })],
  ],
  ['quarantined.duplicate_key', 'quarantined.bad_number', [lineWith('"bytes_sent":-1')]],
  // Row 5: by log type.
  [
    'ignored.no_stream_id',
    'quarantined.bad_number',
    [line({ access_log_type: 'DownstreamStart', bytes_sent: -1 })],
  ],
  [
    'ignored.stream_state_full',
    'quarantined.bad_number',
    [report('DownstreamStart', 1), report('DownstreamStart', -1, { connection_id: 8 })],
    { streamStatesMax: 1 },
    ONE,
  ],
  [
    'ignored.stream_state_full',
    'ignored.excluded',
    [
      report('DownstreamStart', 1),
      report('DownstreamStart', 1, { connection_id: 8, response_code: 503 }),
    ],
    { streamStatesMax: 1, ...EXCLUDE },
    ONE,
  ],
  ['ignored.upstream', 'ignored.no_stream_id', [line({ access_log_type: 'UpstreamPeriodic' })]],
  ['ignored.upstream', 'quarantined.bad_number', [report('UpstreamEnd', -1)]],
  ['ignored.tcp', 'ignored.excluded', [report('TcpPeriodic', 1, { response_code: 503 })], EXCLUDE],
  ['ignored.udp', 'unattributed.no_project', [report('UdpSessionEnd', 1, { project_name: null })]],
  ['ignored.not_set', 'quarantined.bad_number', [report('NotSet', -1, { route_name: null })]],
  [
    'ignored.not_set',
    'unattributed.no_route',
    [report('NotSet', 1, { route_name: null, project_name: null })],
  ],
  ['quarantined.log_type', 'quarantined.bad_number', [report('X', -1)]],
  ['quarantined.log_type', 'ignored.excluded', [report('X', 1, { response_code: 503 })], EXCLUDE],
  // Rows 6 to 8.
  [
    'quarantined.bad_number',
    'ignored.excluded',
    [line({ duration: -1, response_flags: 'NR' })],
    EXCLUDE,
  ],
  ['quarantined.bad_number', 'quarantined.no_clock', [line({ bytes_sent: 0.5, ...NO_CLOCK })]],
  [
    'quarantined.bad_number',
    'unattributed.no_project',
    [line({ bytes_sent: 0.5, project_name: null })],
  ],
  [
    'ignored.excluded',
    'quarantined.no_clock',
    [line({ response_code: 503, ...NO_CLOCK })],
    EXCLUDE,
  ],
  [
    'ignored.excluded',
    'unattributed.no_route',
    [line({ response_flags: 'NR', project_name: null, route_name: null })],
    EXCLUDE,
  ],
  ['quarantined.no_clock', 'unattributed.no_project', [line({ project_name: null, ...NO_CLOCK })]],
  ['quarantined.no_clock', 'unattributed.bad_project', [line({ project_name: 'P', ...NO_CLOCK })]],
  // Row 9: by project.
  [
    'unattributed.no_route',
    'unattributed.no_project',
    [line({ project_name: null, route_name: null })],
  ],
  [
    'unattributed.bad_project',
    'unattributed.no_route',
    [line({ project_name: 'P', route_name: null })],
  ],
]

for (const [first, second, input, options = {}, others = {}] of CASES) {
  test(`${first} comes before ${second}`, () => {
    const found = outcomes(input, options)
    const sum = Object.values(others).reduce((all, count) => all + count, 0)
    const lines = input.length - sum
    expect(found).toEqual({ ...others, [first]: lines })
  })
}

const FULL = Array.from({ length: 1024 }, (_, i) =>
  line({ bytes_sent: 2 ** 53 - (i === 0 ? 1 : 0) }),
)

test('unattributed.no_project comes before quarantined.overflow: no sum of a key holds it', () => {
  const input = [...FULL, line({ bytes_sent: 2 ** 53, project_name: null }), line()]
  expect(outcomes(input)).toEqual({
    metered: 1024,
    'unattributed.no_project': 1,
    'quarantined.overflow': 1,
  })
})

test('ignored.excluded comes before quarantined.overflow', () => {
  const input = [...FULL, line({ response_code: 503 })]
  expect(outcomes(input, EXCLUDE)).toEqual({ metered: 1024, 'ignored.excluded': 1 })
})

test('a line that overflows counts as lenient for nothing: it is quarantined', () => {
  const { lines } = metered([...FULL, lineWith('"x":"\u00ff"')])
  expect(lines).toMatchObject({
    read: 1025,
    metered: 1024,
    lenient: 0,
    quarantined: { overflow: 1 },
  })
})

test('ignored and quarantined lines are never lenient, unattributed ones are', () => {
  const lenient = (fields: Record<string, unknown>) => lineWith('"x":"\u00ff"', fields)
  const input = [
    lenient({ access_log_type: 'TcpPeriodic' }),
    lenient({ bytes_sent: -1 }),
    lenient({ project_name: null }),
    lenient({}),
  ]
  const { lines } = metered(input)
  expect(lines).toMatchObject({ read: 4, metered: 1, lenient: 2, unattributed: { no_project: 1 } })
})

test('the envelope is decided by the first line that is not empty, and kept', () => {
  expect(outcomes(['', line(), cri(line())])).toEqual({
    metered: 1,
    'ignored.blank': 1,
    // It begins with no brace, but ends with one.
    'quarantined.malformed': 1,
  })
  expect(outcomes([file('', cri(line())), file(line())])).toEqual({
    metered: 1,
    'ignored.blank': 1,
    'quarantined.bad_envelope': 1,
  })
})

test('a white line in a CRI stream is no CRI record, an empty one is blank', () => {
  expect(outcomes([CRI_GOOD, '  ', ''])).toEqual({
    metered: 1,
    'quarantined.bad_envelope': 1,
    'ignored.blank': 1,
  })
})
