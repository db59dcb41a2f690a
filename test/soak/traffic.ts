// Seeded load on a gateway, without end: short requests on HTTP/1.1 and HTTP/2, uploads, clients
// that leave, internal redirects, lines longer than 16 KiB, tunnels of seconds and of minutes. A
// client that fails is no fault: the bill is held against the log, whatever became of a request.

import { Agent } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type Ask, askHttp1, askHttp2, tunnelHttp1, tunnelHttp2 } from '../e2e/clients.ts'
import type { Envoy } from '../e2e/envoy.ts'
import { TYPED_ONLY_HEADER } from '../e2e/routes.ts'
import type { Dice } from '../reference/dice.ts'

const TICK_MS = 50
const OPEN_MAX = 200
const HELD_MAX = 12

interface Clients {
  readonly http1: number
  readonly http2: number
  readonly agent: Agent
  readonly session: ClientHttp2Session
}

export class Traffic {
  sent = 0
  failed = 0
  held = 0
  readonly #dice: Dice
  readonly #perSecond: number
  #clients: Clients | undefined
  #open = 0
  readonly #end = new AbortController()

  constructor(dice: Dice, perSecond: number) {
    this.#dice = dice
    this.#perSecond = perSecond
  }

  /** From now on requests go to this gateway; undefined: there is none at the moment. */
  use(envoy: Envoy | undefined): void {
    this.#clients?.agent.destroy()
    this.#clients?.session.destroy()
    this.#clients = undefined
    if (envoy === undefined) return
    const [http1, http2] = [envoy.ports.get('http1') ?? 0, envoy.ports.get('http2') ?? 0]
    const session = connectHttp2(`http://127.0.0.1:${http2}`)
    session.on('error', () => session.destroy())
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    this.#clients = { http1, http2, agent, session }
  }

  /** Runs until `stop`. */
  async run(): Promise<void> {
    let due = 0
    while (!this.#end.signal.aborted) {
      await delay(TICK_MS)
      due += (this.#perSecond * TICK_MS) / 1000
      for (; due >= 1; due -= 1) this.#start()
    }
  }

  /** Begins no more; resolves when what is open has ended. */
  async stop(): Promise<void> {
    this.#end.abort()
    while (this.#open > 0) await delay(TICK_MS)
  }

  #start(): void {
    const clients = this.#clients
    if (clients === undefined || this.#open >= OPEN_MAX) return
    this.sent += 1
    this.#open += 1
    this.#one(clients)
      .catch(() => {
        this.failed += 1
      })
      .finally(() => {
        this.#open -= 1
      })
  }

  #one(clients: Clients): Promise<unknown> {
    const dice = this.#dice
    const kind = dice.below(1000)
    if (kind < 4) return this.#tunnel(clients)
    if (kind < 8 && this.held < HELD_MAX) return this.#hold(clients.http1)
    const ask = kind < 60 ? this.#rareAsk() : this.#plainAsk()
    if (dice.chance(0.5)) return askHttp1(clients.http1, ask, clients.agent)
    if (clients.session.destroyed) return Promise.reject(new Error('the session is gone'))
    return askHttp2(clients.session, ask)
  }

  #plainAsk(): Ask {
    const dice = this.#dice
    const bytes = dice.below(10 ** dice.below(6))
    if (dice.chance(0.1)) return { path: '/in/echo/0', method: 'POST', body: dice.below(20_000) }
    return { path: `/${dice.pick(['site', 'site', 'dl', 'old', 'in'])}/bytes/${bytes}` }
  }

  #rareAsk(): Ask {
    const dice = this.#dice
    return dice.pick<() => Ask>([
      () => ({ path: `/ok/1?pad=${'x'.repeat(dice.below(40_000))}` }),
      () => ({ path: `/site/bytes/7?pad=${'"\\'.repeat(dice.below(20))}` }),
      () => ({ path: '/jump/redirect/33', headers: { [TYPED_ONLY_HEADER]: 'yes' } }),
      () => ({ path: `/${dice.pick(['plain', 'unowned', 'number', 'nowhere'])}/bytes/12` }),
      () => ({ path: '/left/flood/0', leave: 'at-first-bytes' }),
      () => ({ path: '/left/silent/0', leave: { afterMs: 50 + dice.below(1_000) } }),
      () => ({ path: '/site/drip/4' }),
      () => ({ path: `/in/status/${dice.pick([204, 404, 500, 503])}`, method: 'DELETE' }),
      () => ({ path: '/site/bytes/21', headers: { 'user-agent': 'say "hi" \\ \xff\xc3' } }),
    ])()
  }

  #tunnel({ http1, session }: Clients): Promise<unknown> {
    const dice = this.#dice
    if (dice.chance(0.3)) return tunnelHttp2(session, 'tunnel.example:443')
    return dice.chance(0.5)
      ? tunnelHttp1(http1, 'websocket', '/sock/open/0')
      : tunnelHttp1(http1, 'connect', 'tunnel.example:443')
  }

  /** A websocket that is held open and used now and then, for up to three minutes. */
  async #hold(port: number): Promise<void> {
    this.held += 1
    const socket = connect(port, '127.0.0.1')
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => socket.destroy())
    socket.resume()
    const fields = ['host: x', 'connection: Upgrade', 'upgrade: websocket']
    const version = ['sec-websocket-version: 13', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==']
    socket.write(`${['GET /sock/open/0 HTTP/1.1', ...fields, ...version].join('\r\n')}\r\n\r\n`)
    const untilMs = Date.now() + 5_000 + this.#dice.below(175_000)
    while (!socket.destroyed && Date.now() < untilMs && !this.#end.signal.aborted) {
      socket.write(Buffer.alloc(this.#dice.below(5_000), 't'))
      await delay(500 + this.#dice.below(4_000))
    }
    socket.destroy()
    await ended
    this.held -= 1
  }
}
