// What delivery costs: events that wait in the spool of a state are sent over loopback to a gateway
// that only counts, and to JetStream; beside each, a bare client sends the same bytes. Compared are
// events per CPU-second of the sending process, with all that exactly-once asks for in it: what is
// sent is read from the state, and attempts and acceptances are committed.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { childEnvironment, runMeasured } from './child.ts'
import { NatsWire } from './nats-wire.ts'

export interface DeliveryFigures {
  readonly sink: string
  readonly eventsPerCpuSecond: number
  readonly peerEventsPerCpuSecond: number
  /** Highest memory of the agent by that after a tenth of the events. */
  readonly memoryGrowth: number
  readonly peakRssBytes: number | null
}

export interface DeliveryOutcome {
  readonly events: number
  /** Why what arrived is wrong; null when every id arrived. */
  readonly wrong: string | null
  readonly figures: readonly DeliveryFigures[]
  /** Sinks that could not be measured here. */
  readonly absent: readonly string[]
}

const script = (name: string): string => new URL(`./${name}.js`, import.meta.url).pathname
const AGENT = script('delivery-agent')
const PEER = script('delivery-peer')
const RECEIVER = script('delivery-receiver')
/** Of one key: requests, bytes out and in, seconds. */
const EVENTS_PER_KEY = 4
const NATS = { stream: 'usage', subjects: ['usage.>'] }

/** Where events go, and how many have arrived, once it is ended. */
interface Target {
  readonly port: number
  readonly config: object
  end(): Promise<{ readonly events: number }>
}

export async function measureDelivery(directory: string, wanted: number): Promise<DeliveryOutcome> {
  const events = Math.ceil(wanted / EVENTS_PER_KEY) * EVENTS_PER_KEY
  const log = join(directory, 'delivery.log')
  await writeLog(log, events / EVENTS_PER_KEY)
  const state = join(directory, 'delivery.state')
  const config = async (name: string, dir: string, sink: object): Promise<string> => {
    const path = join(directory, `${name}.yaml`)
    const streams = [{ files: [log], source_id: 'bench', format: 'datum' }]
    const rest = { on_missing_state: 'backfill', state: { dir, reserve_bytes: '0B' } }
    await writeFile(path, JSON.stringify({ streams, sink, ...rest }))
    return path
  }
  await runMeasured([
    'node',
    AGENT,
    'fill',
    await config('fill', state, { type: 'stdout' }),
    `${events}`,
  ])

  /** Sends a copy of the spool. */
  const send = async (name: string, sink: object) => {
    const copy = join(directory, `delivery-${name}.state`)
    await cp(state, copy, { recursive: true })
    try {
      return await runMeasured(['node', AGENT, 'send', await config(name, copy, sink), `${events}`])
    } finally {
      await rm(copy, { recursive: true })
    }
  }
  const usage = join(directory, 'delivery.ndjson')
  await send('file', { type: 'file', path: usage })

  const figures: DeliveryFigures[] = []
  const absent: string[] = []
  let wrong: string | null = null
  for (const [sink, start] of [
    ['milo-gateway', startGateway],
    ['nats', startNats],
  ] as const) {
    const target = await start(directory)
    if (target === undefined) {
      absent.push(sink)
      continue
    }
    const { stdout, usage: used } = await send(sink, target.config)
    const arrived = await target.end()
    if (arrived.events !== events) wrong = `${arrived.events} events arrived of ${events} (${sink})`
    const other = await start(directory)
    const peer = await runMeasured(['node', PEER, sink, `${other?.port}`, usage])
    const sent = await other?.end()
    if (sent?.events !== events) wrong ??= `the bare client sent ${sent?.events} of ${events}`
    const { earlyBytes, highestBytes } = JSON.parse(stdout) as Record<string, number>
    figures.push({
      sink,
      eventsPerCpuSecond: (1000 * events) / used.cpuMs,
      peerEventsPerCpuSecond: (1000 * events) / peer.usage.cpuMs,
      memoryGrowth: (highestBytes ?? 0) / (earlyBytes ?? 1),
      peakRssBytes: used.peakRssBytes,
    })
  }
  return { events, wrong, figures: wrong === null ? figures : [], absent }
}

/** One line a key, all in one window, which the clock closes when all of it is read. */
async function writeLog(path: string, keys: number): Promise<void> {
  const file = await open(path, 'w')
  const line = (route: number): string =>
    `{"bytes_received":11,"bytes_sent":1822,"duration":2000,"project_name":"p-${route % 1000}",` +
    `"response_code":200,"route_name":"httproute/ns-${route % 1000}/route-${route}/rule/0",` +
    '"start_time":"2026-01-01T00:00:00Z"}\n'
  for (let first = 0; first < keys; first += 10_000) {
    const count = Math.min(10_000, keys - first)
    const lines = Array.from({ length: count }, (_, i) => line(first + i))
    await file.write(lines.join(''))
  }
  await file.close()
}

async function startGateway(): Promise<Target> {
  const child = spawn(process.execPath, [RECEIVER], {
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.stdout.setEncoding('utf8')
  const [first] = (await once(child.stdout, 'data')) as [string]
  const port = Number(first)
  return {
    port,
    config: { type: 'milo-gateway', url: `http://127.0.0.1:${port}` },
    end: async () => {
      const last = once(child.stdout, 'data') as Promise<[string]>
      child.kill('SIGTERM')
      const { ids } = JSON.parse((await last)[0]) as { ids: number }
      return { events: ids }
    },
  }
}

/** A real nats-server with JetStream; undefined where there is none. */
async function startNats(directory: string): Promise<Target | undefined> {
  const port = await freePort()
  const store = await mkdtemp(join(directory, 'nats-'))
  const args = ['-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', store]
  const path = `${process.env['PATH']}:/usr/sbin`
  const child = spawn(process.env['NATS_SERVER'] ?? 'nats-server', args, {
    env: { ...childEnvironment(), PATH: path },
    stdio: 'ignore',
  })
  const failed = once(child, 'error').then(() => undefined)
  const wire = await Promise.race([failed, connected(port)])
  if (wire === undefined) return undefined
  const { stream, subjects } = NATS
  const config = { name: stream, subjects, storage: 'file', duplicate_window: 600_000_000_000 }
  await wire.ask(`STREAM.CREATE.${stream}`, config)
  return {
    port,
    config: { type: 'nats', servers: [`127.0.0.1:${port}`], stream, subject: 'usage.{project}' },
    end: async () => {
      const answer = await wire.ask(`STREAM.INFO.${stream}`)
      wire.close()
      await ended(child)
      await rm(store, { recursive: true })
      return { events: Number(/"messages":(\d+)/.exec(answer)?.[1]) }
    },
  }
}

async function connected(port: number): Promise<NatsWire> {
  for (;;) {
    try {
      return await NatsWire.connect(port)
    } catch {
      await delay(50)
    }
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
