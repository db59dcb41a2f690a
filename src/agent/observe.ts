// What is seen of a running agent from outside: signals, pictures of its loop, its sink and its
// event loop become metrics and health on `observe.listen`. Nothing here is per line, and an idle
// agent pays for none of it.

import type { Config } from '../config/config.ts'
import type { Sink } from '../deliver/sink.ts'
import { stateBytes } from '../durable/store.ts'
import { packageVersion } from '../meter/build.ts'
import { metricsText, type TextForm } from '../observe/exposition.ts'
import { Health } from '../observe/health.ts'
import { LoopGap } from '../observe/loop-gap.ts'
import { Metrics } from '../observe/metrics.ts'
import type { CommittedSums, Look } from '../observe/picture.ts'
import { RouteTable } from '../observe/route-series.ts'
import { ObserveServer } from '../observe/server.ts'
import type { RunObserver } from './picture.ts'
import type { AgentSignal } from './signal.ts'
import type { AgentWorld } from './world.ts'

export class AgentObserver implements RunObserver {
  readonly #stateDirectory: string
  readonly #world: AgentWorld
  readonly #metrics: Metrics
  readonly #health: Health
  readonly #loopGap: LoopGap
  readonly routes: RouteTable | undefined
  #server: ObserveServer | undefined

  private constructor(config: Config, world: AgentWorld) {
    const { dir, spoolBytesMax } = config.state
    this.#stateDirectory = dir
    this.#world = world
    const { routeSeriesMax } = config.observe
    this.routes = routeSeriesMax === undefined ? undefined : new RouteTable(routeSeriesMax)
    this.#metrics = new Metrics({
      routes: this.routes,
      version: packageVersion(),
      startedAtMs: Date.now() - process.uptime() * 1000,
      spoolBytesMax,
    })
    this.#health = new Health(() => world.elapsed())
    this.#loopGap = new LoopGap((lateMs) => this.#metrics.loopWasLate(lateMs))
  }

  /** @throws {MeterFastError} METER_CONFIG_INVALID when nothing can listen at `listen` */
  static async start(listen: string, config: Config, world: AgentWorld): Promise<AgentObserver> {
    const observer = new AgentObserver(config, world)
    observer.#server = await ObserveServer.listen(listen, {
      metrics: (form) => observer.#text(form),
      alive: () => observer.#health.alive(),
      ready: () => observer.#health.ready(),
    })
    return observer
  }

  get address(): string {
    return this.#server?.address ?? ''
  }

  note(signal: AgentSignal): void {
    this.#metrics.note(signal)
    this.#health.note(signal)
  }

  readonly committed = (sums: CommittedSums): void => this.#metrics.committed(sums)

  readonly looked = (look: Look): void => {
    this.#metrics.looked(look)
    this.#health.looked(look)
  }

  /** The world, in which it is known when the loop works and when it waits. */
  watchLoop(world: AgentWorld): AgentWorld {
    const gap = this.#loopGap
    const makeWaker: AgentWorld['makeWaker'] = () => {
      const waker = world.makeWaker()
      gap.resume()
      return {
        setDirectories: (directories) => waker.setDirectories(directories),
        wake: () => waker.wake(),
        takeProblems: () => waker.takeProblems(),
        wait: async (timeoutMs, signal) => {
          gap.pause()
          const reason = await waker.wait(timeoutMs, signal)
          gap.resume()
          return reason
        },
        close: () => {
          gap.pause()
          waker.close()
        },
      }
    }
    return { ...world, makeWaker }
  }

  /** The sink, of which each attempt is timed and counted. */
  watchSink(sink: Sink): Sink {
    return {
      name: sink.name,
      deliver: async (batch, signal) => {
        const startedAtMs = performance.now()
        const answer = await sink.deliver(batch, signal)
        this.#metrics.sinkAnswered(answer.status, answer.kind, performance.now() - startedAtMs)
        return answer
      },
      close: () => sink.close(),
    }
  }

  async close(): Promise<void> {
    this.#loopGap.pause()
    await this.#server?.close()
  }

  #text(form: TextForm): string {
    const { user, system } = process.cpuUsage()
    const moment = {
      nowMs: this.#world.now(),
      isReady: this.#health.ready().ok,
      stateBytes: stateBytes(this.#stateDirectory),
      cpuSeconds: (user + system) / 1e6,
      memoryBytes: process.memoryUsage.rss(),
    }
    return metricsText(this.#metrics.samples(moment), form)
  }
}
