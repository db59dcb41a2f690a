// /metrics as the parsers of the Prometheus project read it, in both forms: the official Python
// client, installed from PyPI once. Its OpenMetrics parser is the strict one.

import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { readStatus } from '../../src/agent/status.ts'
import { line } from '../agent/bills.ts'
import { Clock, config, Receiver, RunningAgent, scratch, until } from '../agent/rig.ts'

const run = promisify(execFile)
const CLIENT = 'prometheus_client==0.23.1'
const DIRECTORY = fileURLToPath(
  new URL('../../node_modules/.cache/meter-fast-e2e/prometheus-client', import.meta.url),
)
const START_MS = Date.UTC(2026, 10, 2, 12)
const ACCEPT = { prometheus: 'text/plain', openmetrics: 'application/openmetrics-text' } as const

/** Prints {family: {type, samples: {name: sum of values}}} of the text on standard input. */
const PROGRAM = `
import json, sys
from importlib import import_module
parser = import_module(sys.argv[1])
families = {}
for family in parser.text_string_to_metric_families(sys.stdin.read()):
    samples = {}
    for sample in family.samples:
        samples[sample.name] = samples.get(sample.name, 0) + sample.value
    families[family.name] = {'type': family.type, 'samples': samples}
print(json.dumps(families))
`
const PARSERS = {
  prometheus: 'prometheus_client.parser',
  openmetrics: 'prometheus_client.openmetrics.parser',
} as const

type Families = Record<string, { type: string; samples: Record<string, number> }>

beforeAll(async () => {
  if (existsSync(DIRECTORY)) return
  // Installed beside its place and renamed, so that what has the final name is complete.
  const unfinished = `${DIRECTORY}.${process.pid}`
  const venv = join(dirname(DIRECTORY), `venv.${process.pid}`)
  await mkdir(dirname(DIRECTORY), { recursive: true })
  await run('python3', ['-m', 'venv', venv])
  await run(join(venv, 'bin/python3'), ['-m', 'pip', 'install', '-q', '-t', unfinished, CLIENT])
  await rename(unfinished, DIRECTORY)
})

async function parsed(text: string, form: keyof typeof PARSERS): Promise<Families> {
  const env = { PATH: process.env.PATH, PYTHONPATH: DIRECTORY }
  const child = run('python3', ['-c', PROGRAM, PARSERS[form]], { env })
  child.child.stdin?.end(text)
  return JSON.parse((await child).stdout) as Families
}

test.each(['prometheus', 'openmetrics'] as const)('%s', async (form) => {
  const directory = await scratch()
  writeFileSync(
    join(directory, 'access.log'),
    `${line(START_MS)}${line(START_MS, { project: null })}no json\n${line(START_MS + 60_000)}`,
  )
  const settings = config(directory, { rest: { observe: { listen: '127.0.0.1:0' } } })
  const sink = new Receiver()
  const agent = new RunningAgent(settings, { sink, now: new Clock(START_MS + 60_000).now })
  await until('all is accepted and committed', async () => {
    const stored = sink.texts.length
    return stored > 0 && (await readStatus(settings.state.dir)).counts.events_accepted === stored
  })
  const told = agent.signals.find((signal) => signal.kind === 'listening')
  const headers = { accept: ACCEPT[form] }
  const response = await fetch(`${told?.address}/metrics`, { headers })
  const families = await parsed(await response.text(), form)
  await agent.stop()

  expect(Object.keys(families).length).toBeGreaterThan(25)
  expect(Object.values(families).map(({ type }) => type)).not.toContain('unknown')
  const sumOf = (name: string) => families[name]?.samples[`${name}_total`]
  const { lines, counts } = await readStatus(settings.state.dir)
  expect(lines.read).toBe(4n)
  expect(sumOf('meter_fast_lines')).toBe(Number(lines.read))
  expect(sumOf('meter_fast_events')).toBe(counts.events + counts.events_accepted)
  expect(families['meter_fast_commit_duration_seconds']?.type).toBe('histogram')
})
