// A batch was sent and its answer is not known when the agent starts again: it is sent again with
// the same bytes, or held when the sink may have forgotten its ids and the config says so.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { carryOut } from '../../src/agent/requests.ts'
import type { FrozenBatch, SinkAnswer } from '../../src/deliver/sink.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { difference, line, SAME } from './bills.ts'
import { config, Receiver, RunningAgent, runOnce, scratch, until } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const MINUTE_MS = 60_000
const LOG = line(START_MS) + line(START_MS + MINUTE_MS)

/** Takes a batch and says so to nobody. */
class Silent extends Receiver {
  readonly bodies: string[] = []

  override async deliver(batch: FrozenBatch, signal?: AbortSignal): Promise<SinkAnswer> {
    this.bodies.push(Buffer.from(batch.body).toString())
    await new Promise((resolve) => signal?.addEventListener('abort', resolve))
    return { kind: 'unknown', status: 0, text: 'stopped' }
  }
}

/** A state whose first batch was sent and not answered. */
async function unanswered(policy: 'resend' | 'hold') {
  const directory = await scratch()
  writeFileSync(join(directory, 'access.log'), LOG)
  const settings = config(directory, {
    rest: { ambiguous_policy: policy, sink_dedup_window: '2m' },
  })
  const silent = new Silent()
  const agent = new RunningAgent(settings, { sink: silent, now: () => START_MS + MINUTE_MS })
  await until('a batch is sent', () => silent.bodies.length > 0)
  await agent.stop()
  const sink = new Receiver()
  const start = async (afterMs: number) => {
    const once = new RunningAgent(settings, {
      ...{ sink, once: true, now: () => START_MS + MINUTE_MS + afterMs },
    })
    const report = await once.ended
    const told = once.signals.filter(({ kind }) => kind === 'ambiguous')
    return { report, told }
  }
  return { settings, silent, sink, start }
}

const wanted = slowEvents([Buffer.from(LOG)], { stream: 'file/n1/access.log' })

describe('a batch whose answer is not known', () => {
  test('is sent again with the same bytes, told and counted', async () => {
    const { silent, sink, start } = await unanswered('resend')
    const { report, told } = await start(60 * MINUTE_MS)
    expect(told).toEqual([{ kind: 'ambiguous', batches: 1, heldEvents: 0 }])
    expect(report.counts).toMatchObject({ batches_ambiguous: 1, events_resent: 2, events_held: 0 })
    expect(difference(sink.texts, wanted)).toEqual(SAME)
    const sent = JSON.parse(silent.bodies[0] ?? '[]') as object[]
    for (const event of sent) expect(sink.texts).toContain(JSON.stringify(event))
  })

  test('is held under ambiguous_policy hold, when the sink may have forgotten it', async () => {
    const { settings, sink, start } = await unanswered('hold')
    const { report, told } = await start(2 * MINUTE_MS + 1)
    expect(told).toEqual([{ kind: 'ambiguous', batches: 1, heldEvents: 2 }])
    expect(report.spool).toMatchObject({ events: 2, held: 2 })
    expect(report.counts).toMatchObject({ events_held: 2, events_resent: 0 })
    const options = { nowMs: 0, signal: AbortSignal.timeout(20_000), onWait: () => undefined }
    expect(await carryOut(settings.state.dir, { kind: 'release' }, options)).toEqual({ events: 2 })
    await runOnce(settings, { sink, now: () => START_MS + 2 * MINUTE_MS })
    expect(difference(sink.texts, wanted)).toEqual(SAME)
  })

  test('is sent again even then, as long as the sink remembers it', async () => {
    const { sink, start } = await unanswered('hold')
    const { told } = await start(2 * MINUTE_MS)
    expect(told).toEqual([{ kind: 'ambiguous', batches: 1, heldEvents: 0 }])
    expect(difference(sink.texts, wanted)).toEqual(SAME)
  })
})
