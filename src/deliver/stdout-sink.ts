// Prints events as NDJSON, for pipes and for people.
//
// A batch is accepted when the stream has taken all of its lines. Nobody can ask a pipe what it
// got, so after a crash the last batch may be printed twice; whoever reads has to look at the ids.

import type { Writable } from 'node:stream'
import { MeterFastError } from '../errors.ts'
import { boundedText, type FrozenBatch, type Sink, type SinkAnswer, stoppedAnswer } from './sink.ts'

/** The `stdout` sink. */
export class StdoutSink implements Sink {
  readonly name = 'stdout'
  readonly #stream: Writable
  #closed = false

  constructor(stream: Writable) {
    this.#stream = stream
    // A pipe whose reader has gone says so by an event too; unheard, that would end the process.
    stream.on('error', () => undefined)
  }

  async deliver(batch: FrozenBatch, signal: AbortSignal): Promise<SinkAnswer> {
    if (this.#closed) throw new MeterFastError('METER_MISUSE', 'the stdout sink is closed.')
    if (signal.aborted) return stoppedAnswer()
    // A stream that has failed once takes no more, and would not even call back.
    if (!this.#stream.writable) return closedAnswer(this.#stream.errored)
    const lines = batch.texts.map((text) => `${text}\n`).join('')
    return new Promise((resolve) => {
      const stop = () => resolve(stoppedAnswer())
      signal.addEventListener('abort', stop, { once: true })
      this.#stream.write(lines, (error) => {
        signal.removeEventListener('abort', stop)
        resolve(error ? closedAnswer(error) : { kind: 'accepted', status: 0, text: '' })
      })
    })
  }

  /** Leaves the stream open: it is the caller's. */
  async close(): Promise<void> {
    this.#closed = true
  }
}

function closedAnswer(error: Error | null | undefined): SinkAnswer {
  const text = boundedText(`standard output is closed: ${error?.message ?? 'it has ended'}`)
  return { kind: 'misconfigured', status: 0, text }
}
