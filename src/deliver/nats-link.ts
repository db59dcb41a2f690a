// One connection to a NATS server, and the acknowledgements that come back over it.
//
// All events of a batch are written at once and their acknowledgements awaited together: one round
// trip for a batch, not one for each event. They come to one inbox, under the batch's serial number
// and the event's place in it, so a late one is never taken for another's.
//
// A link is never mended. The client's own reconnecting would send again, when it likes, what it
// holds back; the sender knows better what was settled, so a link that broke is replaced.

import { isIP } from 'node:net'
import { connect, createInbox, credsAuthenticator, headers } from '@nats-io/transport-node'
import { ackOutcome, type PublishOutcome } from './nats-answer.ts'
import { type StreamLook, streamLook } from './nats-stream.ts'
import { boundedText } from './sink.ts'

type Connection = Awaited<ReturnType<typeof connect>>

/** What is read from files before each attempt. */
export interface NatsSecrets {
  readonly token?: string
  readonly creds?: Buffer
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

export interface NatsMessage {
  readonly subject: string
  readonly id: string
  readonly text: string
}

const CONNECT_TIMEOUT_MS = 10_000
const PING_INTERVAL_MS = 10_000
/** Message id and stream, with their names. */
const HEADER_BYTES_MAX = 512
const LOST: PublishOutcome = { kind: 'unsettled', text: 'the connection broke' }

const NOT_AUTHORIZED = /^(?:AuthorizationError|UserAuthenticationExpiredError)$/

interface Flight {
  readonly serial: string
  readonly outcomes: (PublishOutcome | undefined)[]
  readonly subjects: readonly string[]
  left: number
  done(): void
}

/** An open connection. */
export class NatsLink {
  readonly #connection: Connection
  /** Written out by each publish, so one object serves all. */
  readonly #headers = headers()
  readonly #textBytesMax: number
  readonly #inbox = createInbox()
  #serial = 0
  #flight: Flight | undefined
  #isOpen = true

  private constructor(connection: Connection, stream: string) {
    this.#connection = connection
    this.#headers.set('Nats-Expected-Stream', stream)
    const { max_payload: payloadMax = Number.POSITIVE_INFINITY } = connection.info ?? {}
    this.#textBytesMax = payloadMax - HEADER_BYTES_MAX
    connection.subscribe(`${this.#inbox}.>`, {
      callback: (_error, message) => {
        const isUnheard = message.headers?.code === 503
        this.#acked(message.subject, isUnheard ? undefined : message.string())
      },
    })
    void connection.closed().then(() => this.#lost())
    void this.#watch()
  }

  /**
   * Connects to the first server that takes us.
   * @throws what the client does when none can be reached, or none takes our credentials.
   */
  static async open(
    servers: readonly string[],
    stream: string,
    secrets: NatsSecrets,
  ): Promise<NatsLink> {
    const errors: unknown[] = []
    for (const server of servers) {
      try {
        return new NatsLink(await connectTo(server, secrets), stream)
      } catch (error) {
        errors.push(error)
      }
    }
    throw errors.find(isRefusal) ?? errors[0]
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /**
   * Publishes and waits for every acknowledgement; what has none when `signal` aborts, or when the
   * connection breaks, is unsettled. One batch at a time.
   */
  async publish(
    messages: readonly NatsMessage[],
    signal: AbortSignal,
  ): Promise<readonly PublishOutcome[]> {
    this.#serial += 1
    const serial = String(this.#serial)
    const outcomes: (PublishOutcome | undefined)[] = messages.map(() => undefined)
    const subjects = messages.map(({ subject }) => subject)
    await new Promise<void>((resolve) => {
      this.#flight = { serial, outcomes, subjects, left: messages.length, done: resolve }
      signal.addEventListener('abort', () => resolve(), { once: true })
      if (!this.#isOpen || signal.aborted || messages.length === 0) resolve()
      else for (const [place, message] of messages.entries()) this.#send(message, serial, place)
    })
    this.#flight = undefined
    return outcomes.map((outcome) => outcome ?? LOST)
  }

  /** Asks the server about a stream; changes nothing. */
  async look(stream: string): Promise<StreamLook> {
    try {
      const asked = { timeout: CONNECT_TIMEOUT_MS }
      const answer = await this.#connection.request(`$JS.API.STREAM.INFO.${stream}`, '', asked)
      return streamLook(answer.string())
    } catch (error) {
      return { kind: 'none', text: boundedText((error as Error).message) }
    }
  }

  async close(): Promise<void> {
    this.#lost()
    await this.#connection.close().catch(() => undefined)
  }

  #send({ subject, id, text }: NatsMessage, serial: string, place: number): void {
    // The server breaks a connection that sends more.
    if (Buffer.byteLength(text) > this.#textBytesMax) {
      this.#settle(place, { kind: 'rejected', reason: 'larger than max_payload of the server' })
      return
    }
    this.#headers.set('Nats-Msg-Id', id)
    const reply = `${this.#inbox}.${serial}.${place}`
    if (this.#isOpen) this.#connection.publish(subject, text, { headers: this.#headers, reply })
  }

  #acked(subject: string, body: string | undefined): void {
    const [serial, place] = subject.slice(this.#inbox.length + 1).split('.')
    if (serial !== this.#flight?.serial) return
    const index = Number(place)
    const nobody = `no stream takes ${this.#flight?.subjects[index]}`
    this.#settle(index, body === undefined ? unsettled(nobody) : ackOutcome(body))
  }

  #settle(place: number, outcome: PublishOutcome): void {
    const flight = this.#flight
    if (flight === undefined || flight.outcomes[place] !== undefined) return
    if (!(place < flight.outcomes.length)) return
    flight.outcomes[place] = outcome
    flight.left -= 1
    if (flight.left === 0) flight.done()
  }

  /** A publish that is forbidden is told apart from its acknowledgement, which never comes. */
  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      const subject = status.type === 'error' ? forbiddenSubject(status.error) : undefined
      this.#flight?.subjects.forEach((one, place) => {
        if (one === subject) this.#settle(place, unsettled(`we may not publish to ${subject}`))
      })
    }
  }

  #lost(): void {
    this.#isOpen = false
    this.#flight?.done()
  }
}

async function connectTo(server: string, secrets: NatsSecrets): Promise<Connection> {
  const { token, creds, tls } = secrets
  // Of an address of numbers the client would compare the certificate with `localhost`.
  const { hostname } = new URL(server.replace(/^(\w+:\/\/)?/, 'nats://'))
  const host = hostname.replaceAll(/[[\]]/g, '')
  return await connect({
    servers: server,
    name: 'meter-fast',
    reconnect: false,
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    ...(token !== undefined && { token }),
    ...(creds !== undefined && { authenticator: credsAuthenticator(creds) }),
    ...(tls !== undefined && { tls: { ...tls, ...(isIP(host) > 0 && { host }) } }),
  })
}

/** Whether a server is there that does not take our credentials. */
export function isRefusal(error: unknown): boolean {
  return NOT_AUTHORIZED.test((error as Error).name)
}

function unsettled(text: string): PublishOutcome {
  return { kind: 'unsettled', text }
}

function forbiddenSubject(error: Error): string | undefined {
  const { operation, subject } = error as { operation?: string; subject?: string }
  return operation === 'publish' ? subject : undefined
}
