// What is not billed is kept in the state: quarantined lines with their place and text, usage
// without a project under its reason, and a ledger row for every piece that closed.

import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unpackRecord } from '../../src/durable/codec.ts'
import { ledgerRows } from '../../src/durable/ledger.ts'
import { quarantined } from '../../src/durable/quarantine.ts'
import { readUnattributed, unattributedKeys } from '../../src/durable/records.ts'
import { openStateReader, type StateReader } from '../../src/durable/store.ts'
import { unattributedRows, usageRows } from '../../src/emit/usage-page.ts'
import { crc32c, OUTCOMES } from '../../src/native.ts'
import { criWrapped, line } from './bills.ts'
import { config, Receiver, runOnce, scratch } from './rig.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)

interface Quarantined {
  readonly stream: string
  readonly generation: number
  readonly outcome: string | undefined
  readonly isWhole: boolean
  readonly offset: number
  readonly length: number
  readonly sha256: string
  readonly text: string
}

const HEAD_BYTES = 56

/** Reads the packed form that native/engine/quarantine.h describes. */
function unpackLines(packed: Uint8Array): Quarantined[] {
  const { head, body } = unpackRecord<{ stream: string; generation: number }>(packed)
  const { stream, generation } = head
  const bytes = Buffer.from(body)
  const lines: Quarantined[] = []
  for (let at = 0; at < bytes.length; ) {
    const textBytes = bytes.readUInt32LE(at + 4)
    lines.push({
      stream,
      generation,
      outcome: OUTCOMES[bytes.readUInt8(at)],
      isWhole: bytes.readUInt8(at + 1) === 1,
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      length: Number(bytes.readBigUInt64LE(at + 16)),
      sha256: bytes.toString('hex', at + 24, at + HEAD_BYTES),
      text: bytes.toString('latin1', at + HEAD_BYTES, at + HEAD_BYTES + textBytes),
    })
    at += HEAD_BYTES + textBytes
  }
  return lines
}

/** Runs once over the files of `directory` and gives what `read` finds in the state. */
async function kept<T>(
  directory: string,
  read: (state: StateReader) => T,
  parts: Parameters<typeof config>[1] = {},
): Promise<T> {
  const settings = config(directory, parts)
  await runOnce(settings, { sink: new Receiver() })
  const state = await openStateReader(settings.state.dir, { crc32c })
  try {
    return read(state)
  } finally {
    await state.close()
  }
}

function quarantine(state: StateReader): Quarantined[] {
  return [...state.entries('quarantine/')].flatMap(([, packed]) => unpackLines(packed))
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex')
}

