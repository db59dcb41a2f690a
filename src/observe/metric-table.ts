// Every metric, once: /metrics and docs/metrics.md are made from this table. To add one, add a row
// here and its samples in metrics.ts; the compiler wants both.
//
// Names follow the conventions of Prometheus: base units, units last, `_total` for what only grows.
// Labels have values from closed lists or from the configuration; those of routes, which are off
// unless asked for, are the only ones from a log.

import { ROUTE_LABELS } from './route-series.ts'

export interface MetricFacts {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Its labels, in the order in which they are written. */
  readonly labels: readonly string[]
  /** One sentence, without a line end. */
  readonly help: string
}

export const METRICS = {
  lines: {
    name: 'meter_fast_lines_total',
    type: 'counter',
    labels: ['outcome', 'reason'],
    help: 'Lines by what became of them; metered ones have no reason. Of the state.',
  },
  lenient: {
    name: 'meter_fast_lines_lenient_total',
    type: 'counter',
    labels: [],
    help: 'Metered or unattributed lines with junk that was mended. Of the state.',
  },
  usage: {
    name: 'meter_fast_usage_total',
    type: 'counter',
    labels: ['meter', 'stage'],
    help:
      'Usage in the unit of its meter, by how far it came: closed (in windows that are over), ' +
      'unattributed, made (into events), accepted or rejected by the sink. Of the state.',
  },
  linePaths: {
    name: 'meter_fast_line_paths_total',
    type: 'counter',
    labels: ['path', 'reason'],
    help:
      'Lines read by this process: matched by a learned shape, or declined to the reference ' +
      'parser and why, or untried. It says what lines cost, never what they mean.',
  },
  routeRequests: {
    name: 'meter_fast_route_requests_total',
    type: 'counter',
    labels: ROUTE_LABELS,
    help:
      'Requests of windows that this process closed, by route; ' +
      'only with observe.route_series_max.',
  },
  routeEgress: {
    name: 'meter_fast_route_egress_bytes_total',
    type: 'counter',
    labels: ROUTE_LABELS,
    help: 'Bytes to clients, by route as above.',
  },
  routeIngress: {
    name: 'meter_fast_route_ingress_bytes_total',
    type: 'counter',
    labels: ROUTE_LABELS,
    help: 'Bytes from clients, by route as above.',
  },
  routeSeconds: {
    name: 'meter_fast_route_connection_seconds_total',
    type: 'counter',
    labels: ROUTE_LABELS,
    help: 'Connection time, by route as above.',
  },
  readBytes: {
    name: 'meter_fast_read_bytes_total',
    type: 'counter',
    labels: [],
    help: 'Uncompressed bytes of logs read by this process.',
  },
  unreadBytes: {
    name: 'meter_fast_unread_bytes',
    type: 'gauge',
    labels: [],
    help: 'Bytes of known log files that are not read yet; a .gz counts from when it is read.',
  },
  gaps: {
    name: 'meter_fast_gaps_total',
    type: 'counter',
    labels: [],
    help: 'Ranges of logs that were not read, or may be missing. Of the state.',
  },
  lostBytes: {
    name: 'meter_fast_lost_bytes_total',
    type: 'counter',
    labels: [],
    help: 'Bytes of logs that were certainly not read. Of the state.',
  },
  streams: {
    name: 'meter_fast_streams',
    type: 'gauge',
    labels: [],
    help: 'Streams that are followed.',
  },
  oldestOpenWindow: {
    name: 'meter_fast_oldest_open_window_age_seconds',
    type: 'gauge',
    labels: [],
    help: 'Time since the start of the oldest window that no close has handed over; 0 for none.',
  },
  segments: {
    name: 'meter_fast_segments_closed_total',
    type: 'counter',
    labels: ['by'],
    help: 'Windows of streams that were closed, by content or by the wall clock. Of the state.',
  },
  events: {
    name: 'meter_fast_events_total',
    type: 'counter',
    labels: ['stage'],
    help: 'Usage events by what was done with them. Of the state.',
  },
  replayed: {
    name: 'meter_fast_replayed_requests_total',
    type: 'counter',
    labels: [],
    help: 'Requests that a replay has billed. Of the state.',
  },
  ambiguous: {
    name: 'meter_fast_batches_ambiguous_total',
    type: 'counter',
    labels: [],
    help: 'Batches whose answer was not known at a start. Of the state.',
  },
  spoolEvents: {
    name: 'meter_fast_spool_events',
    type: 'gauge',
    labels: ['state'],
    help: 'Usage events that the sink has not accepted: queued, or held until release.',
  },
  spoolBytes: {
    name: 'meter_fast_spool_bytes',
    type: 'gauge',
    labels: [],
    help: 'Bytes of usage events that the sink has not accepted.',
  },
  spoolBytesMax: {
    name: 'meter_fast_spool_bytes_max',
    type: 'gauge',
    labels: [],
    help: 'The configured state.spool_bytes_max, at which reading pauses.',
  },
  oldestUnsent: {
    name: 'meter_fast_oldest_unsent_age_seconds',
    type: 'gauge',
    labels: [],
    help: 'Time since the start of the window of the oldest queued event; 0 for none.',
  },
  sinkRequests: {
    name: 'meter_fast_sink_requests_total',
    type: 'counter',
    labels: ['code', 'result'],
    help: 'Attempts to deliver, by HTTP status ("none" without one) and by what it means.',
  },
  sinkSeconds: {
    name: 'meter_fast_sink_request_duration_seconds',
    type: 'histogram',
    labels: [],
    help: 'Time from an attempt to deliver to its answer or its failure.',
  },
  commits: {
    name: 'meter_fast_commits_total',
    type: 'counter',
    labels: [],
    help: 'Durable commits of the state. Of the state.',
  },
  commitFailures: {
    name: 'meter_fast_commit_failures_total',
    type: 'counter',
    labels: [],
    help: 'Commits that failed, after which the state was opened anew. Of the state.',
  },
  commitSeconds: {
    name: 'meter_fast_commit_duration_seconds',
    type: 'histogram',
    labels: ['phase'],
    help: 'Time of the parts of a commit: stage (totals), render (events), write (to the disk).',
  },
  stateBytes: {
    name: 'meter_fast_state_bytes',
    type: 'gauge',
    labels: [],
    help: 'Size of the file of the state.',
  },
  clockSkew: {
    name: 'meter_fast_clock_skew_seconds',
    type: 'gauge',
    labels: [],
    help: 'How far the newest window of a log begins ahead of this clock; 0 when none does.',
  },
  loopGap: {
    name: 'meter_fast_event_loop_gap_seconds',
    type: 'histogram',
    labels: [],
    help: 'How late the event loop came to a timer while the agent worked; not while it idles.',
  },
  signals: {
    name: 'meter_fast_signals_total',
    type: 'counter',
    labels: ['kind'],
    help: 'What happened in this process, by the names in the list of signals.',
  },
  ready: {
    name: 'meter_fast_ready',
    type: 'gauge',
    labels: [],
    help: '1 when /readyz answers 200, else 0.',
  },
  build: {
    name: 'meter_fast_build_info',
    type: 'gauge',
    labels: ['version'],
    help: 'Always 1; the label is the version.',
  },
  cpu: {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    labels: [],
    help: 'User and system CPU time of the process.',
  },
  memory: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    labels: [],
    help: 'Resident memory of the process.',
  },
  startTime: {
    name: 'process_start_time_seconds',
    type: 'gauge',
    labels: [],
    help: 'Start of the process, in seconds since 1970.',
  },
} as const satisfies Readonly<Record<string, MetricFacts>>

export type MetricName = keyof typeof METRICS
