// The only file that loads the native addon. Every native call is typed here, once.
//
// What crosses: bytes in; packed pages, counters and snapshots out. Nothing crosses per line.
// Amounts are signed 64-bit integers and leave in BigInt64Array, never as numbers.

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isStandalone, loadEmbedded } from './embedded.ts'
import { MeterFastError, type MeterFastErrorCode } from './errors.ts'

/** The roles that a format may give to a key of the log line (DESIGN 4.1). */
export const ROLES = [
  'project',
  'route',
  'egressBytes',
  'ingressBytes',
  'durationMs',
  'startTime',
  'logType',
  'streamId',
  'connectionId',
  'responseFlags',
  'responseCode',
  'responseCodeDetails',
] as const
export type Role = (typeof ROLES)[number]

/** How a line names its project. */
export type ProjectSource =
  | { readonly from: 'key' }
  | { readonly from: 'routeNamespace'; readonly strip: string }
  | { readonly from: 'constant'; readonly value: string }

/** A format, resolved to paths: what the core is given instead of a preset's name. */
export interface EngineFormat {
  /** Mapped keys, each a list of reference tokens; a list of one token is a top-level key. */
  readonly paths: readonly (readonly string[])[]
  /** Role to index in `paths`; a role that is left out is not mapped. */
  readonly roles: Readonly<Partial<Record<Role, number>>>
  readonly project: ProjectSource
  /** Dimensions read from the line: index in `paths`, in the order of the usage page's columns. */
  readonly dimensions: readonly number[]
}

/** How a container runtime wraps lines; `auto`: the first line that is not empty tells. */
export type Envelope = 'auto' | 'raw' | 'cri' | 'docker'

export interface EngineOptions {
  readonly envelope: Envelope
  readonly format: EngineFormat
  /** W of DESIGN 5.2, in ms; divides one hour. */
  readonly windowMs: number
  /**
   * One closed segment at the end of the stream, with the sums over all windows and no seconds;
   * lines before the stream's first clock are kept, not quarantined. Not for snapshots.
   */
  readonly totalsOnly: boolean
  /** Keep quarantined lines for `take()`; counts are kept in any case. */
  readonly keepQuarantine: boolean
  readonly exclude: { readonly codes: readonly string[]; readonly flags: readonly string[] }
  /** Joined bytes of the longest line that is read whole. */
  readonly lineBytesMax: number
  /** Distinct keys of one segment that get totals of their own. */
  readonly keysMax: number
  /** Long-lived requests of one stream that are followed. */
  readonly streamStatesMax: number
}

/** Counters of one engine, in the order of OUTCOMES, as `counters()` returns them. */
export const OUTCOMES = [
  'metered',
  'lenient',
  'ignored.stderr',
  'ignored.blank',
  'ignored.not_json',
  'ignored.no_stream_id',
  'ignored.stream_state_full',
  'ignored.upstream',
  'ignored.tcp',
  'ignored.udp',
  'ignored.not_set',
  'ignored.excluded',
  'unattributed.no_route',
  'unattributed.no_project',
  'unattributed.bad_project',
  'quarantined.bad_envelope',
  'quarantined.cut',
  'quarantined.too_long',
  'quarantined.malformed',
  'quarantined.duplicate_key',
  'quarantined.log_type',
  'quarantined.bad_number',
  'quarantined.no_clock',
  'quarantined.overflow',
] as const

/**
 * Which path the lines took that an engine folded, in the order of `pathCounters()`: the first two
 * matched a learned line shape; the others were left to the reference parser, and why. Paths say
 * what a line cost, never what it meant.
 */
export const LINE_PATHS = [
  'matched.batch',
  'matched.record',
  'declined.envelope',
  'declined.shape',
  'declined.number',
  'declined.escape',
  'declined.utf8',
  'declined.long',
  'untried',
] as const

