// The comparison: differences by project and meter, what of each every cause is worth, and what is
// left over. `unexplained` is a subtraction and nothing else: what two sets differ by, less what
// the chosen causes are worth. No cause is made from a difference, so none can swallow one.

import { CAUSE_NAMES, type Cause, EVENT_CAUSES, LOG_CAUSES, type LogCause } from './causes.ts'
import type { Moved } from './dimension-use.ts'
import type { EventSet, Hours } from './event-set.ts'
import type { LogEvidence } from './log-evidence.ts'
import type { Cell, Tally } from './tally.ts'

/** One project and meter, of one hour or of all. */
export interface ComparedRow {
  readonly project: string
  readonly meter: string
  /** Start of the hour in ms; undefined when hours are summed. */
  readonly hourMs: number | undefined
  readonly pipeline: bigint
  readonly ours: bigint
  /** `ours - pipeline`: the causes and `unexplained` add up to it. */
  readonly difference: bigint
  /** Causes of the list that are worth anything here. */
  readonly causes: Readonly<Partial<Record<Cause, bigint>>>
  readonly unexplained: bigint
  /** By how much the sets differ from what each must hold by the logs; undefined without logs. */
  readonly against: Against | undefined
}

export interface Against {
  readonly pipeline: bigint
  readonly ours: bigint
}

export interface Comparison {
  readonly rows: readonly ComparedRow[]
  /** Usage that both sides bill, but under other dimensions. */
  readonly moved: readonly Moved[]
  readonly totals: readonly { readonly cause: Cause; readonly meter: string; amount: bigint }[]
  /** Causes of the list that have no amounts because no logs were given. */
  readonly needLogs: readonly Cause[]
  readonly isExplained: boolean
}

export interface Sides {
  readonly pipeline: EventSet
  readonly ours: EventSet
  /** Left out: only what events tell by themselves is explained. */
  readonly log?: LogEvidence | undefined
}

export interface CompareOptions {
  readonly hours: Hours
  readonly byHour: boolean
  /** The causes that may explain; what another one would explain is unexplained. */
  readonly causes: readonly Cause[]
  /** Values of dimensions that the pipeline writes whatever is true. */
  readonly hardCoded: Readonly<Record<string, string>>
}

export function compareSets(sides: Sides, options: CompareOptions): Comparison {
  const table = new Table(options)
  table.add('pipeline', sides.pipeline.billed)
  table.add('ours', sides.ours.billed)
  for (const [cause, tally] of Object.entries(amountsOf(sides))) {
    if (options.causes.includes(cause as Cause)) table.addCause(cause as Cause, tally)
  }
  if (sides.log) table.against(sides.log)
  const rows = table.rows()
  const moved = movedOf(sides, options)
  const isExplained =
    rows.every((row) => row.unexplained === 0n) && moved.every((one) => one.unexplained === 0n)
  const needLogs = LOG_CAUSES.filter((cause) => !sides.log && options.causes.includes(cause))
  const byEvents: readonly Cause[] = EVENT_CAUSES
  return {
    rows,
    moved,
    totals: totalsOf(rows),
    needLogs: needLogs.filter((cause) => !byEvents.includes(cause)),
    isExplained,
  }
}

/** By the log when there is one; else what the events themselves prove. */
function amountsOf({ pipeline, ours, log }: Sides): Partial<Record<Cause, Tally>> {
  if (log) return log.causes satisfies Record<LogCause, Tally>
  return {
    'grpc-routes': ours.grpc,
    'no-httproute': ours.routeless,
    'duplicate-ids': pipeline.reused,
  }
}

function movedOf(sides: Sides, { causes, hardCoded }: CompareOptions): Moved[] {
  const moved = sides.pipeline.dimensions.movedTo(sides.ours.dimensions, hardCoded)
  const sorted = moved.sort((a, b) => order(a.project, b.project) || order(a.meter, b.meter))
  if (causes.includes('hard-coded-dimensions')) return sorted
  return sorted.map((one) => ({
    ...one,
    hardCoded: 0n,
    unexplained: one.unexplained + one.hardCoded,
  }))
}

