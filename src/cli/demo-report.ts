// The comparison at the end of the demo: written = metered = received, per project and meter.

import { bytesText, grouped } from './quantities.ts'

/** Amounts of one key: BigInt, or decimal text as in a truth file. */
export interface Usage {
  readonly project: string
  readonly requests: bigint | string
  readonly egressBytes: bigint | string
  readonly ingressBytes: bigint | string
  readonly connectionMs: bigint | string
}

type Sums = Map<string, Record<string, bigint>>

const METERS = ['requests', 'egress-bytes', 'ingress-bytes', 'connection-seconds']

/** Per project what must arrive: seconds are whole seconds of each key, the rest is carried. */
export function usageOf(rows: readonly Usage[]): Sums {
  const sums: Sums = new Map()
  for (const row of rows) {
    const usage = sums.get(row.project) ?? {}
    const add = (meter: string, amount: bigint) => {
      if (amount > 0n) usage[meter] = (usage[meter] ?? 0n) + amount
    }
    add('requests', BigInt(row.requests))
    add('egress-bytes', BigInt(row.egressBytes))
    add('ingress-bytes', BigInt(row.ingressBytes))
    add('connection-seconds', BigInt(row.connectionMs) / 1000n)
    sums.set(row.project, usage)
  }
  return sums
}

/** The table, and whether all three agree on every project and meter. */
export function compare(written: Sums, metered: Sums, received: Sums) {
  const projects = [...new Set([...written.keys(), ...metered.keys(), ...received.keys()])].sort()
  const lines = [row('PROJECT', 'WRITTEN', 'METERED', 'RECEIVED', 'EGRESS', '')]
  let equal = projects.length > 0
  for (const project of projects) {
    const same = METERS.every((meter) => {
      const [a, b, c] = [written, metered, received].map((sums) => amount(sums, project, meter))
      return a === b && b === c
    })
    equal &&= same
    const count = (sums: Sums) => grouped(amount(sums, project, 'requests'))
    const egress = bytesText(amount(received, project, 'egress-bytes'))
    const verdict = same ? 'equal' : 'DIFFERS'
    lines.push(row(project, count(written), count(metered), count(received), egress, verdict))
  }
  const totals = METERS.map((meter) => {
    const [a, b, c] = [written, metered, received].map((sums) => total(sums, meter))
    const sign = (same: boolean) => (same ? '=' : '!=')
    return `${meter}: written ${a} ${sign(a === b)} metered ${b} ${sign(b === c)} received ${c}`
  })
  return { text: `${[...lines, '', ...totals].join('\n')}\n`, equal }
}

function row(project: string, ...cells: string[]): string {
  return [project.padEnd(20), ...cells.map((cell) => cell.padStart(10))].join(' ').trimEnd()
}

function amount(sums: Sums, project: string, meter: string): bigint {
  return sums.get(project)?.[meter] ?? 0n
}

function total(sums: Sums, meter: string): bigint {
  let sum = 0n
  for (const usage of sums.values()) sum += usage[meter] ?? 0n
  return sum
}
