// Every sink passes the one contract.

import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { FileSink } from '../../src/deliver/file-sink.ts'
import { GatewaySink } from '../../src/deliver/gateway-sink.ts'
import { StdoutSink } from '../../src/deliver/stdout-sink.ts'
import { sinkContract } from '../sink/contract.ts'
import { startGateway } from '../sink/gateway.ts'

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

sinkContract(
  'file',
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'meter-fast-file-'))
    const directory = join(root, 'usage')
    await mkdir(directory)
    const path = join(directory, 'usage.ndjson')
    return {
      sink: new FileSink(path),
      stored: async () => linesOf(await readFile(path, 'utf8').catch(() => '')),
      outage: {
        begin: () => rename(directory, `${directory}-away`),
        end: () => rename(`${directory}-away`, directory),
      },
      dispose: () => rm(root, { recursive: true }),
    }
  },
  { deduplicates: true, recovers: true },
)

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
