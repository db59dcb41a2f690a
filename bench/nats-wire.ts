// Just enough of the NATS protocol to publish events to JetStream and await acknowledgements: the
// bare client that meter-fast is compared with, and what makes and asks the stream.

import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'

const INBOX = '_INBOX.bench'

export class NatsWire {
  readonly #socket: Socket
  #waiting = 0
  #done: () => void = () => undefined
  #last = ''

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1').on('data', (text) => this.#read(String(text)))
  }

  static async connect(port: number): Promise<NatsWire> {
    const socket = createConnection(port, '127.0.0.1')
    await once(socket, 'connect')
    const wire = new NatsWire(socket)
    socket.write('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n')
    socket.write(`SUB ${INBOX}.* 1\r\n`)
    return wire
  }

  /** The answer to a request to the JetStream API. */
  async ask(name: string, body: object = {}): Promise<string> {
    const text = JSON.stringify(body)
    await this.#answered(1, `PUB $JS.API.${name} ${INBOX}.api ${text.length}\r\n${text}\r\n`)
    return this.#last
  }

  /** Publishes events under their ids; resolves when all are acknowledged. */
  async publish(subject: string, events: readonly { id: string; text: string }[]): Promise<void> {
    let out = ''
    for (const { id, text } of events) {
      const head = `NATS/1.0\r\nNats-Msg-Id: ${id}\r\n\r\n`
      const sizes = `${head.length} ${head.length + text.length}`
      out += `HPUB ${subject} ${INBOX}.ack ${sizes}\r\n${head}${text}\r\n`
    }
    await this.#answered(events.length, out)
  }

  close(): void {
    this.#socket.destroy()
  }

  async #answered(count: number, out: string): Promise<void> {
    this.#waiting = count
    await new Promise<void>((resolve) => {
      this.#done = resolve
      this.#socket.write(out, 'latin1')
    })
  }

  /** Every message is an answer; of one that comes in pieces, its head is counted. */
  #read(text: string): void {
    if (text.includes('PING\r\n')) this.#socket.write('PONG\r\n')
    this.#last = text
    this.#waiting -= text.split(`MSG ${INBOX}.`).length - 1
    if (this.#waiting === 0) this.#done()
  }
}
