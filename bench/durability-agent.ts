// The agent that bench/durability.ts measures, in a process of its own: follows one log until all
// of it is delivered to a sink in this process, and prints what that took.

import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent, loadConfig, type Sink } from 'meter-fast'

/** What durability cost. */
export interface AgentFigures {
  /** Until the last line was read. */
  readonly readMs: number
  /** Until the last event was accepted and its acceptance was durable. */
  readonly allMs: number
  readonly events: number
  readonly commits: number
  /** Time in which nothing was read: pages made and checked, then written and synced. */
  readonly stageMs: number
  readonly commitMs: number
  /** The longest commit, pages and all, that began while lines were read. */
  readonly longestMs: number
  /** The longest the event loop was held: CPU time of the main thread, and wall time. */
  readonly gapCpuMs: number
  readonly gapWallMs: number
}

const [log = '', directory = ''] = process.argv.slice(2)
const IDLE_MS = 20
/** So long after the last event nothing more comes: pages that are closed are made into events. */
const SETTLED_MS = 1_000

/** Takes everything and adds up requests. */
class Receiver implements Sink {
  readonly name = 'bench'
  requests = 0n
  events = 0

  async deliver(batch: Parameters<Sink['deliver']>[0]) {
    for (const text of batch.texts) {
      if (!text.includes('/requests"')) continue
      const { data } = JSON.parse(text) as { data: { value: string } }
      this.requests += BigInt(data.value)
    }
    this.events += batch.ids.length
    return { kind: 'accepted', status: 200, text: '' } as const
  }

  async close(): Promise<void> {}
}

/** Nanoseconds of CPU that the main thread has had. */
function mainThreadCpuNs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0])
}

class LoopWatch {
  cpuMs = 0
  wallMs = 0
  #isOn = true

  start(): void {
    let cpuNs = mainThreadCpuNs()
    let atMs = performance.now()
    const tick = (): void => {
      const [nextCpuNs, nextAtMs] = [mainThreadCpuNs(), performance.now()]
      this.cpuMs = Math.max(this.cpuMs, (nextCpuNs - cpuNs) / 1e6)
      this.wallMs = Math.max(this.wallMs, nextAtMs - atMs)
      cpuNs = nextCpuNs
      atMs = nextAtMs
      if (this.#isOn) setImmediate(tick)
    }
    setImmediate(tick)
  }

  stop(): void {
    this.#isOn = false
  }
}

async function main(): Promise<void> {
  const place = mkdtempSync(join(directory, 'agent-'))
  const config = join(place, 'meter-fast.yaml')
  const streams = [{ files: [log], source_id: 'bench', format: 'datum', envelope: 'raw' }]
  const state = { dir: join(place, 'state') }
  writeFileSync(config, JSON.stringify({ streams, state, sink: { type: 'stdout' } }))
  const sink = new Receiver()
  const sums = { stageMs: 0, commitMs: 0, longestMs: 0, commits: 0 }
  let isRead = false
  const agent = new Agent(loadConfig(config, { env: {} }), {
    sink,
    onSignal: (signal) => {
      if (signal.kind !== 'committed') return
      sums.commits += 1
      if (isRead) return
      sums.stageMs += signal.stageMs
      sums.commitMs += signal.commitMs
      sums.longestMs = Math.max(sums.longestMs, signal.stageMs + signal.commitMs)
    },
  })
  const watch = new LoopWatch()
  const stop = new AbortController()
  const startedAtMs = performance.now()
  const running = agent.run(stop.signal)
  watch.start()
  const { size } = statSync(log)
  let readMs = 0
  let [lastEvents, lastAtMs] = [0, startedAtMs]
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
    const counts = agent.counters()
    if (counts === undefined) continue
    isRead ||= counts.bytesRead >= size
    if (isRead && readMs === 0) readMs = performance.now() - startedAtMs
    if (sink.events > lastEvents) [lastEvents, lastAtMs] = [sink.events, performance.now()]
    const { spool, counts: all } = counts
    const isSent = spool.events === 0 && all.closed_by_time > 0 && all.events === sink.events
    if (isRead && isSent && sink.events > 0 && performance.now() - lastAtMs > SETTLED_MS) break
  }
  const allMs = lastAtMs - startedAtMs
  watch.stop()
  stop.abort()
  await running
  const { events, requests } = sink
  const figures: AgentFigures = {
    ...{ readMs, allMs, events, ...sums },
    ...{ gapCpuMs: watch.cpuMs, gapWallMs: watch.wallMs },
  }
  process.stdout.write(JSON.stringify({ requests: String(requests), figures }))
}

await main()