describe('a quarantined line is kept', () => {
  test('whole, with its reason, offset, length and hash', async () => {
    const good = line(START_MS)
    const bad = '{"project_name":"p-a","bytes_sent":-1}'
    const cut = '{"project_name":"p-a"'
    const broken = '{"bytes_sent":1,"bytes_sent":2,"\xc3\xa9":"\xff"}'
    const directory = await scratch()
    const text = [good, `${bad}\r\n`, good, `${cut}\n`, `${broken}\n`].join('')
    writeFileSync(join(directory, 'access.log'), text, 'latin1')
    const place = { stream: 'file/n1/access.log', generation: 0, isWhole: true }
    expect(await kept(directory, quarantine)).toEqual(
      [
        { text: bad, outcome: 'quarantined.bad_number', offset: good.length },
        { text: cut, outcome: 'quarantined.malformed', offset: 2 * good.length + bad.length + 2 },
        {
          ...{ text: broken, outcome: 'quarantined.duplicate_key' },
          offset: 2 * good.length + bad.length + 2 + cut.length + 1,
        },
      ].map((one) => ({ ...place, ...one, length: one.text.length, sha256: sha256(one.text) })),
    )
  })

  test('above line_bytes_max by its first 1 KiB, and by length and hash of all', async () => {
    const directory = await scratch()
    const long = line(START_MS, { more: { path: 'x'.repeat(5_000) } })
    writeFileSync(join(directory, 'access.log'), line(START_MS) + long)
    const rest = { limits: { line_bytes_max: '2KiB' } }
    const whole = long.trimEnd()
    expect(await kept(directory, quarantine, { rest })).toEqual([
      {
        ...{ stream: 'file/n1/access.log', generation: 0, outcome: 'quarantined.too_long' },
        ...{ isWhole: false, offset: line(START_MS).length, length: whole.length },
        ...{ sha256: sha256(whole), text: whole.slice(0, 1_024) },
      },
    ])
  })

  test('under the generation that it is in, when several are read at once', async () => {
    const directory = await scratch()
    const path = join(directory, 'access.log')
    writeFileSync(`${path}.2`, `${line(START_MS)}{"a"\n{"b"}`)
    writeFileSync(`${path}.1`, `${line(START_MS)}{"c"\n`)
    writeFileSync(path, `{"d"\n${line(START_MS)}`)
    const found = await kept(directory, quarantine)
    const first = line(START_MS).length
    expect(found.map(({ generation, offset, text }) => [generation, offset, text])).toEqual([
      // The last line has no LF: it is one because its generation has ended.
      [0, first, '{"a"'],
      [0, first + 5, '{"b"}'],
      [1, first, '{"c"'],
      [2, 0, '{"d"'],
    ])
  })

  test('cut: a P part that is the last of its stream', async () => {
    const directory = await scratch()
    const container = join(directory, 'gateway_envoy-1_uid-1', 'envoy')
    mkdirSync(container, { recursive: true })
    const part = '2026-11-02T12:00:01Z stdout P {"project_name":"p-a"'
    writeFileSync(join(container, '0.log'), `${criWrapped(line(START_MS))}${part}\n`)
    writeFileSync(join(container, '1.log'), criWrapped(line(START_MS)))
    const kubernetes = { namespaces: ['gateway'], containers: ['envoy'] }
    const found = await kept(directory, quarantine, { streams: [{ kubernetes, root: directory }] })
    expect(found).toMatchObject([
      {
        ...{ stream: 'k8s/uid-1/envoy/0', generation: 0, outcome: 'quarantined.cut' },
        ...{ text: '{"project_name":"p-a"', offset: criWrapped(line(START_MS)).length },
      },
    ])
  })
})

test('unattributed usage is kept by reason, raw project, raw route and window', async () => {
  const directory = await scratch()
  const log = [
    line(START_MS, { project: null, route: null, sent: 1, received: 2, ms: 3 }),
    line(START_MS, { project: 'Not_Good', sent: 10 }),
    line(START_MS, { project: 'Not_Good', sent: 20 }),
    line(START_MS, { project: '-', route: 'grpcroute/ns-a/api/x', sent: 40 }),
    line(START_MS + 60_000, { project: 'Not_Good', sent: 80 }),
  ]
  writeFileSync(join(directory, 'access.log'), log.join(''))
  const found = await kept(directory, (state) =>
    [...unattributedKeys(state, 0, Number.MAX_SAFE_INTEGER)].flatMap((key) => {
      const { piece, page } = readUnattributed(state, key) ?? {}
      const rows = page === undefined ? [] : [...unattributedRows(page)]
      return rows.map((row) => ({ window: piece?.windowStartMs ?? 0, ...row }))
    }),
  )
  const httpRoute = '"httproute/ns-a/web/rule/0"'
  const rows = found.map(({ window, reason, project, route, requests, egressBytes }) =>
    [(window - START_MS) / 60_000, reason, project, route, requests, egressBytes].join(' '),
  )
  expect(rows.sort()).toEqual([
    `0 bad_project "Not_Good" ${httpRoute} 2 30`,
    '0 no_project "-" "grpcroute/ns-a/api/x" 1 40',
    '0 no_route null null 1 1',
    `1 bad_project "Not_Good" ${httpRoute} 1 80`,
  ])
  const noRoute = found.find(({ reason }) => reason === 'no_route')
  expect(noRoute).toMatchObject({ ingressBytes: 2n, connectionMs: 3n })
})

