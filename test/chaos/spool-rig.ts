// A spool in memory with its outbox and a sender that does not wait: all of delivery but the disk.

import { SpoolOutbox } from '../../src/agent/outbox.ts'
import { realWorld } from '../../src/agent/world.ts'
import { Sender, type SenderOptions, type SenderSignal } from '../../src/deliver/sender.ts'
import type { BatchEvent, Sink } from '../../src/deliver/sink.ts'
import { rejectedEvents } from '../../src/durable/settled.ts'
import { Spool } from '../../src/durable/spool.ts'
import type { SpoolCounts } from '../../src/durable/spool-records.ts'
import { openMemoryState } from '../../src/durable/store.ts'

const START_MS = Date.UTC(2026, 10, 22, 12)
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const WINDOW_MS = 60_000

/** A valid event of a project; `index` tells it apart from others, and is below 32^4. */
export function projectEvent(project: string, index: number): BatchEvent {
  const digits = [15, 10, 5, 0].map((bits) => DIGITS.charAt((index >> bits) & 31)).join('')
  const id = `01M81J18G0P50QWNXSREY2${digits}`
  const text = JSON.stringify({
    specversion: '1.0',
    id,
    source: '//test',
    type: 't/requests',
    subject: `projects/${project}`,
    time: '2026-11-22T12:00:00.000Z',
    datacontenttype: 'application/json',
    data: { value: '1' },
  })
  return { id, text }
}

/** What a whole delivery came to. */
export interface Delivered {
  readonly counts: SpoolCounts
  /** Ids in quarantine, each with its reason. */
  readonly rejected: ReadonlyMap<string, string>
  readonly signals: readonly SenderSignal[]
  readonly waits: readonly number[]
}

/** Puts batches of events into a spool, one window each, and sends until nothing is left. */
export async function deliverAll(
  sink: Sink,
  batches: readonly (readonly BatchEvent[])[],
  options: SenderOptions & { readonly signal?: AbortSignal } = {},
): Promise<Delivered> {
  const store = openMemoryState()
  const spool = new Spool(store)
  for (const [index, events] of batches.entries()) {
    const windowStartMs = START_MS + WINDOW_MS * index
    const window = { stream: 's', epoch: 0, windowStartMs, windowMs: WINDOW_MS, part: '0' }
    spool.add({ events, pieces: [{ ...window, events: events.length }] }, windowStartMs)
  }
  const world = realWorld(() => START_MS + WINDOW_MS * batches.length)
  const outbox = new SpoolOutbox(spool, () => store.commit(), world)
  outbox.close()
  const signals: SenderSignal[] = []
  const waits: number[] = []
  const sender = new Sender(sink, outbox, {
    random: () => 0.5,
    sleep: async (ms) => {
      waits.push(ms)
      await new Promise((resolve) => setImmediate(resolve))
    },
    ...options,
    onSignal: (signal) => {
      signals.push(signal)
      options.onSignal?.(signal)
    },
  })
  await sender.run(options.signal ?? new AbortController().signal)
  const rejected = new Map([...rejectedEvents(store)].map(({ id, reason }) => [id, reason]))
  return { counts: spool.counts(), rejected, signals, waits }
}
