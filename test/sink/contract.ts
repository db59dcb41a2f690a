// The one contract that every sink passes.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Sender } from '../../src/deliver/sender.ts'
import type { Sink } from '../../src/deliver/sink.ts'
import { NEVER, TestOutbox, testBatch, withoutWaits } from './batches.ts'

/** A sink with the far end that a test looks at. */
export interface SinkUnderTest {
  readonly sink: Sink
  /** Event texts that the far end has, in order of arrival. */
  stored(): Promise<string[]>
  /** Makes attempts fail, or lets them succeed again; left out when no outage ever ends. */
  readonly outage?: { begin(): Promise<void>; end(): Promise<void> }
  dispose(): Promise<void>
}

/** What the far end does with an event that it has already. */
export interface SinkTraits {
  readonly deduplicates: boolean
  /** It may fail for a while and then work again. */
  readonly recovers: boolean
}

/** Declares the tests of one sink. */
export function sinkContract(
  name: string,
  make: () => Promise<SinkUnderTest>,
  traits: SinkTraits,
): void {
  describe(`${name} as a sink`, () => {
    let under: SinkUnderTest
    beforeEach(async () => {
      under = await make()
    })
    afterEach(async () => {
      await under.sink.close()
      await under.dispose()
    })

    test('has a name', () => {
      expect(under.sink.name).toMatch(/^[a-z][a-z-]+$/)
    })

    test('stores the events of a batch in order, byte for byte', async () => {
      const batch = testBatch(1, 100)
      expect(await under.sink.deliver(batch, NEVER)).toMatchObject({ kind: 'accepted' })
      expect(await under.stored()).toEqual(batch.texts)
    })

    test('stores one batch after the other', async () => {
      const batches = [testBatch(1, 3), testBatch(2, 1, 3), testBatch(3, 2, 4)]
      for (const batch of batches) {
        expect(await under.sink.deliver(batch, NEVER)).toMatchObject({ kind: 'accepted' })
      }
      expect(await under.stored()).toEqual(batches.flatMap(({ texts }) => texts))
    })

    test('accepts a batch that it has already', async () => {
      const batch = testBatch(1, 3)
      await under.sink.deliver(batch, NEVER)
      expect(await under.sink.deliver(batch, NEVER)).toMatchObject({ kind: 'accepted' })
      const copies = traits.deduplicates ? 1 : 2
      expect(await under.stored()).toHaveLength(3 * copies)
      expect([...new Set(await under.stored())]).toEqual(batch.texts)
    })

    test('stores nothing and does not accept when it is stopped already', async () => {
      const answer = await under.sink.deliver(testBatch(1, 3), AbortSignal.abort())
      expect(answer).toMatchObject({ kind: 'unknown', status: 0 })
      expect(await under.stored()).toEqual([])
    })

    if (traits.recovers) {
      test('answers an outage, and after it every event is stored once', async () => {
        const outbox = new TestOutbox(testBatch(1, 5), testBatch(2, 5, 5))
        const answers: string[] = []
        await under.outage?.begin()
        const sender = new Sender(under.sink, outbox, {
          ...withoutWaits(),
          onSignal: (signal) => {
            if (signal.kind === 'answered') answers.push(signal.answer.kind)
          },
          sleep: async () => {
            if (answers.length === 3) await under.outage?.end()
          },
        })
        await sender.run(NEVER)
        expect(answers.slice(0, 3)).not.toContain('accepted')
        expect(answers.slice(3)).toEqual(['accepted', 'accepted'])
        expect(outbox.quarantined).toEqual({})
        expect(await under.stored()).toEqual([...testBatch(1, 10).texts])
      })
    }

    test('may be closed twice, and takes nothing after', async () => {
      await under.sink.close()
      await under.sink.close()
      await expect(under.sink.deliver(testBatch(1, 1), NEVER)).rejects.toMatchObject({
        code: 'METER_MISUSE',
      })
    })
  })
}
