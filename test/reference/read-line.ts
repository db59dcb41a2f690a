// What one line says, without any state (DESIGN 4.2 to 4.7): an outcome that needs nothing else, or
// a record for the meter. Rules stand in the order of the table in 4.7.

import { judgeProject, projectOf, type Reason, type Route, routeOf } from './attribution.ts'
import type { JoinedLine } from './envelope.ts'
import { epochSecondsMs, exactAmount, plausibleMs, rfc3339Ms } from './exact.ts'
import { type Format, isAbsent, mappedValues, type Value, type Values } from './format.ts'
import { isObject, mend } from './mend.ts'

export interface Amounts {
  readonly egressBytes: bigint
  readonly ingressBytes: bigint
  readonly ms: bigint
}

/** A line whose fate depends on the lines before it. */
export interface LineRecord {
  readonly isRequest: boolean
  /** Names a long-lived request inside the log; null when the line has no id. */
  readonly identity: string | null
  /** Null: `bad_number`. */
  readonly amounts: Amounts | null
  readonly responseCode: string | null
  readonly responseFlags: readonly string[]
  readonly clockMs: number | null
  readonly project: string
  /** Why the project cannot be billed; null when it can. */
  readonly reason: Reason | null
  readonly route: Route | null
  readonly dimensions: Readonly<Record<string, string>>
  readonly isLenient: boolean
}

/** `ignored.blank`, `quarantined.malformed`, ...: the names of `scan --json`, joined by a dot. */
export type Outcome = `${'ignored' | 'unattributed' | 'quarantined'}.${string}`

export function readLine(
  line: JoinedLine,
  format: Format,
  lineBytesMax: number,
): Outcome | LineRecord {
  const content = cutWhiteSpace(line.content)
  if (line.origin === 'stderr') {
    return 'ignored.stderr'
  }
  if (line.origin === 'bad_envelope') {
    return 'quarantined.bad_envelope'
  }
  if (content === '') {
    return 'ignored.blank'
  }
  if (line.isCut) {
    return 'quarantined.cut'
  }
  if (content.length > lineBytesMax) {
    return 'quarantined.too_long'
  }
  if (!content.startsWith('{') && !content.endsWith('}')) {
    return 'ignored.not_json'
  }
  return readObject(content, line.time, format)
}

function cutWhiteSpace(text: string): string {
  const isWhite = (at: number): boolean => ' \t\n\r'.includes(text[at] ?? '?')
  let from = 0
  let to = text.length
  while (from < to && isWhite(from)) {
    from += 1
  }
  while (to > from && isWhite(to - 1)) {
    to -= 1
  }
  return text.slice(from, to)
}

function readObject(content: string, envelopeTime: string, format: Format): Outcome | LineRecord {
  const mended = mend(content)
  if (!isObject(mended)) {
    return 'quarantined.malformed'
  }
  const isMended = (from: number, to: number): boolean =>
    content.slice(from, to) !== mended.slice(from, to)
  const values = mappedValues(mended, isMended, format)
  if (typeof values === 'string') {
    return `quarantined.${values}`
  }
  const route = routeOf(values)
  const isRequest = judgeLogType(values, route)
  if (typeof isRequest === 'string') {
    return isRequest
  }
  const amounts = amountsOf(values)
  const project = projectOf(values, route, format)
  return {
    isRequest,
    identity: identityOf(values),
    amounts,
    responseCode: codeOf(values.get('responseCode')),
    responseFlags: values.get('responseFlags')?.text?.split(',') ?? [],
    clockMs: clockOf(values, amounts, envelopeTime),
    project: project ?? '',
    reason: judgeProject(project, route),
    route,
    dimensions: dimensionsOf(values),
    isLenient: mended !== content,
  }
}

/** True: one request. False: a report about a request that still runs. */
function judgeLogType(values: Values, route: Route | null): boolean | Outcome {
  const value = values.get('logType')
  const type = isAbsent(value) ? 'DownstreamEnd' : (value?.text ?? '')
  const isRedirect = values.get('responseCodeDetails')?.text === 'internal_redirect'
  if (type === 'DownstreamEnd' || (type === 'NotSet' && route !== null)) {
    return !isRedirect
  }
  if (/^Downstream(Start|Periodic|TunnelSuccessfullyEstablished)$/.test(type)) {
    return false
  }
  const other = /^(Upstream|Tcp|Udp)/.exec(type)?.[0].toLowerCase()
  if (other !== undefined) {
    return `ignored.${other}`
  }
  return type === 'NotSet' ? 'ignored.not_set' : 'quarantined.log_type'
}

function identityOf(values: Values): string | null {
  const ids = [values.get('connectionId'), values.get('streamId')]
  if (ids.every((id) => id === undefined || id.raw === 'null')) {
    return null
  }
  const roles = ['connectionId', 'streamId', 'startTime', 'project', 'route']
  return JSON.stringify(roles.map((role) => values.get(role)?.raw ?? null))
}

function amountOf(value: Value | undefined): bigint | null {
  return isAbsent(value) ? 0n : exactAmount(value?.text ?? value?.raw ?? '')
}

function amountsOf(values: Values): Amounts | null {
  const egressBytes = amountOf(values.get('egressBytes'))
  const ingressBytes = amountOf(values.get('ingressBytes'))
  const ms = amountOf(values.get('durationMs'))
  return egressBytes === null || ingressBytes === null || ms === null
    ? null
    : { egressBytes, ingressBytes, ms }
}

/** A response code as text; a number in any form is the decimal that it means. */
function codeOf(value: Value | undefined): string | null {
  const token = value?.text ?? value?.raw
  return token === undefined ? null : (exactAmount(token)?.toString() ?? token)
}

function clockOf(values: Values, amounts: Amounts | null, envelopeTime: string): number | null {
  const start = values.get('startTime')
  const token = start?.text ?? start?.raw ?? ''
  const startMs = rfc3339Ms(token) ?? epochSecondsMs(token)
  const endMs = startMs === null ? null : startMs + (amounts?.ms ?? 0n)
  return plausibleMs(endMs) ?? plausibleMs(rfc3339Ms(envelopeTime))
}

/** Only strings are dimension values: what a client or a typo puts there is never rendered. */
function dimensionsOf(values: Values): Record<string, string> {
  const found = [...values].filter(([role, value]) => /^dimension /.test(role) && !isAbsent(value))
  return Object.fromEntries(
    found.flatMap(([role, { text }]) =>
      text === null ? [] : [[role.slice('dimension '.length), text]],
    ),
  )
}
