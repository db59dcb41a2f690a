// Closed segments become events in the spool, in slices: the event loop runs in between, and a
// commit at any moment holds as many events as its segment's head says, so that a crash goes on
// behind them. Which events a segment makes, and their order, is a pure function of its pages.

import type { SegmentHead } from './agent-stream.ts'
import { putJson } from './durable/codec.ts'
import { numberField } from './durable/keys.ts'
import { removeSegment, segmentPages, waitingSegments } from './durable/records.ts'
import type { Spool } from './durable/spool.ts'
import type { StateStore } from './durable/state.ts'
import { renderSlices } from './emit/render.ts'

/** Events that wait in memory for a commit: about 25 MB. */
const EVENTS_MAX = 32_768

/**
 * Renders segments that wait, oldest first, up to a bound. Windows that ended before
 * `holdBeforeMs` become held events. Resolves to the number of events held.
 */
export async function renderWaiting(
  store: StateStore,
  spool: Spool,
  holdBeforeMs: number,
): Promise<number> {
  let room = EVENTS_MAX
  let heldEvents = 0
  for (const { number, head } of [...waitingSegments<SegmentHead>(store)]) {
    if (room <= 0) break
    const held = head.windowStartMs + head.windowMs < holdBeforeMs
    const rendered = await renderOne(store, spool, number, head, { room, held })
    room -= rendered
    if (held) heldEvents += rendered
  }
  return heldEvents
}

/** Resolves to the events that were added; the segment is removed when all of its are. */
async function renderOne(
  store: StateStore,
  spool: Spool,
  number: number,
  head: SegmentHead,
  { room, held }: { readonly room: number; readonly held: boolean },
): Promise<number> {
  const name = { ...head, part: String(head.part) }
  let known = head.rendered
  let added = 0
  for await (const slice of renderSlices(name, segmentPages(store, number), head.rules)) {
    const fresh = slice.slice(known)
    known -= slice.length - fresh.length
    if (fresh.length === 0) continue
    if (added >= room) return added
    spool.add(fresh.map(({ id, text, timeMs }) => ({ id, text, timeMs, held })))
    added += fresh.length
    const rendered = head.rendered + added
    putJson(store, `segment/${numberField(number)}`, { ...head, rendered })
  }
  removeSegment(store, number)
  return added
}
