// What `compare` takes as a set of events, and what it says to that which is none.

import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { file, meterFast, useCommand } from '../cli/command.ts'
import { Traffic } from './traffic.ts'
import { vectorEvents, vectorFile } from './vector.ts'

useCommand()

const LOG = new Traffic().add(300, { duration: 1000 }).add(3, { project_name: 'p-blog' }).log()
const EVENTS = vectorEvents(LOG)
const LINES = EVENTS.map((event) => JSON.stringify(event))

beforeAll(async () => {
  file('access.log', LOG)
  file('vector.ndjson', vectorFile(LOG))
  file('usage.ndjson', (await meterFast(['scan', '--events', 'access.log'])).stdout)
}, 120_000)

interface Report {
  readonly ok: boolean
  readonly pipeline: { readonly events: number; readonly repeated: number }
  readonly rows: readonly { readonly unexplained: string }[]
}

async function compared(...args: string[]): Promise<Report> {
  const { stdout, stderr } = await meterFast(['compare', '--json', ...args])
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Report
}

const WHOLE = { ok: true, pipeline: { events: EVENTS.length, repeated: 0 } }

describe('a set of events is', () => {
  test('one event a line', async () => {
    expect(await compared('vector.ndjson', 'usage.ndjson')).toMatchObject(WHOLE)
  })

  test('compressed or not', async () => {
    file('vector.ndjson.gz', gzipSync(vectorFile(LOG)))
    expect(await compared('vector.ndjson.gz', 'usage.ndjson')).toMatchObject(WHOLE)
  })

  test('an array, also over many lines', async () => {
    file('array.json', JSON.stringify(EVENTS))
    file('pretty.json', JSON.stringify(EVENTS, undefined, 2))
    expect(await compared('array.json', 'usage.ndjson')).toMatchObject(WHOLE)
    expect(await compared('pretty.json', 'usage.ndjson')).toMatchObject(WHOLE)
  })

  test('batches as they were sent, one array a line', async () => {
    const batches = Array.from({ length: Math.ceil(LINES.length / 100) }, (_, at) =>
      LINES.slice(at * 100, at * 100 + 100).join(','),
    )
    file('batches.json', batches.map((batch) => `[${batch}]\n`).join(''))
    expect(await compared('batches.json', 'usage.ndjson')).toMatchObject(WHOLE)
  })

  test('several files that fit one pattern', async () => {
    file('set/usage.ndjson.000001', `${LINES.slice(0, 500).join('\n')}\n`)
    file('set/usage.ndjson', `${LINES.slice(500).join('\n')}\n`)
    expect(await compared('set/usage*', 'usage.ndjson')).toMatchObject(WHOLE)
  })

  test('what an event says twice is billed once', async () => {
    file('twice.ndjson', vectorFile(LOG).repeat(2))
    const { ok, pipeline } = await compared('twice.ndjson', 'usage.ndjson')
    expect({ ok, pipeline }).toMatchObject({ ok: true, pipeline: { repeated: EVENTS.length } })
  })
})

describe('a set that cannot be read', () => {
  test.each([
    ['is no JSON', 'no JSON at all\n', 'begins at byte 0 is no JSON object'],
    ['holds something else', `${LINES[0]}\n{"level":"info"}\n`, 'no usage event'],
    ['has a value that is none', `${LINES[0]?.replace('"1"', '"1.5"')}\n`, 'no usage event'],
    ['has junk between events', `${LINES[0]}\nfalse\n`, 'no JSON object'],
  ])('%s: an error that says where', async (_what, content, message) => {
    file('bad.ndjson', content)
    const { code, stdout, stderr } = await meterFast(['compare', 'bad.ndjson', 'usage.ndjson'])
    expect({ code, stdout }).toEqual({ code: 74, stdout: '' })
    expect(stderr).toMatch(/METER_INPUT_DAMAGED: \S*\/bad\.ndjson /)
    expect(stderr).toContain(message)
  })

  test('ends within an event: a word, and the others are compared', async () => {
    file('torn.ndjson', vectorFile(LOG).slice(0, -40))
    const { stderr } = await meterFast(['compare', 'torn.ndjson', 'usage.ndjson'])
    expect(stderr).toContain('torn.ndjson ends within an event: its last')
  })

  test('is not there', async () => {
    const { code, stderr } = await meterFast(['compare', 'nowhere.ndjson', 'usage.ndjson'])
    expect({ code, stderr }).toMatchObject({ code: 66 })
    expect(stderr).toContain('no file fits "nowhere.ndjson"')
  })
})

describe('how it is called', () => {
  test.each([
    [['vector.ndjson'], 'name two sets of events'],
    [['vector.ndjson', 'usage.ndjson', 'more.ndjson'], 'not more; put globs into quotes'],
    [['vector.ndjson', 'vector.ndjson'], 'ids of the same kind (pipeline): say with --first'],
    [['vector.ndjson', 'usage.ndjson', '--first', 'vector'], 'must be one of pipeline, ours'],
    [['vector.ndjson', 'usage.ndjson', '--causes', 'luck'], '--causes must be one of sub-second'],
    [['vector.ndjson', 'usage.ndjson', '--from', '2026-11-22T12:30:00Z'], 'a full hour'],
    [['vector.ndjson', 'usage.ndjson', '--hard-coded', 'region'], 'must be KEY=VALUE'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await meterFast(['compare', ...args])
    expect(code).toBe(64)
    expect(stderr).toContain(message)
  })

  test('sides that ids do not tell can be said', async () => {
    const report = await compared('vector.ndjson', 'vector.ndjson', '--first', 'pipeline')
    expect(report.ok).toBe(true)
  })
})
