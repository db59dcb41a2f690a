// SIGTERM finishes the commit and ends the process within 2 s, whatever it is doing: a sink that
// never answers and gigabytes that wait to be read are no reasons to wait. Nothing is lost by it.

import { once } from 'node:events'
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { line, sumsPerProject } from '../agent/bills.ts'
import { Command, configFile, linesOf, scratch, until } from '../agent/rig.ts'
import { meterFast, useCommand } from './command.ts'

useCommand()

const NOON_MS = Date.UTC(2026, 10, 2, 12)
const STOP_MS_MAX = 2000

/** Stops the agent; gives its exit code and how long it took. */
async function stop(running: Command): Promise<{ code: number | string; tookMs: number }> {
  const startedAtMs = performance.now()
  const code = await running.end('SIGTERM')
  return { code, tookMs: performance.now() - startedAtMs }
}

describe('SIGTERM ends the agent within 2 s', () => {
  test('while the sink takes a request and never answers', async () => {
    const directory = await scratch()
    let asked = 0
    const silent = createServer((socket) => {
      asked += 1
      socket.on('error', () => undefined).resume()
    }).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : 0
    const sink = { type: 'milo-gateway', url: `http://127.0.0.1:${port}` }
    const path = await configFile(directory, { sink, rest: { on_missing_state: 'backfill' } })
    writeFileSync(join(directory, 'access.log'), line(NOON_MS) + line(NOON_MS + 60_000))
    const running = new Command('run', '-c', path)
    await until('the sink is asked', () => asked > 0)
    const { code, tookMs } = await stop(running)
    silent.close()
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(STOP_MS_MAX)
    const { stdout } = await meterFast(['status', '--state', join(directory, 'state'), '--json'])
    const { lines, counts, spool } = JSON.parse(stdout)
    expect(lines.read).toBe('2')
    expect(spool.events).toBe(counts.events)
  })

  test('while a big backlog is read, of which each line is billed once in the end', async () => {
    const directory = await scratch()
    const log = join(directory, 'access.log')
    const [chunks, keys] = [3_000, 500]
    const textOf = (atMs: number): string =>
      Array.from({ length: keys }, (_, key) =>
        line(atMs, { route: `httproute/ns-a/r${key}/rule/0`, sent: 3 }),
      ).join('')
    const texts = [textOf(NOON_MS), textOf(NOON_MS + 60_000)]
    const fd = openSync(log, 'w')
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      writeSync(fd, texts[chunk < chunks / 2 ? 0 : 1] ?? '')
    }
    closeSync(fd)
    const path = await configFile(directory, { rest: { on_missing_state: 'backfill' } })
    const running = new Command('run', '-c', path)
    await until('it reads', () => running.stderr.includes('following'))
    const { code, tookMs } = await stop(running)
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(STOP_MS_MAX)
    const state = join(directory, 'state')
    const read = Number(
      JSON.parse((await meterFast(['status', '--state', state, '--json'])).stdout).lines.read,
    )
    expect(read).toBeLessThan(chunks * keys)
    expect((await meterFast(['run', '--once', '-c', path])).code).toBe(0)
    expect(sumsPerProject(await linesOf(join(directory, 'usage.ndjson')))).toEqual({
      'p-a egress-bytes': BigInt(chunks * keys * 3),
      'p-a requests': BigInt(chunks * keys),
    })
  }, 60_000)
})
