// What the sink has accepted is committed soon, also when nothing else happens afterwards: an agent
// that is killed on a quiet node sends nothing again. The sink would drop it only while it
// remembers the ids, which may be two minutes.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { line } from '../agent/bills.ts'
import { configFile, scratch, until } from '../agent/rig.ts'
import { build } from '../cli/build.ts'
import { startGateway } from '../sink/gateway.ts'
import { buildFaults, FaultyAgent, SOCKET } from './faulty-agent.ts'
import { kindOf } from './sweep.ts'

/** No window ends by the clock meanwhile, and no event waits for its time. */
const AHEAD_MS = 60_000

beforeAll(build)

test('after a quiet while and a kill, nothing is sent twice', async () => {
  const [gateway, directory] = [await startGateway(), await scratch()]
  const sink = { type: 'milo-gateway', url: gateway.url }
  const rest = { window: '1s', on_missing_state: 'backfill' }
  const config = await configFile(directory, { sink, rest })
  const startMs = Date.now() + AHEAD_MS
  const lines = [0, 1_000, 2_000].map((ms) => line(startMs + ms, { ms: 500 }))
  await writeFile(join(directory, 'access.log'), lines.join(''))
  const setup = { library: buildFaults(directory), directory }
  const agent = new FaultyAgent(['run', '-c', config], setup)
  afterAll(() => agent.end('SIGKILL'))

  await until('two windows arrive', () => gateway.stored.size >= 5)
  await until('a commit follows', () => commitFollows(agent))
  await agent.end('SIGKILL')
  const next = new FaultyAgent(['run', '--once', '-c', config], setup)
  expect(await next.ended, next.stderr).toBe(0)
  expect(gateway.stored.size).toBe(7)
  expect(gateway.duplicates).toBe(0)
  await gateway.close()
}, 60_000)

/** After the last request: a sync of the store, then the page that names what was synced. */
function commitFollows(agent: FaultyAgent): boolean {
  const kinds = agent.points().map(kindOf)
  const after = kinds.slice(kinds.findLastIndex((kind) => kind.endsWith(` ${SOCKET}`)) + 1)
  const syncedAt = after.indexOf('fdatasync state/state.mdb')
  return syncedAt >= 0 && after.indexOf('pwrite64 state/state.mdb', syncedAt) > 0
}
