// Makes the sink that the configuration names. The HTTP client is loaded only for HTTP sinks.

import type { Writable } from 'node:stream'
import type { SinkConfig } from './config/config.ts'
import { FileSink } from './deliver/file-sink.ts'
import type { Sink } from './deliver/sink.ts'
import { StdoutSink } from './deliver/stdout-sink.ts'

export async function makeSink(
  config: SinkConfig,
  stdout: Writable = process.stdout,
): Promise<Sink> {
  if (config.type === 'stdout') return new StdoutSink(stdout)
  if (config.type === 'file') return new FileSink(config.path)
  const { GatewaySink } = await import('./deliver/gateway-sink.ts')
  const { url, timeoutMs, bearerFile, tls } = config
  return new GatewaySink({ url, timeoutMs, bearerFile, tls })
}
