// When the next commit may start. Commits bound what a crash reads again, not what it loses, so
// they may wait: on a slow disk they then cost at most 2 % of the time, and on a quiet one nothing.

const INTERVAL_MS = 1000
const PAUSE_FACTOR = 50
const PAUSE_MAX_MS = 10_000

/**
 * The earliest start of the next commit, on the clock (ms) of its arguments: one second after the
 * start of the last one, and no sooner after its end than 50 times what it took, at most 10 s.
 */
export function nextCommitAtMs(startedAtMs: number, endedAtMs: number): number {
  const tookMs = Math.max(0, endedAtMs - startedAtMs)
  const pauseMs = Math.min(PAUSE_FACTOR * tookMs, PAUSE_MAX_MS)
  return Math.max(startedAtMs + INTERVAL_MS, startedAtMs + tookMs + pauseMs)
}
