// What `run` writes to stderr: JSON where no terminal is, or where it is asked for; sentences else.
// And what neither the log nor /metrics ever say.

import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { startGateway } from '../sink/gateway.ts'
import { at, datumLine, file, meterFast, useCommand } from './command.ts'

useCommand()

/** As a container runs it: nothing chooses a form. */
const UNSET = { METER_FAST_OBSERVE_LOG_FORM: '' }
const config = (name: string, rest: object = {}) =>
  file(
    `${name}.json`,
    JSON.stringify({
      streams: [{ files: [at(`${name}.log`)], source_id: 'n1', format: 'datum' }],
      state: { dir: at(`${name}-state`), reserve_bytes: '0B' },
      sink: { type: 'file', path: at(`${name}.ndjson`) },
      // Without them there is a warning.
      dimensions: { region: 'r', gateway: 'g', gateway_namespace: 'n', gateway_class: 'c' },
      ...rest,
    }),
  )

const records = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('run', () => {
  test('writes one JSON object a line when stderr is no terminal', async () => {
    file('plain.log', datumLine())
    const { code, stderr } = await meterFast(['run', '--once', '-c', config('plain')], {
      env: UNSET,
    })
    expect(code, stderr).toBe(0)
    const found = records(stderr)
    expect(found.map(({ kind }) => kind)).toEqual(['started', 'stream', 'ended'])
    expect(found.at(-1)).toMatchObject({ level: 'info', linesRead: '1', linesMetered: '1' })
  })

  test.each([
    ['--observe-log-form', 'text'],
    ['METER_FAST_OBSERVE_LOG_FORM', 'text'],
  ])('writes sentences when %s says so', async (name, value) => {
    file('words.log', datumLine())
    const isFlag = name.startsWith('--')
    const args = ['run', '--once', '-c', config('words'), ...(isFlag ? [name, value] : [])]
    const { stderr } = await meterFast(args, { env: isFlag ? UNSET : { [name]: value } })
    expect(stderr).toMatch(/^meter-fast: .*\n(meter-fast: .*\n)*$/)
    expect(stderr).toContain('1 lines read, 1 metered')
  })

  test('the level leaves out what is less', async () => {
    file('quiet.log', datumLine())
    const path = config('quiet', { observe: { log_level: 'warn' } })
    expect((await meterFast(['run', '--once', '-c', path], { env: UNSET })).stderr).toBe('')
    file('loud.log', datumLine())
    const loud = config('loud', { observe: { log_level: 'debug' } })
    const { stderr } = await meterFast(['run', '--once', '-c', loud], { env: UNSET })
    const kinds = records(stderr).map(({ kind }) => kind)
    expect(kinds).toContain('committed')
    expect(kinds).toContain('delivery-settled')
  })

  test('the error that ends it is the last record, with its code', async () => {
    file('lost.log', datumLine())
    const sink = { type: 'file', path: at('no/such/directory/usage.ndjson') }
    const { code, stderr } = await meterFast(['run', '--once', '-c', config('lost', { sink })], {
      env: UNSET,
    })
    expect(code).toBe(69)
    expect(records(stderr).at(-1)).toMatchObject({
      level: 'error',
      kind: 'failed',
      code: 'METER_SINK_UNREACHABLE',
      exitCode: 69,
      msg: expect.stringMatching(/^METER_SINK_UNREACHABLE: the sink file cannot be reached/),
    })
  })

  test('a token is in no log, whatever the gateway says', async () => {
    const gateway = await startGateway()
    gateway.token = 'another'
    const token = 'canary-1c7e5'
    gateway.script = [{ do: 'say', status: 500, body: 'down' }]
    writeFileSync(at('token'), token)
    file('secret.log', datumLine())
    const sink = { type: 'milo-gateway', url: gateway.url, bearer_file: at('token') }
    const path = config('secret', { sink, observe: { log_level: 'debug' } })
    const { stderr } = await meterFast(['run', '--once', '-c', path], { env: UNSET })
    await gateway.close()
    expect(gateway.requests[0]?.headers.authorization).toContain(token)
    expect(records(stderr).map(({ result }) => result)).toContain('unauthorized')
    expect(stderr).not.toContain(token)
  })
})
