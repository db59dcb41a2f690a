// What the oracle may be told: the same choices as the config and the flags of `scan`.

import type { Envelope } from './envelope.ts'
import type { Format, PRESETS } from './format.ts'

/** Everything may be left out; the defaults are those of `scan --format datum`. */
export interface SlowOptions {
  readonly format?: keyof typeof PRESETS | Format
  readonly envelope?: Envelope
  readonly stream?: string
  /** W: divides one hour. */
  readonly windowMs?: number
  readonly keysMax?: number
  readonly lineBytesMax?: number
  readonly streamStatesMax?: number
  readonly connectionSeconds?: 'exact' | 'per_request_floor'
  /** Constant dimensions of the config. */
  readonly dimensions?: Readonly<Record<string, string>>
  /** Dimensions that the catalog declares; those of the built-in one by default. */
  readonly declared?: readonly string[]
  readonly exclude?: { readonly codes?: readonly string[]; readonly flags?: readonly string[] }
}
