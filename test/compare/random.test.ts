// Random traffic with all faults mixed: nothing is ever unexplained, in total and hour by hour, and
// each cause is worth what the pipeline would bill more if that fault of it were mended, one after
// another. METER_FAST_SEED and METER_FAST_SEEDS choose what is drawn.

import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { file, meterFast, useCommand } from '../cli/command.ts'
import { Dice } from '../reference/dice.ts'
import { billed, FAULTS, type Fault, vectorEvents, vectorFile } from './vector.ts'

useCommand()

const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 1e9))
const SEEDS = Number(process.env['METER_FAST_SEEDS'] ?? 3)

const HOUR_MS = 3_600_000
const START = Date.parse('2026-11-22T12:00:00Z')
const PROJECTS = ['p-a', 'p-b', 'p-c']

/** A log over three hours; lines are written when requests end, as Envoy does. */
function randomLog(dice: Dice): string {
  const lines: string[] = []
  let endMs = START
  for (let at = 0; at < 900; at += 1) {
    endMs += dice.below((3 * HOUR_MS) / 900)
    const kind = dice.pick(['httproute', 'httproute', 'httproute', 'grpcroute', 'other'])
    const isOther = kind === 'other'
    // Only what has a route of its own has fractions of seconds: see the chain of FAULTS.
    const seconds = dice.pick([0, 0, 1, 3, 59, 3000])
    const durationMs = seconds * 1000 + (isOther ? 0 : dice.pick([0, 0, 1, 250, 999]))
    const namespace = `ns-${dice.below(3)}`
    const project = dice.chance(0.05)
      ? dice.pick([null, '-', 'Not_A_Project'])
      : dice.pick(PROJECTS)
    const record: Record<string, unknown> = {
      bytes_received: dice.pick([0, 1, 4096]),
      bytes_sent: dice.pick([0, 17, 1_000_000, 123_456_789]),
      duration: durationMs,
      project_name: project,
      request_id: dice.pick([`own-${at}`, `own-${at}`, `own-${at}`, `id-${dice.below(40)}`, null]),
      route_name: isOther ? dice.pick([null, 'original_route']) : `${kind}/${namespace}/r/rule/0`,
      start_time: new Date(endMs - durationMs).toISOString(),
    }
    const text = JSON.stringify(record)
    // A client's `inf` in metadata: no JSON, and billed all the same.
    const isLenient = dice.chance(0.02) && Number(record['duration']) % 1000 === 0
    lines.push(isLenient ? text.replace('{', '{"a_client_said":inf,') : text)
  }
  return `${lines.join('\n')}\n`
}

/** The same lines as a container runtime writes them; long ones in two parts. */
function asCri(log: string): string {
  const time = '2026-11-22T18:00:00.000000001Z'
  const records = log.split('\n').slice(0, -1)
  const stderr = `${time} stderr F [info] envoy says something\n`
  const wrapped = records
    .map((line, at) => {
      if (at % 7 !== 0) return `${time} stdout F ${line}\n`
      return `${time} stdout P ${line.slice(0, 40)}\n${time} stdout F ${line.slice(40)}\n`
    })
    .join(stderr)
  return stderr + wrapped
}

/** The same as docker does. */
function asDocker(log: string): string {
  const record = (text: string, stream = 'stdout'): string =>
    `${JSON.stringify({ log: text, stream, time: '2026-11-22T18:00:00.000000001Z' })}\n`
  const stderr = record('[info] envoy says something\n', 'stderr')
  const wrapped = log
    .split('\n')
    .slice(0, -1)
    .map((line, at) => {
      if (at % 5 !== 0) return record(`${line}\n`)
      return record(line.slice(0, 90)) + record(`${line.slice(90)}\n`)
    })
    .join(stderr)
  return stderr + wrapped
}

interface Report {
  readonly ok: boolean
  readonly rows: readonly {
    readonly project: string
    readonly meter: string
    readonly hour?: string
    readonly causes: Readonly<Partial<Record<string, string>>>
    readonly unexplained: string
  }[]
}

async function compared(...args: string[]): Promise<Report> {
  const { stdout, stderr } = await meterFast(['compare', '--json', ...args])
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Report
}

/** What each fault is worth for each project and meter: `{ fault: { 'p-a requests': 12n } }`. */
function worthOf(log: string): Record<Fault, Map<string, bigint>> {
  const mended = new Set<Fault>()
  let before = billed(vectorEvents(log))
  const worth = FAULTS.map((fault) => {
    mended.add(fault)
    const after = billed(vectorEvents(log, new Set(mended)))
    const more = [...after].map(([key, sum]) => [key, sum - (before.get(key) ?? 0n)] as const)
    before = after
    return [fault, new Map(more.filter(([key, sum]) => sum !== 0n && isNamed(key)))] as const
  })
  return Object.fromEntries(worth) as Record<Fault, Map<string, bigint>>
}

function isNamed(key: string): boolean {
  return PROJECTS.includes(key.split(' ')[0] ?? '')
}

function amountsOf({ rows }: Report, cause: string): Map<string, bigint> {
  const named = rows.map(({ project, meter, causes }) => {
    const key = `${project} ${meter.replace(/.*\//, '')}`
    return [key, BigInt(causes[cause] ?? '0')] as const
  })
  return new Map(named.filter(([key, amount]) => amount !== 0n && isNamed(key)))
}

const sorted = (sums: ReadonlyMap<string, bigint>) => [...sums].sort(([a], [b]) => (a < b ? -1 : 1))

describe.each(Array.from({ length: SEEDS }, (_, at) => SEED + at))('seed %i', (seed) => {
  const log = randomLog(new Dice(seed))
  const names = { log: `${seed}.log`, cri: `${seed}.cri.gz`, docker: `${seed}.json.log` }
  const sets = [`${seed}.vector.ndjson`, `${seed}.usage.ndjson`] as const
  const write = async (): Promise<void> => {
    file(names.log, log)
    file(names.cri, gzipSync(asCri(log)))
    file(names.docker, asDocker(log))
    file(sets[0], vectorFile(log))
    const { stdout } = await meterFast(['scan', '--events', '--format', 'datum', names.log])
    file(sets[1], stdout)
  }

  test('each cause is worth what mending it would bring', async () => {
    await write()
    const report = await compared(...sets, '--logs', names.log)
    expect(report.rows.filter(({ unexplained }) => unexplained !== '0')).toEqual([])
    const worth = worthOf(log)
    for (const fault of FAULTS) {
      expect(sorted(amountsOf(report, fault)), fault).toEqual(sorted(worth[fault]))
    }
  })

  test('hour by hour nothing is unexplained either, of logs that a runtime wrote', async () => {
    await write()
    for (const name of Object.values(names)) {
      const report = await compared(...sets, '--logs', name, '--by-hour')
      expect(report.rows.some(({ causes }) => causes['other-hour'] !== undefined)).toBe(true)
      expect(report.rows.filter(({ unexplained }) => unexplained !== '0')).toEqual([])
    }
  })

  test('so is one hour of it, though requests began before it', async () => {
    await write()
    const hour = ['--from', '2026-11-22T13:00:00Z', '--to', '2026-11-22T14:00:00Z']
    const report = await compared(...sets, '--logs', names.log, ...hour)
    expect(report.rows.length).toBeGreaterThan(0)
    expect(report.rows.filter(({ unexplained }) => unexplained !== '0')).toEqual([])
  })
})
