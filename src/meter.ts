// Meter: the embedded engine. Bytes of one stream in, closed segments out; no files, no state, no
// clock. What it computes is a pure function of the bytes and the options, however they are cut.

import { type Catalog, catalogProblems } from './catalog/catalog.ts'
import { NETWORK_SERVICES } from './catalog/network-services.ts'
import { keyProblems, type ResolvedFormat, resolveFormat } from './config/formats.ts'
import type { FormatMap, LineDimension } from './config/presets.ts'
import { shown } from './config/problems.ts'
import { RESERVED_DIMENSIONS } from './config/readers.ts'
import type { UsageEvent } from './emit/event.ts'
import type { EventRules } from './emit/meter-rules.ts'
import { renderSegment, renderSlices } from './emit/render.ts'
import { type UsageRow, usageRows } from './emit/usage-page.ts'
import { MeterFastError } from './errors.ts'
import { type ClosedSegment, createEngine, type Engine, type Envelope, OUTCOMES } from './native.ts'

/** How a stream's lines are read and billed. Every option has a default but `stream`. */
export interface MeterOptions {
  /** Name of the stream: part of every event's id, so two writers need two names. */
  readonly stream: string
  /** A preset's name, or a map of roles to keys or JSON Pointers. Default `datum`. */
  readonly format?: string | FormatMap | ResolvedFormat
  /** How a container runtime wraps lines. Default `auto`: the first non-empty line tells. */
  readonly envelope?: Envelope
  /** Length of a window in ms; divides one hour, 1,000 to 3,600,000. Default 60,000. */
  readonly windowMs?: number
  /** `exact` carries ms on; `per_request_floor` bills whole seconds of each request. */
  readonly connectionSeconds?: 'exact' | 'per_request_floor'
  /** Dimensions with one value for all events, e.g. `{ region: 'us-east-1' }`. */
  readonly dimensions?: Readonly<Record<string, string>>
  /** Dimensions read from each line. */
  readonly lineDimensions?: readonly LineDimension[]
  /** The meters that events are made of. Default: those of networking.datumapis.com. */
  readonly catalog?: Catalog
  /**
   * For totals over whole files: one segment at the end, with the sums over all windows, from
   * which no events can be made. Lines before the first one with a readable time are kept; else
   * they are quarantined. Default false.
   */
  readonly totalsOnly?: boolean
  /** Response codes and flags whose lines are not billed. Default none: 0 and 429 are billed. */
  readonly exclude?: { readonly codes?: readonly string[]; readonly flags?: readonly string[] }
  /** Bytes of the longest line that is read, 1,024 to 1 GiB; longer ones are counted. 1 MiB. */
  readonly lineBytesMax?: number
  /**
   * Keys of one segment with totals of their own, at least 1; usage of later ones goes to an
   * overflow key of their project. Default 1,000,000.
   */
  readonly keysMax?: number
  /**
   * Long-lived requests that are followed at once; records of later ones are ignored, and their
   * end bills all of them. Default 1,000,000.
   */
  readonly streamStatesMax?: number
}

/** Lines so far, by outcome (DESIGN 4.7). A count of 0 is left out of the groups. */
export interface LineCounts {
  readonly read: bigint
  readonly metered: bigint
  readonly lenient: bigint
  readonly ignored: Readonly<Record<string, bigint>>
  readonly unattributed: Readonly<Record<string, bigint>>
  readonly quarantined: Readonly<Record<string, bigint>>
}

/**
 * One closed piece of a segment: its usage by key, and the usage events that it makes. It holds its
 * own memory: it stays valid after its meter is closed.
 */
export class Segment {
  readonly stream: string
  /** 0, or the clock in ms at which the stream's clock was set back. */
  readonly epoch: number
  readonly windowStartMs: number
  readonly windowMs: number
  readonly part: number
  readonly #closed: ClosedSegment
  readonly #rules: EventRules

  /** @internal */
  constructor(stream: string, closed: ClosedSegment, rules: EventRules) {
    this.stream = stream
    this.epoch = closed.epoch
    this.windowStartMs = closed.windowStartMs
    this.windowMs = closed.windowMs
    this.part = closed.part
    this.#closed = closed
    this.#rules = rules
  }

