// The sender against a sink that is drawn from a seed: events that it cannot take, in every way of
// the response table, among others; outages of every kind; answers that are lost. Whatever comes,
// each event ends where it belongs, once, and in a bounded number of requests.
// METER_FAST_SEEDS=5000 npx vitest run test/chaos/sender-property.test.ts runs longer.

import { describe, expect, test } from 'vitest'
import { Sender } from '../../src/deliver/sender.ts'
import {
  type BatchEvent,
  type FrozenBatch,
  freezeBatch,
  type Rejection,
  type Sink,
  type SinkAnswer,
} from '../../src/deliver/sink.ts'
import { Dice } from '../reference/dice.ts'
import { NEVER, TestOutbox, withoutWaits } from '../sink/batches.ts'
import { projectEvent } from './spool-rig.ts'

const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 1e9))
const SEEDS = Number(process.env['METER_FAST_SEEDS'] ?? 200)
const ATTEMPTS_MAX = 60_000

/** What the sink does with an event, for ever. */
type Fate = 'taken' | 'refused by 503' | 'rejected by 207' | 'dropped' | 'refused by 400'

const FATES: readonly Fate[] = ['refused by 503', 'rejected by 207', 'dropped', 'refused by 400']
/** The fifth refusal of an event may be an outage, or an answer that is lost. */
const REFUSED = /^refused (503|429|0) /
const REASONS: Readonly<Record<Fate, RegExp>> = {
  taken: /^never$/,
  'refused by 503': REFUSED,
  'rejected by 207': /^bad$/,
  dropped: /^not_accepted$/,
  'refused by 400': /^refused 400 /,
}

const say = (kind: 'unknown' | 'refused' | 'ambiguous' | 'unmatched', status: number) => ({
  ...{ kind, status, text: 'no' },
})
const OUTAGES: readonly SinkAnswer[] = [
  ...[say('unknown', 503), say('unknown', 429), say('unknown', 0)],
  { kind: 'unreachable', status: 0, text: 'nobody listens' },
  { kind: 'unauthorized', status: 401, text: 'no' },
  { kind: 'misconfigured', status: 404, text: 'no' },
]

/** A far end that keeps what it took. */
class ModelSink implements Sink {
  readonly name = 'model'
  readonly stored = new Map<string, string>()
  readonly changed: string[] = []
  attempts = 0
  /** Attempts that an outage or a lost answer cost. */
  disturbed = 0
  accepted = 0
  readonly #dice: Dice
  readonly #fates: ReadonlyMap<string, Fate>
  readonly #texts = new Map<string, string>()
  #outage: SinkAnswer | undefined
  #phaseEnds = 0

  constructor(dice: Dice, fates: ReadonlyMap<string, Fate>) {
    this.#dice = dice
    this.#fates = fates
  }

