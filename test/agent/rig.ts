// Real agents for tests: configurations, a wall clock that a test may set, a receiver that
// deduplicates by id, agents in this process and agents as processes of their own.

import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { Agent, type AgentOptions, type AgentReport, type AgentSignal } from '../../src/agent.ts'
import type { Config } from '../../src/config/config.ts'
import type { FrozenBatch, Sink, SinkAnswer } from '../../src/deliver/sink.ts'
import { load } from '../unit/config-file.ts'
import { line } from './bills.ts'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const WAIT_MS = 20_000

// At the end of the file, not of a test: tests of one file may run side by side.
const leftovers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const end of leftovers.reverse()) await end()
})

/** A directory that ends with the test file. */
export async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'meter-fast-agent-'))
  leftovers.push(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export interface ConfigParts {
  /** Entries of `streams`; by default `access.log` in the directory, source `n1`. */
  readonly streams?: readonly object[]
  /** By default a file `usage.ndjson` in the directory. */
  readonly sink?: object
  /** Any other top-level keys. */
  readonly rest?: object
}

/** The text of a configuration whose log, state and sink are in `directory`. JSON is YAML. */
export function configText(directory: string, parts: ConfigParts = {}): string {
  const { streams = [fileStream(directory)], sink, rest = {} } = parts
  return JSON.stringify({
    streams,
    sink: sink ?? { type: 'file', path: join(directory, 'usage.ndjson') },
    state: { dir: join(directory, 'state'), reserve_bytes: '0B' },
    // One after another, which a Marker relies on.
    workers_max: 1,
    ...rest,
  })
}

export function fileStream(directory: string, more: object = {}): object {
  const files = [join(directory, 'access.log')]
  return { files, source_id: 'n1', envelope: 'auto', format: 'datum', ...more }
}

export function config(directory: string, parts: ConfigParts = {}, once = false): Config {
  return load(configText(directory, parts), { once })
}

/** A wall clock that runs on by itself, because pacing needs that, from where a test puts it. */
export class Clock {
  #setToMs: number
  #setAtMs = performance.now()

  constructor(nowMs: number) {
    this.#setToMs = nowMs
  }

  readonly now = (): number => Math.floor(this.#setToMs + performance.now() - this.#setAtMs)

  set(nowMs: number): void {
    this.#setToMs = nowMs
    this.#setAtMs = performance.now()
  }
}

/** What a billing system does with events: it keeps the first of each id. */
export class Receiver implements Sink {
  readonly name = 'receiver'
  readonly stored = new Map<string, string>()
  /** Events that came again with other bytes: always a fault. */
  readonly changed: string[] = []
  /** What to answer in place of taking a batch. */
  refusal: SinkAnswer | undefined

  async deliver(batch: FrozenBatch): Promise<SinkAnswer> {
    if (this.refusal) return this.refusal
    for (const [index, id] of batch.ids.entries()) this.take(id, batch.texts[index] ?? '')
    return { kind: 'accepted', status: 200, text: '' }
  }

  take(id: string, text: string): void {
    const known = this.stored.get(id)
    if (known === undefined) this.stored.set(id, text)
    else if (known !== text) this.changed.push(text)
  }

  /** All events, sorted. */
  get texts(): string[] {
    return [...this.stored.values()].sort()
  }

  /** All but those of a Marker. */
  get usage(): string[] {
    return this.texts.filter((text) => !text.includes('p-marker'))
  }

  async close(): Promise<void> {}
}

/** An agent that runs in this process until it is stopped. */
export class RunningAgent {
  readonly signals: AgentSignal[] = []
  readonly #stop = new AbortController()
  readonly #ended: Promise<AgentReport>
  #isOver = false

  constructor(config: Config, options: AgentOptions = {}) {
    const onSignal = (signal: AgentSignal): void => {
      this.signals.push(signal)
      options.onSignal?.(signal)
    }
    this.#ended = new Agent(config, { ...options, onSignal })
      .run(this.#stop.signal)
      .then((report) => {
        if (report === undefined) throw new Error('the agent was stopped before it had its state')
        return report
      })
      .finally(() => {
        this.#isOver = true
      })
    this.#ended.catch(() => undefined)
    leftovers.push(() => this.stop().catch(() => undefined))
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Resolves when it has ended by itself. */
  get ended(): Promise<AgentReport> {
    return this.#ended
  }

  /** As SIGTERM does. */
  async stop(): Promise<AgentReport> {
    this.#stop.abort()
    return this.#ended
  }
}

/** Reads to the end, closes all windows, delivers. */
export async function runOnce(config: Config, options: AgentOptions = {}): Promise<AgentReport> {
  return new RunningAgent(config, { once: true, ...options }).ended
}

/** Waits until something is so; fails with its name when that takes too long. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain: ${what}`)
    await delay(10)
  }
}

/** `meter-fast ...` as a process of its own. */
export class Command {
  stdout = ''
  stderr = ''
  readonly #child: ChildProcess
  readonly #ended: Promise<number | string>
  #isOver = false

  constructor(...args: string[]) {
    if (!existsSync(MAIN)) throw new Error('dist/cli/main.js is missing: run "npm run build" first')
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      // What people read; that machines read the same is tested where logs are.
      env: { METER_FAST_OBSERVE_LOG_FORM: 'text', ...process.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#isOver = true
        resolve(code ?? signal ?? '')
      })
    })
    leftovers.push(async () => {
      if (!this.#isOver) await this.end('SIGKILL')
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Its exit code, or the name of the signal that ended it. */
  get ended(): Promise<number | string> {
    return this.#ended
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string> {
    this.#child.kill(signal)
    return this.#ended
  }
}

/** Writes the configuration and gives its path. */
export async function configFile(directory: string, parts: ConfigParts = {}): Promise<string> {
  const path = join(directory, 'meter-fast.yaml')
  await writeFile(path, configText(directory, parts))
  return path
}

/** The lines of a text file, without line ends; none when it does not exist. */
export async function linesOf(path: string): Promise<string[]> {
  const text = existsSync(path) ? await readFile(path, 'utf8') : ''
  return text.split('\n').filter((line) => line !== '')
}

/**
 * Another stream, whose windows close by content. When one arrives at the receiver, the agent has
 * looked at all that was written before, and at the clock, at least once since: name it first in
 * the configuration, then it is read before the others in every round, also after a restart.
 */
export class Marker {
  readonly path: string
  readonly #sink: Receiver
  #nextMs = Date.UTC(2026, 0, 1)

  constructor(directory: string, sink: Receiver) {
    this.path = join(directory, 'a-marker.log')
    this.#sink = sink
    this.#write()
  }

  async passed(): Promise<void> {
    const before = this.#count
    this.#write()
    await until('the marker passes', () => this.#count > before)
  }

  get #count(): number {
    return this.#sink.texts.filter((text) => text.includes('p-marker')).length
  }

  #write(): void {
    appendFileSync(this.path, line(this.#nextMs, { project: 'p-marker', sent: 0 }))
    this.#nextMs += 60_000
  }
}
