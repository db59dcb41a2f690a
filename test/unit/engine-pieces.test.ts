// What a closed piece says besides its usage (the ledger is made of it), what is open before it
// closes, and what a checkpoint leaves out; with literal expectations.

import { describe, expect, test } from 'vitest'
import { resolveFormat } from '../../src/config/formats.ts'
import { unattributedRows, usageRows } from '../../src/emit/usage-page.ts'
import { createEngine, type Engine, type EngineOptions } from '../../src/native.ts'
import { cri, file, line, report } from './metering.ts'

const OPTIONS: EngineOptions = {
  envelope: 'auto',
  format: resolveFormat('datum', [{ name: 'protocol', from: 'protocol' }]),
  windowMs: 60_000,
  totalsOnly: false,
  keepQuarantine: false,
  exclude: { codes: [], flags: [] },
  lineBytesMax: 1024 * 1024,
  keysMax: 1_000_000,
  streamStatesMax: 1_000_000,
}

function engine(options: Partial<EngineOptions> = {}): Engine {
  return createEngine({ ...OPTIONS, ...options })
}

function at(time: string, fields: Record<string, unknown> = {}): string {
  return line({ start_time: `2026-11-02T${time}Z`, duration: 0, ...fields })
}

function endOffsets(one: Engine): number[] {
  return one.take().closed.map(({ endOffset }) => endOffset)
}

describe('a piece ends', () => {
  test('where the line begins that closed it', () => {
    const one = engine()
    const first = file(at('12:00:00'), 'no json', at('12:00:30'))
    one.feedSync(Buffer.concat([first, file(at('12:01:00'))]))
    expect(endOffsets(one)).toEqual([first.length])
  })

  test('where the last part of that line begins', () => {
    const one = engine({ envelope: 'cri' })
    const [begin, end] = [at('12:01:00').slice(0, 40), at('12:01:00').slice(40)]
    const before = file(cri(at('12:00:00')), cri(begin, 'stdout P'), cri('x', 'stderr F'))
    one.feedSync(Buffer.concat([before, file(cri(end))]))
    expect(endOffsets(one)).toEqual([before.length])
  })

  test('at the offset of a close by time, without the unfinished line', async () => {
    const one = engine()
    const whole = file(at('12:00:00'))
    one.feedSync(Buffer.concat([whole, Buffer.from('{"project_name":')]))
    await one.closeByTime()
    expect(endOffsets(one)).toEqual([whole.length])
  })

  test('in the generation that is read: offsets begin again with each', () => {
    const one = engine()
    one.feedSync(file(at('12:00:00')))
    one.endGenerationSync()
    const second = file(at('12:00:20'))
    one.feedSync(Buffer.concat([second, file(at('12:01:00'))]))
    expect(endOffsets(one)).toEqual([second.length])
    one.endGenerationSync()
    one.endStreamSync()
    expect(endOffsets(one)).toEqual([0])
  })
})

