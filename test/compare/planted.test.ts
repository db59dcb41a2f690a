// An hour of mixed traffic with planted numbers of each cause: `compare` gives exactly these
// numbers back and nothing unexplained; without a cause in its list, it gives what that cause is
// worth as unexplained. Side A is made by an emulation of the Vector pipeline, side B by
// `scan --events`.

import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { at, file, meterFast, useCommand } from '../cli/command.ts'
import { Traffic } from './traffic.ts'
import { vectorFile } from './vector.ts'

useCommand()

const GRPC = 'grpcroute/ns-6f1c/chat/rule/0/match/0/*'
const CUSTOM = 'original_route'

/** Amounts are chosen so that no two causes could be taken for one another. */
function plantedLog(): string {
  return new Traffic()
    .add(400, { duration: 2000 })
    .add(40, { duration: 250, bytes_sent: 7 })
    .add(30, { route_name: GRPC, bytes_sent: 500, bytes_received: 0, duration: 3000 })
    .add(11, { route_name: CUSTOM, bytes_sent: 0, bytes_received: 1, duration: 1000 })
    .add(25, { request_id: null, bytes_sent: 100_000, bytes_received: 3, duration: 4000 })
    .add(5, { request_id: '', bytes_sent: 1, bytes_received: 0, duration: 0 })
    .add(61, { request_id: 'fixed', bytes_sent: 20, bytes_received: 2, duration: 5000 })
    .add(100, { project_name: 'p-blog', duration: 1000 })
    .add(9, { project_name: 'p-blog', route_name: GRPC, bytes_sent: 90, duration: 0 })
    .add(17, { project_name: null, route_name: 'httproute/ns-0000/lost/rule/0', duration: 1000 })
    .log()
}

const CONFIG = `streams: [{ files: [access.log], source_id: scan, format: datum }]
dimensions: { region: eu-west-1, gateway_class: datum-downstream-gateway }
sink: { type: stdout }
`
const AMOUNTS = ['requests', 'egress-bytes', 'ingress-bytes', 'connection-seconds'] as const

/** By hand, from the numbers above: what our side bills more of requests, bytes and seconds. */
const PLANTED: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  'p-shop': {
    'sub-second': [0, 0, 0, 10],
    'grpc-routes': [30, 15_000, 0, 90],
    'other-routes': [11, 0, 11, 11],
    'missing-ids': [30, 2_500_005, 75, 100],
    'duplicate-ids': [60, 1200, 120, 300],
  },
  'p-blog': { 'grpc-routes': [9, 810, 90, 0] },
  '0000': { 'no-project': [-17, -17_000, -170, -17] },
}
/** All of the pipeline's usage of HTTPRoutes is under its own region. */
const MOVED = {
  'p-shop': [400 + 40 + 1, 400_000 + 280 + 20, 4000 + 400 + 2, 800 + 5],
  'p-blog': [100, 100_000, 1000, 100],
} as const

interface Row {
  readonly project: string
  readonly meter: string
  readonly difference: string
  readonly causes: Readonly<Record<string, string>>
  readonly unexplained: string
}

interface Report {
  readonly ok: boolean
  readonly rows: readonly Row[]
  readonly moved: readonly (Row & { readonly hardCoded: string; readonly keys: string[] })[]
  readonly needLogs: readonly string[]
}

beforeAll(async () => {
  const log = plantedLog()
  file('access.log', log)
  file('config.yaml', CONFIG)
  file('vector.ndjson', vectorFile(log))
  const { stdout } = await meterFast(['scan', '--events', '-c', 'config.yaml', 'access.log'])
  file('usage.ndjson', stdout)
}, 120_000)

async function compared(...flags: string[]): Promise<{ code: number | null; report: Report }> {
  const { code, stdout, stderr } = await meterFast(['compare', '--json', ...flags])
  if (stdout === '') throw new Error(stderr)
  return { code, report: JSON.parse(stdout) as Report }
}

const SETS = ['vector.ndjson', 'usage.ndjson']
const LOGS = ['--logs', 'access.log', '-c', 'config.yaml']

/** `{ project: { cause: [amount of each meter] } }`, as PLANTED is written. */
function causesOf({ rows }: Report): Record<string, Record<string, number[]>> {
  const found: Record<string, Record<string, number[]>> = {}
  for (const { project, meter, causes } of rows) {
    for (const [cause, amount] of Object.entries(causes)) {
      const ofProject = found[project] ?? {}
      const amounts = ofProject[cause] ?? [0, 0, 0, 0]
      found[project] = { ...ofProject, [cause]: amounts }
      amounts[AMOUNTS.findIndex((name) => meter.endsWith(`/${name}`))] = Number(amount)
    }
  }
  return found
}

/** The same of what is unexplained. */
function unexplainedOf({ rows }: Report): Record<string, number[]> {
  const found: Record<string, number[]> = {}
  for (const { project, meter, unexplained } of rows) {
    if (unexplained === '0') continue
    const amounts = found[project] ?? [0, 0, 0, 0]
    found[project] = amounts
    amounts[AMOUNTS.findIndex((name) => meter.endsWith(`/${name}`))] = Number(unexplained)
  }
  return found
}

