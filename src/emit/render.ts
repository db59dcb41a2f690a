// Makes the usage events of one closed piece of a segment out of its pages.
//
// Promises: the same pages, segment and rules give the same events, byte for byte; there is one
// event per (type, subject, rendered dimensions); a zero makes no event; events are in order of
// id. The work is cut into steps of a few ms, so that a segment of a million keys need not hold
// the event loop. Memory is one entry per key and one id per event; texts exist slice by slice.

import { setImmediate } from 'node:timers/promises'
import { type UsageEvent, usageEvent } from './event.ts'
import { idField, type SegmentName, segmentFields, ulid } from './event-id.ts'
import {
  addPage,
  type EventRules,
  type MeterGroup,
  type MeterTotals,
  meterGroups,
} from './meter-totals.ts'

/** An event that has its id but not its text yet. */
interface Draft {
  readonly id: string
  readonly type: string
  readonly totals: MeterTotals
  readonly value: bigint
}

const SLICE_EVENTS = 256
// The ids of a segment share ten digits of time; what follows is a hash and spreads evenly. Its
// first two digits, read in a base that keeps their order, choose the bucket: buckets are sorted
// one by one, so no sort is long.
const BUCKET_DIGITS = [10, 12] as const
const BUCKET_RADIX = 36

/**
 * All events of the segment at once, in order of id.
 * @throws MeterFastError METER_STATE_CORRUPT for a damaged page, METER_CONFIG_INVALID for rules
 *   that make no valid CloudEvent.
 */
export function renderSegment(
  segment: SegmentName,
  pages: Iterable<Uint8Array>,
  rules: EventRules,
): UsageEvent[] {
  return [...renderSteps(segment, pages, rules)].flat()
}

/**
 * The same events in the same order, in slices of at most 256; the event loop runs in between.
 * @throws MeterFastError as renderSegment
 */
export async function* renderSlices(
  segment: SegmentName,
  pages: Iterable<Uint8Array>,
  rules: EventRules,
): AsyncGenerator<UsageEvent[]> {
  for (const slice of renderSteps(segment, pages, rules)) {
    if (slice.length > 0) yield slice
    await setImmediate()
  }
}

/** One step is a few ms of work; a step that has no events to show yields an empty slice. */
function* renderSteps(
  segment: SegmentName,
  pages: Iterable<Uint8Array>,
  rules: EventRules,
): Generator<UsageEvent[]> {
  const groups = meterGroups(rules)
  for (const page of pages) {
    addPage(groups, page, rules)
    yield []
  }
  const buckets = new Map<number, Draft[]>()
  let named = 0
  for (const draft of drafts(segment, groups)) {
    addToBucket(buckets, draft)
    named += 1
    if (named % SLICE_EVENTS === 0) yield []
  }
  let slice: UsageEvent[] = []
  for (const draft of inOrder(buckets)) {
    slice.push(finished(draft, segment, rules))
    if (slice.length < SLICE_EVENTS) continue
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}

function* drafts(segment: SegmentName, groups: readonly MeterGroup[]): Generator<Draft> {
  const head = segmentFields(segment)
  const part = idField(segment.part)
  for (const { meters, totals } of groups) {
    for (const sums of totals.values()) {
      const tail = idField(sums.subject) + part + sums.idFields
      for (const { type, amount } of meters) {
        const value = sums[amount]
        if (value === 0n) continue
        const id = ulid(segment.windowStartMs, head + idField(type) + tail)
        yield { id, type, totals: sums, value }
      }
    }
  }
}

function addToBucket(buckets: Map<number, Draft[]>, draft: Draft): void {
  const bucket = Number.parseInt(draft.id.slice(...BUCKET_DIGITS), BUCKET_RADIX)
  const others = buckets.get(bucket)
  if (others) others.push(draft)
  else buckets.set(bucket, [draft])
}

/** Empties the buckets. */
function* inOrder(buckets: Map<number, Draft[]>): Generator<Draft> {
  for (const bucket of [...buckets.keys()].sort((a, b) => a - b)) {
    yield* (buckets.get(bucket) ?? []).sort((a, b) => (a.id < b.id ? -1 : 1))
    buckets.delete(bucket)
  }
}

function finished(draft: Draft, segment: SegmentName, rules: EventRules): UsageEvent {
  const { id, type, value, totals } = draft
  const { project, subject, dimensions } = totals
  const timeMs = segment.windowStartMs
  return usageEvent({ id, source: rules.source, type, subject, project, timeMs, value, dimensions })
}
