// Chooses a preset by a log's first accepted line (DESIGN 4.1): what `scan --format auto` does.

import { autoFormat, type PresetName, presetKeys } from '../config/presets.ts'
import { createFormatProbe, type Envelope } from '../native.ts'

/** What a look at a log found. */
export interface DetectedFormat {
  /** The first preset whose keys of amounts and project the line has; undefined: none. */
  readonly preset: PresetName | undefined
  /** False when no line was accepted. */
  readonly sawLine: boolean
}

export interface DetectOptions {
  readonly envelope?: Envelope
  readonly lineBytesMax?: number
  /** Bytes of one file after which the look is given up; default: none. */
  readonly lookBytesMax?: number
}

/** Looks at the files of a stream, in order, up to the first accepted line. */
export async function detectFormat(
  files: readonly AsyncIterable<Uint8Array>[],
  options: DetectOptions = {},
): Promise<DetectedFormat> {
  const keys = presetKeys()
  const probe = createFormatProbe({
    envelope: options.envelope ?? 'auto',
    format: {
      paths: keys.map((key) => [key]),
      roles: {},
      project: { from: 'key' },
      dimensions: [],
    },
    windowMs: 60_000,
    totalsOnly: false,
    keepQuarantine: false,
    exclude: { codes: [], flags: [] },
    lineBytesMax: options.lineBytesMax ?? 1024 * 1024,
    keysMax: 1,
    streamStatesMax: 1,
  })
  const detected = (found: readonly number[]): DetectedFormat => ({
    preset: autoFormat(found.map((index) => keys[index] ?? '')),
    sawLine: true,
  })
  for (const file of files) {
    let lookedBytes = 0
    for await (const chunk of file) {
      const found = probe.feed(chunk)
      if (found) return detected(found)
      lookedBytes += chunk.length
      if (lookedBytes > (options.lookBytesMax ?? Number.POSITIVE_INFINITY)) break
    }
    const found = probe.endGeneration()
    if (found) return detected(found)
  }
  return { preset: undefined, sawLine: false }
}
