// The Node peer: what a careful engineer writes without native code. Reads into one reused buffer,
// JSON.parse per line, sums in a Map; exact beyond 2^53. Prints the object of `scan --json`.
//
// It judges the lines of synthetic logs as meter-fast does, so that both do the same work. Hostile
// lines are no part of this peer: JSON.parse hides duplicate keys and accepts lone surrogates.

import { closeSync, openSync, readSync } from 'node:fs'
import { Totals } from './node-json-totals.ts'

const BUFFER_BYTES = 1024 * 1024
const LF = 0x0a

interface LogRecord {
  readonly project_name?: string | null
  readonly route_name?: string | null
  readonly bytes_sent?: unknown
  readonly bytes_received?: unknown
  readonly duration?: unknown
}

function readLog(path: string, countOne: (line: string) => void): void {
  let buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  let held = 0
  const fd = openSync(path, 'r')
  for (;;) {
    if (held === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2)
    const got = readSync(fd, buffer, held, buffer.length - held, null)
    if (got === 0) break
    const end = held + got
    let start = 0
    let lf = buffer.indexOf(LF)
    while (lf !== -1 && lf < end) {
      countOne(buffer.toString('utf8', start, lf))
      start = lf + 1
      lf = buffer.indexOf(LF, start)
    }
    buffer.copyWithin(0, start, end)
    held = end - start
  }
  if (held > 0) countOne(buffer.toString('utf8', 0, held))
  closeSync(fd)
}

/** `<time> <stream> <P or F> <text>`: parts are joined, what goes to stderr is no access log. */
function joinedCri(totals: Totals, countOne: (line: string) => void): (line: string) => void {
  let parts = ''
  return (line) => {
    const [, stream, tag] = line.split(' ', 3)
    if (stream === 'stderr') return totals.ignored('stderr')
    const text = line.slice(line.indexOf(` ${tag} `) + 3)
    if (tag === 'P') {
      parts += text
      return
    }
    countOne(parts + text)
    parts = ''
  }
}

function countLine(line: string, totals: Totals, namespaceIsProject: boolean): void {
  let record: LogRecord
  try {
    record = JSON.parse(line)
  } catch {
    totals.quarantined('malformed')
    return
  }
  const egress = amount(record.bytes_sent)
  const ingress = amount(record.bytes_received)
  const ms = amount(record.duration)
  if (egress < 0 || ingress < 0 || ms < 0) {
    totals.quarantined('bad_number')
    return
  }
  const route = record.route_name ?? null
  const project = namespaceIsProject ? namespaceOf(route) : (record.project_name ?? null)
  if (project === null) totals.unattributed(route === null ? 'no_route' : 'no_project')
  else totals.add(project, route, egress, ingress, ms)
}

/** -1 for what is no amount. */
function amount(value: unknown): number {
  if (value === null || value === undefined || value === '' || value === '-') return 0
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : -1
}

function namespaceOf(route: string | null): string | null {
  if (route === null) return null
  const kindEnd = route.indexOf('/')
  const namespaceEnd = route.indexOf('/', kindEnd + 1)
  return namespaceEnd === -1 ? null : route.slice(kindEnd + 1, namespaceEnd)
}

const [format, path, envelope = 'raw'] = process.argv.slice(2)
if (format === undefined || path === undefined) {
  throw new Error('usage: node-json FORMAT FILE [ENVELOPE]')
}
const totals = new Totals()
const countOne = (line: string) => countLine(line, totals, format === 'envoy-gateway')
readLog(path, envelope === 'cri' ? joinedCri(totals, countOne) : countOne)
process.stdout.write(`${JSON.stringify(totals.report())}\n`)
