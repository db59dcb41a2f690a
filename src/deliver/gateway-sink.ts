// Sends batches to the Milo billing gateway: POST {url}/v1/usage/events:batchIngest, plain JSON.
// The gateway does not know compressed bodies.

import { gatewayAnswer } from './gateway-answer.ts'
import { type HttpDialect, HttpSink, type HttpSinkOptions } from './http-sink.ts'

/** The `milo-gateway` sink. */
export class GatewaySink extends HttpSink {
  /** @throws MeterFastError METER_CONFIG_INVALID when `url` is not an address we can use. */
  constructor(options: Omit<HttpSinkOptions, 'compression'>) {
    const dialect: HttpDialect = {
      name: 'milo-gateway',
      path: '/v1/usage/events:batchIngest',
      contentType: 'application/json',
      meaning: (answer, nowMs, batch) => gatewayAnswer(answer, batch, nowMs),
    }
    super(dialect, options)
  }
}
