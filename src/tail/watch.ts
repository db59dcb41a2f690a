// Says when to look at the logs again. fs.watch on directories is a hint that makes this quick;
// the timeout of every wait is the truth, so a lost hint costs time and nothing else.
//
// Promises: at most ten wake-ups a second, however much is written; a change that comes while
// waiting ends the wait; a change that comes while the caller works is seen by the look that
// follows the next wait. A gateway writes a thousand times a second and every write is an
// event, so watching all the time costs more than metering does. Hence the first event takes the
// watches away, the look after it is followed by one more a tenth of a second later without
// any watch, and only then are they set again. Where nothing happens they stay: setting a
// thousand of them anew for every poll would be all that an idle agent does.

import { type FSWatcher, watch } from 'node:fs'
import { isMissing, problemOf, type TailProblem } from './problem.ts'

/** Wake-ups are merged to one in this time. */
const WAKE_INTERVAL_MS = 100
/** How long to wait without a hint, unless the caller says otherwise. */
export const IDLE_POLL_MS = 250

/** Why a wait ended. */
export type WakeReason = 'hint' | 'timeout' | 'aborted'

export class Waker {
  #directories: readonly string[] = []
  #watches: FSWatcher[] = []
  readonly #unwatched = new Set<string>()
  readonly #problems: TailProblem[] = []
  #wokenAtMs = Number.NEGATIVE_INFINITY
  /** The last wait ended by a change: more of it may have come while nothing watched. */
  #trailing = false
  #hinted = false
  #end: (() => void) | undefined

  /** The directories to watch from the next wait on. One that does not exist is only polled. */
  setDirectories(directories: readonly string[]): void {
    const known = this.#directories
    const same = directories.every((directory, index) => directory === known[index])
    if (same && directories.length === known.length) return
    this.#directories = directories
    this.#unwatch()
  }

  /** Ends the present wait, or the next one, as a change would. */
  wake(): void {
    this.#hinted = true
    this.#end?.()
  }

  /**
   * Waits for a change, at most `timeoutMs` (at least until the last wake-up is 100 ms ago).
   * One wait at a time.
   */
  async wait(timeoutMs: number = IDLE_POLL_MS, signal?: AbortSignal): Promise<WakeReason> {
    const restMs = Math.max(0, this.#wokenAtMs + WAKE_INTERVAL_MS - performance.now())
    // Without a rest the watches are set before the caller goes on: no change slips in between.
    if (restMs > 0) await this.#sleep(restMs, signal, false)
    if (!this.#hinted && !this.#trailing) {
      this.#watch()
      await this.#sleep(timeoutMs - restMs, signal, true)
    }
    if (signal?.aborted === true) return 'aborted'
    const hinted = this.#hinted
    const reason = hinted || this.#trailing ? 'hint' : 'timeout'
    this.#trailing = hinted
    this.#hinted = false
    if (reason === 'hint') this.#wokenAtMs = performance.now()
    return reason
  }

  /** Directories that cannot be watched, each told once. */
  takeProblems(): TailProblem[] {
    return this.#problems.splice(0)
  }

  /** Ends the present wait. */
  close(): void {
    this.#unwatch()
    this.wake()
  }

  async #sleep(ms: number, signal: AbortSignal | undefined, untilHint: boolean): Promise<void> {
    if (ms <= 0 || signal?.aborted === true || (untilHint && this.#hinted)) return
    const { promise, resolve } = deferred()
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', resolve, { once: true })
    if (untilHint) this.#end = resolve
    await promise
    this.#end = undefined
    clearTimeout(timer)
    signal?.removeEventListener('abort', resolve)
  }

  #watch(): void {
    if (this.#watches.length > 0) return
    for (const directory of this.#directories) {
      try {
        const watcher = watch(directory, { persistent: false }, () => this.#seen())
        watcher.on('error', (error) => this.#cannotWatch(directory, error))
        this.#watches.push(watcher)
      } catch (error) {
        this.#cannotWatch(directory, error)
      }
    }
  }

  #seen(): void {
    this.#unwatch()
    this.wake()
  }

  #unwatch(): void {
    for (const watcher of this.#watches.splice(0)) watcher.close()
  }

  #cannotWatch(directory: string, error: unknown): void {
    if (isMissing(error) || this.#unwatched.has(directory)) return
    this.#unwatched.add(directory)
    const text = error instanceof Error ? error.message : String(error)
    const advice = 'it is polled instead; raise fs.inotify.max_user_watches'
    this.#problems.push(problemOf(directory, 'watch', `cannot be watched (${text}): ${advice}`))
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
