// A CRI line whose last part lies in the next file: whatever happens to the files in between, it is
// billed once, as the oracle bills it.

import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { slowEvents } from '../reference/slow-events.ts'
import { criWrapped, difference, line, SAME } from './bills.ts'
import { Clock, config, Marker, Receiver, RunningAgent, runOnce, scratch } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const TEXT = line(START_MS, { sent: 1_234 }).trimEnd()
const part = (tag: string, content: string) => `2026-11-02T12:00:00Z stdout ${tag} ${content}\n`
const FIRST = criWrapped(line(START_MS)) + part('P', TEXT.slice(0, 40))
const SECOND = part('F', TEXT.slice(40)) + criWrapped(line(START_MS, { sent: 10 }))

interface Change {
  readonly name: string
  /** The container's log so far is rotated away, and the rest of the line is written. */
  change(log: string): void
  /** Files of the stream in the end, oldest first. */
  readonly files: readonly string[]
}

const CHANGES: readonly Change[] = [
  {
    name: 'in the new file after a rotation',
    change: (log) => {
      renameSync(log, `${log}.20261102-120000`)
      writeFileSync(log, SECOND)
    },
    files: [FIRST, SECOND],
  },
  {
    name: 'in the new file, and the old one is compressed',
    change: (log) => {
      renameSync(log, `${log}.20261102-120000`)
      const packed = gzipSync(readFileSync(`${log}.20261102-120000`))
      writeFileSync(`${log}.20261102-120000.tmp`, packed)
      renameSync(`${log}.20261102-120000.tmp`, `${log}.20261102-120000.gz`)
      unlinkSync(`${log}.20261102-120000`)
      writeFileSync(log, SECOND)
    },
    files: [FIRST, SECOND],
  },
  {
    name: 'two files later',
    change: (log) => {
      renameSync(log, `${log}.20261102-120000`)
      writeFileSync(log, part('P', TEXT.slice(40, 50)))
      renameSync(log, `${log}.20261102-120001`)
      writeFileSync(log, part('F', TEXT.slice(50)))
    },
    files: [FIRST, part('P', TEXT.slice(40, 50)), part('F', TEXT.slice(50))],
  },
  {
    name: 'nowhere, because the container started again',
    change: (log) => writeFileSync(log.replace('0.log', '1.log'), ''),
    files: [FIRST],
  },
]

describe.concurrent.each(CHANGES)('the rest of a line lies $name', ({ change, files }) => {
  test.each(['up', 'down'])('while the agent is %s', async (way) => {
    const root = await scratch()
    const directory = join(root, 'gateway_envoy-abc_uid-1', 'envoy')
    mkdirSync(directory, { recursive: true })
    const log = join(directory, '0.log')
    const sink = new Receiver()
    const marker = new Marker(root, sink)
    const streams = [
      { files: [marker.path], source_id: 'n1' },
      { kubernetes: { namespaces: ['gateway'], containers: ['envoy'] }, root },
    ]
    const settings = config(await scratch(), { streams })
    appendFileSync(log, FIRST)
    const agent = new RunningAgent(settings, { sink, now: new Clock(START_MS).now })
    await marker.passed()
    if (way === 'down') await agent.stop()
    change(log)
    if (way === 'up') {
      await marker.passed()
      await agent.stop()
    }
    const last = new RunningAgent(settings, { sink, once: true })
    await last.ended
    const signals = [...agent.signals, ...last.signals]
    expect(signals.filter(({ kind }) => kind === 'gap')).toEqual([])
    const bytes = files.map((text) => Buffer.from(text))
    const wanted = slowEvents(bytes, { stream: 'k8s/uid-1/envoy/0' })
    expect(difference(sink.usage, wanted)).toEqual(SAME)
    // A second look at the same files changes nothing.
    await runOnce(settings, { sink })
    expect(difference(sink.usage, wanted)).toEqual(SAME)
    expect(sink.changed).toEqual([])
  })
})
