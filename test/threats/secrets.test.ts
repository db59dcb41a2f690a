// A secret is in no output: not in logs, metrics, errors, events, nor the state (docs/threats.md).
// Here a receiver even says our token back in its answers.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { GatewaySink } from '../../src/deliver/gateway-sink.ts'
import { until } from '../agent/rig.ts'
import { MAIN } from '../cli/build.ts'
import { at, datumLine, file, meterFast, useCommand } from '../cli/command.ts'
import { testBatch } from '../sink/batches.ts'
import { freePort } from '../sink/free-port.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'

useCommand()

const CANARY = 'canary-5e1f0c7d9b'

function configFile(name: string, sink: object, rest: object = {}): string {
  const config = {
    streams: [{ files: [at(`${name}.log`)], source_id: 'n1', format: 'datum' }],
    state: { dir: at(`${name}-state`), reserve_bytes: '0B' },
    sink,
    ...rest,
  }
  return file(`${name}.json`, JSON.stringify(config))
}

/** Says the token back: in a fault, to a whole batch, to its half, and to one event. */
function echo(gateway: TestGateway): void {
  const body = JSON.stringify({ error: `Bearer ${CANARY} is not for this`, code: CANARY })
  gateway.script = [500, 400, 400, 400].map((status) => ({ do: 'say', status, body }))
}

test('a token that the receiver says back is in no log, metric, event or state', async () => {
  const gateway = await startGateway()
  gateway.token = CANARY
  echo(gateway)
  writeFileSync(at('token'), `${CANARY}\n`)
  file('echo.log', datumLine())
  const port = await freePort()
  const sink = { type: 'milo-gateway', url: gateway.url, bearer_file: at('token') }
  const observe = { listen: `127.0.0.1:${port}`, log_level: 'debug' }
  const rest = { observe, window: '1s', on_missing_state: 'backfill' }
  const path = configFile('echo', sink, rest)
  const child = spawn(process.execPath, [MAIN, 'run', '-c', at(path)], { stdio: 'pipe' })
  const [stdout, stderr, ended] = [text(child.stdout), text(child.stderr), once(child, 'exit')]
  await until('all is told', () => gateway.stored.size === 3 && gateway.script.length === 0)
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  child.kill('SIGTERM')
  await ended
  await gateway.close()

  expect(gateway.requests[0]?.headers.authorization).toContain(CANARY)
  const state = readdirSync(at('echo-state')).map((name) =>
    readFileSync(join(at('echo-state'), name), 'latin1'),
  )
  // What the receiver said is there, and its refusal is kept with the event: without the token.
  expect(await stderr).toContain('[token]')
  expect(state.join('')).toContain('[token]')
  const told = [await stdout, await stderr, metrics, ...gateway.stored.values(), ...state]
  for (const command of [
    ['status', '--json', '--state', at('echo-state')],
    ['check', '-c', path],
  ]) {
    const outcome = await meterFast(command)
    told.push(outcome.stdout, outcome.stderr)
  }
  told.push((await meterFast(['check', '--json', '-c', path])).stdout)
  for (const one of told) expect(one).not.toContain(CANARY)
})

test.each([
  ['a key that is none', { tls: { certFile: '@', keyFile: '@' } }],
  ['an authority that is none', { tls: { caFile: '@' } }],
  ['a token of two lines', { bearerFile: '@' }],
])('%s is not shown in the answer', async (_name, secrets) => {
  writeFileSync(at('secret'), `-----BEGIN ${CANARY}-----\n${CANARY}\n`)
  const named = JSON.parse(JSON.stringify(secrets).replaceAll('@', at('secret')))
  const sink = new GatewaySink({ url: `https://127.0.0.1:${await freePort()}`, ...named })
  const answer = await sink.deliver(testBatch(1, 1), AbortSignal.timeout(5_000))
  await sink.close()
  expect(answer.kind).not.toBe('accepted')
  expect(JSON.stringify(answer)).not.toContain(CANARY)
})

test('a password in a URL is refused, and not shown', async () => {
  file('url.log', datumLine())
  const path = configFile('url', { type: 'collector', url: `http://user:${CANARY}@127.0.0.1:1` })
  for (const command of ['run', 'check']) {
    const { code, stdout, stderr } = await meterFast([command, '-c', path])
    expect(code).toBe(78)
    expect(stdout + stderr).toContain('it holds a name or password')
    expect(stdout + stderr).not.toContain(CANARY)
  }
})
