// The HTTP client of every sink: one request for one attempt.
//
// Promises: no redirect is followed; no proxy is used but a configured one, by CONNECT; an answer
// is read up to 1 MiB; nothing is compressed unless that was asked for. Credentials are read again
// before every attempt, so a rotated token or certificate is used at once.
//
// Each attempt has a connection of its own. On one that is kept, an answer that belongs to nothing
// would be taken for the answer to the next batch, which nobody may have stored; and a connection
// that the far end closes while a request is under way leaves one more outcome unknown.

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type Dispatcher, Pool, ProxyAgent } from 'undici'
import { MeterFastError } from '../errors.ts'
import {
  bearerToken,
  type CredentialFiles,
  sameTls,
  type TlsMaterial,
  tlsMaterial,
} from './credentials.ts'
import type { HttpAnswer } from './http-answer.ts'

export interface HttpClientOptions extends CredentialFiles {
  /** http or https, with the path that is posted to. */
  readonly url: URL
  readonly contentType: string
  readonly compression?: 'none' | 'gzip' | undefined
  /** A proxy that tunnels to `url`. */
  readonly proxy?: string | undefined
}

const CONNECT_TIMEOUT_MS = 10_000
const ANSWER_BYTES_MAX = 1024 * 1024
const SECRET_LENGTH_MIN = 8
// A batch shrinks to a tenth at any level; higher ones only cost time.
const GZIP_LEVEL = 1

const CONNECTION = {
  connections: 1,
  // Undici's word for a connection that is not kept.
  pipelining: 0,
  // One deadline of the sink covers headers and body.
  headersTimeout: 0,
  bodyTimeout: 0,
}

const gzipped = promisify(gzip)

/** Posts bodies to one address. */
export class HttpClient {
  readonly #options: HttpClientOptions
  #dispatcher: Dispatcher | undefined
  #tls: TlsMaterial = {}
  #closed = false

  constructor(options: HttpClientOptions) {
    this.#options = options
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** @throws whatever the connection does, and MeterFastError METER_INPUT_MISSING for secrets. */
  async post(body: Uint8Array, signal: AbortSignal): Promise<HttpAnswer> {
    const { url, contentType, compression } = this.#options
    const token = await bearerToken(this.#options)
    const isGzip = compression === 'gzip'
    const bytes = isGzip ? await gzipped(body, { level: GZIP_LEVEL }) : body
    const dispatcher = await this.#currentDispatcher()
    const answer = await dispatcher.request({
      method: 'POST',
      origin: url.origin,
      path: url.pathname,
      headers: {
        'content-type': contentType,
        'user-agent': 'meter-fast',
        ...(isGzip && { 'content-encoding': 'gzip' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: bytes,
      signal,
    })
    return {
      status: answer.statusCode,
      retryAfter: firstOf(answer.headers['retry-after']),
      contentType: firstOf(answer.headers['content-type']),
      ...withoutToken(await boundedBody(answer.body), token),
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#drop()
  }

  async #currentDispatcher(): Promise<Dispatcher> {
    const tls = await tlsMaterial(this.#options)
    if (this.#dispatcher && sameTls(tls, this.#tls)) return this.#dispatcher
    await this.#drop()
    if (this.#closed) throw new MeterFastError('METER_MISUSE', 'the sink was closed meanwhile.')
    this.#tls = tls
    const { url, proxy } = this.#options
    const connect = { ...tls, timeout: CONNECT_TIMEOUT_MS }
    this.#dispatcher =
      proxy === undefined
        ? new Pool(url.origin, { ...CONNECTION, connect })
        : new ProxyAgent({ ...CONNECTION, uri: proxy, requestTls: connect })
    return this.#dispatcher
  }

  async #drop(): Promise<void> {
    const dispatcher = this.#dispatcher
    this.#dispatcher = undefined
    await dispatcher?.destroy()
  }
}

function firstOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

type ReadBody = Pick<HttpAnswer, 'body' | 'isCut'>

/**
 * A receiver that says our token back must not get it into logs. Fewer characters are no secret,
 * and could be part of what an answer means.
 */
function withoutToken(read: ReadBody, token: string | undefined): ReadBody {
  if (token === undefined || token.length < SECRET_LENGTH_MIN) return read
  return { ...read, body: read.body?.replaceAll(token, '[token]') }
}

async function boundedBody(body: AsyncIterable<Buffer>): Promise<ReadBody> {
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
