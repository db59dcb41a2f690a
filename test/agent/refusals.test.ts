// What `run` cannot do ends it with one sentence and the right exit code, and costs nothing.

import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { slowEvents } from '../reference/slow-events.ts'
import { startGateway } from '../sink/gateway.ts'
import { criWrapped, difference, line, SAME, sumsPerProject } from './bills.ts'
import {
  Command,
  config,
  configFile,
  fileStream,
  linesOf,
  Receiver,
  runOnce,
  scratch,
  until,
} from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const LOG = line(START_MS) + line(START_MS + 60_000)
const WANTED = slowEvents([Buffer.from(LOG)], { stream: 'file/n1/access.log' })
const NO_START = { project: 'project_name', route: 'route_name', egressBytes: 'bytes_sent' }

async function place(log = LOG): Promise<string> {
  const directory = await scratch()
  writeFileSync(join(directory, 'access.log'), log)
  return directory
}

/** A port of loopback where nobody listens. */
async function deadUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

describe.concurrent('a format without startTime', () => {
  test('is refused with 78 on raw lines, where no line has a time', async () => {
    const directory = await place()
    const streams = [fileStream(directory, { format: NO_START })]
    for (const mode of [['--once'], ['--dry-run'], []]) {
      const run = new Command('run', ...mode, '-c', await configFile(directory, { streams }))
      expect(await run.ended).toBe(78)
      expect(run.stderr).toMatch(/METER_CONFIG_INVALID: stream file\/n1\/access\.log has no times/)
      expect(run.stderr).toContain('Map startTime in its format')
    }
    expect(await linesOf(join(directory, 'usage.ndjson'))).toEqual([])
  })

  test('is taken on CRI lines, which have the time of the runtime', async () => {
    const directory = await place(criWrapped(LOG))
    const streams = [fileStream(directory, { format: NO_START })]
    const sink = new Receiver()
    await runOnce(config(directory, { streams }), { sink })
    expect(sumsPerProject(sink.texts)).toEqual({ 'p-a egress-bytes': 2n, 'p-a requests': 2n })
    expect(sink.texts.every((text) => text.includes('"time":"2026-11-02T12:00:00.000Z"'))).toBe(
      true,
    )
  })
})

describe.concurrent('--once with a sink that takes nothing ends with 69', () => {
  test('nobody listens: after five attempts, and the next run delivers', async () => {
    const directory = await place()
    const sink = { type: 'milo-gateway', url: await deadUrl() }
    const run = new Command('run', '--once', '-c', await configFile(directory, { sink }))
    expect(await run.ended).toBe(69)
    expect(run.stderr).toMatch(/METER_SINK_UNREACHABLE: the sink milo-gateway cannot be reached/)
    expect(run.stderr).toContain('What was not delivered is in the state')
    expect(run.stderr.match(/sink: unreachable/g)).toHaveLength(5)

    // The log is not needed any more: what it said is in the state.
    rmSync(join(directory, 'access.log'))
    const gateway = await startGateway()
    const there = { type: 'milo-gateway', url: gateway.url }
    const next = new Command('run', '--once', '-c', await configFile(directory, { sink: there }))
    expect(await next.ended, next.stderr).toBe(0)
    await gateway.close()
    expect(difference([...gateway.stored.values()], WANTED)).toEqual(SAME)
  })

  test('the directory of the file is missing, or it is another kind of file', async () => {
    const directory = await place()
    const note = join(directory, 'note.txt')
    writeFileSync(note, 'dear diary')
    for (const path of [join(directory, 'missing', 'usage.ndjson'), directory, note]) {
      const sink = { type: 'file', path }
      const run = new Command('run', '--once', '-c', await configFile(directory, { sink }))
      expect(await run.ended, run.stderr).toBe(69)
      expect(run.stderr).toMatch(/METER_SINK_UNREACHABLE: the sink file cannot be reached/)
    }
    expect(await linesOf(note)).toEqual(['dear diary'])
    const run = new Command('run', '--once', '-c', await configFile(directory))
    expect(await run.ended, run.stderr).toBe(0)
    const texts = await linesOf(join(directory, 'usage.ndjson'))
    expect(difference(texts, WANTED)).toEqual(SAME)
  })

  test('the gateway does not take the token, or is at another path', async () => {
    const directory = await place()
    const gateway = await startGateway()
    gateway.token = 'secret-of-the-gateway'
    writeFileSync(join(directory, 'token'), 'secret-of-ours')
    const bearer_file = join(directory, 'token')
    for (const url of [gateway.url, `${gateway.url}/elsewhere`]) {
      const sink = { type: 'milo-gateway', url, bearer_file }
      const run = new Command('run', '--once', '-c', await configFile(directory, { sink }))
      expect(await run.ended, run.stderr).toBe(69)
      expect(run.stderr).toMatch(/401|404/)
      expect(run.stderr).not.toContain('secret')
    }
    expect(gateway.stored.size).toBe(0)
    await gateway.close()
  })
})

test('without --once a sink that is down is waited for, and a stop does not wait', async () => {
  const directory = await place()
  const sink = { type: 'milo-gateway', url: await deadUrl() }
  const rest = { on_missing_state: 'backfill' }
  const run = new Command('run', '-c', await configFile(directory, { sink, rest }))
  await until('it waits', () => run.stderr.includes('next attempt') || run.isOver)
  const startedMs = performance.now()
  expect(await run.end('SIGTERM')).toBe(0)
  expect(performance.now() - startedMs).toBeLessThan(5_000)
  expect(run.stderr).toMatch(/events wait in the spool/)
})
