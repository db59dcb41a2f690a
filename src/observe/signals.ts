// Everything that can happen to an agent, named once. Logs, metrics and health are made of these
// and of nothing else: what is not in this list is not told, and what is in it has a level, is
// counted (`meter_fast_signals_total`) and is in docs/metrics.md.
//
// A signal says what happened to what, in values; sentences.ts says it to people. None of them
// is per line or per wake-up, and none holds a secret.

/** Bytes of a log that were not read, or may be missing. */
export interface GapFacts {
  readonly stream: string
  /** Ordinal of the file within its stream, and its last name. */
  readonly generation: number
  readonly name: string
  readonly offset: number
  /** Null: nobody knows where the file would have ended. */
  readonly end: number | null
  /** Of these, bytes that were certainly not read. */
  readonly bytes: number
  readonly reason: string
  /** The machine was started anew since the file was last held open. */
  readonly bootChanged: boolean
}

/** One answer of the sink, and what became of a batch. */
export type DeliveryFacts =
  | {
      readonly kind: 'answered'
      readonly batch: number
      /** Events in this attempt. */
      readonly events: number
      /** `kind` is the sink's verdict; `status` is 0 where there was no HTTP status. */
      readonly answer: { readonly kind: string; readonly status: number; readonly text: string }
      /** Until the next attempt. */
      readonly waitMs: number
    }
  | {
      readonly kind: 'settled'
      readonly batch: number
      readonly accepted: number
      readonly quarantined: readonly { readonly id: string; readonly reason: string }[]
    }

export type Signal =
  /** The addresses of /metrics, /healthz and /readyz are open. */
  | { readonly kind: 'listening'; readonly address: string }
  /** Another process has the state; `message` names it. The agent waits for it to end. */
  | { readonly kind: 'waiting'; readonly message: string }
  | { readonly kind: 'started'; readonly resumedStreams: number; readonly isFirstStart: boolean }
  /** Another configuration is in force. */
  | { readonly kind: 'reloaded' }
  /** Another configuration was not taken over; the one before goes on. */
  | { readonly kind: 'reload-refused'; readonly message: string }
  | { readonly kind: 'stream'; readonly stream: string }
  /** Something could not be read, or is not what the configuration says. */
  | { readonly kind: 'problem'; readonly message: string }
  | { readonly kind: 'gap'; readonly gap: GapFacts }
  /** Events of windows that ended before the first start are held. */
  | { readonly kind: 'held'; readonly events: number }
  /** Batches were sent before a crash and their answers were lost; some may be held by config. */
  | { readonly kind: 'ambiguous'; readonly batches: number; readonly heldEvents: number }
  /** Events of a window that lies in the future wait for it. */
  | { readonly kind: 'future'; readonly timeMs: number }
  | { readonly kind: 'spool-half-full'; readonly bytes: number; readonly bytesMax: number }
  /** Reading pauses until the sink has accepted some of the spool. */
  | { readonly kind: 'spool-full'; readonly bytes: number }
  /** The spool has room again. */
  | { readonly kind: 'spool-free'; readonly bytes: number }
  | { readonly kind: 'unsent-old'; readonly ageMs: number }
  /** The disk of the state is full: reading pauses, delivery goes on. */
  | { readonly kind: 'disk-full' }
  | { readonly kind: 'disk-free' }
  /** A commit failed; the state was opened anew and the agent goes on from its last commit. */
  | { readonly kind: 'reopened'; readonly message: string }
  /** A commit is durable; how long its parts took. */
  | {
      readonly kind: 'committed'
      readonly stageMs: number
      readonly renderMs: number
      readonly commitMs: number
    }
  | { readonly kind: 'delivery'; readonly signal: DeliveryFacts }

export type SignalKind = Signal['kind']
/** In order of weight. `warn`: someone should look; `error`: usage is lost, late or at risk. */
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type Level = (typeof LEVELS)[number]

/** The level of each kind, and its sentence in docs/metrics.md. */
export const SIGNALS: Readonly<Record<SignalKind, { readonly level: Level; about: string }>> = {
  listening: { level: 'info', about: 'the addresses of `observe.listen` are open' },
  waiting: { level: 'warn', about: 'another process has the state; the agent waits for it' },
  started: { level: 'info', about: 'the agent has its state and begins to read' },
  reloaded: { level: 'info', about: 'a configuration that was read again is in force' },
  'reload-refused': { level: 'error', about: 'another one is refused; the one before goes on' },
  stream: { level: 'info', about: 'a new stream is followed' },
  problem: { level: 'warn', about: 'something cannot be read, or is not as configured' },
  gap: { level: 'error', about: 'bytes of a log are lost, or may be' },
  held: { level: 'warn', about: 'a first start found old windows; their events are held' },
  ambiguous: { level: 'warn', about: 'batches were sent before a crash without an answer' },
  future: { level: 'warn', about: 'events of a window in the future wait for it' },
  'spool-half-full': { level: 'warn', about: 'half of `state.spool_bytes_max` waits for the sink' },
  'spool-full': { level: 'error', about: 'the spool is full; reading pauses' },
  'spool-free': { level: 'info', about: 'the spool has room again; reading goes on' },
  'unsent-old': { level: 'error', about: 'the oldest unsent event is a day old, or 20 days' },
  'disk-full': { level: 'error', about: 'the disk of the state is full; reading pauses' },
  'disk-free': { level: 'info', about: 'the disk of the state has room again' },
  reopened: { level: 'error', about: 'a commit failed; the state was opened again' },
  committed: { level: 'debug', about: 'a commit is durable' },
  delivery: { level: 'debug', about: 'the sink answered, or a batch is settled' },
}
export const SIGNAL_KINDS = Object.keys(SIGNALS) as readonly SignalKind[]

/** How much a signal weighs: of a delivery that hangs on the answer. */
export function levelOf(signal: Signal): Level {
  if (signal.kind !== 'delivery') return SIGNALS[signal.kind].level
  const { signal: facts } = signal
  if (facts.kind === 'settled') return facts.quarantined.length > 0 ? 'error' : 'debug'
  const { kind } = facts.answer
  if (kind === 'accepted') return 'debug'
  return kind === 'unauthorized' || kind === 'misconfigured' ? 'error' : 'warn'
}
