// What the published types promise, and what they refuse. Compiled by published-types.test.ts
// against the package as it is published; a line after `@ts-expect-error` must be an error.

import {
  Agent,
  type AgentReport,
  type AgentSignal,
  type Config,
  type LineCounts,
  loadConfig,
  Meter,
  type MeterFastError,
  type MeterFastErrorCode,
  type Segment,
  type SinkAnswer,
  type UsageEvent,
} from 'meter-fast'

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function is<_Fact extends true>(): void {}

const meter = new Meter({ stream: 's' })
is<Equal<ReturnType<typeof meter.feed>, void>>()
is<Equal<ReturnType<typeof meter.read>, Promise<number>>>()
is<Equal<ReturnType<typeof meter.take>, Segment[]>>()
is<Equal<ReturnType<typeof meter.counters>, LineCounts>>()
is<Equal<LineCounts['metered'], bigint>>()
is<Equal<ReturnType<Segment['events']>, UsageEvent[]>>()
is<Equal<UsageEvent['timeMs'], number>>()
for (const row of meter.take().flatMap((segment) => [...segment.rows()])) {
  is<Equal<typeof row.requests, bigint>>()
  is<Equal<typeof row.kind, 'HTTPRoute' | 'GRPCRoute' | 'unknown' | 'overflow' | null>>()
}

// @ts-expect-error a meter needs a stream
new Meter({})
// @ts-expect-error the unit is ms, a number
new Meter({ stream: 's', windowMs: '60s' })
// @ts-expect-error there is no such way to bill seconds
new Meter({ stream: 's', connectionSeconds: 'rounded' })
// @ts-expect-error no such envelope
new Meter({ stream: 's', envelope: 'syslog' })
// @ts-expect-error a format without preset needs a project
new Meter({ stream: 's', format: { route: 'route_name' } })
// @ts-expect-error text is no bytes
meter.feed('text')
// @ts-expect-error options are read once
meter.stream = 'other'

const config: Config = loadConfig('meter-fast.yaml', { env: process.env })
const agent = new Agent(config, { onSignal: tell })
is<Equal<ReturnType<typeof agent.run>, Promise<AgentReport | undefined>>>()
is<Equal<ReturnType<typeof agent.counters>, AgentReport | undefined>>()
// @ts-expect-error a run needs a signal to end by
void agent.run()
// @ts-expect-error a configuration is not changed after it was read
config.windowMs = 1

function tell(signal: AgentSignal): void {
  // What a signal says hangs on its kind.
  if (signal.kind === 'gap') is<Equal<typeof signal.gap.bytes, number>>()
  if (signal.kind === 'problem') is<Equal<typeof signal.message, string>>()
  // @ts-expect-error other kinds have no gap
  if (signal.kind === 'stream') void signal.gap
  // @ts-expect-error no such kind
  if (signal.kind === 'gone') tell(signal)
}

const answer: SinkAnswer = { kind: 'partly', status: 207, text: '', rejected: [] }
void answer
// @ts-expect-error what was rejected must be said
const incomplete: SinkAnswer = { kind: 'partly', status: 207, text: '' }
void incomplete

function decide(error: MeterFastError): void {
  is<Equal<typeof error.code, MeterFastErrorCode>>()
  // @ts-expect-error no such code
  if (error.code === 'METER_GONE') throw error
}
void decide
