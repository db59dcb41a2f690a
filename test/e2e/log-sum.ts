// A small sum over an access log, written apart from the product: it adds up the lines that end a
// request and leaves running totals alone, where the product adds differences of all lines. Its
// result has the form of `scan --json`.

import type { LogFormat } from './routes.ts'
import { routeKey } from './routes.ts'
import { keyText, ownerOf, type Total } from './truth.ts'

/** The object that `scan --json` prints. */
export interface ScanOutput {
  readonly bytes: number
  readonly lines: {
    readonly read: number
    readonly metered: number
    readonly lenient: number
    readonly ignored: Readonly<Record<string, number>>
    readonly unattributed: Readonly<Record<string, number>>
    readonly quarantined: Readonly<Record<string, number>>
  }
  readonly totals: readonly Total[]
}

type Line = Readonly<Record<string, unknown>>

/** The lines of a log, parsed strictly: a byte that is no UTF-8 or a cut line throws. */
export function parseLog(log: Uint8Array): Line[] {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(log)
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error('the log does not end with a line feed')
  return lines.map((line) => JSON.parse(line) as Line)
}

function amount(line: Line, key: string): bigint {
  const value = line[key]
  if (typeof value !== 'number') throw new Error(`${key} is no number in ${JSON.stringify(line)}`)
  return BigInt(value)
}

function add(one: Total, other: Total): Total {
  const sum = (key: 'requests' | 'egressBytes' | 'ingressBytes' | 'connectionMs') =>
    String(BigInt(one[key]) + BigInt(other[key]))
  return {
    project: one.project,
    route: one.route,
    requests: sum('requests'),
    egressBytes: sum('egressBytes'),
    ingressBytes: sum('ingressBytes'),
    connectionMs: sum('connectionMs'),
    connectionSecondsFloor: String(
      BigInt(one.connectionSecondsFloor) + BigInt(other.connectionSecondsFloor),
    ),
  }
}

/** True for the one line of a typed log that has a request's totals. */
export function endsRequest(line: Line): boolean {
  const { access_log_type: type, response_code_details: details } = line
  return type === 'DownstreamEnd' && details !== 'internal_redirect'
}

/** Sums a whole log of `format`. */
export function sumLog(format: LogFormat, log: Uint8Array): ScanOutput {
  const lines = parseLog(log)
  const totals = new Map<string, Total>()
  const unattributed: Record<string, number> = {}
  let metered = 0
  for (const line of lines) {
    const name = line.route_name as string | null
    const owner = ownerOf(format, name, line.project_name)
    if ('reason' in owner) {
      unattributed[owner.reason] = (unattributed[owner.reason] ?? 0) + 1
      continue
    }
    metered += 1
    if (format.typed && !endsRequest(line)) continue
    const ms = amount(line, 'duration')
    const total: Total = {
      project: owner.project,
      route: routeKey(name),
      requests: '1',
      egressBytes: String(amount(line, 'bytes_sent')),
      ingressBytes: String(amount(line, 'bytes_received')),
      connectionMs: String(ms),
      connectionSecondsFloor: String(ms / 1000n),
    }
    const old = totals.get(keyText(total))
    totals.set(keyText(total), old === undefined ? total : add(old, total))
  }
  const sorted = [...totals.entries()].sort(([one], [other]) => (one < other ? -1 : 1))
  return {
    bytes: log.length,
    lines: { read: lines.length, metered, lenient: 0, ignored: {}, unattributed, quarantined: {} },
    totals: sorted.map(([, total]) => total),
  }
}
