// Sends batches to the Milo billing gateway: POST {url}/v1/usage/events:batchIngest.
//
// Promises: the body is the batch's own bytes, plain JSON without compression; no redirect is
// followed and no proxy is used; an answer is read up to 1 MiB; one deadline covers the attempt
// from first to last byte. Credentials are read again before every attempt, so also after a 401.
//
// Each attempt has a connection of its own. On one that is kept, an answer that belongs to nothing
// would be taken for the answer to the next batch, which nobody may have stored; and a connection
// that the far end closes while a request is under way leaves one more outcome unknown.

import { Pool } from 'undici'
import { MeterFastError } from '../errors.ts'
import {
  authorization,
  type CredentialFiles,
  sameTls,
  type TlsMaterial,
  tlsMaterial,
} from './credentials.ts'
import { gatewayAnswer, type HttpAnswer } from './gateway-answer.ts'
import { boundedText, type FrozenBatch, type Sink, type SinkAnswer, stoppedAnswer } from './sink.ts'

export interface GatewaySinkOptions extends CredentialFiles {
  /** Base address, http or https; a path is kept, a trailing slash is not. */
  readonly url: string
  /**
   * Deadline of one attempt in ms. Default 60,000: the gateway may take half a second for each of
   * 100 events, and a shorter deadline would send again what it is still storing.
   */
  readonly timeoutMs?: number
  /** The wall clock, for `Retry-After` dates. */
  readonly now?: () => number
}

const PATH = '/v1/usage/events:batchIngest'
const TIMEOUT_MS = 60_000
const CONNECT_TIMEOUT_MS = 10_000
const ANSWER_BYTES_MAX = 1024 * 1024
// Faults that come before the first byte of a request: the batch was not seen by anybody.
const NO_CONNECTION =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/
const NO_TRUST = /^(?:ERR_(?:TLS|SSL|OSSL)_\w+|CERT_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+)$/

/** The `milo-gateway` sink. */
export class GatewaySink implements Sink {
  readonly name = 'milo-gateway'
  readonly #options: GatewaySinkOptions
  readonly #url: URL
  readonly #path: string
  #pool: Pool | undefined
  #tls: TlsMaterial = {}
  #closed = false

  /** @throws MeterFastError METER_CONFIG_INVALID when `url` is not an address we can use. */
  constructor(options: GatewaySinkOptions) {
    this.#options = options
    this.#url = checkedUrl(options.url)
    this.#path = this.#url.pathname.replace(/\/+$/, '') + PATH
  }

  async deliver(batch: FrozenBatch, signal: AbortSignal): Promise<SinkAnswer> {
    if (this.#closed) throw new MeterFastError('METER_MISUSE', 'the gateway sink is closed.')
    if (signal.aborted) return stoppedAnswer()
    const attempt = new AbortController()
    const stop = () => attempt.abort()
    const deadline = setTimeout(stop, this.#options.timeoutMs ?? TIMEOUT_MS)
    signal.addEventListener('abort', stop, { once: true })
    try {
      const answer = await this.#post(batch.body, attempt.signal)
      return gatewayAnswer(answer, batch, (this.#options.now ?? Date.now)())
    } catch (error) {
      if (signal.aborted) return stoppedAnswer()
      if (attempt.signal.aborted) return { kind: 'unknown', status: 0, text: 'no answer in time' }
      return faultAnswer(error)
    } finally {
      clearTimeout(deadline)
      signal.removeEventListener('abort', stop)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#dropPool()
  }

  async #post(body: Uint8Array, signal: AbortSignal): Promise<HttpAnswer> {
    const token = await authorization(this.#options)
    const pool = await this.#currentPool()
    const answer = await pool.request({
      method: 'POST',
      path: this.#path,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'meter-fast',
        ...(token !== undefined && { authorization: token }),
      },
      body,
      signal,
    })
    const retryAfter = answer.headers['retry-after']
    return {
      status: answer.statusCode,
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      ...(await boundedBody(answer.body)),
    }
  }

  async #currentPool(): Promise<Pool> {
    const tls = await tlsMaterial(this.#options)
    if (this.#pool && sameTls(tls, this.#tls)) return this.#pool
    await this.#dropPool()
    if (this.#closed) throw new MeterFastError('METER_MISUSE', 'the gateway sink is closed.')
    this.#tls = tls
    this.#pool = new Pool(this.#url.origin, {
      connections: 1,
      // Undici's word for a connection that is not kept.
      pipelining: 0,
      connect: { ...tls, timeout: CONNECT_TIMEOUT_MS },
      // One deadline of our own covers headers and body.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    return this.#pool
  }

  async #dropPool(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await pool?.destroy()
  }
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const usable = url && (url.protocol === 'http:' || url.protocol === 'https:')
  if (!usable || url.username || url.password || url.search || url.hash) {
    throw new MeterFastError(
      'METER_CONFIG_INVALID',
      'sink.url must be an http or https address without user, password, query or fragment; ' +
        'a token belongs into sink.bearer_file.',
    )
  }
  return url
}

async function boundedBody(
  body: AsyncIterable<Buffer>,
): Promise<Pick<HttpAnswer, 'body' | 'isCut'>> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of body) {
      length += chunk.length
      // Leaving the loop destroys the rest of the answer and its connection.
      if (length > ANSWER_BYTES_MAX) return { body: undefined }
      chunks.push(chunk)
    }
  } catch {
    return { body: undefined, isCut: true }
  }
  return { body: Buffer.concat(chunks).toString('utf8') }
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
