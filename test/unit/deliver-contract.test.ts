// Every sink passes the one contract.

import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { CloudEventsSink } from '../../src/deliver/cloudevents-sink.ts'
import { CollectorSink } from '../../src/deliver/collector-sink.ts'
import { rotatedFiles } from '../../src/deliver/file-rotation.ts'
import { FileSink } from '../../src/deliver/file-sink.ts'
import { GatewaySink } from '../../src/deliver/gateway-sink.ts'
import { StdoutSink } from '../../src/deliver/stdout-sink.ts'
import { startCollector } from '../sink/collector.ts'
import { sinkContract } from '../sink/contract.ts'
import { startGateway } from '../sink/gateway.ts'
import { startOpenMeter } from '../sink/openmeter.ts'

const linesOf = (text: string) => text.split('\n').slice(0, -1)

sinkContract(
  'milo-gateway',
  async () => {
    const gateway = await startGateway()
    const { port } = gateway
    return {
      sink: new GatewaySink({ url: gateway.url }),
      stored: async () => [...gateway.stored.values()],
      outage: { begin: () => gateway.close(), end: () => gateway.listen(port) },
      dispose: () => gateway.close(),
    }
  },
  { deduplicates: true, recovers: true },
)

for (const compression of ['none', 'gzip'] as const) {
  sinkContract(
    `cloudevents-http, compression ${compression},`,
    async () => {
      const receiver = await startOpenMeter()
      const { port } = receiver
      return {
        sink: new CloudEventsSink({ url: receiver.ingestUrl, compression }),
        stored: async () => [...receiver.stored.values()],
        outage: { begin: () => receiver.close(), end: () => receiver.listen(port) },
        dispose: () => receiver.close(),
      }
    },
    { deduplicates: true, recovers: true },
  )

  sinkContract(
    `collector, compression ${compression},`,
    async () => {
      const collector = await startCollector()
      const { port } = collector
      return {
        sink: new CollectorSink({ url: collector.url, compression }),
        stored: async () => collector.forwarded,
        outage: { begin: () => collector.close(), end: () => collector.listen(port) },
        dispose: () => collector.close(),
      }
    },
    { deduplicates: false, recovers: true },
  )
}

for (const fileBytesMax of [Number.POSITIVE_INFINITY, 2_000]) {
  sinkContract(
    `file, of at most ${fileBytesMax} bytes,`,
    async () => {
      const root = await mkdtemp(join(tmpdir(), 'meter-fast-file-'))
      const directory = join(root, 'usage')
      await mkdir(directory)
      const path = join(directory, 'usage.ndjson')
      return {
        sink: new FileSink(path, { fileBytesMax }),
        stored: async () => {
          const rotated = (await rotatedFiles(path).catch(() => [])).reverse()
          const texts = [...rotated, path].map((name) => readFile(name, 'utf8').catch(() => ''))
          return linesOf((await Promise.all(texts)).join(''))
        },
        outage: {
          begin: () => rename(directory, `${directory}-away`),
          end: () => rename(`${directory}-away`, directory),
        },
        dispose: () => rm(root, { recursive: true }),
      }
    },
    { deduplicates: true, recovers: true },
  )
}

sinkContract(
  'stdout',
  async () => {
    const chunks: Buffer[] = []
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk)
        done()
      },
    })
    return {
      sink: new StdoutSink(stream),
      stored: async () => linesOf(Buffer.concat(chunks).toString('utf8')),
      dispose: async () => undefined,
    }
  },
  { deduplicates: false, recovers: false },
)
