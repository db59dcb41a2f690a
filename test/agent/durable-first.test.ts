// I2: nothing is sent before the commit that holds it, and its attempt, is durable. The sink looks
// into the state as another process would, at the moment of every request.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { FrozenBatch, SinkAnswer } from '../../src/deliver/sink.ts'
import { acceptedBatches } from '../../src/durable/settled.ts'
import { readContent, waitingBatches } from '../../src/durable/spool-records.ts'
import { openStateReader } from '../../src/durable/store.ts'
import { crc32c } from '../../src/native.ts'
import { line } from './bills.ts'
import { Clock, config, Receiver, RunningAgent, scratch, until } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)

/** What the state said of a batch when it was sent. */
interface Seen {
  readonly texts: readonly string[]
  readonly kept: readonly string[]
  readonly attempts: number
}

class LookingReceiver extends Receiver {
  readonly seen: Seen[] = []
  readonly #stateDir: string

  constructor(stateDir: string) {
    super()
    this.#stateDir = stateDir
  }

  override async deliver(batch: FrozenBatch): Promise<SinkAnswer> {
    const state = await openStateReader(this.#stateDir, { crc32c })
    const queued = [...waitingBatches(state, 'queue')]
    const attempts = queued.find(({ number }) => number === batch.number)?.attempts ?? 0
    const kept = readContent(state, batch.number)?.events ?? []
    await state.close()
    this.seen.push({ texts: batch.texts, kept: kept.map(({ text }) => text), attempts })
    return super.deliver(batch)
  }
}

test('every event and every attempt is in the committed state when it is sent', async () => {
  const directory = await scratch()
  const settings = config(directory)
  const sink = new LookingReceiver(settings.state.dir)
  const clock = new Clock(START_MS)
  const agent = new RunningAgent(settings, { sink, now: clock.now })
  for (let round = 0; round < 4; round += 1) {
    const lines = Array.from({ length: 60 }, (_, at) =>
      line(START_MS + round * 60_000, { project: `p-${at}` }),
    )
    writeFileSync(join(directory, 'access.log'), lines.join(''), { flag: 'a' })
    await until('the window before is sent', () => sink.stored.size === round * 120)
  }
  await agent.stop()
  expect(sink.seen.length).toBeGreaterThan(3)
  for (const { texts, kept, attempts } of sink.seen) {
    expect(kept).toEqual(texts)
    expect(attempts).toBe(1)
  }

  // What was accepted is kept with its bytes, until it is forgotten by age.
  const state = await openStateReader(settings.state.dir, { crc32c })
  const accepted = [...acceptedBatches(state, 0, Number.MAX_SAFE_INTEGER)]
  await state.close()
  const texts = accepted.flatMap(({ events }) => events.map(({ text }) => text))
  expect(texts.sort()).toEqual(sink.texts)
})
