// Makes the sink that the configuration names. Clients are loaded only for the sinks that need
// them.

import type { Writable } from 'node:stream'
import type { HttpSinkConfig, SinkConfig } from '../config/config.ts'
import { FileSink } from '../deliver/file-sink.ts'
import type { Sink } from '../deliver/sink.ts'
import { StdoutSink } from '../deliver/stdout-sink.ts'

export async function makeSink(
  config: SinkConfig,
  stdout: Writable = process.stdout,
): Promise<Sink> {
  switch (config.type) {
    case 'stdout':
      return new StdoutSink(stdout)
    case 'file':
      return new FileSink(config.path, config)
    case 'nats': {
      const { NatsSink } = await import('../deliver/nats-sink.ts')
      return new NatsSink(config)
    }
    default:
      return await makeHttpSink(config)
  }
}

async function makeHttpSink({ type, ...options }: HttpSinkConfig): Promise<Sink> {
  switch (type) {
    case 'milo-gateway': {
      const { GatewaySink } = await import('../deliver/gateway-sink.ts')
      return new GatewaySink(options)
    }
    case 'collector': {
      const { CollectorSink } = await import('../deliver/collector-sink.ts')
      return new CollectorSink(options)
    }
    case 'cloudevents-http': {
      const { CloudEventsSink } = await import('../deliver/cloudevents-sink.ts')
      return new CloudEventsSink(options)
    }
  }
}
