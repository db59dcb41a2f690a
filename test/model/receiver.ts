// The billing system: it stores what it is sent, knows ids for as long as it promises, and answers
// as the sequence says. What it has stored is the only thing of the agent that counts.

import type { FrozenBatch, Sink, SinkAnswer } from '../../src/deliver/sink.ts'
import { stoppedAnswer } from '../../src/deliver/sink.ts'
import type { Life } from './life.ts'
import { never } from './life.ts'
import type { Answer } from './sequence.ts'
import type { Simulation } from './simulation.ts'
import { Violation } from './violation.ts'

const TIMEOUT_MS = 60_000
const TOO_LARGE_EVENTS = 3

const OK: SinkAnswer = { kind: 'accepted', status: 200, text: '' }
const REFUSED: SinkAnswer = { kind: 'refused', status: 400, text: 'poison' }

const ANSWERS = {
  answerLost: { kind: 'unknown', status: 0, text: 'reset' },
  requestLost: { kind: 'unknown', status: 0, text: 'reset' },
  hangs: { kind: 'unknown', status: 0, text: 'timeout' },
  tooMany: { kind: 'unknown', status: 429, text: '', retryAfterMs: 7_000 },
  stopsHalfway: { kind: 'unknown', status: 503, text: '' },
  dropsSome: { kind: 'ambiguous', status: 200, text: '' },
  unreadable: { kind: 'ambiguous', status: 200, text: '' },
  unreachable: { kind: 'unreachable', status: 0, text: '' },
  unauthorized: { kind: 'unauthorized', status: 401, text: '' },
  misconfigured: { kind: 'misconfigured', status: 404, text: '' },
  tooLarge: { kind: 'tooLarge', status: 413, text: '' },
} as const satisfies Readonly<Record<string, SinkAnswer>>

/** Answers after which the receiver has stored every event of the request. */
const STORES_ALL: readonly Answer[] = ['answerLost', 'unreadable']

/** Answers after which a one-shot run may end. */
const HOPELESS: readonly Answer[] = ['unreachable', 'unauthorized', 'misconfigured']

export class Receiver {
  /** The bytes of every event by id, as they came first. */
  readonly stored = new Map<string, string>()
  /** Ids that an answer has accepted. */
  readonly accepted = new Set<string>()
  /** Ids that an answer has refused, or left in doubt. */
  readonly refused = new Set<string>()
  /** Events that were billed, repeated ones that it did not know any more included. */
  billed = 0
  /** It could not be reached, or refused everybody: a one-shot run may give up. */
  wasUnreachable = false
  poison: 207 | 400 | null = null
  /** Events as they arrive. */
  onArrival: (id: string, text: string) => void = () => undefined
  /** Asked before a request is looked at. */
  onRequest: (batch: FrozenBatch) => void = () => undefined
  readonly #simulation: Simulation
  readonly #dedup: 'ever' | 'none' | number
  readonly #knownUntilMs = new Map<string, number>()
  #script: Answer[] = []

  constructor(simulation: Simulation, dedup: 'ever' | 'none' | number) {
    this.#simulation = simulation
    this.#dedup = dedup
  }

  /** What to answer next; then it accepts. */
  answer(answers: readonly Answer[]): void {
    this.#script = [...answers]
  }

  /** The receiver as one life of the agent sees it. */
  sinkOf(life: Life): Sink {
    return {
      name: 'receiver',
      deliver: async (batch, signal) => {
        if (!life.survives()) await never()
        this.#simulation.glimpse()
        if (signal.aborted) return stoppedAnswer()
        this.onRequest(batch)
        const answer = await this.#answer(batch, signal)
        if (!life.survives()) await never()
        return answer
      },
      close: async () => undefined,
    }
  }

  async #answer(batch: FrozenBatch, signal: AbortSignal): Promise<SinkAnswer> {
    const answer = this.#script.shift() ?? 'accept'
    if (answer === 'hangs') await this.#simulation.sleep(TIMEOUT_MS, signal)
    if (answer === 'accept') return this.#accept(batch)
    if (answer === 'tooLarge' && batch.ids.length < TOO_LARGE_EVENTS) return this.#accept(batch)
    if (STORES_ALL.includes(answer)) this.#store(batch, () => true)
    if (answer === 'stopsHalfway') this.#store(batch, (index) => index < batch.ids.length / 2)
    if (answer === 'dropsSome') this.#store(batch, (index) => index % 2 === 0)
    for (const id of batch.ids) this.refused.add(id)
    if (HOPELESS.includes(answer)) this.wasUnreachable = true
    return ANSWERS[answer]
  }

  #accept(batch: FrozenBatch): SinkAnswer {
    const bad = batch.ids.filter((_id, index) => this.#isPoison(batch.texts[index] ?? ''))
    if (bad.length > 0 && this.poison === 400) {
      for (const id of bad) this.refused.add(id)
      return REFUSED
    }
    this.#store(batch, (index) => !bad.includes(batch.ids[index] ?? ''))
    for (const id of batch.ids) (bad.includes(id) ? this.refused : this.accepted).add(id)
    if (bad.length === 0) return OK
    const rejected = bad.map((id) => ({ id, reason: 'poison' }))
    return { kind: 'partly', status: 207, text: '', rejected }
  }

  #isPoison(text: string): boolean {
    return this.poison !== null && text.includes('"projects/p-x"')
  }

  #store(batch: FrozenBatch, isStored: (index: number) => boolean): void {
    for (const [index, id] of batch.ids.entries()) {
      if (isStored(index)) this.#take(id, batch.texts[index] ?? '')
    }
  }

  #take(id: string, text: string): void {
    this.onArrival(id, text)
    const first = this.stored.get(id)
    if (first !== undefined && first !== text) {
      const what = `id ${id} came again with other bytes:\n  ${first}\n  ${text}`
      this.#simulation.report(new Violation('I4', what))
    }
    if (!this.#knows(id)) this.billed += 1
    this.stored.set(id, first ?? text)
    const nowMs = this.#simulation.elapsedMs()
    if (typeof this.#dedup === 'number') this.#knownUntilMs.set(id, nowMs + this.#dedup)
  }

  #knows(id: string): boolean {
    if (this.#dedup === 'none') return false
    if (this.#dedup === 'ever') return this.stored.has(id)
    return (this.#knownUntilMs.get(id) ?? -1) >= this.#simulation.elapsedMs()
  }
}
