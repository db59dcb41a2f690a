// The comparison at the end of the demo: written = metered = received, per project and meter.

import { wrapped } from './cells.ts'
import type { Display } from './display.ts'
import { bytesText, grouped } from './quantities.ts'
import { type Column, tableLines } from './table.ts'

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

interface Row {
  readonly project: string
  readonly requests: readonly string[]
  readonly egress: string
  readonly same: boolean
}

const COLUMNS: readonly Column<Row>[] = [
  { kind: 'name', head: 'PROJECT', text: ({ project }) => project },
  { kind: 'figure', head: 'WRITTEN', text: ({ requests }) => requests[0] ?? '' },
  { kind: 'figure', head: 'METERED', text: ({ requests }) => requests[1] ?? '' },
  { kind: 'figure', head: 'RECEIVED', text: ({ requests }) => requests[2] ?? '' },
  { kind: 'figure', head: 'EGRESS', text: ({ egress }) => egress, spare: true },
  {
    kind: 'figure',
    head: '',
    text: ({ same }) => (same ? 'equal' : 'DIFFERS'),
    style: ({ same }) => (same ? 'green' : 'red'),
  },
]

/** The table, and whether all three agree on every project and meter. */
export function compare(written: Sums, metered: Sums, received: Sums, display: Display) {
  const projects = [...new Set([...written.keys(), ...metered.keys(), ...received.keys()])].sort()
  const rows = projects.map((project): Row => {
    const same = METERS.every((meter) => {
      const [a, b, c] = [written, metered, received].map((sums) => amount(sums, project, meter))
      return a === b && b === c
    })
    const requests = [written, metered, received].map((sums) =>
      grouped(amount(sums, project, 'requests')),
    )
    const egress = bytesText(amount(received, project, 'egress-bytes'))
    return { project, requests, egress, same }
  })
  const equal = rows.length > 0 && rows.every(({ same }) => same)
  const totals = METERS.map((meter) => {
    const [a, b, c] = [written, metered, received].map((sums) => total(sums, meter))
    const sign = (same: boolean) => (same ? '=' : '!=')
    return `${meter}: written ${a} ${sign(a === b)} metered ${b} ${sign(b === c)} received ${c}`
  })
  const below = totals.flatMap((text) => wrapped(text, display.columns, 2))
  const lines = [...tableLines(COLUMNS, rows, display), '', ...below]
  return { text: `${lines.join('\n')}\n`, equal }
}

function amount(sums: Sums, project: string, meter: string): bigint {
  return sums.get(project)?.[meter] ?? 0n
}

function total(sums: Sums, meter: string): bigint {
  let sum = 0n
  for (const usage of sums.values()) sum += usage[meter] ?? 0n
  return sum
}
