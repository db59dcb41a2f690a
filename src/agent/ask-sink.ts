// Asks the sink whether it would take events, by a request that stores nothing: what
// `check --online` does. HTTP receivers are sent an empty batch, the same way as any other:
// address, proxy, TLS and credentials are those of a delivery, and there is no event in it to be
// billed. Of NATS the stream is looked at. Files and stdout have nobody to ask.

import type { Config, HttpSinkConfig, NatsSinkConfig } from '../config/config.ts'
import { formatDuration } from '../config/units.ts'
import { freezeBatch, type SinkAnswer } from '../deliver/sink.ts'
import { makeSink } from './sink.ts'

/** Something about the sink; `key` is that of the configuration. */
export interface SinkFinding {
  readonly severity: 'error' | 'warning'
  readonly key: string
  readonly what: string
  readonly todo: string
  /** It is not there, or not well: what is configured may be right. */
  readonly isAway: boolean
}

const WAIT_MS = 20_000
const AWAY_TODO = 'check the address and the network; an agent would keep its events meanwhile'

/** What is wrong with the sink; empty when it would take events, or cannot be asked. */
export async function askSink({ sink, sinkDedupWindowMs }: Config): Promise<SinkFinding[]> {
  const signal = AbortSignal.timeout(WAIT_MS)
  switch (sink.type) {
    case 'stdout':
    case 'file':
      return []
    case 'nats':
      return await askNats(sink, sinkDedupWindowMs, signal)
    default:
      return await askHttp(sink, signal)
  }
}

async function askHttp(config: HttpSinkConfig, signal: AbortSignal): Promise<SinkFinding[]> {
  const sink = await makeSink(config)
  try {
    return judge(config, await sink.deliver(freezeBatch(0, []), signal))
  } finally {
    await sink.close()
  }
}

/** A receiver that refuses an empty batch for being empty was reached, and knows us. */
function judge(config: HttpSinkConfig, answer: SinkAnswer): SinkFinding[] {
  const { status, text } = answer
  const said = status === 0 ? text : `${status} ${text}`
  switch (answer.kind) {
    case 'accepted':
    case 'refused':
    case 'tooLarge':
      return []
    case 'unreachable':
      return [away('sink.url', `it cannot be reached: ${said}`)]
    case 'unknown':
      return [away('sink.url', `it takes no events now: ${said}`)]
    case 'unauthorized': {
      const key = config.bearerFile === undefined ? 'sink' : 'sink.bearer_file'
      return [fault(key, `our credentials are not taken: ${said}`, 'check token and certificate')]
    }
    default: {
      const what = `what is there is no ${config.type}: ${said}`
      return [fault('sink.url', what, 'check the address and its path')]
    }
  }
}

async function askNats(
  config: NatsSinkConfig,
  dedupWindowMs: number,
  signal: AbortSignal,
): Promise<SinkFinding[]> {
  const { NatsSink } = await import('../deliver/nats-sink.ts')
  const { takesSubject } = await import('../deliver/nats-stream.ts')
  const sink = new NatsSink(config)
  try {
    const look = await sink.look(signal)
    switch (look.kind) {
      case 'unreachable':
        return [away('sink.servers', `none can be reached: ${look.text}`)]
      case 'unauthorized':
        return [fault('sink', `our credentials are not taken: ${look.text}`, 'check their file')]
      case 'none': {
        const what = `${config.stream} cannot be looked at: ${look.text}`
        return [fault('sink.stream', what, 'make the stream, or allow $JS.API.STREAM.INFO')]
      }
      case 'stream':
        break
    }
    const found: SinkFinding[] = []
    const subject = config.subject.replaceAll('{project}', 'project')
    if (!look.subjects.some((filter) => takesSubject(filter, subject))) {
      const what = `stream ${config.stream} takes ${look.subjects.join(', ') || 'nothing'} only`
      found.push(fault('sink.subject', what, 'add the subject to the stream'))
    }
    if (look.isSilent) {
      const what = `stream ${config.stream} acknowledges nothing (no_ack)`
      found.push(fault('sink.stream', what, 'let it acknowledge'))
    }
    if (look.duplicateWindowMs < dedupWindowMs) found.push(shortWindow(config, look, dedupWindowMs))
    return found
  } finally {
    await sink.close()
  }
}

function shortWindow(
  { stream }: NatsSinkConfig,
  { duplicateWindowMs }: { readonly duplicateWindowMs: number },
  dedupWindowMs: number,
): SinkFinding {
  const [its, ours] = [duplicateWindowMs, dedupWindowMs].map(formatDuration)
  return {
    severity: 'warning',
    key: 'sink_dedup_window',
    what: `stream ${stream} drops duplicates for ${its}, not for ${ours}`,
    todo: 'make its duplicate window longer, or this one shorter',
    isAway: false,
  }
}

function away(key: string, what: string): SinkFinding {
  return { severity: 'error', key, what, todo: AWAY_TODO, isAway: true }
}

function fault(key: string, what: string, todo: string): SinkFinding {
  return { severity: 'error', key, what, todo, isAway: false }
}
