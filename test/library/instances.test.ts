// Several meters and agents in one process and in worker threads share nothing, and say what one
// alone says.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { Meter } from '../../src/meter.ts'
import { configText, linesOf, runOnce, scratch } from '../agent/rig.ts'
import { build } from '../cli/build.ts'
import { Traffic } from '../compare/traffic.ts'
import { load } from '../unit/config-file.ts'

const LOGS = [7, 40, 90].map((count) => Buffer.from(new Traffic().add(count, {}).log()))

function texts(meter: Meter): string[] {
  return meter.take().flatMap((segment) => segment.events().map(({ text }) => text))
}

function alone(log: Buffer): string[] {
  using meter = new Meter({ stream: 's' })
  meter.feed(log)
  meter.end()
  return texts(meter)
}

test('meters that are fed in turns say what each says alone', () => {
  const meters = LOGS.map(() => new Meter({ stream: 's' }))
  const longest = Math.max(...LOGS.map((log) => log.length))
  for (let at = 0; at < longest; at += 97) {
    for (const [index, log] of LOGS.entries()) meters[index]?.feed(log.subarray(at, at + 97))
  }
  for (const [index, meter] of meters.entries()) {
    meter.end()
    expect(texts(meter)).toEqual(alone(LOGS[index] as Buffer))
    meter.close()
  }
})

test('segments outlive their meter', () => {
  const meter = new Meter({ stream: 's' })
  const [log] = LOGS
  meter.feed(log as Buffer)
  meter.end()
  const segments = meter.take()
  meter.close()
  const events = segments.flatMap((segment) => segment.events().map(({ text }) => text))
  expect(events).toEqual(alone(log as Buffer))
})

/** A directory with a log and the configuration of an agent that reads it. */
async function node(log: Buffer): Promise<string> {
  const directory = await scratch()
  writeFileSync(join(directory, 'access.log'), log)
  writeFileSync(join(directory, 'meter-fast.yaml'), configText(directory))
  return directory
}

const requestsIn = async (directory: string): Promise<number> => {
  const lines = await linesOf(join(directory, 'usage.ndjson'))
  const events = lines.map((line) => JSON.parse(line) as { type: string; data: { value: string } })
  const requests = events.filter(({ type }) => type.endsWith('/requests'))
  return requests.reduce((sum, { data }) => sum + Number(data.value), 0)
}

const configOf = (directory: string) =>
  load(readFileSync(join(directory, 'meter-fast.yaml'), 'utf8'), { once: true })

test('agents with a state each run side by side', async () => {
  const nodes = await Promise.all(LOGS.map(node))
  await Promise.all(nodes.map((directory) => runOnce(configOf(directory))))
  expect(await Promise.all(nodes.map(requestsIn))).toEqual([7, 40, 90])
})

test('a second agent with the same state is refused', async () => {
  const directory = await node(LOGS[2] as Buffer)
  const both = [runOnce(configOf(directory)), runOnce(configOf(directory))]
  const outcomes = await Promise.allSettled(both)
  const refusals = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  expect(refusals).toMatchObject([{ code: 'METER_STATE_LOCKED' }])
  expect(await requestsIn(directory)).toBe(90)
})

/** Worker threads do not know TypeScript. */
const PUBLISHED = JSON.stringify(join(import.meta.dirname, '../../dist/index.js'))
const WORKER = `
import { workerData } from 'node:worker_threads'
import { Agent, loadConfig } from ${PUBLISHED}
const config = loadConfig(workerData, { env: {}, once: true })
await new Agent(config, { once: true }).run(new AbortController().signal)
`

test('agents run in worker threads, two at a time', async () => {
  await build()
  const nodes = await Promise.all(LOGS.slice(1).map(node))
  const ends = nodes.map((directory) => {
    const script = join(directory, 'worker.mjs')
    writeFileSync(script, WORKER)
    const worker = new Worker(script, { workerData: join(directory, 'meter-fast.yaml') })
    return new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve))
  })
  expect(await Promise.all(ends)).toEqual([0, 0])
  expect(await Promise.all(nodes.map(requestsIn))).toEqual([40, 90])
})
