// What a state is to everybody who uses one: an ordered map of small records with one atomic
// commit. What survives a crash is what was committed, whole commits only.

/** What the state needs from the native addon. */
export interface StateNative {
  /** Checksum of RFC 3720 (CRC-32C) over `bytes`, continued from `seed` (0 to begin). */
  crc32c(bytes: Uint8Array, seed: number): number
  /** Takes an exclusive flock on the file `path`; null when another open file holds it. */
  lockFile(path: string): number | null
  unlockFile(handle: number): void
  /** Allocates the first bytes of the file at `path`, which keeps its size; false: no room. */
  allocateRoom(path: string, bytes: number): boolean
}

/**
 * A state that is read. Keys are printable ASCII without blanks, 1 to 1,978 bytes (keys.ts makes
 * them); values are bytes, and the caller owns every array that it is given.
 *
 * Every call throws METER_STATE_CORRUPT for a value that fails its checksum (naming the key),
 * METER_MISUSE after close(), and METER_DISK for ever once a write has failed.
 */
export interface StateReader {
  /** Number of the last durable commit; 0 for a new state. It never repeats and never goes back. */
  readonly sequence: number
  get(key: string): Uint8Array | undefined
  /**
   * Entries whose key begins with `prefix`, in byte order of keys, as they are when the first one
   * is asked for: what is put or removed during the walk does not change it. Finish or leave the
   * walk soon, because the file grows while an old picture of it is held.
   */
  entries(prefix: string): Iterable<readonly [string, Uint8Array]>
  /** The keys of `entries`, of damaged values too: no value is checked. */
  keys(prefix: string): Iterable<string>
  close(): Promise<void>
}

/**
 * The state of the one writer. put and remove only stage; get and entries see what is staged, so
 * that one step can build on another before both become durable in one commit.
 *
 * A failed write or sync is fatal for the open store: the file still holds the last whole commit,
 * and every later call fails like the first. Close it, open the state again and continue from what
 * it says.
 */
export interface StateStore extends StateReader {
  /** Stages a value. The bytes are copied: the caller may change its array afterwards. */
  put(key: string, bytes: Uint8Array): void
  /** Stages that `key` is gone; a key that is not there is no error. */
  remove(key: string): void
  removePrefix(prefix: string): void
  /**
   * Writes what was staged up to this call, in ONE transaction with the next sequence number; it
   * is durable when the promise resolves. What is staged while a commit runs goes into the next
   * one. With nothing staged it writes nothing and waits for the commits that still run.
   *
   * @throws {MeterFastError} METER_DISK when the write or its sync failed.
   */
  commit(): Promise<void>
  /** Waits for commits that run; what is only staged is dropped. May be called twice. */
  close(): Promise<void>
}