interface Entry {
  readonly cell: Cell
  pipeline: bigint
  ours: bigint
  readonly causes: Map<Cause, bigint>
  /** What the logs say each side must hold. */
  byLog: { pipeline: bigint; ours: bigint } | undefined
}

/** Sums of every kind, side by side. */
class Table {
  readonly #entries = new Map<string, Entry>()
  readonly #options: CompareOptions

  constructor(options: CompareOptions) {
    this.#options = options
  }

  add(side: 'pipeline' | 'ours', tally: Tally): void {
    for (const { entry, amount } of this.#within(tally)) entry[side] += amount
  }

  addCause(cause: Cause, tally: Tally): void {
    for (const { entry, amount } of this.#within(tally)) {
      entry.causes.set(cause, (entry.causes.get(cause) ?? 0n) + amount)
    }
  }

  against(log: LogEvidence): void {
    for (const side of ['pipeline', 'ours'] as const) {
      for (const { entry, amount } of this.#within(log[side])) {
        entry.byLog ??= { pipeline: 0n, ours: 0n }
        entry.byLog[side] += amount
      }
    }
    for (const entry of this.#entries.values()) entry.byLog ??= { pipeline: 0n, ours: 0n }
  }

  /** Unexplained ones first, then by project, meter and hour. */
  rows(): ComparedRow[] {
    const rows = [...this.#entries.values()].map((entry) => this.#row(entry))
    return rows.sort(
      (a, b) =>
        Number(b.unexplained !== 0n) - Number(a.unexplained !== 0n) ||
        order(a.project, b.project) ||
        order(a.meter, b.meter) ||
        (a.hourMs ?? 0) - (b.hourMs ?? 0),
    )
  }

  #row({ cell, pipeline, ours, causes, byLog }: Entry): ComparedRow {
    const difference = ours - pipeline
    const worth = [...causes].filter(([, amount]) => amount !== 0n)
    const explained = worth.reduce((sum, [, amount]) => sum + amount, 0n)
    return {
      project: cell.project,
      meter: cell.meter,
      hourMs: this.#options.byHour ? cell.hourMs : undefined,
      pipeline,
      ours,
      difference,
      causes: Object.fromEntries(worth) as Partial<Record<Cause, bigint>>,
      unexplained: difference - explained,
      against: byLog && { pipeline: pipeline - byLog.pipeline, ours: ours - byLog.ours },
    }
  }

  *#within(tally: Tally): Generator<{ readonly entry: Entry; readonly amount: bigint }> {
    const { hours, byHour } = this.#options
    for (const { cell, amount } of tally.entries()) {
      if (!(cell.hourMs >= hours.fromMs && cell.hourMs < hours.toMs)) continue
      const key = `${cell.project}\0${cell.meter}\0${byHour ? cell.hourMs : ''}`
      const known = this.#entries.get(key)
      const entry = known ?? { cell, pipeline: 0n, ours: 0n, causes: new Map(), byLog: undefined }
      if (known === undefined) this.#entries.set(key, entry)
      yield { entry, amount }
    }
  }
}

function totalsOf(rows: readonly ComparedRow[]): Comparison['totals'] {
  const totals = new Map<string, { cause: Cause; meter: string; amount: bigint }>()
  for (const { meter, causes } of rows) {
    for (const [cause, amount] of Object.entries(causes) as [Cause, bigint][]) {
      const key = `${cause}\0${meter}`
      const known = totals.get(key)
      if (known) known.amount += amount
      else totals.set(key, { cause, meter, amount })
    }
  }
  return [...totals.values()].sort(
    (a, b) =>
      CAUSE_NAMES.indexOf(a.cause) - CAUSE_NAMES.indexOf(b.cause) || order(a.meter, b.meter),
  )
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
