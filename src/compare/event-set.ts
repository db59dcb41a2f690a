// One of the two sets of usage events, summed as it is read: what a sink that drops ids it has seen
// would bill, and what can be told of differences by the events alone.

import { MeterFastError } from '../errors.ts'
import { crc32c } from '../native.ts'
import { DimensionUse } from './dimension-use.ts'
import { Fingerprints } from './fingerprints.ts'
import { JsonObjects } from './json-objects.ts'
import { type Cell, hourOf, METERS, Tally } from './tally.ts'

/** A file of events or of a log; its bytes can be read once. */
export interface Input {
  readonly path: string
  readonly chunks: AsyncIterable<Uint8Array>
}

/** Who made a set: the pipeline (an event for each request) or meter-fast. */
export type Side = 'pipeline' | 'ours'

/** The hours that are compared: [fromMs, toMs). */
export interface Hours {
  readonly fromMs: number
  readonly toMs: number
}

export interface EventSet {
  readonly events: number
  /** Events whose id was there before; they bill nothing. */
  readonly repeated: number
  /** By the first event's id; undefined for an empty set. */
  readonly side: Side | undefined
  readonly billed: Tally
  /** Of the repeated events those that say something else than the first: another request. */
  readonly reused: Tally
  /** What is billed for a GRPCRoute, by its dimensions. */
  readonly grpc: Tally
  /** What is billed for no route that has dimensions. */
  readonly routeless: Tally
  readonly dimensions: DimensionUse
}

interface SetEvent {
  readonly id: string
  readonly cell: Cell
  readonly timeMs: number
  readonly value: bigint
  readonly dimensions: Readonly<Record<string, unknown>>
}

/**
 * Reads a set to its end.
 * @throws {MeterFastError} METER_INPUT_DAMAGED when something in it is no usage event
 */
export async function readEventSet(
  inputs: readonly Input[],
  hours: Hours,
  onBytes: (bytes: number) => void,
  onUnfinished: (path: string, bytes: number) => void,
): Promise<EventSet> {
  const reading = new SetReading(hours)
  for (const { path, chunks } of inputs) {
    const objects = new JsonObjects(path)
    for await (const chunk of chunks) {
      for (const text of objects.push(chunk)) reading.add(text, path)
      onBytes(chunk.length)
    }
    // The end of a file that is being written; what it becomes nobody knows.
    if (objects.unfinishedBytes > 0) onUnfinished(path, objects.unfinishedBytes)
  }
  return reading.set
}

class SetReading {
  readonly set = {
    events: 0,
    repeated: 0,
    side: undefined as Side | undefined,
    billed: new Tally(),
    reused: new Tally(),
    grpc: new Tally(),
    routeless: new Tally(),
    dimensions: new DimensionUse(),
  }
  readonly #hours: Hours
  readonly #ids = new Fingerprints()

  constructor(hours: Hours) {
    this.#hours = hours
  }

  add(text: string, path: string): void {
    const event = usageEventOf(text)
    if (event === undefined) throw notUsage(text, path)
    const { id, cell, timeMs, value } = event
    this.set.events += 1
    this.set.side ??= sideOf(id, timeMs)
    const said = crc32c(Buffer.from(text), 0) || 1
    const before = this.#ids.update(id, (known) => known || said)
    const isIn = timeMs >= this.#hours.fromMs && timeMs < this.#hours.toMs
    if (before !== 0) {
      this.set.repeated += 1
      if (isIn && before !== said) this.set.reused.add(cell, value)
    } else if (isIn) this.#bill(event)
  }

  #bill({ cell, value, dimensions }: SetEvent): void {
    this.set.billed.add(cell, value)
    if (typeof dimensions['httproute_name'] === 'string') {
      this.set.dimensions.add(cell, dimensions, value)
    } else if (!METERS.includes(cell.meter)) return
    else if (typeof dimensions['grpcroute_name'] === 'string') this.set.grpc.add(cell, value)
    else this.set.routeless.add(cell, value)
  }
}

/** Undefined for anything that is no usage event. */
function usageEventOf(text: string): SetEvent | undefined {
  let event: Record<string, unknown>
  try {
    event = JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
  const { id, type, subject, time, data } = event
  const { value, dimensions } = (data ?? {}) as Record<string, unknown>
  const timeMs = typeof time === 'string' ? Date.parse(time) : Number.NaN
  if (typeof id !== 'string' || typeof type !== 'string' || typeof subject !== 'string') return
  if (Number.isNaN(timeMs) || typeof value !== 'string' || !/^\d{1,19}$/.test(value)) return
  const project = subject.replace(/^projects\//, '')
  return {
    id,
    cell: { project, meter: type, hourMs: hourOf(timeMs) },
    timeMs,
    value: BigInt(value),
    dimensions: (dimensions ?? {}) as Readonly<Record<string, unknown>>,
  }
}

function notUsage(text: string, path: string): MeterFastError {
  return new MeterFastError(
    'METER_INPUT_DAMAGED',
    `${path} holds what is no usage event, with id, type, subject, time and a whole number as ` +
      `data.value: ${text.slice(0, 200)}`,
  )
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TIME_CHARACTERS = 10

/** Our ids begin with the time of the event; those of the pipeline are 25 digits of an MD5. */
function sideOf(id: string, timeMs: number): Side | undefined {
  let time = 0
  for (const digit of id.slice(0, TIME_CHARACTERS)) time = time * 32 + CROCKFORD.indexOf(digit)
  if (time === timeMs) return 'ours'
  return /^0[0-9A-F]{25}$/.test(id) ? 'pipeline' : undefined
}
