// Rules of rendering: exact bytes, what is summed, what is left out, and the golden segments.

import { readFileSync } from 'node:fs'
import { HTTP } from 'cloudevents'
import { describe, expect, test } from 'vitest'
import type { UsageEvent } from '../../src/emit/event.ts'
import type { SegmentName } from '../../src/emit/event-id.ts'
import type { EventRules } from '../../src/emit/meter-rules.ts'
import { renderSegment, renderSlices } from '../../src/emit/render.ts'
import { encodeUsagePage, type PageRow } from './emit-page.ts'
import { DIMENSIONS, METER, RULES, SEGMENT } from './emit-rules.ts'

const VECTOR_RULES: EventRules = {
  ...RULES,
  dimensions: { region: 'us-east-1', gateway_class: 'datum-downstream-gateway' },
}
const WEB: PageRow = {
  project: 'p-abc',
  kind: 1,
  namespace: 'ns-6f1c',
  name: 'web',
  amounts: [0n, 1822n, 0n, 0n, 0n, 0n],
}
const VECTOR =
  '{"specversion":"1.0","id":"01M81J18G0P50QWNXSREY2CTJ5",' +
  '"source":"//networking.datumapis.com/gateway",' +
  '"type":"networking.datumapis.com/gateway/egress-bytes","subject":"projects/p-abc",' +
  '"time":"2026-11-22T12:00:00.000Z","datacontenttype":"application/json",' +
  '"data":{"value":"1822","dimensions":{"gateway_class":"datum-downstream-gateway",' +
  '"httproute_name":"web","httproute_namespace":"ns-6f1c","project_name":"p-abc",' +
  '"region":"us-east-1"}}}'

function render(
  rows: PageRow[],
  rules: EventRules = RULES,
  segment: SegmentName = SEGMENT,
): UsageEvent[] {
  return renderSegment(segment, [encodeUsagePage(rows)], rules)
}

interface Wire {
  id: string
  type: string
  subject: string
  time: string
  data: { value: string; dimensions?: Record<string, string> }
}
const wire = (event: UsageEvent) => JSON.parse(event.text) as Wire
const dimensionsOf = (event: UsageEvent | undefined) => event && wire(event).data.dimensions

describe('an event', () => {
  test('has the literal bytes of the contract', () => {
    expect(render([WEB], VECTOR_RULES)).toEqual([
      {
        id: '01M81J18G0P50QWNXSREY2CTJ5',
        type: `${METER}/egress-bytes`,
        project: 'p-abc',
        timeMs: SEGMENT.windowStartMs,
        text: VECTOR,
      },
    ])
  })

  test('is made for each amount that is not zero, in order of id', () => {
    const events = render([{ ...WEB, amounts: [7n, 1822n, 11n, 2140n, 1n, 2n] }])
    const values = Object.fromEntries(
      events.map((event) => [event.type.slice(METER.length + 1), wire(event).data.value]),
    )
    expect(values).toEqual({
      requests: '7',
      'egress-bytes': '1822',
      'ingress-bytes': '11',
      'connection-seconds': '2',
    })
    expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).sort())
    expect(render([{ ...WEB, amounts: [0n, 0n, 0n, 999n, 0n, 0n] }])).toEqual([])
  })

  test('per_request_floor bills the seconds floored per record', () => {
    const row: PageRow = { ...WEB, amounts: [0n, 0n, 0n, 2140n, 1n, 2n] }
    const [event] = render([row], { ...RULES, connectionSeconds: 'per_request_floor' })
    expect(event && wire(event).data.value).toBe('1')
  })

  test('keeps the whole range of INT64', () => {
    const [event] = render([{ ...WEB, amounts: [2n ** 63n - 1n, 0n, 0n, 0n, 0n, 0n] }])
    expect(event && wire(event).data.value).toBe('9223372036854775807')
  })

  test('of a value past INT64 is refused, never wrapped', () => {
    const row: PageRow = { ...WEB, amounts: [2n ** 63n - 1n, 0n, 0n, 0n, 0n, 0n] }
    expect(() => render([row, row])).toThrowError(expect.objectContaining({ code: 'METER_BUG' }))
  })

  test('that makes no valid CloudEvent is a fault of the configuration', () => {
    expect(() => render([WEB], { ...RULES, source: '' })).toThrowError(
      expect.objectContaining({ code: 'METER_CONFIG_INVALID' }),
    )
  })
})