describe('with the logs', () => {
  test('every planted number comes back, and nothing is unexplained', async () => {
    const { code, report } = await compared(...SETS, ...LOGS)
    expect(causesOf(report)).toEqual(PLANTED)
    expect(unexplainedOf(report)).toEqual({})
    expect({ code, ok: report.ok, needLogs: report.needLogs }).toEqual({
      code: 0,
      ok: true,
      needLogs: [],
    })
  })

  test('what is under hard-coded dimensions is named, with its amounts', async () => {
    const { report } = await compared(...SETS, ...LOGS)
    const moved = report.moved.map(({ project, meter, hardCoded, unexplained, keys }) => ({
      project,
      meter: meter.replace(/.*\//, ''),
      hardCoded: Number(hardCoded),
      unexplained,
      keys,
    }))
    const expected = Object.entries(MOVED).flatMap(([project, amounts]) =>
      amounts.map((hardCoded, index) => ({
        project,
        meter: AMOUNTS[index] as string,
        hardCoded,
        unexplained: '0',
        // The gateway and its namespace are not in our configuration, so our events leave them out.
        keys: ['gateway', 'gateway_namespace', 'region'],
      })),
    )
    const byName = (a: { project: string; meter: string }, b: typeof a): number =>
      `${a.project} ${a.meter}` < `${b.project} ${b.meter}` ? -1 : 1
    expect(moved.sort(byName)).toEqual(expected.sort(byName))
  })

  const CAUSES = [...new Set(Object.values(PLANTED).flatMap((causes) => Object.keys(causes)))]
  const ALL = [...CAUSES, 'hard-coded-dimensions']

  test.each(CAUSES)('without %s in the list, what it is worth is unexplained', async (cause) => {
    const others = ALL.filter((one) => one !== cause).join(',')
    const { code, report } = await compared(...SETS, ...LOGS, '--causes', others)
    const worth = Object.entries(PLANTED).flatMap(([project, causes]) =>
      causes[cause] === undefined ? [] : [[project, causes[cause]] as const],
    )
    expect(unexplainedOf(report)).toEqual(Object.fromEntries(worth))
    expect({ code, ok: report.ok }).toEqual({ code: 1, ok: false })
  })

  test('without hard-coded-dimensions in the list, what is moved is unexplained', async () => {
    const { code, report } = await compared(...SETS, ...LOGS, '--causes', CAUSES.join(','))
    expect(unexplainedOf(report)).toEqual({})
    const moved = report.moved.filter(({ meter }) => meter.endsWith('/requests'))
    expect(moved.map(({ project, unexplained }) => [project, Number(unexplained)])).toEqual([
      ['p-blog', MOVED['p-blog'][0]],
      ['p-shop', MOVED['p-shop'][0]],
    ])
    expect(code).toBe(1)
  })

  test('a value that is hard-coded nowhere is no explanation', async () => {
    const values = 'region=mars,gateway=test-gateway,gateway_namespace=default'
    const { code, report } = await compared(...SETS, ...LOGS, '--hard-coded', values)
    expect(report.moved.every(({ hardCoded }) => hardCoded === '0')).toBe(true)
    expect(code).toBe(1)
  })

  test('the sets are told apart by their ids, in either order', async () => {
    const { report } = await compared('usage.ndjson', 'vector.ndjson', ...LOGS)
    expect(causesOf(report)).toEqual(PLANTED)
  })
})

describe('what no cause explains', () => {
  test('an event that our side lost is unexplained, and said to be in its logs', async () => {
    const events = readFileSync(at('usage.ndjson'), 'utf8').split('\n')
    const lost = events.findIndex((text) => text.includes('/requests'))
    const { value } = (JSON.parse(events[lost] ?? '') as { data: { value: string } }).data
    file('less.ndjson', events.toSpliced(lost, 1).join('\n'))
    const { code, report } = await compared('vector.ndjson', 'less.ndjson', ...LOGS)
    const open = report.rows.filter(({ unexplained }) => unexplained !== '0')
    expect(open).toMatchObject([
      { unexplained: `-${value}`, beyondLogs: { pipeline: '0', ours: `-${value}` } },
    ])
    expect(code).toBe(1)
  })

  test('so is one that the pipeline lost', async () => {
    const [, ...others] = readFileSync(at('vector.ndjson'), 'utf8').split('\n')
    file('less.ndjson', others.join('\n'))
    const { code, report } = await compared('less.ndjson', 'usage.ndjson', ...LOGS)
    const open = report.rows.filter(({ unexplained }) => unexplained !== '0')
    expect(open).toMatchObject([{ unexplained: '1', beyondLogs: { pipeline: '-1', ours: '0' } }])
    expect(code).toBe(1)
  })
})

describe('without the logs', () => {
  test('only what the events prove is explained, and the rest is not guessed', async () => {
    const { code, report } = await compared(...SETS)
    const planted = PLANTED['p-shop'] as Readonly<Record<string, readonly number[]>>
    const sum = (...causes: string[]): number[] =>
      [0, 1, 2, 3].map((meter) =>
        causes.reduce((total, cause) => total + (planted[cause]?.[meter] ?? 0), 0),
      )
    expect(causesOf(report)['p-shop']).toEqual({
      'no-httproute': sum('grpc-routes', 'other-routes'),
      'duplicate-ids': sum('duplicate-ids'),
    })
    expect(unexplainedOf(report)['p-shop']).toEqual(sum('sub-second', 'missing-ids'))
    expect(report.needLogs).toEqual([
      ...['sub-second', 'other-routes', 'missing-ids', 'invalid-json', 'no-project'],
      ...['partial-records', 'other-hour'],
    ])
    expect(code).toBe(1)
  })
})
