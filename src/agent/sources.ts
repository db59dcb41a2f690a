// From the configuration to what the stages are given: engines' options, rules of events, sources.

import { basename, dirname } from 'node:path'
import type { Config, StreamsConfig } from '../config/config.ts'
import { streams } from '../durable/records.ts'
import type { StateReader } from '../durable/state.ts'
import type { EventRules } from '../emit/meter-rules.ts'
import type { EngineOptions } from '../native.ts'
import { parseNamePattern } from '../tail/glob.ts'
import type { StreamPlace } from '../tail/listing.ts'

/** Everything that decides what comes of a stream's bytes. */
export interface StreamSettings {
  readonly engine: EngineOptions
  readonly rules: EventRules
}

/** The entry of `streams` that a stream belongs to; undefined when none does any more. */
export function sourceOf(
  place: StreamPlace,
  streams: readonly StreamsConfig[],
): StreamsConfig | undefined {
  return streams.find((source) => {
    if (source.kind === 'kubernetes') {
      const container = basename(place.directory)
      const inRoot = dirname(dirname(place.directory)) === source.root
      return place.attempt !== undefined && inRoot && source.containers.includes(container)
    }
    return (
      place.stream === `file/${source.sourceId}/${place.liveName}` &&
      source.patterns.some((pattern) => parseNamePattern(basename(pattern)).matches(place.liveName))
    )
  })
}

/** Name of the settings that a stream is read with now; undefined when it is not there. */
export function presentSettings(store: StateReader, stream: string): string | undefined {
  for (const record of streams(store)) {
    if (record.stream === stream) return record.history?.settings
  }
  return undefined
}

export function streamSettings(config: Config, source: StreamsConfig): StreamSettings {
  return { engine: engineOptions(config, source), rules: eventRules(config) }
}

export function engineOptions(config: Config, source: StreamsConfig): EngineOptions {
  return {
    envelope: source.envelope,
    format: source.format,
    windowMs: config.windowMs,
    totalsOnly: false,
    keepQuarantine: true,
    exclude: config.exclude,
    ...config.limits,
  }
}

export function eventRules(config: Config): EventRules {
  const { source, subject, meters } = config.catalog
  return {
    source,
    subject,
    meters: meters.map(({ type, amount, dimensions }) => ({ type, amount, dimensions })),
    dimensions: config.dimensions,
    lineDimensions: config.lineDimensions,
    connectionSeconds: config.connectionSeconds,
  }
}
