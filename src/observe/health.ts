// Whether the agent lives, and whether it does its work, as a supervisor wants to know it.
//
// Alive (/healthz): its loop comes round. A sink that is down, a full disk and a state that another
// process has are no reasons to start it again: that would mend none of them.
// Ready (/readyz): it takes usage in. A sink that does not answer keeps it ready, because the spool
// is there for that; a sink that is configured wrong does not, so that a rollout stops at the first
// node. Waiting for the state of the pod that this one replaces counts as ready for a minute: a
// rollout that starts the new pod first would else never end the old one.

import type { Look } from './picture.ts'
import type { DeliveryFacts, Signal } from './signals.ts'

/** How long the wait for the state of another process counts as ready. */
const WAITING_READY_MS = 60_000
/** The loop comes round once a second, and after a commit; no disk takes this long. */
const SILENCE_MAX_MS = 300_000

export interface Verdict {
  readonly ok: boolean
  /** One line each, for people. */
  readonly lines: readonly string[]
}

export class Health {
  /** Ms on a clock that is never stepped. */
  readonly #elapsed: () => number
  #phase: 'starting' | 'waiting' | 'running' | 'disk-full' = 'starting'
  #waitingSinceMs = 0
  #lookedAtMs = 0
  #waitsFor = ''
  #look: Look | undefined
  /** The last answer of the sink that was not what it should be. */
  #sinkFault: { readonly kind: string; readonly text: string } | undefined

  constructor(elapsed: () => number) {
    this.#elapsed = elapsed
  }

  note(signal: Signal): void {
    if (signal.kind === 'waiting') {
      this.#phase = 'waiting'
      this.#waitingSinceMs = this.#elapsed()
      this.#waitsFor = signal.message
    } else if (signal.kind === 'started') {
      this.#phase = 'running'
      this.#look = undefined
      this.#lookedAtMs = this.#elapsed()
    } else if (signal.kind === 'disk-full') this.#phase = 'disk-full'
    else if (signal.kind === 'delivery') this.#heard(signal.signal)
  }

  looked(look: Look): void {
    this.#look = look
    this.#lookedAtMs = this.#elapsed()
  }

  /** The answer of /healthz. */
  alive(): Verdict {
    const silentMs = this.#elapsed() - this.#lookedAtMs
    if (this.#phase !== 'running' || silentMs <= SILENCE_MAX_MS) return yes('alive')
    return no(`the agent has not looked at its logs for ${Math.floor(silentMs / 1000)} s`)
  }

  /** The answer of /readyz. */
  ready(): Verdict {
    if (this.#phase === 'starting') return no('the agent is starting')
    if (this.#phase === 'waiting') return this.#readyToTakeOver()
    if (this.#phase === 'disk-full' || this.#look?.hasDisk === false) {
      return no('the disk of the state is full: nothing is read; make room')
    }
    if (this.#look?.isSpoolFull) return no('the spool is full: nothing is read')
    const alive = this.alive()
    if (!alive.ok) return alive
    const fault = this.#sinkFault
    if (fault === undefined) return yes('ready')
    const text = `the sink: ${fault.kind}: ${fault.text || 'no text'}`
    return fault.kind === 'misconfigured' ? no(text) : yes('ready', `${text}; usage is kept`)
  }

  #readyToTakeOver(): Verdict {
    const seconds = Math.floor((this.#elapsed() - this.#waitingSinceMs) / 1000)
    const text = `waiting for the state for ${seconds} s: ${this.#waitsFor}`
    return seconds * 1000 < WAITING_READY_MS ? yes('ready', text) : no(text)
  }

  #heard(facts: DeliveryFacts): void {
    if (facts.kind === 'settled') return
    const { kind, text } = facts.answer
    const isFault = ['unknown', 'unreachable', 'unauthorized', 'misconfigured'].includes(kind)
    this.#sinkFault = isFault ? { kind, text } : undefined
  }
}

function yes(...lines: string[]): Verdict {
  return { ok: true, lines }
}

function no(reason: string): Verdict {
  return { ok: false, lines: ['not ready', reason] }
}
