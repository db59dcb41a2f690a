// Agent: follows the configured logs and delivers their usage events. What it is made of is here;
// the loop where all stages meet is in agent-run.ts.

import type { Writable } from 'node:stream'
import { type AgentReport, AgentRun } from './agent-run.ts'
import { makeSink } from './agent-sink.ts'
import type { Config } from './config/config.ts'
import type { SenderSignal } from './deliver/sender.ts'
import type { Sink } from './deliver/sink.ts'
import { openMemoryState, openState } from './durable/store.ts'
import { crc32c, lockFile, unlockFile } from './native.ts'
import type { GapRecord } from './tail/generation-list.ts'

export type { AgentReport }

export interface AgentOptions {
  /** Read what is there, close all windows, deliver, end. */
  readonly once?: boolean
  /** State in memory, events to `stdout`; nothing is committed or sent. */
  readonly dryRun?: boolean
  /** Told of everything that happens; must not throw. */
  readonly onSignal?: (signal: AgentSignal) => void
  /** Where `stdout` sinks write; default process.stdout. */
  readonly stdout?: Writable
  /** In place of the configured sink, e.g. an embedder's own; the agent closes it at its end. */
  readonly sink?: Sink
  /** The wall clock in ms: it affects when, never what. */
  readonly now?: () => number
}

/** What an agent tells about its work. */
export type AgentSignal =
  | { readonly kind: 'started'; readonly resumedStreams: number; readonly isFirstStart: boolean }
  | { readonly kind: 'stream'; readonly stream: string }
  | { readonly kind: 'problem'; readonly message: string }
  | { readonly kind: 'gap'; readonly gap: GapRecord }
  | { readonly kind: 'held'; readonly events: number }
  | { readonly kind: 'spool-full'; readonly bytes: number }
  | { readonly kind: 'delivery'; readonly signal: SenderSignal }

/** The metering agent: follows the configured logs and delivers their usage events. */
export class Agent {
  readonly #config: Config
  readonly #options: AgentOptions

  constructor(config: Config, options: AgentOptions = {}) {
    this.#config = config
    this.#options = options
  }

  /**
   * Runs until the signal aborts (`once`: until all is delivered). A stop closes no window: open
   * totals are committed and taken up by the next run.
   * @throws {MeterFastError} METER_STATE_LOCKED, METER_STATE_CORRUPT, METER_DISK,
   *   METER_CONFIG_INVALID; with `once` also METER_SINK_UNREACHABLE.
   */
  async run(signal: AbortSignal): Promise<AgentReport> {
    const { dryRun, stdout, sink } = this.#options
    const store = dryRun
      ? openMemoryState()
      : await openState(this.#config.state.dir, { crc32c, lockFile, unlockFile })
    const target = sink ?? (await makeSink(dryRun ? { type: 'stdout' } : this.#config.sink, stdout))
    const run = new AgentRun(this.#config, this.#options, store, target)
    try {
      return await run.run(signal)
    } finally {
      await run.close()
      await target.close()
      await store.close()
    }
  }
}
