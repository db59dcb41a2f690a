// Usage by how far it came, in the state: committed with what it counts, so that no crash forgets
// or doubles any. It is compared with the events that the sink has and with the ledger.

import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ledgerRows } from '../../src/durable/ledger.ts'
import { openStateReader } from '../../src/durable/store.ts'
import { readUsageSums, USAGE_STAGES } from '../../src/durable/usage-sums.ts'
import { unattributedRows, usageRows } from '../../src/emit/usage-page.ts'
import { crc32c } from '../../src/native.ts'
import { Dice } from '../reference/dice.ts'
import { line, sumsPerProject } from './bills.ts'
import { Command, config, configFile, linesOf, Receiver, runOnce, scratch } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const SEED = Number(process.env['METER_FAST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

type Sums = Record<string, bigint>

/** Per stage, the sums by the last word of the meter; what is 0 is left out. */
async function usageIn(directory: string): Promise<Record<string, Sums>> {
  const state = await openStateReader(join(directory, 'state'), { crc32c })
  const found: Record<string, Sums> = Object.fromEntries(USAGE_STAGES.map((name) => [name, {}]))
  for (const { stage, meter, amount } of readUsageSums(state)) {
    if (amount > 0n) add(found[stage] ?? {}, meter.slice(meter.lastIndexOf('/') + 1), amount)
  }
  await state.close()
  return found
}

/** Sums of the ledger's rows, of metered and of unattributed usage. */
async function ledgerIn(directory: string): Promise<{ closed: Sums; unattributed: Sums }> {
  const state = await openStateReader(join(directory, 'state'), { crc32c })
  const closed: Sums = {}
  const unattributed: Sums = {}
  for (const { projects, reasons } of ledgerRows(state)) {
    for (const page of projects) for (const row of usageRows(page)) addRow(closed, row)
    if (reasons.length > 0) for (const row of unattributedRows(reasons)) addRow(unattributed, row)
  }
  await state.close()
  return { closed, unattributed }
}

interface Row {
  readonly requests: bigint
  readonly egressBytes: bigint
  readonly ingressBytes: bigint
  readonly connectionSeconds: bigint
}

function addRow(sums: Sums, row: Row): void {
  add(sums, 'requests', row.requests)
  add(sums, 'egress-bytes', row.egressBytes)
  add(sums, 'ingress-bytes', row.ingressBytes)
  add(sums, 'connection-seconds', row.connectionSeconds)
}

function add(sums: Sums, name: string, amount: bigint): void {
  if (amount > 0n) sums[name] = (sums[name] ?? 0n) + amount
}

function sumsOfEvents(texts: readonly string[]): Sums {
  const sums: Sums = {}
  for (const [name, amount] of Object.entries(sumsPerProject(texts))) {
    add(sums, name.split(' ')[1] ?? '', amount)
  }
  return sums
}

test('killed again and again, each stage holds what the sink and the ledger hold', async () => {
  console.log(`METER_FAST_SEED=${SEED}`)
  const dice = new Dice(SEED)
  const directory = await scratch()
  const log = join(directory, 'access.log')
  const path = await configFile(directory)
  for (let minute = 0; minute < 8; minute++) {
    for (let at = 0; at < 50; at++) {
      const parts = { project: `p-${at % 7}`, sent: dice.below(9_000), ms: dice.below(5_000) }
      const lost = { project: null, sent: 3, ms: 1_500 }
      appendFileSync(log, line(START_MS + minute * 60_000, at % 10 === 0 ? lost : parts))
    }
    const agent = new Command('run', '-c', path)
    await delay(400 + dice.below(1_500))
    await agent.end('SIGKILL')
  }
  const last = new Command('run', '--once', '-c', path)
  expect(await last.ended, last.stderr).toBe(0)

  const usage = await usageIn(directory)
  const wanted = sumsOfEvents(await linesOf(join(directory, 'usage.ndjson')))
  expect(wanted['requests']).toBe(8n * 45n)
  expect(usage).toEqual({
    ...(await ledgerIn(directory)),
    made: wanted,
    accepted: wanted,
    rejected: {},
  })
  expect(usage['closed']).toEqual(wanted)
}, 60_000)

test('what the sink refuses is rejected usage, and not accepted', async () => {
  const directory = await scratch()
  appendFileSync(join(directory, 'access.log'), line(START_MS, { sent: 5, received: 7 }))
  const sink = new Receiver()
  sink.deliver = async ({ ids, texts }) => {
    const rejected = ids
      .filter((_id, at) => texts[at]?.includes('egress-bytes'))
      .map((id) => ({ id, reason: 'bad' }))
    return { kind: 'partly', status: 207, text: '', rejected }
  }
  await runOnce(config(directory), { sink })
  const { made, accepted, rejected } = await usageIn(directory)
  expect(made).toEqual({ requests: 1n, 'egress-bytes': 5n, 'ingress-bytes': 7n })
  expect(accepted).toEqual({ requests: 1n, 'ingress-bytes': 7n })
  expect(rejected).toEqual({ 'egress-bytes': 5n })
})
