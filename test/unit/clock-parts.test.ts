// Segments that are closed by time get a further part when more lines come (DESIGN 5.3), through
// the engine that the agent uses: `Meter` has no clock, so nothing closes by time there.

import { describe, expect, test } from 'vitest'
import { resolveFormat } from '../../src/config/formats.ts'
import { type UsageRow, usageRows } from '../../src/emit/usage-page.ts'
import { createEngine, type Engine } from '../../src/native.ts'
import { file, line, NOON_MS, report } from './metering.ts'

/** Steps that are no lines. */
const CLOSE = 'close by time'
const END = 'end of the stream'

function engine(): Engine {
  return createEngine({
    envelope: 'raw',
    format: resolveFormat('datum'),
    windowMs: 60_000,
    totalsOnly: false,
    keepQuarantine: false,
    exclude: { codes: [], flags: [] },
    lineBytesMax: 1024 * 1024,
    keysMax: 1_000_000,
    streamStatesMax: 1_000_000,
  })
}

interface Part {
  readonly minute: number
  readonly epoch: number
  readonly part: number
  readonly byTime: boolean
  readonly rows: readonly UsageRow[]
}

async function parts(...steps: readonly string[]): Promise<Part[]> {
  const one = engine()
  for (const step of steps) {
    if (step === CLOSE) await one.closeByTime()
    else if (step === END) one.endStreamSync()
    else one.feedSync(file(step))
  }
  const { closed } = one.take()
  one.close()
  return closed.map(({ windowStartMs, epoch, part, byTime, pages }) => ({
    minute: (windowStartMs - NOON_MS) / 60_000,
    ...{ epoch, part, byTime },
    rows: pages.flatMap((page) => [...usageRows(page)]),
  }))
}

function at(time: string, fields: Record<string, unknown> = {}): string {
  return line({ start_time: `2026-11-02T${time}Z`, duration: 0, ...fields })
}

/** `minute part requests`, with `*` for a close by time. */
function texts(found: readonly Part[]): string[] {
  return found.map(({ minute, part, byTime, rows }) => {
    const requests = rows.reduce((sum, row) => sum + row.requests, 0n)
    return `${minute} ${part} ${requests}${byTime ? '*' : ''}`
  })
}

describe('parts', () => {
  test('a line for a window that was closed by time opens its next part', async () => {
    const found = await parts(
      ...[at('12:00:00'), CLOSE, at('12:00:30'), at('12:00:40'), CLOSE],
      ...[at('12:00:50'), at('12:01:00'), CLOSE, at('12:02:00'), END],
    )
    expect(texts(found)).toEqual(['0 0 1*', '0 1 2*', '0 2 1', '1 0 1*', '2 0 1'])
  })

  test('a late line after a close by time belongs to the open window still', async () => {
    const found = await parts(at('12:05:00'), CLOSE, at('12:04:00'), at('11:05:00'), END)
    expect(texts(found)).toEqual(['5 0 1*', '5 1 2'])
  })

  test('a close without a line makes no part', async () => {
    expect(texts(await parts(CLOSE, at('12:00:00'), CLOSE, CLOSE, END, CLOSE))).toEqual(['0 0 1*'])
  })

  test('unattributed lines alone make a part too, quarantined ones do not', async () => {
    const nobody = at('12:00:00', { project_name: null })
    const found = await parts(nobody, CLOSE, 'x', at('12:00:00', { bytes_sent: -1 }), CLOSE)
    expect(texts(found)).toEqual(['0 0 0*'])
  })

  test('another epoch begins at part 0, in the same window too', async () => {
    const found = await parts(
      at('12:00:00'),
      CLOSE,
      at('10:00:00'),
      at('12:00:00'),
      CLOSE,
      at('12:00:00'),
    )
    const back = NOON_MS - 7_200_000
    expect(found.map(({ epoch, minute, part }) => [epoch, minute, part])).toEqual([
      [0, 0, 0],
      [back, -120, 0],
      [back, 0, 0],
    ])
  })

  test('what is in a window is the same, wherever it is split', async () => {
    const lines = ['12:00:01', '12:00:02', '12:00:03', '12:00:04'].map((time) =>
      at(time, { bytes_sent: 7, duration: 600 }),
    )
    for (const closes of [[], [1], [2], [1, 3], [1, 2, 3]]) {
      const steps = lines.flatMap((text, i) => (closes.includes(i) ? [CLOSE, text] : [text]))
      const rows = (await parts(...steps, END)).flatMap((part) => part.rows)
      const sum = (pick: (row: UsageRow) => bigint) =>
        rows.reduce((all, row) => all + pick(row), 0n)
      expect(sum((row) => row.requests)).toBe(4n)
      expect(sum((row) => row.egressBytes)).toBe(28n)
      expect(sum((row) => row.connectionMs)).toBe(2400n)
      // The rest of a second is carried from part to part: 2400 ms are 2 s in any split.
      expect(sum((row) => row.connectionSeconds)).toBe(2n)
    }
  })

  test('keys of a part count towards the keys of its segment', async () => {
    const one = createEngine({ ...OPTIONS_OF_TWO_KEYS })
    for (const name of ['a', 'b']) one.feedSync(file(at('12:00:00', { route_name: name })))
    await one.closeByTime()
    for (const name of ['c', 'a']) one.feedSync(file(at('12:00:00', { route_name: name })))
    one.endStreamSync()
    const names = one
      .take()
      .closed.map(({ pages }) =>
        pages.flatMap((page) => [...usageRows(page)].map(({ kind, name }) => `${kind} ${name}`)),
      )
    expect(names.map((list) => list.sort())).toEqual([
      ['unknown a', 'unknown b'],
      ['overflow ', 'unknown a'],
    ])
  })

  test('the sum that a segment may hold is over all its parts', async () => {
    const huge = at('12:00:00', { bytes_sent: 2 ** 53 })
    const one = engine()
    for (let i = 0; i < 1023; i++) one.feedSync(file(huge))
    await one.closeByTime()
    one.feedSync(file(huge, at('12:00:00', { bytes_sent: 2 ** 53 - 1 }), at('12:00:00')))
    one.endStreamSync()
    const { closed } = one.take()
    const sums = closed.map(({ pages }) =>
      pages.flatMap((page) => [...usageRows(page)].map((row) => [row.requests, row.egressBytes])),
    )
    expect(sums).toEqual([[[1023n, 1023n * 2n ** 53n]], [[1n, 2n ** 53n - 1n]]])
  })

  test('what a long-lived request has reported is known in the next part', async () => {
    const found = await parts(
      ...[report('DownstreamPeriodic', 10, { duration: 10 }), CLOSE],
      ...[report('DownstreamEnd', 25, { duration: 30 }), END],
    )
    const amounts = found.map(({ rows }) => rows.map((row) => [row.requests, row.egressBytes]))
    expect(amounts).toEqual([[[0n, 10n]], [[1n, 15n]]])
  })
})

const OPTIONS_OF_TWO_KEYS = {
  envelope: 'raw',
  format: resolveFormat('datum'),
  windowMs: 60_000,
  totalsOnly: false,
  keepQuarantine: false,
  exclude: { codes: [], flags: [] },
  lineBytesMax: 1024 * 1024,
  keysMax: 2,
  streamStatesMax: 1_000_000,
} as const
