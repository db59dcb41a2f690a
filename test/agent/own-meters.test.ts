// Meters are data: an agent bills what a ServiceConfiguration declares, with the source, subject,
// types and dimensions of its service, exactly as the oracle does, and the state can be verified.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { ownConfiguration, yaml } from '../unit/catalog-documents.ts'
import { difference, SAME } from './bills.ts'
import { Command, configFile, linesOf, scratch } from './rig.ts'
import { DiskLog, steadyLog } from './steady-log.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const STREAM = 'file/n1/access.log'
const COMPONENT = join(import.meta.dirname, '../../deploy/components/service-catalog')

async function withLog(rest: object) {
  const directory = await scratch()
  const log = new DiskLog(directory)
  log.write(steadyLog(new Dice(11), { lines: 600, startMs: START_MS, endMs: START_MS + 150_000 }))
  const path = await configFile(directory, { rest })
  expect(await new Command('run', '--once', '-c', path).ended).toBe(0)
  const verify = new Command('verify', '--state', join(directory, 'state'), '--logs', log.path)
  expect([await verify.ended, verify.stderr]).toEqual([0, expect.any(String)])
  return { log, events: await linesOf(join(directory, 'usage.ndjson')) }
}

test('a service with its own meters is billed by them, one amount twice, others not', async () => {
  const document = ownConfiguration()
  const name = (meter: string): string => `ai.example.com/model/${meter}`
  document.spec.metrics.push({
    ...{ name: name('time'), displayName: 'time', kind: 'Delta', unit: 's', dimensions: [] },
  })
  document.spec.metrics.push({ ...document.spec.metrics[0], name: name('answers') })
  document.spec.metrics[0].dimensions = ['model', 'httproute_name', 'project_name']
  document.spec.billing.consumerDestinations[0].metrics.push(name('time'), name('answers'))
  const catalog = join(await scratch(), 'own.yaml')
  writeFileSync(catalog, yaml(document))
  const { log, events } = await withLog({
    catalog,
    dimensions: { model: 'm-1' },
    meters: {
      source: 'urn:ai',
      subject: 'accounts/{project}/ai',
      amounts: {
        [name('calls')]: 'requests',
        [name('sent')]: 'egressBytes',
        [name('time')]: 'connectionSeconds',
        [name('answers')]: 'requests',
      },
    },
  })
  const declared = ['model', 'project_name']
  const wanted = slowEvents(log.generations, {
    stream: STREAM,
    dimensions: { model: 'm-1' },
    service: {
      source: 'urn:ai',
      subject: 'accounts/{project}/ai',
      meters: [
        { type: name('calls'), amount: 'requests', declared: [...declared, 'httproute_name'] },
        { type: name('sent'), amount: 'egress-bytes', declared },
        { type: name('time'), amount: 'connection-seconds', declared: [] },
        { type: name('answers'), amount: 'requests', declared },
      ],
    },
  })
  expect(wanted.length).toBeGreaterThan(20)
  expect(difference(events, wanted)).toEqual(SAME)
})

test('the catalog that the repository publishes gives the events of the built-in one', async () => {
  const region = { dimensions: { region: 'us-east-1' } }
  const catalog = join(COMPONENT, 'service-configuration.yaml')
  const { log, events } = await withLog({ catalog, ...region })
  expect(difference(events, slowEvents(log.generations, { stream: STREAM, ...region }))).toEqual(
    SAME,
  )
  expect(events).toEqual((await withLog(region)).events)
})