describe('keys that render equal', () => {
  test('are summed first: no route, gRPC, unknown and overflow of a project are one', () => {
    const kinds = [0, 2, 3, 4].map((kind): PageRow => ({ ...WEB, kind }))
    const events = render(kinds)
    expect(events.map((event) => wire(event).data)).toEqual([
      { value: '7288', dimensions: { project_name: 'p-abc' } },
    ])
  })

  test('are summed across pages, whatever the order of pages', () => {
    const pages = [[WEB], [{ ...WEB, name: 'api' }], [WEB]].map((rows) => encodeUsagePage(rows))
    const events = renderSegment(SEGMENT, pages, RULES)
    expect(events.map((event) => wire(event).data.value).sort()).toEqual(['1822', '3644'])
    expect(renderSegment(SEGMENT, pages.toReversed(), RULES)).toEqual(events)
  })

  test('are summed when subject and dimensions do not name the project', () => {
    const rules = {
      ...RULES,
      subject: 'projects/all',
      meters: [{ type: 't', amount: 'egressBytes', dimensions: [] }],
    } as const
    const events = render([WEB, { ...WEB, project: 'p-other' }], rules)
    expect(events.map((event) => wire(event).data)).toEqual([{ value: '3644' }])
  })
})

describe('dimensions', () => {
  test('are only those that the meter declares, in the byte order of their keys', () => {
    const meters = [
      {
        type: 't',
        amount: 'egressBytes',
        dimensions: ['zone', 'Zone', 'é', '\u{1F600}', '\uFFFD', 'a', 'zone', '1'],
      },
    ] as const
    const fixed = {
      a: '1',
      é: '2',
      zone: '3',
      Zone: '4',
      '\u{1F600}': '5',
      '\uFFFD': '6',
      '1': '7',
      extra: 'x',
    }
    const [event] = render([WEB], { ...RULES, meters, dimensions: fixed })
    expect(event?.text).toContain(
      '"dimensions":{"1":"7","Zone":"4","a":"1","zone":"3","é":"2","\uFFFD":"6","\u{1F600}":"5"}}}',
    )
  })

  test('are left out when absent, empty or above 256 bytes, and so is an empty object', () => {
    const rules: EventRules = {
      ...RULES,
      meters: [{ type: 't', amount: 'egressBytes', dimensions: ['a', 'b', 'c', 'd', 'e'] }],
      dimensions: { a: '' },
      lineDimensions: ['b', 'c', 'd', 'e'],
    }
    const long: PageRow = { ...WEB, dimensions: [undefined, '', 'x'.repeat(257), 'é'.repeat(129)] }
    expect(render([long], rules)[0]?.text).toMatch(/"data":\{"value":"1822"\}\}$/)
    const fits: PageRow = { ...WEB, dimensions: ['x', '', 'x'.repeat(256), 'é'.repeat(128)] }
    expect(dimensionsOf(render([fits], rules)[0])).toEqual({
      b: 'x',
      d: 'x'.repeat(256),
      e: 'é'.repeat(128),
    })
  })

  test('name an HTTPRoute or a GRPCRoute, never one as the other', () => {
    const meters = [
      {
        type: 't',
        amount: 'egressBytes',
        dimensions: [...DIMENSIONS, 'grpcroute_name', 'grpcroute_namespace'],
      },
    ] as const
    const rules: EventRules = { ...RULES, meters }
    expect(dimensionsOf(render([WEB], rules)[0])).toEqual({
      httproute_name: 'web',
      httproute_namespace: 'ns-6f1c',
      project_name: 'p-abc',
    })
    expect(dimensionsOf(render([{ ...WEB, kind: 2 }], rules)[0])).toEqual({
      grpcroute_name: 'web',
      grpcroute_namespace: 'ns-6f1c',
      project_name: 'p-abc',
    })
    expect(dimensionsOf(render([{ ...WEB, kind: 3 }], rules)[0])).toEqual({ project_name: 'p-abc' })
  })

  test('are escaped as JSON.stringify does', () => {
    const text = 'quote " slash / back \\ tab \t line \n del \x7f sep \u2028 é 😀'
    const [event] = render([{ ...WEB, name: text }])
    expect(event?.text).toContain(`"httproute_name":${JSON.stringify(text)},`)
    expect(event?.text).not.toContain('\n')
  })

  test('that the page reads from lines must be those of the rules', () => {
    expect(() => render([{ ...WEB, dimensions: ['x'] }])).toThrowError(
      expect.objectContaining({ code: 'METER_STATE_CORRUPT' }),
    )
  })
})