/** One closed piece of a segment (DESIGN 5.3), as packed pages of at most 1,024 keys. */
export interface ClosedSegment {
  /** 0, or the clock in ms that began the epoch. */
  readonly epoch: number
  readonly windowStartMs: number
  readonly windowMs: number
  readonly part: number
  /** Closed by the wall clock, not by content. */
  readonly byTime: boolean
  /**
   * The first byte of the current generation that is not in this piece: where the line begins that
   * closed it (its last part), or `offset()` when the clock or the end of the stream did. A new
   * engine that is fed the same bytes up to here and then closed by time gives the same piece.
   */
  readonly endOffset: number
  /** Usage pages of metered keys; src/emit/usage-page.ts reads them. */
  readonly pages: Uint8Array[]
  /** Usage pages of unattributed usage: reason as kind, raw project, raw route. */
  readonly unattributed: Uint8Array[]
  /**
   * Usage pages with the sums of `pages` by project: one row each, in the order of the projects'
   * bytes, without route and dimensions. Empty under `totalsOnly`.
   */
  readonly projects: Uint8Array[]
  /**
   * A usage page with the sums of `unattributed` by reason; of length 0 when there are none. A sum
   * that would pass 2^63 - 1 goes on in a second row.
   */
  readonly reasons: Uint8Array
  /** Outcome counts of the lines of this piece, in the order of OUTCOMES. */
  readonly outcomes: BigInt64Array
}

/** What an engine hands over since the last call; the caller owns it. Pages share buffers. */
export interface Drain {
  readonly closed: ClosedSegment[]
  /** Packed quarantine records; empty when none. */
  readonly quarantine: Uint8Array
}

/**
 * Everything that a commit must hold so that a new engine goes on where this one was. Pages are
 * views of a few shared buffers: to hold one for long is to hold its neighbours, a megabyte.
 */
export interface EngineSnapshot {
  /** Position, window, epochs, carried parts: small, written at every commit. */
  readonly head: Uint8Array
  /** Pages that changed since the last snapshot; `bytes` null means that the page is gone. */
  readonly pages: { readonly name: string; readonly bytes: Uint8Array | null }[]
}

/**
 * The native engine of one stream. Calls that may touch every key run off the main thread and give
 * a promise: at a million keys they take most of a second. Not re-entrant: until such a promise is
 * settled, every other call throws METER_MISUSE.
 */
export interface Engine {
  /** Folds bytes that follow those consumed so far in this generation, through a copy of them. */
  feed(bytes: Uint8Array): Promise<void>
  /** Reads at most `bytesMax` bytes of `fd` at `readOffset()` with pread. */
  read(fd: number, bytesMax: number): Promise<number>
  /** Ends the generation: a tail without LF is a line. The next generation begins at 0. */
  endGeneration(): Promise<void>
  /** Closes the open segment by time (DESIGN 5.3). */
  closeByTime(): Promise<void>
  /** Ends the stream: a P part without its F is quarantined, the open segment closes. */
  endStream(): Promise<void>
  /** Pages that changed since the last snapshot, and the head. */
  snapshot(): Promise<EngineSnapshot>
  /**
   * What `restore` needs to go on from here without the totals and carries of keys: the head and
   * all pages of long-lived requests. `snapshot` does not know of it. A segment that begins later
   * is the same in the restored engine and in this one, but for `connectionSeconds`, which miss
   * what was carried; of the segment that is open only what comes later is in its next piece.
   */
  checkpoint(): Promise<EngineSnapshot>
  /** What `closeByTime` would hand over now; without pages when nothing is open. Closes nothing. */
  openTotals(): Promise<ClosedSegment>
  /**
   * On a new engine only. Pages are those of all snapshots, the newest of each name; nobody may
   * change or transfer them before the promise is settled.
   */
  restore(head: Uint8Array, pages: readonly Uint8Array[]): Promise<void>

  /** As `feed`, on the calling thread, without the copy. */
  feedSync(bytes: Uint8Array): void
  endGenerationSync(): void
  endStreamSync(): void

