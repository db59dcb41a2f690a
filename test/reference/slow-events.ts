// The lines of `scan --events` (DESIGN 5.4, 5.5) as the oracle sees them: dimensions, values, ids.

import { createHash } from 'node:crypto'
import type { SlowAmount, SlowOptions, SlowService } from './options.ts'
import { type Key, keyName, type Segment, type Usage } from './segment.ts'
import { SlowMeter } from './slow-meter.ts'

const SERVICE = 'networking.datumapis.com/gateway'
const DECLARED = [
  ...['region', 'gateway', 'gateway_namespace', 'gateway_class'],
  ...['httproute_name', 'httproute_namespace', 'project_name'],
]
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

const AMOUNTS = ['requests', 'egress-bytes', 'ingress-bytes', 'connection-seconds'] as const

/** Everything that an id is made of. */
export interface IdFields {
  readonly stream: string
  readonly epoch: number
  readonly windowStartMs: number
  readonly windowMs: number
  readonly type: string
  readonly subject: string
  readonly part: string
  /** In byte order of keys. */
  readonly dimensions: Readonly<Record<string, string>>
}

/** The usage events of one stream, one line each, as closed. */
export function slowEvents(files: readonly Buffer[], options: SlowOptions = {}): string[] {
  const { segments } = new SlowMeter(options, 'quarantine').read(files)
  return eventsOf(segments, () => options)
}

/** The same of segments that are metered; `optionsOf` gives what was in force at a close. */
export function eventsOf(
  segments: readonly Segment[],
  optionsOf: (segment: Segment) => SlowOptions,
): string[] {
  const carriesMs = new Map<string, bigint>()
  return segments.flatMap((segment) => segmentEvents(segment, carriesMs, optionsOf(segment)))
}

interface Sum {
  readonly type: string
  readonly project: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly value: bigint
}

function segmentEvents(
  segment: Segment,
  carriesMs: Map<string, bigint>,
  options: SlowOptions,
): string[] {
  const sums = new Map<string, Sum>()
  for (const { key, usage } of segment.totals.values()) {
    const values = meterValues(usage, secondsOf(key, usage, carriesMs, options))
    for (const { type, amount, declared } of serviceOf(options).meters) {
      const dimensions = rendered(key, { ...options, declared })
      const name = JSON.stringify([type, key.project, dimensions])
      const value = (sums.get(name)?.value ?? 0n) + values[amount]
      sums.set(name, { type, project: key.project, dimensions, value })
    }
  }
  const events = [...sums.values()].filter(({ value }) => value > 0n)
  const lines = events.map((sum) => event(segment, sum, options))
  return lines.sort((one, other) => (one.id < other.id ? -1 : 1)).map(({ line }) => line)
}

function serviceOf({ service, declared = DECLARED }: SlowOptions): SlowService {
  if (service !== undefined) return service
  const meters = AMOUNTS.map((amount) => ({ type: `${SERVICE}/${amount}`, amount, declared }))
  return { source: `//${SERVICE}`, subject: 'projects/{project}', meters }
}

function meterValues(usage: Usage, seconds: bigint): Record<SlowAmount, bigint> {
  return {
    requests: usage.requests,
    'egress-bytes': usage.egressBytes,
    'ingress-bytes': usage.ingressBytes,
    'connection-seconds': seconds,
  }
}

/** Whole seconds of one key; what is left of them waits for the key's next segment. */
function secondsOf(
  key: Key,
  usage: Usage,
  carriesMs: Map<string, bigint>,
  { connectionSeconds = 'exact' }: SlowOptions,
): bigint {
  if (connectionSeconds === 'per_request_floor') {
    return usage.secondsFloor
  }
  const ms = (carriesMs.get(keyName(key)) ?? 0n) + usage.ms
  carriesMs.set(keyName(key), ms % 1000n)
  return ms / 1000n
}

/** The dimensions of an event in byte order of their names. */
function rendered(key: Key, { dimensions = {}, declared = [] }: SlowOptions) {
  const { kind, namespace = '', name = '' } = key.route ?? {}
  const prefix = { HTTPRoute: 'httproute', GRPCRoute: 'grpcroute' }[kind ?? '']
  const all: Record<string, string> = {
    ...dimensions,
    ...key.dimensions,
    project_name: key.project,
    ...(prefix && { [`${prefix}_name`]: name, [`${prefix}_namespace`]: namespace }),
  }
  const kept = Object.entries(all).filter(([dimension, value]) => {
    const size = Buffer.byteLength(value)
    return declared.includes(dimension) && size >= 1 && size <= 256
  })
  return Object.fromEntries(kept.sort(([one], [other]) => (one < other ? -1 : 1)))
}

function event(segment: Segment, sum: Sum, options: SlowOptions): { id: string; line: string } {
  const { stream = 'scan' } = options
  const { dimensions, value } = sum
  const { windowMs } = segment
  // A segment with usage has a clock: lines before the first one are quarantined here.
  const windowStartMs = segment.windowStartMs ?? Number.NaN
  const { type, project } = sum
  const service = serviceOf(options)
  const subject = service.subject.split('{project}').join(project)
  const fields = {
    stream,
    epoch: segment.epoch,
    windowStartMs,
    windowMs,
    type,
    subject,
    dimensions,
  }
  const id = eventId({ ...fields, part: String(segment.part) })
  const hasDimensions = Object.keys(dimensions).length > 0
  const line = JSON.stringify({
    specversion: '1.0',
    id,
    source: service.source,
    type,
    subject,
    time: new Date(windowStartMs).toISOString(),
    datacontenttype: 'application/json',
    data: { value: String(value), ...(hasDimensions && { dimensions }) },
  })
  return { id, line }
}

/** A ULID of the window's start and a hash of what makes the event differ from others. */
export function eventId(fields: IdFields): string {
  const { stream, epoch, windowStartMs, windowMs, type, subject, part, dimensions } = fields
  const texts = ['mf1', stream, epoch, windowStartMs, windowMs, type, subject, part]
  const hash = createHash('sha256')
  for (const text of [...texts, ...Object.entries(dimensions).flat()].map(String)) {
    hash.update(`${Buffer.byteLength(text)}:${text}`)
  }
  const random = BigInt(`0x${hash.digest('hex').slice(0, 20)}`)
  let rest = (BigInt(windowStartMs) << 80n) | random
  let id = ''
  while (id.length < 26) {
    id = CROCKFORD[Number(rest % 32n)] + id
    rest /= 32n
  }
  return id
}
