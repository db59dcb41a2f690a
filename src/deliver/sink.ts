// What a sink is, what it is given, and every answer it may give.
//
// A batch is frozen before its first attempt: its body is made once and its bytes are the same on
// every attempt, so a sink that deduplicates by id stores each event once however often it is
// sent. A sink never decides what an answer means for the spool; the sender does.

/** Events that are sent together. */
export interface FrozenBatch {
  /** The spool's number; halves of a batch keep the number of the whole. */
  readonly number: number
  readonly ids: readonly string[]
  /** The events, each one line of JSON without a line end, in the order of `ids`. */
  readonly texts: readonly string[]
  /** The texts as one JSON array: the bytes of every attempt. */
  readonly body: Uint8Array
}

/** One event of a batch. */
export interface BatchEvent {
  readonly id: string
  readonly text: string
}

/** An event that the sink will not take, and its word for why (at most 256 characters). */
export interface Rejection {
  readonly id: string
  readonly reason: string
}

/** What every answer carries. */
export interface AnswerFacts {
  /** HTTP status; 0 when there was none. */
  readonly status: number
  /** What the sink or the system said, at most 256 characters; never a secret. */
  readonly text: string
}

/**
 * What became of one attempt:
 * - `accepted`: the sink has every event.
 * - `partly`: it has all events but those in `rejected`, which it will never take.
 * - `ambiguous`: it answered success, but not for every event or not readably.
 * - `unmatched`: it rejected some events, but which ones does not add up.
 * - `unknown`: it may or may not have them (408, 429, 5xx, reset, timeout).
 * - `unreachable`: there was no connection, so nothing was sent.
 * - `refused`: it will not take this batch (400, 422 and other 4xx).
 * - `tooLarge`: the batch is too large (413).
 * - `unauthorized`: our credentials are missing or not taken (401, 403).
 * - `misconfigured`: wrong address, method or file (404, 405, 415, 3xx, no such directory).
 */
export type SinkAnswer =
  | (AnswerFacts & { readonly kind: 'accepted' })
  | (AnswerFacts & { readonly kind: 'partly'; readonly rejected: readonly Rejection[] })
  | (AnswerFacts & { readonly kind: 'ambiguous' | 'unmatched' })
  | (AnswerFacts & { readonly kind: 'unknown'; readonly retryAfterMs?: number })
  | (AnswerFacts & { readonly kind: 'unreachable' })
  | (AnswerFacts & { readonly kind: 'refused' | 'tooLarge' })
  | (AnswerFacts & { readonly kind: 'unauthorized' | 'misconfigured' })

/** A place where usage events go. */
export interface Sink {
  /** For logs and metrics. */
  readonly name: string
  /**
   * Makes one attempt. Faults of the sink are answers, never exceptions. Ends promptly when
   * `signal` aborts, with `unknown` unless the outcome was certain before.
   * @throws MeterFastError METER_MISUSE after close.
   */
  deliver(batch: FrozenBatch, signal: AbortSignal): Promise<SinkAnswer>
  /** Frees connections and files; may be called again. */
  close(): Promise<void>
}

const TEXT_MAX = 256

/** Freezes events, in the order given, into a batch. */
export function freezeBatch(number: number, events: readonly BatchEvent[]): FrozenBatch {
  const texts = events.map(({ text }) => text)
  const body = Buffer.from(`[${texts.join(',')}]`)
  return { number, ids: events.map(({ id }) => id), texts, body }
}

/** Text from outside, fit for a log line: one line, bounded. */
export function boundedText(text: string): string {
  const line = text
    .slice(0, 4 * TEXT_MAX)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
  return line.length <= TEXT_MAX ? line : `${line.slice(0, TEXT_MAX - 3)}...`
}

/** The answer of a sink that was told to stop before it knew the outcome. */
export function stoppedAnswer(): SinkAnswer {
  return { kind: 'unknown', status: 0, text: 'stopped before the sink answered' }
}
