// Counts what signals tell, keeps the last picture of the agent, and makes samples of both when
// somebody asks. Between two scrapes this is a few additions a second.

import type { Sample, Samples } from './exposition.ts'
import { Histogram } from './histogram.ts'
import type { CommittedCounts, CommittedSums, Look, UsageSum } from './picture.ts'
import { RouteTable } from './route-series.ts'
import { SIGNAL_KINDS, type Signal, type SignalKind } from './signals.ts'

const SINK_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const COMMIT_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const GAP_BOUNDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** What is known only at the moment of a scrape. */
export interface Moment {
  readonly nowMs: number
  readonly isReady: boolean
  readonly stateBytes: number
  readonly cpuSeconds: number
  readonly memoryBytes: number
}

/** What does not change while a process runs. */
export interface Constants {
  readonly version: string
  readonly startedAtMs: number
  readonly spoolBytesMax: number
  /** Left out: usage is not counted by route. */
  readonly routes?: RouteTable | undefined
}

const NO_ROUTES = new RouteTable(0)
const USAGE_STAGES = ['closed', 'unattributed', 'made', 'accepted', 'rejected']
const EVENT_STAGES: readonly (readonly [string, keyof CommittedCounts])[] = [
  ['made', 'events'],
  ['held', 'events_held'],
  ['released', 'events_released'],
  ['accepted', 'events_accepted'],
  ['rejected', 'events_rejected'],
  ['resent', 'events_resent'],
  ['replayed', 'events_replayed'],
]

