// Tells when a directory need not be listed again: its time of change says so, for sure.
//
// File systems stamp changes with a clock of a few milliseconds, so two changes within one tick
// look like one. A stamp is trusted only when the directory had rested before it was taken, and
// only for a few seconds, because a clock may be wrong. The one call is not async: a stat of a
// local directory takes a microsecond, and the thread pool costs a hundred times as much CPU.

import { statSync } from 'node:fs'

const REST_MS = 1_000
const TRUST_MAX_MS = 5_000

export class DirectoryStamp {
  #stamp = ''
  #takenAtMs = 0

  /** True when `directory` lists what it listed at the last call that said false. */
  isUnchanged(directory: string): boolean {
    const nowMs = performance.now()
    const stamp = takeStamp(directory)
    if (stamp !== '' && stamp === this.#stamp && nowMs - this.#takenAtMs < TRUST_MAX_MS) return true
    this.#stamp = stamp
    this.#takenAtMs = nowMs
    return false
  }

  /** The last listing left something open: the next call says false. */
  forget(): void {
    this.#stamp = ''
  }
}

/** '' while nothing can be told by it. */
function takeStamp(directory: string): string {
  try {
    const { dev, ino, ctimeNs } = statSync(directory, { bigint: true })
    const restedMs = Date.now() - Number(ctimeNs / 1_000_000n)
    return restedMs > REST_MS ? `${dev} ${ino} ${ctimeNs}` : ''
  } catch {
    return ''
  }
}
