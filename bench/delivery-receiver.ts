// A gateway that only counts: what bench/delivery.ts sends to. It prints its port at once and, at
// SIGTERM, how many events came and how many ids they have.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const ids = new Set<string>()
let events = 0

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const batch = JSON.parse(Buffer.concat(chunks).toString()) as { id: string }[]
    for (const { id } of batch) ids.add(id)
    events += batch.length
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ accepted: batch.length }))
  })
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
process.once('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify({ events, ids: ids.size })}\n`)
  process.exit(0)
})