test('a meter that is named twice is refused, its ids would be equal', () => {
  const meters = [...RULES.meters, ...RULES.meters.slice(0, 1)]
  expect(() => render([WEB], { ...RULES, meters })).toThrowError(
    expect.objectContaining({ code: 'METER_CONFIG_INVALID' }),
  )
})

describe('a large segment', () => {
  const row = (index: number): PageRow => ({
    ...WEB,
    name: `web-${index}`,
    amounts: [1n, 2n, 3n, 4000n, 4n, 4n],
  })
  const pages = [0, 1].map((page) =>
    encodeUsagePage(Array.from({ length: 500 }, (_, index) => row(page * 500 + index))),
  )

  test('gives the same events in slices as at once; the event loop runs in between', async () => {
    let turns = 0
    let running = true
    const turn = () => {
      turns += 1
      if (running) setImmediate(turn)
    }
    setImmediate(turn)
    const slices: UsageEvent[][] = []
    for await (const slice of renderSlices(SEGMENT, pages, RULES)) slices.push(slice)
    running = false
    expect(slices.flat()).toEqual(renderSegment(SEGMENT, pages, RULES))
    expect(slices.flat()).toHaveLength(4000)
    expect(Math.max(...slices.map((slice) => slice.length))).toBeLessThanOrEqual(256)
    expect(turns).toBeGreaterThanOrEqual(slices.length)
  })

  test('has only events that the SDK reads back from a batch, equal to what was sent', () => {
    const body = `[${renderSegment(SEGMENT, pages, RULES)
      .map(({ text }) => text)
      .join(',')}]`
    const headers = { 'content-type': 'application/cloudevents-batch+json' }
    const events = HTTP.toEvent({ headers, body })
    expect(JSON.parse(JSON.stringify(events))).toEqual(JSON.parse(body))
  })
})

interface GoldenSegment {
  timeMs: number
  lines: string[]
}

/** Segments of a golden file: runs of rising ids with one time. */
function goldenSegments(name: string): GoldenSegment[] {
  const path = new URL(`../golden/${name}.events.ndjson`, import.meta.url)
  const segments: GoldenSegment[] = []
  for (const line of readFileSync(path, 'utf8').trimEnd().split('\n')) {
    const timeMs = Date.parse((JSON.parse(line) as Wire).time)
    const last = segments.at(-1)
    if (last?.timeMs === timeMs) last.lines.push(line)
    else segments.push({ timeMs, lines: [line] })
  }
  return segments
}

/** Pages that must give these events, one row for each event, in reverse order. */
function pageOf(lines: string[]): Uint8Array {
  const rows = lines.map((line): PageRow => {
    const { type, subject, data } = JSON.parse(line) as Wire
    const value = BigInt(data.value)
    const amount = (name: string) => (type === `${METER}/${name}` ? value : 0n)
    const { httproute_namespace: namespace, httproute_name: route } = data.dimensions ?? {}
    const project = subject.slice('projects/'.length)
    return {
      project,
      kind: route === undefined ? 0 : 1,
      namespace: namespace ?? '',
      name: route ?? '',
      amounts: [
        amount('requests'),
        amount('egress-bytes'),
        amount('ingress-bytes'),
        0n,
        0n,
        amount('connection-seconds'),
      ],
    }
  })
  return encodeUsagePage(rows.reverse())
}

describe('golden segments of the first epoch', () => {
  test.each([
    ['plain', 0],
    ['plain', 1],
    ['stream', 0],
    ['mixed', 0],
  ])('%s, segment %i, byte for byte', (name, index) => {
    const golden = goldenSegments(name)[index]
    expect(golden?.lines.length).toBeGreaterThan(100)
    const { timeMs, lines } = golden as GoldenSegment
    const segment = { stream: 'scan', epoch: 0, windowStartMs: timeMs, windowMs: 60_000, part: '0' }
    const events = renderSegment(segment, [pageOf(lines)], RULES)
    expect(events.map(({ text }) => text)).toEqual(lines)
  })
})
