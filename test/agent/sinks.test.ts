// One log through each sink: the far end has the events that the oracle says, ids and bytes, also
// when what lies between breaks requests and answers.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Fault, startFaultProxy } from '../chaos/fault-proxy.ts'
import { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { startCollector } from '../sink/collector.ts'
import { startGateway } from '../sink/gateway.ts'
import { hasNatsServer, NatsServer, STREAM } from '../sink/nats-server.ts'
import { INGEST_PATH, startOpenMeter } from '../sink/openmeter.ts'
import type { TestReceiver } from '../sink/receiver.ts'
import { difference, SAME } from './bills.ts'
import { Command, configFile, scratch, until } from './rig.ts'
import { DiskLog, steadyLog } from './steady-log.ts'

const LINES = 100_000
const LIMIT_MS = 120_000

// Before, after and within the exchange; none takes longer than the first waits of a retry.
const FAULTS: readonly Fault[] = [
  { do: 'pass' },
  { do: 'reset' },
  { do: 'lose-answer' },
  { do: 'cut-request', share: 0.5 },
  { do: 'duplicate' },
]

let log: Buffer
let wanted: string[]
beforeAll(() => {
  const startMs = Date.now() + 60_000
  log = steadyLog(new Dice(11), { lines: LINES, startMs, endMs: startMs + 60_000 })
  wanted = slowEvents([log], { stream: 'file/n1/access.log', windowMs: 1_000 })
  expect(wanted.length).toBeGreaterThan(2_000)
}, LIMIT_MS)

/** A place with the log, and the configuration of a run that sends its events to `sink`. */
async function place(sink: object): Promise<string> {
  const directory = await scratch()
  new DiskLog(directory).write(log)
  return await configFile(directory, { sink, rest: { window: '1s' } })
}

async function deliver(path: string): Promise<void> {
  const agent = new Command('run', '--once', '-c', path)
  expect(await agent.ended, agent.stderr).toBe(0)
}

describe('over HTTP, through a proxy that breaks exchanges', () => {
  const receivers: [string, () => Promise<TestReceiver>, (url: string) => object][] = [
    ['milo-gateway', startGateway as () => Promise<TestReceiver>, (url) => ({ url })],
    ['collector', startCollector, (url) => ({ url, compression: 'gzip' })],
    [
      'cloudevents-http',
      startOpenMeter as () => Promise<TestReceiver>,
      (url) => ({ url: url + INGEST_PATH }),
    ],
  ]

  test.each(receivers)(
    '%s',
    async (type, start, settings) => {
      const receiver = await start()
      const proxy = await startFaultProxy(receiver.port)
      const faults = [...FAULTS]
      proxy.decide = () => faults.shift() ?? { do: 'pass' }
      await deliver(await place({ type, ...settings(proxy.url) }))
      await proxy.close()
      await receiver.close()
      expect(faults).toEqual([])
      expect(receiver.changed).toEqual([])
      expect(difference([...receiver.stored.values()], wanted)).toEqual(SAME)
    },
    LIMIT_MS,
  )
})

describe.runIf(hasNatsServer())('to JetStream', () => {
  test(
    'nats, killed and begun anew in the middle: the stream holds each id once',
    async () => {
      const server = await NatsServer.start()
      await server.createStream()
      const sink = { type: 'nats', servers: [server.address], stream: STREAM }
      const delivered = deliver(await place(sink))
      await until('the stream has some', async () => (await server.count()) > 500)
      await server.kill()
      await server.begin()
      await delivered
      const messages = await server.messages()
      await server.dispose()
      expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length)
      expect(
        difference(
          messages.map(({ text }) => text),
          wanted,
        ),
      ).toEqual(SAME)
    },
    LIMIT_MS,
  )
})

describe('to files', () => {
  test.each([
    ['one', {}],
    ['several', { file_bytes_max: '1MiB' }],
  ])(
    '%s, through a kill in the middle',
    async (_name, settings) => {
      const directory = await scratch()
      const file = join(directory, 'usage.ndjson')
      const path = await place({ type: 'file', path: file, ...settings })
      const first = new Command('run', '--once', '-c', path)
      await until('some is written', async () => (await linesOf(file)).length > 200)
      await first.end('SIGKILL')
      await deliver(path)
      const names = ['.000001', '.000002', '.000003', ''].map((end) => file + end)
      const lines = (await Promise.all(names.map(linesOf))).flat()
      expect(difference(lines, wanted)).toEqual(SAME)
      expect((await linesOf(names[0] ?? '')).length > 0).toBe('file_bytes_max' in settings)
    },
    LIMIT_MS,
  )

  test('standard output', async () => {
    const agent = new Command('run', '--once', '-c', await place({ type: 'stdout' }))
    expect(await agent.ended, agent.stderr).toBe(0)
    expect(difference(agent.stdout.split('\n').slice(0, -1), wanted)).toEqual(SAME)
  })
})

async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.split('\n').slice(0, -1)
}