export class Metrics {
  readonly #constants: Constants
  readonly #signals = new Map<SignalKind, number>(SIGNAL_KINDS.map((kind) => [kind, 0]))
  readonly #sinkRequests = new Map<string, { labels: Record<string, string>; value: number }>()
  readonly #sinkSeconds = new Histogram(SINK_BOUNDS)
  readonly #commitSeconds = {
    stage: new Histogram(COMMIT_BOUNDS),
    render: new Histogram(COMMIT_BOUNDS),
    write: new Histogram(COMMIT_BOUNDS),
  }
  readonly #loopGap = new Histogram(GAP_BOUNDS)
  #sums: CommittedSums | undefined
  #look: Look | undefined
  /** What the runs before the present one have read: a fault begins a new one. */
  #readBefore = 0
  #pathsBefore = new Map<string, bigint>()

  constructor(constants: Constants) {
    this.#constants = constants
  }

  note(signal: Signal): void {
    this.#signals.set(signal.kind, (this.#signals.get(signal.kind) ?? 0) + 1)
    if (signal.kind === 'started') this.#beginRun()
    if (signal.kind === 'committed') {
      this.#commitSeconds.stage.observe(signal.stageMs / 1000)
      this.#commitSeconds.render.observe(signal.renderMs / 1000)
      this.#commitSeconds.write.observe(signal.commitMs / 1000)
    }
  }

  /** An attempt to deliver has ended with an HTTP status, or with 0 for none. */
  sinkAnswered(status: number, result: string, ms: number): void {
    this.#sinkSeconds.observe(ms / 1000)
    const code = codeLabel(status)
    const key = `${code} ${result}`
    const known = this.#sinkRequests.get(key)
    if (known) known.value += 1
    else this.#sinkRequests.set(key, { labels: { code, result }, value: 1 })
  }

  loopWasLate(ms: number): void {
    this.#loopGap.observe(ms / 1000)
  }

  committed(sums: CommittedSums): void {
    this.#sums = sums
  }

  looked(look: Look): void {
    this.#look = look
  }

  /** What a run counts begins at 0 again; what a process counts must not. */
  #beginRun(): void {
    if (this.#look === undefined) return
    this.#readBefore += this.#look.bytesRead
    this.#pathsBefore = new Map(this.#paths(this.#look))
    this.#look = { ...this.#look, bytesRead: 0, paths: [] }
  }

  #paths({ paths }: Look): (readonly [string, bigint])[] {
    const now = new Map(paths)
    const names = new Set([...this.#pathsBefore.keys(), ...now.keys()])
    return Array.from(names, (name) => {
      return [name, (this.#pathsBefore.get(name) ?? 0n) + (now.get(name) ?? 0n)]
    })
  }

  samples(moment: Moment): Samples {
    return {
      ...this.#ofState(),
      ...this.#ofLook(moment.nowMs),
      ...this.#ofProcess(moment),
      ...(this.#constants.routes ?? NO_ROUTES).samples(),
    }
  }

  /** Nothing before the state is read for the first time: 0 would be a reset. */
  #ofState() {
    const { lines = [], counts, usage = [], commits } = this.#sums ?? {}
    const lenient = lines.find(([outcome]) => outcome === 'lenient')
    const of = (name: keyof CommittedCounts): Sample[] => one(counts?.[name])
    return {
      lines: lines.flatMap(lineSample),
      lenient: one(lenient?.[1]),
      usage: usageSamples(usage),
      gaps: of('gaps'),
      lostBytes: of('gap_bytes'),
      segments: counts
        ? [
            { labels: { by: 'content' }, value: counts.closed_by_content },
            { labels: { by: 'time' }, value: counts.closed_by_time },
          ]
        : [],
      events: counts
        ? EVENT_STAGES.map(([stage, name]) => ({ labels: { stage }, value: counts[name] }))
        : [],
      replayed: of('requests_replayed'),
      ambiguous: of('batches_ambiguous'),
      commits: one(commits),
      commitFailures: of('commits_failed'),
    }
  }

  #ofLook(nowMs: number) {
    const look = this.#look
    const ageSeconds = (startMs: number | undefined) =>
      startMs === undefined ? 0 : Math.max(0, nowMs - startMs) / 1000
    const { events = 0, held = 0, bytes } = look?.spool ?? {}
    return {
      readBytes: one(look && this.#readBefore + look.bytesRead),
      linePaths: look ? this.#paths(look).map(pathSample) : [],
      unreadBytes: one(look?.unreadBytes),
      streams: one(look?.streams),
      oldestOpenWindow: one(look && ageSeconds(look.oldestOpenMs)),
      spoolEvents: look
        ? [
            { labels: { state: 'queued' }, value: events - held },
            { labels: { state: 'held' }, value: held },
          ]
        : [],
      spoolBytes: one(bytes),
      spoolBytesMax: one(this.#constants.spoolBytesMax),
      oldestUnsent: one(look && ageSeconds(look.oldestUnsentMs)),
      clockSkew: one(look && Math.max(0, (look.newestMs ?? nowMs) - nowMs) / 1000),
    }
  }

  #ofProcess(moment: Moment) {
    const { stage, render, write } = this.#commitSeconds
    const { version, startedAtMs } = this.#constants
    return {
      sinkRequests: [...this.#sinkRequests.values()],
      sinkSeconds: one(this.#sinkSeconds.buckets()),
      commitSeconds: [
        { labels: { phase: 'stage' }, value: stage.buckets() },
        { labels: { phase: 'render' }, value: render.buckets() },
        { labels: { phase: 'write' }, value: write.buckets() },
      ],
      stateBytes: one(moment.stateBytes),
      loopGap: one(this.#loopGap.buckets()),
      signals: Array.from(this.#signals, ([kind, value]) => ({ labels: { kind }, value })),
      ready: one(Number(moment.isReady)),
      build: [{ labels: { version }, value: 1 }],
      cpu: one(moment.cpuSeconds),
      memory: one(moment.memoryBytes),
      startTime: one(startedAtMs / 1000),
    }
  }
}

/** A sample without labels; none for what is not known yet. */
function one(value: Sample['value'] | undefined): Sample[] {
  return value === undefined ? [] : [{ value }]
}

function lineSample([name, value]: readonly [string, bigint]): Sample[] {
  if (name === 'lenient') return []
  const [outcome = '', reason = ''] = name.split('.')
  return [{ labels: { outcome, reason }, value }]
}

function pathSample([name, value]: readonly [string, bigint]): Sample {
  const [path = '', reason = ''] = name.split('.')
  return { labels: { path, reason }, value }
}

/** Every stage of every meter that has one: what begins at 0 shows its first increase. */
function usageSamples(usage: readonly UsageSum[]): Sample[] {
  const meters = [...new Set(usage.map(({ meter }) => meter))].sort()
  return meters.flatMap((meter) =>
    USAGE_STAGES.map((stage) => {
      const sum = usage.find((found) => found.meter === meter && found.stage === stage)
      return { labels: { meter, stage }, value: sum?.amount ?? 0n }
    }),
  )
}

/** A server may answer with any number: there are at most 500 series of it. */
function codeLabel(status: number): string {
  if (status === 0) return 'none'
  return status >= 100 && status < 600 ? String(status) : 'other'
}
