// Publishes events to a JetStream stream, each with its own id as the message id, so the stream
// stores it once within its duplicate window however often it is sent.
//
// The far end's promise is weaker than it sounds: a server acknowledges before it syncs, by default
// up to two minutes (`sync_interval`). Accepted events are kept in the state for that reason.
//
// Files of secrets are read before every attempt; when one has changed, the connection is replaced.

import { MeterFastError } from '../errors.ts'
import { oneAttempt } from './attempt.ts'
import {
  bearerToken,
  type CredentialFiles,
  fileContent,
  sameTls,
  type TlsMaterial,
  tlsMaterial,
} from './credentials.ts'
import { natsAnswer, type PublishOutcome } from './nats-answer.ts'
import { isRefusal, NatsLink, type NatsMessage } from './nats-link.ts'
import type { StreamLook } from './nats-stream.ts'
import { boundedText, type FrozenBatch, type Sink, type SinkAnswer } from './sink.ts'

export interface NatsSinkOptions extends CredentialFiles {
  /** `HOST:PORT`, `nats://HOST:PORT` or `tls://HOST:PORT`; the first that answers is used. */
  readonly servers: readonly string[]
  /** The stream that must store the events. */
  readonly stream: string
  /** Subject of an event; `{project}` stands for its project. */
  readonly subject: string
  /** Credentials file of NATS (a user JWT and its seed). */
  readonly credsFile?: string | undefined
  /** Deadline of one attempt in ms. */
  readonly timeoutMs?: number
}

interface Secrets {
  readonly token: string | undefined
  readonly creds: Buffer | undefined
  readonly tls: TlsMaterial
}

/** Why there is no connection. */
export type NatsFault = SinkAnswer & { readonly kind: 'unauthorized' | 'unreachable' }

const SUBJECT = ',"subject":"projects/'
const PROJECT = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/

/** The `nats` sink. */
export class NatsSink implements Sink {
  readonly name = 'nats'
  readonly #options: NatsSinkOptions
  #link: NatsLink | undefined
  #secrets: Secrets | undefined
  #closed = false

  constructor(options: NatsSinkOptions) {
    this.#options = options
  }

  async deliver(batch: FrozenBatch, signal: AbortSignal): Promise<SinkAnswer> {
    if (this.#closed) throw new MeterFastError('METER_MISUSE', 'the nats sink is closed.')
    const { timeoutMs } = this.#options
    return await oneAttempt({ signal, timeoutMs, faultAnswer }, async (end) => {
      const link = await unlessAborted(this.#connected(), end)
      const outcomes = await this.#publish(link, batch, end)
      // Whoever does not answer may never do so on this connection.
      if (end.aborted) await this.#drop()
      end.throwIfAborted()
      return natsAnswer(batch, outcomes)
    })
  }

  /** What its stream says of itself, or why it cannot be asked; changes nothing there. */
  async look(signal: AbortSignal): Promise<StreamLook | NatsFault> {
    try {
      const link = await unlessAborted(this.#connected(), signal)
      return await unlessAborted(link.look(this.#options.stream), signal)
    } catch (error) {
      return signal.aborted
        ? { kind: 'unreachable', status: 0, text: 'no answer in time' }
        : faultAnswer(error)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#drop()
  }

  async #publish(
    link: NatsLink,
    batch: FrozenBatch,
    end: AbortSignal,
  ): Promise<readonly PublishOutcome[]> {
    const messages = batch.texts.map((text, index) => this.#message(batch.ids[index] ?? '', text))
    const good = messages.filter((message) => message !== undefined)
    const published = (await link.publish(good, end)).values()
    return messages.map((message): PublishOutcome => {
      if (message === undefined) return { kind: 'rejected', reason: 'no project for a subject' }
      return published.next().value ?? { kind: 'unsettled', text: 'not sent' }
    })
  }

  /** Undefined when its project would make another subject: a dot, a blank or a wildcard. */
  #message(id: string, text: string): NatsMessage | undefined {
    const { subject } = this.#options
    if (!subject.includes('{project}')) return { subject, id, text }
    const project = projectOf(text)
    if (!PROJECT.test(project)) return undefined
    return { subject: subject.replaceAll('{project}', project), id, text }
  }

  async #connected(): Promise<NatsLink> {
    const secrets = await this.#read()
    if (this.#link?.isOpen && this.#secrets && same(secrets, this.#secrets)) return this.#link
    await this.#drop()
    const { servers, stream } = this.#options
    const link = await NatsLink.open(servers, stream, forClient(secrets, servers))
    // The sink was closed, or another attempt began, while nobody waited for this one any more.
    if (this.#closed || this.#link) await link.close()
    if (this.#closed) throw new MeterFastError('METER_MISUSE', 'the nats sink is closed.')
    this.#link ??= link
    this.#secrets = secrets
    return this.#link
  }

  async #read(): Promise<Secrets> {
    const { credsFile } = this.#options
    return {
      token: await bearerToken(this.#options),
      creds: credsFile === undefined ? undefined : await fileContent(credsFile),
      tls: await tlsMaterial(this.#options),
    }
  }

  async #drop(): Promise<void> {
    const link = this.#link
    this.#link = undefined
    await link?.close()
  }
}

/**
 * The project of an event's subject. In our events only texts without a quote mark come before it,
 * so the first place that looks like it is it.
 */
function projectOf(text: string): string {
  const at = text.indexOf(SUBJECT)
  const start = at + SUBJECT.length
  return at < 0 ? '' : text.slice(start, text.indexOf('"', start))
}

function same(a: Secrets, b: Secrets): boolean {
  const sameCreds = a.creds && b.creds ? a.creds.equals(b.creds) : a.creds === b.creds
  return a.token === b.token && sameCreds && sameTls(a.tls, b.tls)
}

function forClient({ token, creds, tls }: Secrets, servers: readonly string[]) {
  const pem = Object.entries(tls).map(([name, bytes]) => [name, `${bytes}`])
  const isTls = pem.length > 0 || servers.some((server) => server.startsWith('tls://'))
  return {
    ...(token !== undefined && { token }),
    ...(creds !== undefined && { creds }),
    ...(isTls && { tls: Object.fromEntries(pem) as Record<string, string> }),
  }
}

/** Throws when the signal aborts first; what comes then is not looked at any more. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => undefined)
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  return await Promise.race([promise, aborted])
}

function faultAnswer(error: unknown): NatsFault {
  const { message } = error as Error
  const text = boundedText(message)
  if (error instanceof MeterFastError) {
    if (error.code !== 'METER_INPUT_MISSING') throw error
    return { kind: 'unauthorized', status: 0, text }
  }
  const kind = isRefusal(error) ? 'unauthorized' : 'unreachable'
  return { kind, status: 0, text }
}
