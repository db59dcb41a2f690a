// Reads an HTTP answer by its status: the rows of the response table that all HTTP sinks share. A
// pure function of status, headers and body.

import { retryAfterMs } from './retry.ts'
import { boundedText, type SinkAnswer } from './sink.ts'

/** An HTTP answer. */
export interface HttpAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly contentType?: string | undefined
  /** Undefined when it was cut, or too long to read. */
  readonly body: string | undefined
  /** The connection broke, or the time was over, within the body. */
  readonly isCut?: boolean
}

/**
 * What an answer means when its status tells all. Any 2xx is acceptance: a receiver of CloudEvents
 * need not say anything in the body, and most do not.
 */
export function statusAnswer(answer: HttpAnswer, nowMs: number): SinkAnswer {
  const { status } = answer
  if (status >= 200 && status < 300) {
    return { kind: 'accepted', status, text: boundedText(answer.body ?? '') }
  }
  return failureAnswer(answer, nowMs)
}

/** What a status outside 200 to 299 means. */
export function failureAnswer(answer: HttpAnswer, nowMs: number): SinkAnswer {
  const { status } = answer
  const facts = { status, text: failureText(answer) }
  const kind = status === 400 ? badRequestKind(answer) : failureKind(status)
  const asked = retryAfterMs(answer.retryAfter, nowMs)
  if (kind === 'unknown' && asked !== undefined) return { kind, ...facts, retryAfterMs: asked }
  return { kind, ...facts }
}

/** The object that a body is, or undefined. */
export function bodyObject(body: string | undefined): Record<string, unknown> | undefined {
  try {
    return objectOf(JSON.parse(body ?? ''))
  } catch {
    return undefined
  }
}

export function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : undefined
}

/** The words among the values, as one bounded text; empty when there are none. */
export function joinedWords(...values: unknown[]): string {
  return boundedText(values.filter((word) => typeof word === 'string' && word !== '').join(': '))
}

type FailureKind = 'unknown' | 'unauthorized' | 'tooLarge' | 'misconfigured' | 'refused'

const FAILURES: Readonly<Record<number, FailureKind>> = {
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'misconfigured',
  405: 'misconfigured',
  408: 'unknown',
  413: 'tooLarge',
  415: 'misconfigured',
  429: 'unknown',
}

/** What HTTP has no name for is ours to mend. */
function failureKind(status: number): FailureKind {
  const named = FAILURES[status]
  if (named) return named
  if (status >= 400 && status < 500) return 'refused'
  return status >= 500 && status < 600 ? 'unknown' : 'misconfigured'
}

/**
 * nginx answers 400 for a client certificate that is missing or no longer valid, before the
 * receiver sees anything. Taken at its word, each event would be set aside as a bad one.
 */
function badRequestKind({ body = '' }: HttpAnswer): FailureKind {
  if (NGINX_CERTIFICATE.test(body)) return 'unauthorized'
  return NGINX_SCHEME.test(body) ? 'misconfigured' : 'refused'
}

const NGINX_CERTIFICATE =
  /<title>400 (?:No required SSL certificate was sent|The SSL certificate error)<\/title>/
const NGINX_SCHEME = /<title>400 The plain HTTP request was sent to HTTPS port<\/title>/
const PROBLEM = /^application\/problem\+json\s*(;|$)/i

/** Of a problem document (RFC 9457) its title and detail, else the body. */
function failureText({ body, contentType = '' }: HttpAnswer): string {
  if (PROBLEM.test(contentType)) {
    const { title, detail } = bodyObject(body) ?? {}
    const words = joinedWords(title, detail)
    if (words !== '') return words
  }
  return boundedText(body ?? 'no readable body')
}
