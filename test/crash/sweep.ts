// Tells a story again and again, with the fault one point later each time, until it no longer
// happens: then every point of a run had its turn. Which paths have points, and about how many, is
// seen in an undisturbed run; each path is then swept alone, because calls on two files may come in
// another order in the next run.

import type { Fault, Point } from './faulty-agent.ts'
import { ONE_POINT } from './settings.ts'
import { type Story, type StorySetup, type Told, tell } from './story.ts'

export interface Sweep {
  /** Every point where the fault happened. */
  readonly points: readonly Point[]
  /** How the lives with a fault ended: `SIGKILL`, `0`, `74`, ... and how often. */
  readonly endings: Readonly<Record<string, number>>
  readonly problems: readonly string[]
  readonly seconds: number
}

export interface SweepSetup extends Omit<StorySetup, 'fault'> {
  readonly does: Fault['does']
  readonly onwards?: string
  /** Only paths that it is true of. */
  readonly paths?: (path: string) => boolean
  /** Stories that are told at the same time. */
  readonly jobs: number
  /** What else must be true of a story; gives what is not. */
  readonly check?: (told: Told) => string[]
}

/** A product that breaks everywhere need not be shown so at every point. */
const PROBLEMS_MAX = 8
const PROBLEM_TEXT_MAX = 600

export async function sweep(story: Story, setup: SweepSetup): Promise<Sweep> {
  const { does, onwards, jobs, check = () => [], paths = () => true } = setup
  const how = { does, ...(onwards !== undefined && { onwards }) }
  const startedMs = performance.now()
  const points: Point[] = []
  const endings: Record<string, number> = {}
  const undisturbed = await tell(story, setup)
  const problems = [...undisturbed.problems]
  const tracks = ONE_POINT ? [] : tracksOf(undisturbed.points.filter(({ path }) => paths(path)))

  async function tellOne(fault: Fault): Promise<boolean> {
    const told = await tell(story, { ...setup, fault })
    const hit = told.points.find((point) => point.hit)
    const ended = hit ? told.endings.slice(0, -1) : []
    for (const ending of ended) endings[ending] = (endings[ending] ?? 0) + 1
    if (hit !== undefined) points.push(hit)
    const where = hit ? `${hit.call} of ${hit.bytes} bytes` : 'no fault'
    for (const problem of [...told.problems, ...check(told)]) {
      const said = told.stderr.trim().slice(-PROBLEM_TEXT_MAX)
      const what = `${fault.path}:${fault.at} (${where}): ${problem.slice(0, PROBLEM_TEXT_MAX)}`
      problems.push(`${what}\n${said}`)
    }
    return hit !== undefined
  }

  async function work(): Promise<void> {
    while (problems.length < PROBLEMS_MAX) {
      const track = tracks.find(({ at, seen, end }) => at <= seen || end === 'unknown')
      if (track === undefined) return
      const { path, seen } = track
      const at = track.at++
      if (at > seen) track.end = 'probed'
      const isHit = await tellOne({ path, at, ...how })
      if (at > seen) track.end = isHit ? 'unknown' : 'known'
    }
  }

  if (ONE_POINT) await tellOne({ ...parsePoint(ONE_POINT), ...how })
  await Promise.all(Array.from({ length: jobs }, work))
  return { points, endings, problems, seconds: (performance.now() - startedMs) / 1000 }
}

/** The points of one path that are still to come. */
interface Track {
  readonly path: string
  /** Points in the undisturbed run. */
  readonly seen: number
  /** The next one. */
  at: number
  /** Known when a run was not disturbed any more; one run at a time looks for it. */
  end: 'unknown' | 'probed' | 'known'
}

function tracksOf(points: readonly Point[]): Track[] {
  const counts = countsBy(points, ({ path }) => path)
  return Object.entries(counts).map(([path, seen]) => ({ path, seen, at: 1, end: 'unknown' }))
}

function parsePoint(text: string): Pick<Fault, 'path' | 'at'> {
  const colon = text.lastIndexOf(':')
  return { path: text.slice(0, colon), at: Number(text.slice(colon + 1)) }
}

/** What was swept, for people. */
export function swept(name: string, { points, endings, seconds }: Sweep): string {
  const kinds = Object.entries(countsBy(points, kindOf)).map(([kind, count]) => `${count} ${kind}`)
  const ends = Object.entries(endings).map(([ending, count]) => `${count} by ${ending}`)
  const first = `${name}: ${points.length} points in ${seconds.toFixed(1)} s`
  return `${first}; lives with it ended ${ends.join(', ')}\n  ${kinds.sort().join(', ')}`
}

/** Such as `fdatasync state/state.mdb` or `write socket`. */
export function kindOf({ call, path }: Point): string {
  return `${call} ${path}`
}

function countsBy(points: readonly Point[], nameOf: (point: Point) => string) {
  const counts: Record<string, number> = {}
  for (const point of points) counts[nameOf(point)] = (counts[nameOf(point)] ?? 0) + 1
  return counts
}