test('the ledger has a row per piece, and its lines add up to the lines of the log', async () => {
  const directory = await scratch()
  const bad = ['{"a"', '[info] text', '', '{"access_log_type":"TcpConnectionEnd"}', '{}', '{"b"']
  const log = bad.map((text, at) => `${line(START_MS + at * 60_000)}${text}\n`).join('')
  writeFileSync(join(directory, 'access.log'), log)
  const rows = await kept(directory, (state) => [...ledgerRows(state)])
  expect(rows.map(({ byTime }) => byTime)).toEqual([false, false, false, false, false, true])
  const counts = rows.flatMap(({ lines }) => Object.values(lines)).map(Number)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2 * bad.length)
  expect(rows.map(({ lines }) => Object.keys(lines).find((name) => name !== 'metered'))).toEqual([
    ...['quarantined.malformed', 'ignored.not_json', 'ignored.blank', 'ignored.tcp'],
    ...['unattributed.no_route', 'quarantined.malformed'],
  ])

  // Each piece begins where the one before it ends: together they are the whole log.
  const ends = rows.map(({ to }) => to)
  expect(rows.map(({ from }) => from)).toEqual([{ generation: 0, offset: 0 }, ...ends.slice(0, -1)])
  expect(ends.at(-1)).toEqual({ generation: 0, offset: log.length })
})

test('the ledger has the sums of each project, and of usage without one by reason', async () => {
  const directory = await scratch()
  const usage = (project: string, route: string | null, sent: number, ms: number) =>
    line(START_MS, { project, route, sent, received: 1, ms })
  const log = [
    usage('p-b', 'httproute/ns-a/web', 10, 1_700),
    usage('p-b', 'httproute/ns-a/api', 5, 600),
    usage('p-a', 'x', 1, 0),
    usage('Not Good', 'x', 7, 9),
    line(START_MS, { project: null, route: 'x', sent: 3 }),
    line(START_MS, { project: null, route: 'y', sent: 4 }),
  ].join('')
  writeFileSync(join(directory, 'access.log'), log)
  const [row] = await kept(directory, (state) => [...ledgerRows(state)])
  const projects = row?.projects.flatMap((page) => [...usageRows(page)]) ?? []
  expect(projects).toMatchObject([
    { project: 'p-a', kind: null, requests: 1n, egressBytes: 1n, connectionMs: 0n },
    { project: 'p-b', requests: 2n, egressBytes: 15n, ingressBytes: 2n, connectionMs: 2_300n },
  ])
  // Seconds are those that were billed: each key has a remainder of its own.
  expect(projects.map(({ connectionSeconds }) => connectionSeconds)).toEqual([0n, 1n])
  const reasons = [...unattributedRows(row?.reasons ?? new Uint8Array())]
  const sums = reasons.map(({ reason, requests, egressBytes }) => [reason, requests, egressBytes])
  expect(sums.sort()).toEqual([
    ['bad_project', 1n, 7n],
    ['no_project', 2n, 7n],
  ])
})

test('beyond quarantine_bytes_max lines keep place, length and hash, not their text', async () => {
  const directory = await scratch()
  const bad = '{"project_name":"p-a","bytes_sent":-1}'
  const path = join(directory, 'access.log')
  writeFileSync(path, `${line(START_MS)}${bad}\n`)
  const rest = { state: { dir: join(directory, 'state'), quarantine_bytes_max: '100B' } }
  const lines = (state: StateReader) => [...quarantined(state)].flatMap((one) => one.lines)
  expect(await kept(directory, lines, { rest })).toMatchObject([{ isWhole: true }])
  writeFileSync(path, `${bad}\n`, { flag: 'a' })
  const [, second] = await kept(directory, lines, { rest })
  expect(second).toMatchObject({ isWhole: false, lengthBytes: bad.length, sha256: sha256(bad) })
  expect(second?.offset).toBe(line(START_MS).length + bad.length + 1)
  expect(second?.text).toHaveLength(0)
})
