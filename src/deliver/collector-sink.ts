// Sends batches to the usage collector, a Vector `http_server` source: POST {url}/cloudevents.
//
// A batch is one JSON array on one line: Vector takes it with either of its framings (the whole
// body, or a line each), where NDJSON needs the second and a pretty-printed array fails in it.
// Vector answers with an empty body. It deduplicates nothing; what stands behind it does, by id.
// Its 200 means that the batch is durable only if its configuration enables acknowledgements.

import { statusAnswer } from './http-answer.ts'
import { HttpSink, type HttpSinkOptions } from './http-sink.ts'

/** The `collector` sink. */
export class CollectorSink extends HttpSink {
  /** @throws MeterFastError METER_CONFIG_INVALID when `url` is not an address we can use. */
  constructor(options: HttpSinkOptions) {
    const dialect = {
      name: 'collector',
      path: '/cloudevents',
      contentType: 'application/json',
      meaning: statusAnswer,
    }
    super(dialect, options)
  }
}
