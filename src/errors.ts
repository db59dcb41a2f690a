// Every error that a caller can meet: one class, a closed union of codes, one exit code per code.
// A message says what happened, to what, and what to do next; the code never changes once released.

/** Exit codes follow sysexits.h; 1 is kept for "a check found differences". */
const EXIT_CODES = {
  /** A check ran and found differences (`scan --strict`). */
  METER_CHECK_FAILED: 1,
  /** The command line or an argument of the library is wrong. */
  METER_USAGE: 64,
  /** A log file is missing, is no regular file, or may not be read. */
  METER_INPUT_MISSING: 66,
  /** The sink could not be reached by a command that does not retry for ever. */
  METER_SINK_UNREACHABLE: 69,
  /** An object was used after close(), or while a read that excludes the call was running. */
  METER_MISUSE: 70,
  /** Something that cannot happen did; please report it. */
  METER_BUG: 70,
  /** The native addon could not be loaded. */
  METER_NATIVE_MISSING: 70,
  /** Input ended before its format says so (a damaged .gz). */
  METER_INPUT_DAMAGED: 74,
  /** A read or a write failed, or the disk is full. */
  METER_DISK: 74,
  /** Another process holds the state directory. */
  METER_STATE_LOCKED: 74,
  /** A value in the state fails its checksum, or the state was written by a newer version. */
  METER_STATE_CORRUPT: 74,
  /** The configuration has problems; all of them are in the message. */
  METER_CONFIG_INVALID: 78,
} as const

/** The closed set of error codes. */
export type MeterFastErrorCode = keyof typeof EXIT_CODES

/** The only error class that meter-fast throws on purpose. */
export class MeterFastError extends Error {
  override readonly name = 'MeterFastError'
  /** Stable and machine-readable; decide on this, never on the text. */
  readonly code: MeterFastErrorCode

  constructor(code: MeterFastErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** The exit code of a command that ends with this error. */
  get exitCode(): number {
    return EXIT_CODES[this.code]
  }
}
