// Sends batches to any receiver of CloudEvents in the batched mode of their HTTP binding: POST
// {url}. OpenMeter's API is one.
//
// Receivers compare the content type as a whole, so it has no parameters. A receiver may store a
// batch event by event and refuse it at the first that it does not take: what came before is then
// stored, and must be known by its id when it comes again.

import { statusAnswer } from './http-answer.ts'
import { HttpSink, type HttpSinkOptions } from './http-sink.ts'

/** The `cloudevents-http` sink. */
export class CloudEventsSink extends HttpSink {
  /** @throws MeterFastError METER_CONFIG_INVALID when `url` is not an address we can use. */
  constructor(options: HttpSinkOptions) {
    const dialect = {
      name: 'cloudevents-http',
      contentType: 'application/cloudevents-batch+json',
      meaning: statusAnswer,
    }
    super(dialect, options)
  }
}
