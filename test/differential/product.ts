// The product as the oracle's opponent: the same log in, the same report out, cut and restarted
// wherever a random number says.

import type { Role } from '../../src/native.ts'
import { NETWORK_SERVICES } from '../../src/catalog/network-services.ts'
import { ScanTotals, reportJson } from '../../src/cli/scan-report.ts'
import { resolveFormat } from '../../src/config/formats.ts'
import type { FormatMap, LineDimension } from '../../src/config/presets.ts'
import { renderSegment } from '../../src/emit/render.ts'
import { lineCounts, Segment } from '../../src/meter.ts'
import { createEngine, type Engine, type EngineOptions } from '../../src/native.ts'
import type { Dice } from '../reference/dice.ts'

export interface ProductOptions {
  readonly format?: string | FormatMap
  readonly lineDimensions?: readonly LineDimension[]
  readonly envelope?: 'auto' | 'raw' | 'cri'
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

/** Roles that a test's own map of a format may name. */
export type RoleMap = Partial<Record<Role, string>>

function engineOptions(options: ProductOptions): EngineOptions {
  return {
    envelope: options.envelope ?? 'auto',
    format: resolveFormat(options.format ?? 'datum', options.lineDimensions ?? []),
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
export function meterFiles(
  files: readonly Buffer[],
  options: ProductOptions,
  dice?: Dice,
): ProductResult {
  const made = engineOptions(options)
  const rules = {
    ...NETWORK_SERVICES,
    dimensions: {},
    lineDimensions: (options.lineDimensions ?? []).map(({ name }) => name),
    connectionSeconds: options.connectionSeconds ?? ('exact' as const),
  }
  const totals = new ScanTotals()
  const events: string[] = []
  const state = new Map<string, Uint8Array>()
  let engine = createEngine(made)
  const drain = () => {
    for (const closed of engine.take().closed) {
      totals.add(new Segment('scan', closed, rules))
      const { epoch, windowStartMs, windowMs, part, pages } = closed
      const name = { stream: 'scan', epoch, windowStartMs, windowMs, part: String(part) }
      events.push(...renderSegment(name, pages, rules).map((event) => event.text))
    }
  }
  const restart = () => {
    drain()
    engine = restarted(engine, made, state)
  }
  for (const file of files) {
    let at = 0
    while (at < file.length) {
      const size = dice ? 1 + dice.below(dice.chance(1 / 8) ? 64 * 1024 : 700) : file.length
      engine.feed(file.subarray(at, at + size))
      at += size
      if (dice?.chance(1 / 6)) {
        restart()
        at = engine.offset()
      }
    }
    engine.endGeneration()
    if (dice?.chance(1 / 3)) restart()
  }
  engine.endStream()
  drain()
  const bytes = files.reduce((sum, file) => sum + file.length, 0)
  const report = JSON.parse(reportJson(bytes, lineCounts(engine.counters()), totals.rows()))
  return { report, events }
}

/** A new engine that goes on from the snapshot of the old one, through bytes as a store has them. */
function restarted(
  engine: Engine,
  options: EngineOptions,
  state: Map<string, Uint8Array>,
): Engine {
  const { head, pages } = engine.snapshot()
  for (const { name, bytes } of pages) {
    if (bytes === null) state.delete(name)
    else state.set(name, bytes.slice())
  }
  engine.close()
  const next = createEngine(options)
  next.restore(head.slice(), [...state.values()])
  return next
}