describe('the sums of a piece', () => {
  test('are by project, in the order of their bytes, with the seconds billed of each key', () => {
    const one = engine({ keysMax: 2 })
    one.feedSync(
      file(
        at('12:00:00', { project_name: 'p-b', duration: 1_600, protocol: 'HTTP/2' }),
        at('12:00:00', { project_name: 'p-a', route_name: 'httproute/ns/x', duration: 900 }),
        at('12:00:00', { project_name: 'p-b', route_name: 'httproute/ns/y', duration: 2_700 }),
        at('12:00:00', { project_name: 'p-b', duration: 500, protocol: 'HTTP/2' }),
      ),
    )
    one.endStreamSync()
    const [piece] = one.take().closed
    // p-b: 2100 ms of one key are 2 s, 2700 ms of the overflow key are 2 s.
    expect(piece?.projects.flatMap((page) => [...usageRows(page)])).toEqual([
      sums('p-a', 1n, 10n, 2n, 900n, 0n, 0n),
      sums('p-b', 3n, 30n, 6n, 4_800n, 3n, 4n),
    ])
    expect(piece?.reasons).toHaveLength(0)
  })

  test('are by reason for unattributed usage, in the order of the reasons', () => {
    const one = engine()
    const nobody = { project_name: null }
    one.feedSync(
      file(
        at('12:00:00', { project_name: 'Not a label', bytes_sent: 1 }),
        at('12:00:00', { ...nobody, bytes_sent: 2 }),
        at('12:00:00', { ...nobody, route_name: 'httproute/ns/other', bytes_sent: 4 }),
        at('12:00:00', { ...nobody, route_name: null, bytes_sent: 8 }),
      ),
    )
    one.endStreamSync()
    const [piece] = one.take().closed
    const rows = [...unattributedRows(piece?.reasons ?? new Uint8Array())]
    expect(
      rows.map(({ reason, project, route, requests, egressBytes }) => ({
        ...{ reason, project, route, requests, egressBytes },
      })),
    ).toEqual([
      { reason: 'no_route', project: '', route: '', requests: 1n, egressBytes: 8n },
      { reason: 'no_project', project: '', route: '', requests: 2n, egressBytes: 6n },
      { reason: 'bad_project', project: '', route: '', requests: 1n, egressBytes: 1n },
    ])
    expect(piece?.projects).toEqual([])
  })
})

describe('open totals', () => {
  test('are what a close by time hands over, which they do not change', async () => {
    const one = engine()
    one.feedSync(file(at('12:00:00', { duration: 1_700 }), at('12:00:00', { project_name: null })))
    const open = await one.openTotals()
    expect(await one.openTotals()).toEqual(open)
    await one.closeByTime()
    expect(one.take().closed).toEqual([open])
    one.feedSync(file(at('12:00:10', { duration: 300 })))
    const rows = (await one.openTotals()).pages.flatMap((page) => [...usageRows(page)])
    expect(rows).toMatchObject([{ connectionMs: 300n, connectionSeconds: 1n }])
  })

  test('have outcomes and no pages when nothing is open', async () => {
    const one = engine()
    one.feedSync(file('no json'))
    const { pages, unattributed, projects, reasons, outcomes } = await one.openTotals()
    expect({ pages, unattributed, projects }).toEqual({ pages: [], unattributed: [], projects: [] })
    expect(reasons).toHaveLength(0)
    expect([...outcomes].reduce((sum, count) => sum + count)).toBe(1n)
  })
})

describe('a checkpoint', () => {
  test('goes on with windows, parts and long-lived requests, without totals', async () => {
    const one = engine()
    one.feedSync(file(at('12:00:00'), report('DownstreamPeriodic', 10)))
    await one.closeByTime()
    one.feedSync(file(at('12:00:10')))
    const { head, pages } = await one.checkpoint()
    expect(pages.map(({ name }) => name)).toEqual(['ss0'])
    const next = engine()
    await next.restore(
      head,
      pages.flatMap(({ bytes }) => bytes ?? []),
    )
    expect(next.hasOpenSegment()).toBe(true)
    expect(next.offset()).toBe(one.offset())
    next.feedSync(file(at('12:00:20'), at('12:01:00'), report('DownstreamEnd', 25)))
    next.endStreamSync()
    const found = next.take().closed.map(({ part, pages: all }) => {
      const rows = all.flatMap((page) => [...usageRows(page)])
      return [part, rows.reduce((sum, row) => sum + row.egressBytes, 0n)]
    })
    expect(found).toEqual([
      [1, 10n],
      [0, 25n],
    ])
  })
})

function sums(project: string, ...amounts: [bigint, bigint, bigint, bigint, bigint, bigint]) {
  const [requests, egressBytes, ingressBytes, connectionMs, floor, seconds] = amounts
  return {
    ...{ project, kind: null, namespace: '', name: '', dimensions: [] },
    ...{ requests, egressBytes, ingressBytes, connectionMs },
    ...{ connectionSecondsFloor: floor, connectionSeconds: seconds },
  }
}
