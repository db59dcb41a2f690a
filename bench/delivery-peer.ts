// The bare client of bench/delivery.ts: sends the same events in batches of 100, one after another,
// and does nothing else: no state, no retries, no thought about what comes back.

import { createReadStream } from 'node:fs'
import { Agent, request } from 'node:http'
import { createInterface } from 'node:readline'
import { NatsWire } from './nats-wire.ts'

const [sink = '', port = '0', path = ''] = process.argv.slice(2)
const BATCH_EVENTS = 100
const PATH = '/v1/usage/events:batchIngest'
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const wire = sink === 'nats' ? await NatsWire.connect(Number(port)) : undefined

function post(body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const target = { port, host: '127.0.0.1', path: PATH, method: 'POST', headers, agent }
    const sent = request(target, (answer) => {
      answer.resume()
      answer.on('end', resolve)
    })
    sent.on('error', reject)
    sent.end(body, 'latin1')
  })
}

/** An id is the second member of an event. */
const idOf = (text: string): string => text.slice(26, 52)

async function send(texts: readonly string[]): Promise<void> {
  if (wire === undefined) await post(`[${texts.join(',')}]`)
  else
    await wire.publish(
      'usage.bench',
      texts.map((text) => ({ id: idOf(text), text })),
    )
}

let batch: string[] = []
for await (const line of createInterface({ input: createReadStream(path, 'latin1') })) {
  batch.push(line)
  if (batch.length < BATCH_EVENTS) continue
  await send(batch)
  batch = []
}
if (batch.length > 0) await send(batch)
agent.destroy()
wire?.close()
