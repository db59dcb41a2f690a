// What an agent costs on a node that writes so many lines a second: `run` as people run it, on a
// log that grows as Envoy's does, 64 KiB at a time. What it bills is compared with what was
// written.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { requestsIn, requestsOf, writeAgentConfig } from './agent-config.ts'
import { childEnvironment, runMeasured } from './child.ts'
import { METER_FAST, makeCorpus } from './corpus.ts'

export interface SteadyOutcome {
  readonly seconds: number
  readonly linesPerSecond: number
  /** Why what was billed is wrong; null when it is right. */
  readonly wrong: string | null
  /** CPU time of the agent by wall time, in percent of one core; null when the bill is wrong. */
  readonly corePercent: number | null
  readonly peakRssBytes: number | null
  /** What the agent had the kernel write to disks, a second; its usage events are part of it. */
  readonly writtenBytesPerSecond: number | null
}

const KEYS = 1000
/** What Envoy gathers before it writes. */
const FLUSH_BYTES = 64 * 1024
/** Longer than generating takes on a slow machine. */
const GENERATING_MS_PER_LINE = 0.03
/** Starting is not part of it. */
const WARM_UP_SECONDS = 3
const TICKS_PER_SECOND = 100

export async function measureSteady(
  directory: string,
  seconds: number,
  linesPerSecond: number,
): Promise<SteadyOutcome> {
  const lines = linesPerSecond * (seconds + WARM_UP_SECONDS)
  const settings = { directory, name: 'steady', format: 'datum', lines, routes: KEYS } as const
  // The log begins when it is written: windows of the past would be closed by time, piece by piece,
  // which no node does.
  const startMs = Date.now() + Math.ceil(lines * GENERATING_MS_PER_LINE)
  const corpus = await makeCorpus({ ...settings, perSecond: linesPerSecond, startMs })
  await delay(Math.max(0, startMs - Date.now()))
  const live = join(directory, 'live.log')
  await (await open(live, 'w')).close()
  const { config, usage } = await writeAgentConfig(directory, 'steady', [live])
  const agent = spawn(process.execPath, [METER_FAST, 'run', '-c', config], {
    env: childEnvironment(),
    stdio: 'ignore',
  })
  const figures = await watchWhileWriting(agent, corpus.path, live, seconds)
  agent.kill('SIGTERM')
  await once(agent, 'close')
  // What is open is closed and delivered by a run that is not measured.
  await runMeasured(['node', METER_FAST, 'run', '--once', '-c', config])
  const billed = requestsIn(await readFile(usage, 'utf8'))
  const written = requestsOf(corpus.truth)
  const wrong = billed === written ? null : `${billed} requests were billed, not ${written}`
  const shown = wrong === null ? figures : NO_FIGURES
  return { seconds, linesPerSecond, wrong, ...shown }
}

type Figures = Pick<SteadyOutcome, 'corePercent' | 'peakRssBytes' | 'writtenBytesPerSecond'>
const NO_FIGURES: Figures = { corePercent: null, peakRssBytes: null, writtenBytesPerSecond: null }

/** Writes the log at its pace, and says what the agent used after its start. */
async function watchWhileWriting(
  agent: ChildProcess,
  from: string,
  to: string,
  seconds: number,
): Promise<Figures> {
  const bytes = await readFile(from)
  const bytesPerMs = bytes.length / (1000 * (seconds + WARM_UP_SECONDS))
  const live = await open(to, 'a')
  const startedAtMs = performance.now()
  let begun: { readonly cpuMs: number; readonly atMs: number; readonly written: number } | undefined
  for (let at = 0; at < bytes.length; at += FLUSH_BYTES) {
    await delay(Math.max(0, startedAtMs + at / bytesPerMs - performance.now()))
    await live.write(bytes, at, Math.min(FLUSH_BYTES, bytes.length - at))
    const atMs = performance.now()
    const isWarm = atMs - startedAtMs > 1000 * WARM_UP_SECONDS
    if (isWarm) begun ??= { cpuMs: cpuMsOf(agent), atMs, written: writtenBytesOf(agent) }
  }
  const { cpuMs = 0, atMs = 0, written = 0 } = begun ?? {}
  const elapsedMs = performance.now() - atMs
  const corePercent = (100 * (cpuMsOf(agent) - cpuMs)) / elapsedMs
  const writtenBytesPerSecond = (1000 * (writtenBytesOf(agent) - written)) / elapsedMs
  const peakRssBytes = peakRssOf(agent)
  await live.close()
  return { corePercent, peakRssBytes, writtenBytesPerSecond }
}

/** All threads of a process, in steps of 10 ms. */
function cpuMsOf({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return ((Number(user) + Number(system)) * 1000) / TICKS_PER_SECOND
}

function peakRssOf({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** Pages that the process made dirty or wrote past the cache; a tmpfs counts none. */
function writtenBytesOf({ pid }: ChildProcess): number {
  const io = readFileSync(`/proc/${pid}/io`, 'latin1')
  return Number(/^write_bytes: (\d+)$/m.exec(io)?.[1])
}
