// The far end of the demo: a billing gateway on loopback that deduplicates by id and sums.

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Sums of one project, by the last word of the meter's type. */
export type ProjectUsage = Record<string, bigint>

interface WireEvent {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly data: { readonly value: string }
}

export class DemoReceiver {
  readonly #server: Server
  readonly #seen = new Set<string>()
  readonly projects = new Map<string, ProjectUsage>()
  /** Events that came again, e.g. because the agent was killed before it heard the answer. */
  duplicates = 0

  constructor() {
    this.#server = createServer((request, response) => {
      void readBody(request).then((body) => {
        const events = JSON.parse(body) as WireEvent[]
        for (const event of events) this.#take(event)
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ accepted: events.length }))
      })
    })
  }

  /** Listens on a free loopback port; resolves to the base URL. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get events(): number {
    return this.#seen.size
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #take(event: WireEvent): void {
    if (this.#seen.has(event.id)) {
      this.duplicates += 1
      return
    }
    this.#seen.add(event.id)
    const project = event.subject.replace(/^projects\//, '')
    const meter = event.type.slice(event.type.lastIndexOf('/') + 1)
    const usage = this.projects.get(project) ?? {}
    usage[meter] = (usage[meter] ?? 0n) + BigInt(event.data.value)
    this.projects.set(project, usage)
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
