// What the oracle may be told: the same choices as the config and the flags of `scan`.

import type { Envelope } from './envelope.ts'
import type { Format, PresetName } from './format.ts'

/** The sums that a meter may bill, as the built-in meters are called. */
export type SlowAmount = 'requests' | 'egress-bytes' | 'ingress-bytes' | 'connection-seconds'

/** A service that declares meters of its own. */
export interface SlowService {
  readonly source: string
  /** With `{project}` in it. */
  readonly subject: string
  readonly meters: readonly {
    readonly type: string
    readonly amount: SlowAmount
    readonly declared: readonly string[]
  }[]
}

/** Everything may be left out; the defaults are those of `scan --format datum`. */
export interface SlowOptions {
  readonly format?: PresetName | Format
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
  /** The service whose meters are billed; the built-in one by default. */
  readonly service?: SlowService
  readonly exclude?: { readonly codes?: readonly string[]; readonly flags?: readonly string[] }
}
