// The product as the oracle's opponent: the same log in, the same report out, cut and restarted
// wherever a random number says.

import { NETWORK_SERVICES } from '../../src/catalog/network-services.ts'
import { reportJson, ScanTotals } from '../../src/cli/scan-report.ts'
import { type ResolvedFormat, resolveFormat } from '../../src/config/formats.ts'
import type { FormatMap } from '../../src/config/presets.ts'
import type { EventRules } from '../../src/emit/meter-rules.ts'
import { lineCounts, Segment } from '../../src/meter.ts'
import { createEngine, type Engine, type EngineOptions, type Envelope } from '../../src/native.ts'
import type { Dice } from '../reference/dice.ts'

interface LineDimensions {
  readonly dimensions?: Readonly<Record<string, string>>
}

export interface ProductOptions {
  /** With dimensions that are read from the line, name to key, as the oracle writes them. */
  readonly format?: string | (FormatMap & LineDimensions)
  readonly envelope?: Envelope
  readonly totalsOnly?: boolean
  readonly windowMs?: number
  readonly keysMax?: number
  readonly lineBytesMax?: number
  readonly streamStatesMax?: number
  readonly connectionSeconds?: 'exact' | 'per_request_floor'
  readonly exclude?: { readonly codes: readonly string[]; readonly flags: readonly string[] }
}

export interface ProductResult {
  readonly report: unknown
  readonly events: string[]
}

function formatOf({ format = 'datum' }: ProductOptions): ResolvedFormat {
  if (typeof format === 'string') return resolveFormat(format)
  const { dimensions = {}, ...map } = format
  const fromLine = Object.entries(dimensions).map(([name, from]) => ({ name, from }))
  return resolveFormat(map as FormatMap, fromLine)
}

function engineOptions(options: ProductOptions): EngineOptions {
  return {
    envelope: options.envelope ?? 'auto',
    format: formatOf(options),
    windowMs: options.windowMs ?? 60_000,
    totalsOnly: options.totalsOnly ?? false,
    keepQuarantine: true,
    exclude: options.exclude ?? { codes: [], flags: [] },
    lineBytesMax: options.lineBytesMax ?? 1024 * 1024,
    keysMax: options.keysMax ?? 1_000_000,
    streamStatesMax: options.streamStatesMax ?? 1_000_000,
  }
}

/**
 * Meters `files` as one stream. With dice, bytes come in pieces of random size and the engine is
 * now and then replaced by a new one from its snapshot, as after a crash: what the snapshot does
 * not hold is fed again.
 */
export async function meterFiles(
  files: readonly Buffer[],
  options: ProductOptions,
  dice?: Dice,
): Promise<ProductResult> {
  const product = new Product(options)
  for (const file of files) {
    for (let at = 0; at < file.length; ) {
      const size = dice ? 1 + dice.below(dice.chance(1 / 8) ? 64 * 1024 : 700) : file.length
      product.engine.feedSync(file.subarray(at, at + size))
      at += size
      if (dice?.chance(1 / 6)) at = await product.restart()
    }
    product.engine.endGenerationSync()
    if (dice?.chance(1 / 3)) await product.restart()
  }
  product.engine.endStreamSync()
  product.drain()
  return product.result(files.reduce((sum, file) => sum + file.length, 0))
}

class Product {
  engine: Engine
  readonly #options: EngineOptions
  readonly #rules: EventRules
  readonly #totals = new ScanTotals()
  readonly #events: string[] = []
  readonly #state = new Map<string, Uint8Array>()

  constructor(options: ProductOptions) {
    this.#options = engineOptions(options)
    this.engine = createEngine(this.#options)
    this.#rules = {
      ...NETWORK_SERVICES,
      dimensions: {},
      lineDimensions: formatOf(options).dimensionNames,
      connectionSeconds: options.connectionSeconds ?? 'exact',
    }
  }

  drain(): void {
    for (const closed of this.engine.take().closed) {
      const segment = new Segment('scan', closed, this.#rules)
      this.#totals.add(segment)
      this.#events.push(...segment.events().map(({ text }) => text))
    }
  }

  /** Goes on from the snapshot with a new engine; gives the offset to feed from. */
  async restart(): Promise<number> {
    this.drain()
    this.engine = await restarted(this.engine, this.#options, this.#state)
    return this.engine.offset()
  }

  result(bytes: number): ProductResult {
    const counts = lineCounts(this.engine.counters())
    const report = JSON.parse(reportJson(bytes, counts, this.#totals.rows()))
    return { report, events: this.#events }
  }
}

/** A new engine that goes on from the snapshot of the old one, through copies of its bytes. */
async function restarted(
  engine: Engine,
  options: EngineOptions,
  state: Map<string, Uint8Array>,
): Promise<Engine> {
  const { head, pages } = await engine.snapshot()
  for (const { name, bytes } of pages) {
    if (bytes === null) state.delete(name)
    else state.set(name, bytes.slice())
  }
  engine.close()
  const next = createEngine(options)
  await next.restore(head.slice(), [...state.values()])
  return next
}
