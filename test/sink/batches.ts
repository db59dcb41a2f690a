// Batches and outboxes for tests of delivery.

import type { BatchOutcome } from '../../src/deliver/bisection.ts'
import type { Outbox, SenderOptions } from '../../src/deliver/sender.ts'
import { type FrozenBatch, freezeBatch } from '../../src/deliver/sink.ts'

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** The id of test event `index`, below 1,024. */
export function testId(index: number): string {
  const [high, low] = [Math.floor(index / 32), index % 32]
  return `01M81J18G0P50QWNXSREY2CT${DIGITS.charAt(high)}${DIGITS.charAt(low)}`
}

/** A batch of `count` valid events, numbered from `first`, with text that is not only ASCII. */
export function testBatch(number: number, count: number, first = 0): FrozenBatch {
  const events = Array.from({ length: count }, (_, offset) => {
    const id = testId(first + offset)
    const text = JSON.stringify({
      specversion: '1.0',
      id,
      source: '//test',
      type: 't/requests',
      subject: `projects/p-${first + offset}`,
      time: '2026-11-22T12:00:00.000Z',
      datacontenttype: 'application/json',
      data: { value: '1', dimensions: { name: 'wéb "😀"' } },
    })
    return { id, text }
  })
  return freezeBatch(number, events)
}

/**
 * An outbox in memory that keeps what became of its batches. Events that an outcome leaves out
 * come again behind all others, as a batch of the next free number, as the spool does it.
 */
export class TestOutbox implements Outbox {
  /** By the number that the batch had when it was handed out. */
  readonly outcomes = new Map<number, BatchOutcome>()
  readonly #batches: FrozenBatch[]
  #nextNumber: number

  constructor(...batches: FrozenBatch[]) {
    this.#batches = batches
    this.#nextNumber = 1 + Math.max(0, ...batches.map(({ number }) => number))
  }

  async next(): Promise<FrozenBatch | undefined> {
    return this.#batches.shift()
  }

  settled(batch: FrozenBatch, outcome: BatchOutcome): void {
    const gone = new Set([...outcome.accepted, ...outcome.quarantined.map(({ id }) => id)])
    if (gone.size > 0) this.outcomes.set(batch.number, outcome)
    const left = batch.ids
      .map((id, index) => ({ id, text: batch.texts[index] ?? '' }))
      .filter(({ id }) => !gone.has(id))
    if (left.length > 0) this.#batches.push(freezeBatch(this.#nextNumber++, left))
  }

  get accepted(): string[] {
    return [...this.outcomes.values()].flatMap((outcome) => outcome.accepted)
  }

  get quarantined(): Record<string, string> {
    const all = [...this.outcomes.values()].flatMap((outcome) => outcome.quarantined)
    return Object.fromEntries(all.map(({ id, reason }) => [id, reason]))
  }
}

/** Options of a sender that does not wait, but notes how long it would have. */
export function withoutWaits(waits: number[] = []): SenderOptions {
  const sleep = async (ms: number) => {
    waits.push(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { sleep, random: () => 0.5 }
}

export const NEVER: AbortSignal = new AbortController().signal