  /** Usage by key; amounts are bigint, in bytes and ms. May be read again and again. */
  *rows(): Generator<UsageRow> {
    for (const page of this.#closed.pages) yield* usageRows(page)
  }

  /** The usage events, in order of id. */
  events(): UsageEvent[] {
    return renderSegment(this.#name(), this.#closed.pages, this.#rules)
  }

  /** The same in slices; the event loop runs in between. For segments of very many keys. */
  eventSlices(): AsyncGenerator<UsageEvent[]> {
    return renderSlices(this.#name(), this.#closed.pages, this.#rules)
  }

  #name() {
    const { stream, epoch, windowStartMs, windowMs, part } = this
    return { stream, epoch, windowStartMs, windowMs, part: String(part) }
  }
}

/**
 * The embedded engine of one stream.
 *
 * A meter is used from one thread; several meters, in several worker threads, are independent.
 * Native memory is freed by `close` or with the object.
 */
export class Meter implements Disposable {
  readonly stream: string
  readonly #engine: Engine
  readonly #rules: EventRules

  /** @throws {MeterFastError} METER_CONFIG_INVALID or METER_USAGE for senseless options. */
  constructor(options: MeterOptions) {
    if (typeof options?.stream !== 'string' || options.stream === '') {
      throw new MeterFastError('METER_USAGE', 'a Meter needs a stream: name the writer of the log')
    }
    const format = resolved(options)
    const problems = optionProblems(options, format)
    if (problems.length > 0) throw new MeterFastError('METER_CONFIG_INVALID', problems.join('\n'))
    this.stream = options.stream
    const { source, subject, meters } = options.catalog ?? NETWORK_SERVICES
    this.#rules = {
      source,
      subject,
      meters,
      dimensions: options.dimensions ?? {},
      lineDimensions: format.dimensionNames,
      connectionSeconds: options.connectionSeconds ?? 'exact',
    }
    this.#engine = createEngine({
      envelope: options.envelope ?? 'auto',
      format,
      windowMs: options.windowMs ?? 60_000,
      totalsOnly: options.totalsOnly ?? false,
      keepQuarantine: false,
      exclude: { codes: options.exclude?.codes ?? [], flags: options.exclude?.flags ?? [] },
      lineBytesMax: options.lineBytesMax ?? 1024 * 1024,
      keysMax: options.keysMax ?? 1_000_000,
      streamStatesMax: options.streamStatesMax ?? 1_000_000,
    })
  }

  /**
   * Folds bytes that follow those fed before, cut anywhere, on the calling thread. The buffer may
   * be reused at once.
   * @throws {MeterFastError} METER_MISUSE after `close`, or while a `read` runs.
   */
  feed(bytes: Uint8Array): void {
    this.#engine.feedSync(bytes)
  }

  /**
   * Reads at most `bytesMax` bytes of a file that follow those read before, off the main thread,
   * and folds them. Resolves to the bytes read: fewer than asked only at the end of the file.
   * No other call is allowed before it resolves. Reads of all meters share libuv's thread pool.
   * @throws {MeterFastError} METER_DISK when the file cannot be read; METER_MISUSE after `close`,
   *   or while another read runs.
   */
  read(fd: number, bytesMax: number): Promise<number> {
    return this.#engine.read(fd, bytesMax)
  }

  /** The file ends here: a tail without LF is a line. What follows is read as another file. */
  endFile(): void {
    this.#engine.endGenerationSync()
  }

  /** Forgets bytes behind the last line end: what is left of a file that is damaged there. */
  dropUnfinishedLine(): void {
    this.#engine.seek(this.#engine.offset())
  }

  /** The stream ends: parts without their end are cut, and the open segment closes. */
  end(): void {
    this.#engine.endStreamSync()
  }

  /** Segments that closed since the last call. They hold memory until they are taken. */
  take(): Segment[] {
    const { closed } = this.#engine.take()
    return closed.map((segment) => new Segment(this.stream, segment, this.#rules))
  }

  /** Lines so far, by outcome; read = metered + ignored + unattributed + quarantined, always. */
  counters(): LineCounts {
    return lineCounts(this.#engine.counters())
  }

  /** What `envelope: 'auto'` found; `auto` before the first line. */
  get envelope(): Envelope {
    return this.#engine.envelope()
  }

  /** Frees native memory; every later call throws METER_MISUSE. */
  close(): void {
    this.#engine.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** Counts in the order of OUTCOMES, as groups of names. */
export function lineCounts(counts: BigInt64Array): LineCounts {
  let read = 0n
  const single: Record<string, bigint> = { metered: 0n, lenient: 0n }
  const groups: Record<string, Record<string, bigint>> = {
    ignored: {},
    unattributed: {},
    quarantined: {},
  }
  OUTCOMES.forEach((outcome, index) => {
    const count = counts[index] ?? 0n
    const [group = '', name] = outcome.split('.')
    if (outcome !== 'lenient') read += count
    if (name === undefined) single[group] = count
    else if (count > 0n) Object.assign(groups[group] ?? {}, { [name]: count })
  })
  return { read, ...single, ...groups } as unknown as LineCounts
}

/** What the core does not see, or cannot know to be a mistake: it would only change a bill. */
function optionProblems(options: MeterOptions, { roles }: ResolvedFormat): string[] {
  const { connectionSeconds = 'exact', dimensions = {}, lineDimensions = [], exclude } = options
  const problems = options.catalog === undefined ? [] : catalogProblems(options.catalog)
  if (!['exact', 'per_request_floor'].includes(connectionSeconds)) {
    const what = `${shown(connectionSeconds)} is no way to bill seconds`
    problems.push(`connectionSeconds: ${what}; choose exact or per_request_floor`)
  }
  for (const name of [...Object.keys(dimensions), ...lineDimensions.map((one) => one.name)]) {
    if (!RESERVED_DIMENSIONS.includes(name)) continue
    problems.push(`dimensions.${name}: it is made from the project and the route; remove it`)
  }
  for (const [name, value] of Object.entries(dimensions)) {
    if (typeof value === 'string') continue
    problems.push(`dimensions.${name}: ${shown(value)} is no text; write a string`)
  }
  for (const { name, from } of lineDimensions) {
    for (const { key, what, todo } of keyProblems(name, from)) {
      problems.push(`dimensions.${key}: ${what}; ${todo}`)
    }
  }
  for (const [list, role] of [
    ['codes', 'responseCode'] as const,
    ['flags', 'responseFlags'] as const,
  ]) {
    if (!exclude?.[list]?.length || roles[role] !== undefined) continue
    problems.push(`exclude.${list}: it needs the role ${role}; map it to its key in the format`)
  }
  return problems
}

function resolved(options: MeterOptions): ResolvedFormat {
  const format = options.format ?? 'datum'
  if (typeof format === 'object' && 'roleKeys' in format) return format as ResolvedFormat
  return resolveFormat(format as string | FormatMap, options.lineDimensions ?? [])
}
