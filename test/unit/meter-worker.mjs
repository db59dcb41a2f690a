// A worker thread that uses the built library as a user would: meters one golden log, or begins a
// read that its end interrupts.

import { openSync, readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { Meter } from '../../dist/index.js'

const { path, job } = workerData

const meter = new Meter({ stream: 'scan' })
if (job === 'meter') {
  const log = readFileSync(path)
  for (let at = 0; at < log.length; at += 777) meter.feed(log.subarray(at, at + 777))
  meter.endFile()
  meter.end()
  const texts = meter.take().flatMap((segment) => segment.events().map(({ text }) => text))
  parentPort.postMessage({ texts, counters: meter.counters() })
  meter.close()
} else {
  void meter.read(openSync(path, 'r'), 1_000_000_000)
  parentPort.postMessage('reading')
}
