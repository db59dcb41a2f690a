// Closed segments become events in the spool, in slices: the event loop runs in between, and a
// commit at any moment holds as many events as its segment's head says, so that a crash goes on
// behind them. Which events a segment makes, and their order, is a pure function of its pages.

import { putJson } from './durable/codec.ts'
import { numberField } from './durable/keys.ts'
import { removeSegment, segmentPages, waitingSegments } from './durable/records.ts'
import type { Spool } from './durable/spool.ts'
import type { StateStore } from './durable/state.ts'
import { renderSlices } from './emit/render.ts'
import type { SegmentHead } from './agent-stream.ts'

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
  let rendered = 0
  let heldEvents = 0
  for (const { number, head } of [...waitingSegments<SegmentHead>(store)]) {
    if (rendered >= EVENTS_MAX) break
    const held = head.windowStartMs + head.windowMs <= holdBeforeMs
    let skip = head.rendered
    let done = head.rendered
    let whole = true
    const name = { ...head, part: String(head.part) }
    for await (const slice of renderSlices(name, segmentPages(store, number), head.rules)) {
      const fresh = slice.slice(skip)
      skip -= slice.length - fresh.length
      if (fresh.length === 0) continue
      if (rendered >= EVENTS_MAX) {
        whole = false
        break
      }
      spool.add(fresh.map(({ id, text, timeMs }) => ({ id, text, timeMs, held })))
      done += fresh.length
      rendered += fresh.length
      if (held) heldEvents += fresh.length
      putJson(store, `segment/${numberField(number)}`, { ...head, rendered: done })
    }
    if (whole) removeSegment(store, number)
  }
  return heldEvents
}
