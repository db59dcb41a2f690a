// `meter-fast check --online`: asks real servers on loopback, and leaves nothing behind in them.

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { check } from '../../src/cli/check.ts'
import { takesSubject } from '../../src/deliver/nats-stream.ts'
import { freePort } from '../sink/free-port.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'
import { hasNatsServer, NatsServer } from '../sink/nats-server.ts'
import { startOpenMeter, type TestOpenMeter } from '../sink/openmeter.ts'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'meter-fast-online-')))
afterAll(() => rmSync(directory, { recursive: true }))
const at = (name: string): string => join(directory, name)

async function online(sink: object, rest: object = {}) {
  const config = {
    streams: [{ files: ['/a.log'], source_id: 'n' }],
    dimensions: { region: 'r', gateway: 'g', gateway_namespace: 'n', gateway_class: 'c' },
    sink,
    ...rest,
  }
  writeFileSync(at('meter.yaml'), JSON.stringify(config))
  let text = ''
  const stdout = (part: string): void => {
    text += part
  }
  const args = ['-c', at('meter.yaml'), '--no-environment', '--online', '--json']
  const exit = await check(args, { stdout, stderr: stdout, env: {} })
  const { problems } = JSON.parse(text) as { problems: { key: string; what: string }[] }
  return { exit, problems: problems.map(({ key, what }) => `${key}: ${what}`) }
}

const GOOD = { exit: 0, problems: [] }

describe('an HTTP sink', () => {
  let gateway: TestGateway
  let openMeter: TestOpenMeter
  beforeAll(async () => {
    gateway = await startGateway()
    openMeter = await startOpenMeter()
  })
  afterAll(async () => {
    await gateway.close()
    await openMeter.close()
  })
  afterEach(() => {
    gateway.token = undefined
    gateway.script = []
    // Whatever was asked, nothing is billed.
    expect(gateway.published).toEqual([])
    expect(openMeter.stored.size).toBe(0)
  })
  const sink = (more: object = {}) => ({ type: 'milo-gateway', url: gateway.url, ...more })

  test('that takes an empty batch is good', async () => {
    expect(await online(sink())).toEqual(GOOD)
    expect(gateway.requests.at(-1)?.body.toString()).toBe('[]')
    expect(await online({ type: 'cloudevents-http', url: openMeter.ingestUrl })).toEqual(GOOD)
  })

  test('that refuses a batch without events was reached, and is good', async () => {
    gateway.script = [{ do: 'say', status: 400, body: 'no events' }]
    expect(await online({ type: 'collector', url: gateway.url })).toEqual(GOOD)
  })

  test('with a token is asked with it', async () => {
    gateway.token = 'good-token'
    writeFileSync(at('token'), 'good-token')
    expect(await online(sink({ bearer_file: at('token') }))).toEqual(GOOD)
    writeFileSync(at('token'), 'canary-token')
    const { exit, problems } = await online(sink({ bearer_file: at('token') }))
    expect(exit).toBe(78)
    expect(problems).toEqual([
      expect.stringMatching(/^sink\.bearer_file: our credentials are not taken: 401 /),
    ])
    expect(problems[0]).not.toContain('canary')
  })

  test('that is not there exits 69', async () => {
    const { exit, problems } = await online(sink({ url: `http://127.0.0.1:${await freePort()}` }))
    expect(exit).toBe(69)
    expect(problems).toEqual([
      expect.stringMatching(/^sink\.url: it cannot be reached: ECONNREFUSED /),
    ])
  })

  test('that is not well exits 69', async () => {
    gateway.script = [{ do: 'say', status: 503, body: 'down' }]
    expect(await online(sink())).toEqual({
      exit: 69,
      problems: ['sink.url: it takes no events now: 503 down'],
    })
  })

  test('at another path, or of another kind, exits 78', async () => {
    const elsewhere = await online(sink({ url: `${gateway.url}/nowhere` }))
    expect(elsewhere).toMatchObject({
      exit: 78,
      problems: [expect.stringMatching(/^sink\.url: what is there is no milo-gateway: 404 /)],
    })
    gateway.script = [{ do: 'say', status: 200, body: '<html>' }]
    expect(await online(sink())).toMatchObject({
      exit: 78,
      problems: ['sink.url: what is there is no milo-gateway: 200 <html>'],
    })
  })

  test('that speaks no TLS, where the URL says so, exits 69', async () => {
    const { exit, problems } = await online(sink({ url: gateway.url.replace('http:', 'https:') }))
    expect(exit).toBe(69)
    expect(problems[0]).toMatch(/^sink\.url: it cannot be reached: \w*(SSL|TLS|EPROTO)/)
  })

  test('is not asked when something else is wrong', async () => {
    const before = gateway.requests.length
    const { exit } = await online(sink(), { window: '7s' })
    expect(exit).toBe(78)
    expect(gateway.requests).toHaveLength(before)
  })
})

test('files and stdout have nobody to ask', async () => {
  expect(await online({ type: 'stdout' })).toEqual(GOOD)
  expect(await online({ type: 'file', path: at('usage') })).toEqual(GOOD)
})

describe.runIf(hasNatsServer())('a NATS sink', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await NatsServer.start()
    await server.createStream({ duplicate_window: 120_000_000_000 })
  })
  afterAll(() => server.dispose())
  const sink = (more: object = {}) => {
    return { type: 'nats', servers: [server.address], stream: 'usage', ...more }
  }

  test('is good when its stream takes the subject and remembers ids long enough', async () => {
    expect(await online(sink())).toEqual(GOOD)
    expect(await server.messages()).toEqual([])
  })

  test('whose stream forgets ids sooner than configured is a warning', async () => {
    expect(await online(sink(), { sink_dedup_window: '10m' })).toEqual({
      exit: 0,
      problems: ['sink_dedup_window: stream usage drops duplicates for 2m, not for 10m'],
    })
  })

  test('whose stream does not take the subject, or is not there, exits 78', async () => {
    expect(await online(sink({ subject: 'bills.{project}' }))).toEqual({
      exit: 78,
      problems: ['sink.subject: stream usage takes usage.> only'],
    })
    expect(await online(sink({ stream: 'other' }))).toEqual({
      exit: 78,
      problems: ['sink.stream: other cannot be looked at: stream not found'],
    })
  })

  test('that is not there exits 69', async () => {
    const { exit, problems } = await online(sink({ servers: [`127.0.0.1:${await freePort()}`] }))
    expect(exit).toBe(69)
    expect(problems).toEqual([expect.stringMatching(/^sink\.servers: none can be reached: /)])
  })

  test('with a token that is not taken exits 78', async () => {
    const guarded = await NatsServer.start('authorization { token: "t" }', { token: 't' })
    const { exit, problems } = await online(sink({ servers: [guarded.address] }))
    await guarded.dispose()
    expect(exit).toBe(78)
    expect(problems).toEqual([expect.stringMatching(/^sink: our credentials are not taken: /)])
  })
})

test.each([
  ['usage.>', 'usage.project', true],
  ['usage.>', 'usage', false],
  ['usage.*', 'usage.project', true],
  ['usage.*', 'usage.project.x', false],
  ['>', 'usage.project', true],
  ['usage.project', 'usage.project', true],
  ['usage', 'usage.project', false],
  ['*.other', 'usage.project', false],
])('the filter %s on %s: %s', (filter, subject, takes) => {
  expect(takesSubject(filter, subject)).toBe(takes)
})
