// What a difference between the present pipeline and meter-fast may come from. Each cause has an
// exact amount, or it is not in a report at all: whatever is left over is `unexplained`.

/** One sentence for each cause, as it follows "the pipeline". */
export const CAUSES = {
  'sub-second': 'rounds the seconds of each request down, so that less than one bills nothing',
  'grpc-routes': 'drops every line of a GRPCRoute',
  'other-routes': 'drops lines of no route, and of routes that are no HTTPRoute',
  'missing-ids': 'drops lines without request_id',
  'duplicate-ids': 'gives requests with one request_id one event id, of which sinks bill the first',
  'invalid-json': 'drops lines that are no strict JSON, such as a bare inf in metadata',
  'no-project': 'bills the namespace when a line names no project, or any text that it names',
  'partial-records': 'takes a record in the middle of a long request for a request of its own',
  'other-hour': 'bills a request in the hour it began in, not in the one it ended in',
  'no-httproute': 'drops what is of no HTTPRoute; --logs tells GRPCRoutes from others',
  'hard-coded-dimensions': 'writes fixed values into dimensions',
} as const

export type Cause = keyof typeof CAUSES

export const CAUSE_NAMES = Object.keys(CAUSES) as Cause[]

/** Causes whose amounts only the lines of the log tell. */
export const LOG_CAUSES = [
  'sub-second',
  'grpc-routes',
  'other-routes',
  'missing-ids',
  'duplicate-ids',
  'invalid-json',
  'no-project',
  'partial-records',
  'other-hour',
] as const satisfies readonly Cause[]

export type LogCause = (typeof LOG_CAUSES)[number]

/** Causes that have an amount without the log, too. */
export const EVENT_CAUSES = [
  'grpc-routes',
  'duplicate-ids',
  'no-httproute',
] as const satisfies readonly Cause[]
