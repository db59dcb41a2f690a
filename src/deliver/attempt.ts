// The frame of one attempt over a network: it ends when the sender stops, or its time is over.

import { type SinkAnswer, stoppedAnswer } from './sink.ts'

/** Deadline of an attempt when none is configured. */
export const TIMEOUT_MS = 60_000

export interface AttemptRules {
  /** The sender's: it wants an answer at once when this aborts. */
  readonly signal: AbortSignal
  readonly timeoutMs: number | undefined
  /** Reads what `run` has thrown before its end. */
  readonly faultAnswer: (error: unknown) => SinkAnswer
}

/** Runs one attempt; `run` gets a signal that ends it, and throws when it is ended by it. */
export async function oneAttempt(
  { signal, timeoutMs = TIMEOUT_MS, faultAnswer }: AttemptRules,
  run: (end: AbortSignal) => Promise<SinkAnswer>,
): Promise<SinkAnswer> {
  if (signal.aborted) return stoppedAnswer()
  const end = new AbortController()
  const stop = () => end.abort()
  const deadline = setTimeout(stop, timeoutMs)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await run(end.signal)
  } catch (error) {
    if (signal.aborted) return stoppedAnswer()
    if (end.signal.aborted) return { kind: 'unknown', status: 0, text: 'no answer in time' }
    return faultAnswer(error)
  } finally {
    clearTimeout(deadline)
    signal.removeEventListener('abort', stop)
  }
}
