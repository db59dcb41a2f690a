// Sums by project, meter and hour: all that is kept of event sets and logs, however long they are.

import { NETWORK_SERVICES } from '../catalog/network-services.ts'

export const HOUR_MS = 3_600_000

/** The meters that both sides bill: requests, egress bytes, ingress bytes, connection seconds. */
export const METERS = NETWORK_SERVICES.meters.map((meter) => meter.type)

/** Amounts in the order of METERS. */
export type Amounts = readonly bigint[]

/** Where an amount is billed; `hourMs` is the start of the hour of the event's time. */
export interface Cell {
  readonly project: string
  readonly meter: string
  readonly hourMs: number
}

/** The start of the hour that a time is in. */
export function hourOf(timeMs: number): number {
  return Math.floor(timeMs / HOUR_MS) * HOUR_MS
}

/** Amounts by cell; adding up is all that is done to them. */
export class Tally {
  readonly #cells = new Map<string, { readonly cell: Cell; amount: bigint }>()

  add(cell: Cell, amount: bigint): void {
    if (amount === 0n) return
    const key = `${cell.hourMs}\0${cell.meter}\0${cell.project}`
    const known = this.#cells.get(key)
    if (known) known.amount += amount
    else this.#cells.set(key, { cell, amount })
  }

  /** Adds amounts in the order of METERS, each times `sign`. */
  addAll(project: string, hourMs: number, amounts: Amounts, sign: 1n | -1n = 1n): void {
    for (const [at, meter] of METERS.entries()) {
      this.add({ project, meter, hourMs }, sign * (amounts[at] ?? 0n))
    }
  }

  addTally(other: Tally): void {
    for (const { cell, amount } of other.entries()) this.add(cell, amount)
  }

  entries(): Iterable<{ readonly cell: Cell; readonly amount: bigint }> {
    return this.#cells.values()
  }
}