  async deliver(batch: FrozenBatch): Promise<SinkAnswer> {
    this.attempts += 1
    if (this.attempts > ATTEMPTS_MAX) throw new Error('too many attempts')
    this.#checkBytes(batch)
    if (this.attempts > this.#phaseEnds) this.#nextPhase()
    if (this.#outage !== undefined) {
      this.disturbed += 1
      return this.#outage
    }
    const answer = this.#take(batch)
    if (this.#dice.chance(0.05)) {
      this.disturbed += 1
      return say('unknown', 0)
    }
    if (answer.kind === 'accepted' || answer.kind === 'partly') this.accepted += 1
    return answer
  }

  async close(): Promise<void> {}

  #checkBytes({ ids, texts, body }: FrozenBatch): void {
    if (`[${texts.join(',')}]` !== Buffer.from(body).toString()) this.changed.push(`${body}`)
    for (const [index, id] of ids.entries()) {
      const text = texts[index] ?? ''
      if ((this.#texts.get(id) ?? text) !== text) this.changed.push(text)
      this.#texts.set(id, text)
    }
  }

  /** It works for long enough that everything that waits has its turn. */
  #nextPhase(): void {
    const works = this.#outage !== undefined || this.#dice.chance(0.5)
    this.#outage = works ? undefined : this.#dice.pick(OUTAGES)
    this.#phaseEnds = this.attempts + (works ? 400 : 1 + this.#dice.below(80))
  }

  #take({ ids, texts }: FrozenBatch): SinkAnswer {
    if (ids.some((id) => this.#fates.get(id) === 'refused by 400')) return say('refused', 400)
    const rejected: Rejection[] = []
    let taken = 0
    for (const [index, id] of ids.entries()) {
      const fate = this.#fates.get(id) ?? 'taken'
      if (fate === 'refused by 503') return say('unknown', 503)
      if (fate === 'rejected by 207') rejected.push({ id, reason: 'bad' })
      if (fate !== 'taken') continue
      this.stored.set(id, texts[index] ?? '')
      taken += 1
    }
    const facts = { status: 200, text: '' }
    if (taken === ids.length) return { kind: 'accepted', ...facts }
    if (taken + rejected.length < ids.length) {
      return say(rejected.length > 0 ? 'unmatched' : 'ambiguous', 200)
    }
    return { kind: 'partly', ...facts, rejected }
  }
}

/** Gives one more event of others whenever nothing else waits: no gateway is quiet for ever. */
class LivingOutbox extends TestOutbox {
  readonly #isDone: () => boolean
  #turn = 0
  #living = 900_000

  constructor(batches: FrozenBatch[], isDone: () => boolean) {
    super(...batches)
    this.#isDone = isDone
  }

  override async next(): Promise<FrozenBatch | undefined> {
    if (this.#isDone()) return undefined
    this.#turn += 1
    if (this.#turn % 4 !== 0) return (await super.next()) ?? this.#more()
    return this.#more()
  }

  #more(): FrozenBatch {
    return freezeBatch(1_000_000 + this.#living, [projectEvent('p-living', this.#living++)])
  }
}

function drawBatches(dice: Dice, fates: Map<string, Fate>): FrozenBatch[] {
  const share = dice.pick([0, 0.02, 0.3, 1])
  let index = 0
  return Array.from({ length: 1 + dice.below(8) }, (_, number) => {
    // Some batches hold nothing but what the sink cannot take.
    const poisoned = dice.chance(0.3) ? 1 : share
    const events = Array.from({ length: 1 + dice.below(dice.pick([3, 12, 100])) }, () => {
      const event: BatchEvent = projectEvent('p-a', index++)
      fates.set(event.id, dice.chance(poisoned) ? dice.pick(FATES) : 'taken')
      return event
    })
    return freezeBatch(number, events)
  })
}

async function oneSeed(seed: number): Promise<number> {
  const dice = new Dice(seed)
  const fates = new Map<string, Fate>()
  const batches = drawBatches(dice, fates)
  const sink = new ModelSink(dice, fates)
  const settled = new Map<string, string>()
  const isDone = () => [...fates.keys()].every((id) => settled.has(id))
  const outbox = new LivingOutbox(batches, isDone)
  const told = `seed ${seed}`
  const settle = outbox.settled.bind(outbox)
  outbox.settled = (batch, outcome) => {
    for (const id of outcome.accepted) settledOnce(id, 'taken')
    for (const { id, reason } of outcome.quarantined) {
      if (REFUSED.test(reason)) expect(sink.accepted, told).toBeGreaterThan(0)
      settledOnce(id, reason)
    }
    settle(batch, outcome)
  }
  const settledOnce = (id: string, how: string) => {
    expect(settled.has(id), `${told}: ${id} is settled twice`).toBe(false)
    settled.set(id, how)
  }
  await new Sender(sink, outbox, withoutWaits()).run(NEVER)

  expect(sink.changed, told).toEqual([])
  for (const [id, fate] of fates) {
    const how = settled.get(id)
    if (fate === 'taken') expect(how, `${told} ${id}`).toBe('taken')
    else if (!REFUSED.test(how ?? '')) expect(how, `${told} ${id}`).toMatch(REASONS[fate])
    expect(sink.stored.has(id), `${told} ${id} ${fate}`).toBe(fate === 'taken')
  }
  // Each event that is not taken makes 8 pieces of its batch fail, each at most 10 times.
  const bad = [...fates.values()].filter((fate) => fate !== 'taken').length
  const bound = 2 * (batches.length + 8 * bad) + 10 * 8 * bad + 3 * sink.disturbed
  expect(sink.attempts, told).toBeLessThanOrEqual(1.5 * bound + 50)
  return sink.attempts
}

describe('a seeded sink', () => {
  test(`${SEEDS} of them: each event ends where it belongs, once`, async () => {
    console.log(`METER_FAST_SEED=${SEED}`)
    const beganMs = performance.now()
    let attempts = 0
    for (let index = 0; index < SEEDS; index += 1) attempts += await oneSeed(SEED + index)
    const seconds = Math.round((performance.now() - beganMs) / 100) / 10
    console.log(`${SEEDS} seeded sinks, ${attempts} attempts, ${seconds} s`)
  }, 600_000)
})
