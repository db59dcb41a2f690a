// /metrics, /healthz and /readyz over HTTP: what is asked for is small, and so is what anybody can
// make it cost. GET and HEAD only, nothing is written by a request, a body is not read, headers are
// bounded in bytes and time, connections in number; the port does not keep a process alive.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MeterFastError } from '../errors.ts'
import { CONTENT_TYPES, formFor } from './exposition.ts'
import type { Verdict } from './health.ts'

const CONNECTIONS_MAX = 32
const HEADER_BYTES_MAX = 8 * 1024
const REQUEST_MS_MAX = 5_000
const TEXT = 'text/plain; charset=utf-8'
const PATHS = ['/metrics', '/healthz', '/readyz']

/** Where the answers come from. */
export interface Answers {
  readonly metrics: (form: keyof typeof CONTENT_TYPES) => string
  readonly alive: () => Verdict
  readonly ready: () => Verdict
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

export class ObserveServer {
  readonly #server: Server
  /** `http://HOST:PORT`, with the port that was given when 0 was asked for. */
  readonly address: string

  private constructor(server: Server) {
    this.#server = server
    const { address, family, port } = server.address() as AddressInfo
    this.address = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  /**
   * Listens on HOST:PORT.
   * @throws {MeterFastError} METER_CONFIG_INVALID when the address cannot be had
   */
  static async listen(listen: string, answers: Answers): Promise<ObserveServer> {
    const options = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      keepAliveTimeout: REQUEST_MS_MAX,
      connectionsCheckingInterval: REQUEST_MS_MAX,
    }
    const server = createServer(options, (request, response) => serve(request, response, answers))
    server.maxConnections = CONNECTIONS_MAX
    server.unref()
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(listen) ?? []
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(cannotListen(listen, error)))
      server.listen({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) }, resolve)
    })
    // What comes later is of a connection, and ends with it.
    server.on('error', () => undefined)
    return new ObserveServer(server)
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }
}

function serve(request: IncomingMessage, response: ServerResponse, answers: Answers): void {
  const { status, type, body } = answerTo(request, answers)
  const { headers } = request
  // A body that nobody asked for is not read, and ends its connection.
  const hasBody = 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) !== 0
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 405 && { allow: 'GET, HEAD' }),
    ...((status === 405 || hasBody) && { connection: 'close' }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function answerTo(request: IncomingMessage, answers: Answers): Answer {
  const { method, url = '', headers } = request
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET and HEAD are answered')
  switch (url.split('?')[0]) {
    case '/metrics': {
      const form = formFor(headers.accept)
      return { status: 200, type: CONTENT_TYPES[form], body: answers.metrics(form) }
    }
    case '/healthz':
      return verdictAnswer(answers.alive())
    case '/readyz':
      return verdictAnswer(answers.ready())
    default:
      return text(404, `there are ${PATHS.join(', ')}`)
  }
}

function verdictAnswer({ ok, lines }: Verdict): Answer {
  return text(ok ? 200 : 503, ...lines)
}

function text(status: number, ...lines: readonly string[]): Answer {
  return { status, type: TEXT, body: `${lines.join('\n')}\n` }
}

function cannotListen(listen: string, cause: Error): MeterFastError {
  const { code } = cause as NodeJS.ErrnoException
  const why =
    code === 'EADDRINUSE' ? 'another process listens there' : `it cannot be had (${cause.message})`
  return new MeterFastError(
    'METER_CONFIG_INVALID',
    `observe.listen "${listen}": ${why}. Name another address, or leave it out to have no metrics.`,
    { cause },
  )
}