  /** Goes on at `offset` of this generation; the bytes of an unfinished line are forgotten. */
  seek(offset: number): void
  take(): Drain
  /** Counts since the engine began, in the order of OUTCOMES; restored by `restore`. */
  counters(): BigInt64Array
  /** Lines by path since this engine was made, in the order of LINE_PATHS; in no snapshot. */
  pathCounters(): BigInt64Array
  /** Bytes of the current generation that are folded: a commit may claim these. */
  offset(): number
  /** The first byte that the next `feed` or `read` brings. */
  readOffset(): number
  /** Bytes that wait for `take`: closed segments and quarantine. */
  pendingBytes(): number
  /** Start of the window that lines belong to now, in ms; -1 before the first clock. */
  windowStartMs(): number
  /** Its length: the configured one, unless the segment was begun with another. */
  windowMs(): number
  /** True when a segment has lines that no close has handed over. */
  hasOpenSegment(): boolean
  /** What `auto` decided; `auto` until a line came. */
  envelope(): Envelope
  /** Frees native memory; every later call throws METER_MISUSE. */
  close(): void
}

/** Finds which of a format's keys the first accepted line has (`scan --format auto`). */
export interface FormatProbe {
  /** Indices of the `paths` that the line has; null before an accepted line came. */
  feed(bytes: Uint8Array): number[] | null
  endGeneration(): number[] | null
}

interface Addon {
  /** `makeError` makes every error that the addon throws. */
  load(makeError: (code: MeterFastErrorCode, message: string) => MeterFastError): Exports
}

interface Exports {
  Engine: new (options: EngineOptions) => Engine
  FormatProbe: new (options: EngineOptions) => FormatProbe
  /** Checksum of RFC 3720 (CRC-32C) over `bytes`, continued from `seed` (0 to begin). */
  crc32c(bytes: Uint8Array, seed: number): number
  /** Takes an exclusive flock on `path`; null, or a handle that unlockFile frees. */
  lockFile(path: string): number | null
  unlockFile(handle: number): void
  /** Makes `path` a file whose bytes are allocated on the disk, durably; false: no room. */
  allocateFile(path: string, bytes: number): boolean
  /** Allocates the first bytes of the file at `path`, which keeps its size; false: no room. */
  allocateRoom(path: string, bytes: number): boolean
  /**
   * Names of what was built and chosen: simdjson's version and its kernel for this CPU, and the
   * kernel of the line shapes.
   */
  describe(): { simdjson: string; kernel: string; shapes: string }
}

/** native/addon-file.cjs, which the install step uses too. */
interface AddonFile {
  findAddon(root: string): string | undefined
  misfit(file: string): string | undefined
  loadFailure(text: string): string
}

function load(): Exports {
  const addon = (isStandalone ? loadEmbedded('meter_fast') : loadInstalled()) as Addon
  return addon.load((code, message) => new MeterFastError(code, message))
}

/** @throws {MeterFastError} METER_NATIVE_MISSING */
function loadInstalled(): unknown {
  const require = createRequire(import.meta.url)
  const { findAddon, misfit, loadFailure } = require('../native/addon-file.cjs') as AddonFile
  const file = findAddon(fileURLToPath(new URL('..', import.meta.url)))
  if (file === undefined) {
    throw missing(`there is none for ${process.platform}-${process.arch} with this libc`)
  }
  const problem = misfit(file)
  if (problem !== undefined) throw missing(`${file} ${problem}`)
  try {
    return require(file)
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause)
    throw missing(`${file} ${loadFailure(text)}`, cause)
  }
}

function missing(reason: string, cause?: unknown): MeterFastError {
  return new MeterFastError(
    'METER_NATIVE_MISSING',
    `the native addon does not load: ${reason}. Run "npm rebuild meter-fast" to build it here; ` +
      'that needs Python 3, make and a C++20 compiler (g++ 11 or clang 14, or newer).',
    { cause },
  )
}

const addon: Exports = load()
export const { crc32c, describe } = addon
/** What a state needs of the addon. */
export const stateNative = {
  crc32c,
  lockFile: addon.lockFile,
  unlockFile: addon.unlockFile,
  allocateFile: addon.allocateFile,
  allocateRoom: addon.allocateRoom,
}

/** Makes the engine of one stream. */
export function createEngine(options: EngineOptions): Engine {
  return new addon.Engine(options)
}

/** Makes a probe; of the options it reads `envelope`, `format.paths` and `lineBytesMax`. */
export function createFormatProbe(options: EngineOptions): FormatProbe {
  return new addon.FormatProbe(options)
}
