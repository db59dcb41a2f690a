// What an agent tells about its work.

import type { SpoolAlarm } from './agent-alarms.ts'
import type { StreamSignal } from './agent-streams.ts'
import type { SenderSignal } from './deliver/sender.ts'

export type AgentSignal =
  | StreamSignal
  | SpoolAlarm
  | { readonly kind: 'started'; readonly resumedStreams: number; readonly isFirstStart: boolean }
  /** Another process has the state; `message` names it. The agent waits for it to end. */
  | { readonly kind: 'waiting'; readonly message: string }
  /** Events of windows that ended before the first start are held. */
  | { readonly kind: 'held'; readonly events: number }
  /** Batches were sent before a crash and their answers were lost; some may be held by config. */
  | { readonly kind: 'ambiguous'; readonly batches: number; readonly heldEvents: number }
  /** Events of a window that lies in the future wait for it. */
  | { readonly kind: 'future'; readonly timeMs: number }
  | { readonly kind: 'spool-full'; readonly bytes: number }
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
  | { readonly kind: 'delivery'; readonly signal: SenderSignal }
