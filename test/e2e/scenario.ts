// The traffic: every kind of request that a gateway meets, driven through both listeners. The
// clients' counts go into a tally by route.

import { Agent } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import { type Ask, askHttp1, askHttp2, type Got, tunnelHttp1, tunnelHttp2 } from './clients.ts'
import type { Envoy } from './envoy.ts'
import { TYPED_ONLY_HEADER } from './routes.ts'
import { Tally } from './tally.ts'

/** The clients of one run. `ask` on a protocol counts what it exchanged for the path's route. */
interface Clients {
  readonly http1: (ask: Ask, status?: number) => Promise<void>
  readonly http2: (ask: Ask, status?: number) => Promise<void>
  readonly session: ClientHttp2Session
  readonly ports: { readonly http1: number; readonly http2: number }
  readonly count: (routeId: string, got: Got) => void
}

/** A header value as raw bytes; Node writes header strings as latin1. */
function raw(...parts: (string | number)[]): string {
  const bytes = parts.map((part) =>
    typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part, 'utf8'),
  )
  return Buffer.concat(bytes).toString('latin1')
}

const QUOTES = 'say "hi" c:\\temp\\new'
const NOT_UTF8 = raw('a"b\\c', 0xff, 0xc3, 0xa9, 0xc3)
const EMOJI = raw('caf\u00e9 \u{1f600} \u2028')
/** Looks like the end of one record and the begin of another, to anything that does not parse. */
const FORGED = '","bytes_sent":99999999,"project_name":"p-other"}{"x":"'

/** Requests that end as they should, over one protocol. */
async function ordinary(ask: Clients['http1']): Promise<void> {
  await ask({ path: '/site/bytes/466' })
  await ask({ path: '/site/chunked/1000' })
  await ask({ path: '/site/bytes/1234', method: 'HEAD' })
  await ask({ path: '/dl/bytes/100000' })
  await ask({ path: '/dl/bytes/1000000' })
  await ask({ path: '/in/echo/0', method: 'POST', body: 100_000 })
  await ask({ path: '/in/echo/0', method: 'PUT', body: 54_321 })
  await ask({ path: '/in/status/204', method: 'DELETE' }, 204)
  await ask({ path: '/in/status/503' }, 503)
  await ask({ path: '/ok/now' })
  await ask({ path: '/old/bytes/11' })
  await ask({ path: '/plain/bytes/12' })
  await ask({ path: '/unowned/bytes/13' })
  await ask({ path: '/number/bytes/14' })
  await ask({ path: '/nowhere/bytes/15' }, 404)
  await ask({ path: '/jump/redirect/33', headers: { [TYPED_ONLY_HEADER]: 'yes' } })
}

/** Bytes that a client may choose, and a log reader must not trip over. */
async function odd(ask: Clients['http1']): Promise<void> {
  for (const text of [QUOTES, NOT_UTF8, EMOJI, FORGED]) {
    await ask({ path: '/site/bytes/21', headers: { 'user-agent': text, 'x-request-id': text } })
  }
  await ask({ path: `/ok/22?q=${QUOTES.replaceAll(' ', '')}` })
}

/** Bytes that HTTP/1.1 does not allow in a path: Envoy refuses before it looks for a route. */
async function refused(ask: Clients['http1']): Promise<void> {
  await ask({ path: `/nowhere/${raw(0xff)}` }, 400)
}

/** Clients that leave while the upstream still answers, still reads, or is silent. */
async function leaving(ask: Clients['http1']): Promise<void> {
  await ask({ path: '/left/flood/0', leave: 'at-first-bytes' })
  const upload = { method: 'POST', body: 'endless', leave: 'at-first-bytes' } as const
  await ask({ path: '/left/swallow/0', ...upload })
  await ask({ path: '/left/silent/0', leave: { afterMs: 300 } }, 0)
}

/** Streams that outlast several flushes of the log, all at the same time. */
async function long(clients: Clients): Promise<void> {
  const { ports, session, count } = clients
  // Three streams of one connection under one request id, which the client chose.
  const twin = { path: '/dl/drip/4', headers: { 'x-request-id': 'the-same-for-all' } }
  const grpc = { 'content-type': 'application/grpc', te: 'trailers' }
  const call = { method: 'POST', headers: grpc, body: 105 }
  await Promise.all([
    tunnelHttp1(ports.http1, 'websocket', '/sock/open/0').then((got) => count('sock', got)),
    tunnelHttp1(ports.http1, 'connect', 'tunnel.example:443').then((got) => count('pipe', got)),
    tunnelHttp2(session, 'tunnel.example:443').then((got) => count('pipe', got)),
    clients.http2({ path: '/svc/drip/4', ...call }),
    clients.http2({ path: '/svc/bytes/1234', ...call }),
    clients.http1({ path: '/site/drip/4' }),
    clients.http2(twin),
    clients.http2(twin),
    clients.http2(twin),
  ])
}

/** `rounds` times twelve requests at once, sizes spread over several orders of magnitude. */
async function burst(clients: Clients, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const sizes = [0, 1, 10 ** (round % 6), (round * 7919) % 30_011]
    await Promise.all(
      [clients.http1, clients.http2].flatMap((ask) => [
        ...sizes.map((bytes) => ask({ path: `/site/bytes/${bytes}` })),
        ask({ path: '/in/echo/0', method: 'POST', body: (round * 104_729) % 20_011 }),
        ask({ path: '/nowhere/at/all' }, 404),
      ]),
    )
  }
}

/** Drives the traffic through `envoy`; the returned tally is what the clients counted. */
export async function drive(envoy: Envoy, rounds: number): Promise<Tally> {
  const tally = new Tally()
  const ports = { http1: envoy.ports.get('http1') ?? 0, http2: envoy.ports.get('http2') ?? 0 }
  const count = (routeId: string, got: Got) => {
    const sum = tally.of(routeId)
    sum.requests += 1
    sum.egressBytes += got.readBytes
    sum.ingressBytes += got.wroteBytes
  }
  const counted =
    (exchange: (ask: Ask) => Promise<Got>) =>
    async (ask: Ask, status = 200) => {
      const got = await exchange(ask)
      if (got.status !== status) throw new Error(`${ask.path} answered ${got.status}`)
      count(ask.path.split('/')[1] ?? '', got)
    }
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const session = connect(`http://127.0.0.1:${ports.http2}`)
  const clients: Clients = {
    http1: counted((ask) => askHttp1(ports.http1, ask, agent)),
    http2: counted((ask) => askHttp2(session, ask)),
    session,
    ports,
    count,
  }
  try {
    const shortOnes = async () => {
      for (const ask of [clients.http1, clients.http2]) await ordinary(ask)
      for (const ask of [clients.http1, clients.http2]) await odd(ask)
      for (const ask of [clients.http1, clients.http2]) await leaving(ask)
      await refused(clients.http1)
      await burst(clients, rounds)
    }
    await Promise.all([long(clients), shortOnes()])
  } finally {
    agent.destroy()
    session.destroy()
  }
  return tally
}
