// A worker thread that holds pages of an engine, or waits for a task of one, when it is ended.

import { parentPort, workerData } from 'node:worker_threads'
import { createEngine } from '../../dist/native.js'

const { job, options, lines } = workerData

const engine = createEngine(options)
for (let i = 0; i < lines; i++) {
  const line = { project_name: 'p-a', route_name: `httproute/ns/route-${i}`, bytes_sent: 1 }
  engine.feedSync(
    Buffer.from(`${JSON.stringify({ ...line, start_time: '2026-11-02T12:00:00Z' })}\n`),
  )
}
if (job === 'pages') {
  globalThis.held = [await engine.openTotals(), await engine.snapshot()]
  engine.close()
} else {
  globalThis.held = engine.snapshot()
}
parentPort.postMessage('ready')
setInterval(() => {}, 1_000)
