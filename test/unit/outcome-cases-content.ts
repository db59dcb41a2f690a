// Lines for each outcome of DESIGN 4.7 that is decided by what they say: log type, amounts,
// project.

import { line, report } from './metering.ts'
import type { OutcomeCase } from './outcome-cases.ts'

const GOOD = { metered: 1 }
const LATER = '2026-11-02T13:00:00Z'

export const LOG_TYPE: readonly OutcomeCase[] = [
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

export const CONTENT: readonly OutcomeCase[] = [
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
