// One usage event: built and validated by the CloudEvents SDK, written in our own byte form.
//
// The SDK does not promise an order of keys, and it does not look into `data`. So the bytes are
// laid out here, in the order of the contract, from the event that the SDK has accepted; and the
// value is checked here to be what a sink can add up: a whole number from 1 to 2^63 - 1.

import { CloudEvent } from 'cloudevents'
import { MeterFastError } from '../errors.ts'

/** One CloudEvent, final: `text` is what is stored, sent and sent again. */
export interface UsageEvent {
  /** A ULID; the sink deduplicates on it. */
  readonly id: string
  /** The meter. */
  readonly type: string
  readonly project: string
  /** Start of the window, in ms since 1970. */
  readonly timeMs: number
  /** The event as one line of JSON without a line end. Same id, same text. */
  readonly text: string
}

/** What an event says; `dimensions` is JSON text of an object, or empty for none. */
export interface EventFields {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject: string
  readonly project: string
  readonly timeMs: number
  readonly value: bigint
  readonly dimensions: string
}

const CONTENT_TYPE = 'application/json'
const INT64_MAX = 2n ** 63n - 1n

/**
 * Builds one event.
 * @throws MeterFastError METER_CONFIG_INVALID when source, type or subject make no CloudEvent;
 *   METER_BUG when the value cannot be billed.
 */
export function usageEvent(fields: EventFields): UsageEvent {
  const { id, type, project, timeMs, value, dimensions } = fields
  if (value < 1n || value > INT64_MAX) {
    throw new MeterFastError(
      'METER_BUG',
      `event ${id} of ${type} would have the value ${value}, which no sink can add up. ` +
        'Please report it.',
    )
  }
  const data = dimensions
    ? `{"value":"${value}","dimensions":${dimensions}}`
    : `{"value":"${value}"}`
  const event = validated(fields, data)
  const text =
    `{"specversion":${quoted(event.specversion)},"id":${quoted(event.id)}` +
    `,"source":${quoted(event.source)},"type":${quoted(event.type)}` +
    `,"subject":${quoted(event.subject)},"time":${quoted(event.time)}` +
    `,"datacontenttype":${quoted(event.datacontenttype)},"data":${data}}`
  return { id, type, project, timeMs, text }
}

/**
 * Meter and value of an event's text. Inside a string every quote has a backslash before it, so
 * what is looked for is found at its place only, and nothing is parsed.
 */
export function billedBy(text: string): { readonly meter: string; readonly amount: bigint } {
  return {
    meter: JSON.parse(between(text, '","type":', ',"subject":"')) as string,
    amount: BigInt(between(text, ',"data":{"value":"', '"')),
  }
}

function between(text: string, before: string, after: string): string {
  const start = text.indexOf(before) + before.length
  return text.slice(start, text.indexOf(after, start))
}

/** The SDK gets `data` as a sink will read it: parsed from the very text that is sent. */
function validated(fields: EventFields, data: string): CloudEvent<unknown> {
  try {
    return new CloudEvent({
      id: fields.id,
      source: fields.source,
      type: fields.type,
      subject: fields.subject,
      time: new Date(fields.timeMs).toISOString(),
      datacontenttype: CONTENT_TYPE,
      data: JSON.parse(data) as unknown,
    })
  } catch (cause) {
    const why = (cause as Error).message
    throw new MeterFastError(
      'METER_CONFIG_INVALID',
      `usage of the meter "${fields.type}" makes no valid CloudEvent: ${why}. ` +
        'Check source, subject and meter type in the catalog.',
      { cause },
    )
  }
}

function quoted(text: string | undefined): string {
  return JSON.stringify(text)
}
