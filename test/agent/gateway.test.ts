// `run` with the gateway sink against a gateway that answers in every bad way: each event is
// stored exactly once, and every attempt of it brings the same bytes.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { type GatewayStep, startGateway, type TestGateway } from '../sink/gateway.ts'
import { difference, idOf, line, SAME } from './bills.ts'
import { Command, configFile, scratch, until } from './rig.ts'
import { DiskLog, steadyLog } from './steady-log.ts'

const STREAM = 'file/n1/access.log'

/** Attempts in order, each as the ids in it. */
function attempts(gateway: TestGateway): string[][] {
  return gateway.requests.map(({ body }) =>
    (JSON.parse(body.toString()) as { id: string }[]).map(({ id }) => id),
  )
}

async function gatewayPlace(lines: number, script: GatewayStep[]) {
  const gateway = await startGateway()
  gateway.script = script
  const directory = await scratch()
  const path = await configFile(directory, {
    sink: { type: 'milo-gateway', url: gateway.url },
    rest: { window: '1s' },
  })
  const log = new DiskLog(directory)
  const startMs = Date.now() + 60_000
  log.write(steadyLog(new Dice(7), { lines, startMs, endMs: startMs + 60_000 }))
  const wanted = slowEvents(log.generations, { stream: STREAM, windowMs: 1_000 })
  return { gateway, directory, path, log, wanted }
}

describe.concurrent('delivery to the gateway', () => {
  test('429, 503 and resets: every event once, the same bytes on each attempt', async () => {
    const script: GatewayStep[] = [
      { do: 'answer' },
      { do: 'fail', status: 429, after: 0, retryAfter: '2' },
      { do: 'fail', status: 503, after: 37 },
      { do: 'reset', when: 'before' },
      { do: 'reset', when: 'after' },
      { do: 'answer' },
      { do: 'fail', status: 429, after: 3, retryAfter: '1' },
    ]
    const { gateway, path, wanted } = await gatewayPlace(800, script)
    const agent = new Command('run', '--once', '-c', path)
    expect(await agent.ended, agent.stderr).toBe(0)
    await gateway.close()

    expect(wanted.length).toBeGreaterThan(300)
    expect(difference([...gateway.stored.values()], wanted)).toEqual(SAME)
    // Five attempts were refused or lost; each came again with the bytes of the one before.
    const bodies = gateway.requests.map(({ body }) => body.toString())
    for (const at of [2, 3, 4, 5, 7]) expect(bodies[at], `attempt ${at}`).toBe(bodies[at - 1])
    expect(new Set(bodies).size).toBe(bodies.length - 5)
    // What was stored before a failure came again and was dropped, and nothing else.
    // How many events are in a batch hangs on how fast they were rendered.
    const sizes = attempts(gateway).map((ids) => ids.length)
    const stored = (at: number, after: number) => Math.min(after, (sizes[at] ?? 0) - 1)
    expect(gateway.duplicates).toBe(stored(2, 37) + (sizes[4] ?? 0) + stored(6, 3))
    expect(agent.stderr).toContain('(429)')
    expect(agent.stderr).toMatch(/\(429\).*next attempt in 2 s/)
    expect(agent.stderr).toMatch(/\(503\)/)
  })

  test('a batch holds at most 100 events, and each id is in one batch only', async () => {
    const { gateway, path, wanted } = await gatewayPlace(600, [])
    const agent = new Command('run', '--once', '-c', path)
    expect(await agent.ended, agent.stderr).toBe(0)
    await gateway.close()
    const batches = attempts(gateway)
    expect(Math.max(...batches.map((ids) => ids.length))).toBe(100)
    expect(batches.flat().sort()).toEqual(wanted.map(idOf).sort())
    expect(gateway.duplicates).toBe(0)
  })

  test('killed while the gateway never answers: the next run sends the same bytes', async () => {
    const { gateway, path, wanted } = await gatewayPlace(300, [{ do: 'hang' }])
    const first = new Command('run', '--once', '-c', path)
    await until('the first request hangs', () => gateway.requests.length > 0)
    expect(await first.end('SIGKILL')).toBe('SIGKILL')
    const next = new Command('run', '--once', '-c', path)
    expect(await next.ended, next.stderr).toBe(0)
    await gateway.close()
    expect(gateway.requests[1]?.body).toEqual(gateway.requests[0]?.body)
    expect(difference([...gateway.stored.values()], wanted)).toEqual(SAME)
  })

  test('an event that the gateway never counts is set aside by name, others are not', async () => {
    const { gateway, path, log, wanted } = await gatewayPlace(1, [])
    gateway.drops = ({ subject }) => subject === 'projects/p-lost'
    const windowMs = Date.now() + 200_000
    log.write(Buffer.from(line(windowMs, { project: 'p-lost', sent: 0 })))
    const agent = new Command('run', '--once', '-c', path)
    expect(await agent.ended, agent.stderr).toBe(0)
    await gateway.close()
    expect(difference([...gateway.stored.values()], wanted)).toEqual(SAME)
    const lost = attempts(gateway).at(-1) ?? []
    expect(lost).toHaveLength(1)
    expect(agent.stderr).toContain(`event ${lost[0]} was refused by the sink`)
    expect(agent.stderr).toContain('not_accepted')
  })

  test('a fatal error ends the run at once, also while the gateway asked for an hour', async () => {
    const gateway = await startGateway()
    gateway.script = [{ do: 'fail', status: 429, retryAfter: '3600' }]
    const directory = await scratch()
    const log = new DiskLog(directory)
    const noTime = { project: { constant: 'p-a' }, egressBytes: 'bytes_sent' }
    const path = await configFile(directory, {
      sink: { type: 'milo-gateway', url: gateway.url },
      rest: { window: '1s' },
      streams: [
        { files: [log.path], source_id: 'n1' },
        { files: [join(directory, 'other.log')], source_id: 'n1', format: noTime },
      ],
    })
    const windowMs = Date.now() + 60_000
    log.write(Buffer.from(line(windowMs) + line(windowMs + 1_000)))
    const agent = new Command('run', '-c', path)
    await until('it waits', () => agent.stderr.includes('in 3600 s') || agent.isOver)
    writeFileSync(join(directory, 'other.log'), '{"bytes_sent":1}\n')
    const startedMs = performance.now()
    expect(await agent.ended).toBe(78)
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    expect(agent.stderr).toContain('Map startTime in its format')
    await gateway.close()
  })
})
