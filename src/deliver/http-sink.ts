// A sink that posts batches over HTTP. What differs from receiver to receiver is its dialect: where
// below the address it listens, what it calls the body, and how it answers.
//
// The body is the batch's own bytes, one JSON array, the same on every attempt. One deadline covers
// an attempt from first to last byte.

import { MeterFastError } from '../errors.ts'
import { oneAttempt } from './attempt.ts'
import type { CredentialFiles } from './credentials.ts'
import type { HttpAnswer } from './http-answer.ts'
import { HttpClient } from './http-client.ts'
import { boundedText, type FrozenBatch, type Sink, type SinkAnswer } from './sink.ts'

/** What one kind of receiver wants and says. */
export interface HttpDialect {
  readonly name: string
  /** Added to the path of the address; left out when the address is used as it stands. */
  readonly path?: string
  readonly contentType: string
  readonly meaning: (answer: HttpAnswer, nowMs: number, batch: FrozenBatch) => SinkAnswer
}

export interface HttpSinkOptions extends CredentialFiles {
  /** http or https; when the dialect adds a path, a slash at the end is left out. */
  readonly url: string
  /**
   * Deadline of one attempt in ms. Default 60,000: the billing gateway may take half a second for
   * each of 100 events, and a shorter deadline would send again what it is still storing.
   */
  readonly timeoutMs?: number
  readonly compression?: 'none' | 'gzip'
  /** A proxy that tunnels to `url`; proxies of the environment are not looked at. */
  readonly proxy?: string
  /** The wall clock, for `Retry-After` dates. */
  readonly now?: () => number
}

// Faults that come before the first byte of a request: the batch was not seen by anybody.
const NO_CONNECTION =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/
const NO_TRUST = /^(?:ERR_(?:TLS|SSL|OSSL)_\w+|CERT_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+)$/

/** A sink of one dialect. */
export class HttpSink implements Sink {
  readonly name: string
  readonly #dialect: HttpDialect
  readonly #options: HttpSinkOptions
  readonly #client: HttpClient

  /** @throws MeterFastError METER_CONFIG_INVALID when `url` is not an address we can use. */
  constructor(dialect: HttpDialect, options: HttpSinkOptions) {
    this.name = dialect.name
    this.#dialect = dialect
    this.#options = options
    const { contentType } = dialect
    this.#client = new HttpClient({ ...options, url: endpoint(options.url, dialect), contentType })
  }

  async deliver(batch: FrozenBatch, signal: AbortSignal): Promise<SinkAnswer> {
    if (this.#client.isClosed) {
      throw new MeterFastError('METER_MISUSE', `the ${this.name} sink is closed.`)
    }
    const { timeoutMs, now = Date.now } = this.#options
    return await oneAttempt({ signal, timeoutMs, faultAnswer }, async (end) => {
      const answer = await this.#client.post(batch.body, end)
      return this.#dialect.meaning(answer, now(), batch)
    })
  }

  async close(): Promise<void> {
    await this.#client.close()
  }
}

function endpoint(text: string, { path }: HttpDialect): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const usable = url && (url.protocol === 'http:' || url.protocol === 'https:')
  if (!usable || url.username || url.password || url.search || url.hash) {
    throw new MeterFastError(
      'METER_CONFIG_INVALID',
      'sink.url must be an http or https address without user, password, query or fragment; ' +
        'a token belongs into sink.bearer_file.',
    )
  }
  if (path !== undefined) url.pathname = url.pathname.replace(/\/+$/, '') + path
  return url
}

function faultAnswer(error: unknown): SinkAnswer {
  if (error instanceof MeterFastError) {
    if (error.code !== 'METER_INPUT_MISSING') throw error
    return { kind: 'unauthorized', status: 0, text: boundedText(error.message) }
  }
  const { code = '', message } = error as NodeJS.ErrnoException
  const kind = NO_CONNECTION.test(code) || NO_TRUST.test(code) ? 'unreachable' : 'unknown'
  return { kind, status: 0, text: boundedText(`${code} ${message}`) }
}
