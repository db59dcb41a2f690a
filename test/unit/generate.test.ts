// The synthetic log: equal flags give equal bytes, and the truth beside it is what the oracle says
// about the written bytes.

import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generate } from '../../src/cli/generate.ts'
import { MeterFastError } from '../../src/errors.ts'
import { slowScan } from '../reference/slow-scan.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'generate-'))
})
afterAll(() => rm(directory, { recursive: true }))

class Collector extends Writable {
  readonly blocks: Buffer[] = []
  override _write(block: Buffer, _encoding: string, done: () => void): void {
    this.blocks.push(block)
    done()
  }
  get bytes(): Buffer {
    return Buffer.concat(this.blocks)
  }
}

async function make(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Buffer> {
  const stdout = new Collector()
  expect(await generate(args, { stdout, stderr: () => {}, env })).toBe(0)
  return stdout.bytes
}

async function makeWithTruth(name: string, args: string[]) {
  const truth = join(directory, `${name}.json`)
  const bytes = await make([...args, '--truth', truth])
  return { bytes, truth: JSON.parse(await readFile(truth, 'utf8')) }
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const linesOf = (bytes: Buffer) => bytes.toString('latin1').split('\n').slice(0, -1)
const parsed = (line: string) => JSON.parse(Buffer.from(line, 'latin1').toString('utf8'))

describe('bytes', () => {
  test('equal flags give equal bytes, on every machine and in every release', async () => {
    const hashes: Record<string, string> = {}
    for (const format of ['datum', 'envoy-gateway']) {
      for (const envelope of ['raw', 'cri']) {
        const args = ['--lines', '2000', '--format', format, '--envelope', envelope]
        hashes[`${format} ${envelope}`] = sha256(await make(args))
      }
    }
    expect(hashes).toMatchInlineSnapshot(`
      {
        "datum cri": "871f56d51e751c815be25b85880748efe49055ca6d923ed78dfe950891fca77d",
        "datum raw": "1e257529a2a6dab25267a870de6daca32541b5a2a4ba1c35d98baf37afefd2ec",
        "envoy-gateway cri": "85bae0b8ce21a95a210fb81da79e0f3639954a66a184589ef6d582977e56fad3",
        "envoy-gateway raw": "e7f2adaba67abc46b31bcbe5e25a593663414e8fe028dafa33e90a9bc20e4147",
      }
    `)
  })

  test('another seed gives another log', async () => {
    const first = await make(['--lines', '10'])
    expect((await make(['--lines', '10', '--seed', '2'])).equals(first)).toBe(false)
  })

  test('a longer log begins with the shorter one', async () => {
    const short = await make(['--lines', '50'])
    expect((await make(['--lines', '90'])).subarray(0, short.length).equals(short)).toBe(true)
  })

  test('no lines give no bytes and an empty truth', async () => {
    const { bytes, truth } = await makeWithTruth('empty', ['--lines', '0'])
    expect(bytes).toHaveLength(0)
    expect(truth).toEqual(slowScan([bytes]))
  })
})

describe('lines', () => {
  test.each([
    ['datum', 11],
    ['envoy-gateway', 24],
  ])('%s has %i sorted keys, compact as Envoy prints them', async (format, keyCount) => {
    const lines = linesOf(await make(['--lines', '300', '--format', format]))
    expect(lines).toHaveLength(300)
    for (const line of lines) {
      const keys = Object.keys(parsed(line))
      expect(keys).toHaveLength(keyCount)
      expect(keys).toEqual([...keys].sort())
      expect(line).not.toMatch(/": |, "/)
    }
  })

  test('start_time and duration end at the time that --start and --per-second give', async () => {
    const args = ['--lines', '6', '--per-second', '2', '--start', '2024-02-29T23:59:59+01:00']
    const clocks = linesOf(await make(args)).map((line) => {
      const { start_time, duration } = parsed(line)
      return Date.parse(start_time) + duration
    })
    const start = Date.parse('2024-02-29T22:59:59Z')
    for (const [index, clock] of clocks.entries()) {
      expect(clock).toBeGreaterThanOrEqual(start + index * 500)
      expect(clock).toBeLessThan(start + (index + 1) * 500)
    }
  })

  test('escapes, non-ASCII text, missing routes and projects are rare but there', async () => {
    const lines = linesOf(await make(['--lines', '40000']))
    const share = (rule: (line: string) => boolean) => lines.filter(rule).length / lines.length
    expect(share((line) => line.includes('\\'))).toBeCloseTo(0.003, 3)
    expect(share((line) => Buffer.from(line, 'latin1').some((byte) => byte > 127))).toBeCloseTo(
      0.001,
      3,
    )
    expect(share((line) => /"(route|project)_name":null/.test(line))).toBeCloseTo(0.002, 3)
  })

  test('a few routes have most of the requests, and each route has one project', async () => {
    const { truth } = await makeWithTruth('zipf', ['--lines', '20000'])
    const routed = truth.totals.filter((row: { route: unknown }) => row.route !== null)
    const requests = routed.map((row: { requests: string }) => Number(row.requests))
    const hottest = requests.sort((a: number, b: number) => b - a).slice(0, 100)
    expect(hottest.reduce((sum: number, count: number) => sum + count)).toBeGreaterThan(12_000)
    const names = routed.map((row: { route: unknown }) => JSON.stringify(row.route))
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('truth', () => {
  test.each([
    ['datum', 'raw'],
    ['datum', 'cri'],
    ['envoy-gateway', 'raw'],
    ['envoy-gateway', 'cri'],
  ] as const)('of a %s log in a %s envelope is what the oracle says', async (format, envelope) => {
    const flags = { lines: 20_000, projects: 7, routes: 90, seed: 5, format, envelope }
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)])
    const { bytes, truth } = await makeWithTruth(`${format}-${envelope}`, args)
    expect(truth).toEqual(slowScan([bytes], { format, envelope }))
    expect(truth.lines.unattributed.no_route).toBeGreaterThan(5)
    expect(truth.lines.unattributed.no_project).toBeGreaterThan(2)
    expect(truth.lines.read - (truth.lines.ignored.stderr ?? 0)).toBe(20_000)
  })

  test('of a CRI log counts lines in parts once, and stderr lines between them', async () => {
    const args = ['--lines', '20000', '--envelope', 'cri']
    const { bytes, truth } = await makeWithTruth('parts', args)
    const tags = linesOf(bytes).map((line) => line.split(' ', 3).slice(1).join(' '))
    const count = (wanted: string) => tags.filter((tag) => tag === wanted).length
    expect(count('stdout F')).toBe(20_000)
    expect(count('stdout P')).toBeGreaterThan(40)
    expect(count('stderr F')).toBe(truth.lines.ignored.stderr)
    expect(tags.join()).toContain('stdout P,stderr F')
  })
})

describe('flags', () => {
  const problem = async (args: string[], env: NodeJS.ProcessEnv = {}) => {
    const io = { stdout: new Collector(), stderr: () => {}, env }
    const error = await generate(args, io).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(MeterFastError)
    expect((error as MeterFastError).code).toBe('METER_USAGE')
    expect(io.stdout.bytes).toHaveLength(0)
    return (error as MeterFastError).message
  }

  test.each([
    ['--lines', '-1'],
    ['--lines', '100000001'],
    ['--lines', '1e3'],
    ['--projects', '0'],
    ['--routes', '1000001'],
    ['--seed', '4294967296'],
    ['--per-second', '0'],
    ['--format', 'istio'],
    ['--envelope', 'docker'],
    ['--start', '2026-02-30T00:00:00Z'],
    ['--start', '1999-12-31T23:59:59Z'],
    ['--start', 'yesterday'],
  ])('%s %s is refused with the bounds', async (flag, text) => {
    expect(await problem([`${flag}=${text}`])).toContain(flag)
  })

  test('an unknown flag, and more projects than routes, are refused', async () => {
    expect(await problem(['--frobnicate', '1'])).toContain('--frobnicate')
    expect(await problem(['--projects', '9', '--routes', '8'])).toContain('--projects')
  })

  test('a log that would go on after 2099 is refused', async () => {
    const args = ['--start', '2099-12-31T23:59:00Z', '--per-second', '1', '--lines', '60']
    expect(await problem(args)).toContain('--per-second')
  })

  test('the environment gives what no flag gives, with the same bounds', async () => {
    const fromFlag = await make(['--lines', '5', '--per-second', '1'])
    const env = { METER_FAST_LINES: '5', METER_FAST_PER_SECOND: '1', METER_FAST_SEED: '9' }
    expect((await make(['--seed', '1'], env)).equals(fromFlag)).toBe(true)
    expect(await problem([], { METER_FAST_LINES: 'many' })).toContain('--lines')
  })
})

describe('output', () => {
  test('a reader that closes the pipe ends it quietly, and no truth is written', async () => {
    const truth = join(directory, 'closed.json')
    const stdout = new Writable({
      write: (_block, _encoding, done) =>
        done(Object.assign(new Error('EPIPE'), { code: 'EPIPE' })),
    })
    const said: string[] = []
    const io = { stdout, stderr: (text: string) => void said.push(text), env: {} }
    expect(await generate(['--truth', truth], io)).toBe(0)
    expect(await readFile(truth, 'utf8')).toBe('')
    expect(said.join('')).toContain(truth)
  })

  test('a full disk is METER_DISK', async () => {
    const stdout = new Writable({
      write: (_block, _encoding, done) =>
        done(Object.assign(new Error('no space left'), { code: 'ENOSPC' })),
    })
    const made = generate([], { stdout, stderr: () => {}, env: {} })
    await expect(made).rejects.toMatchObject({ code: 'METER_DISK' })
  })

  test('a truth file that cannot be made is METER_DISK before any line is written', async () => {
    const stdout = new Collector()
    const args = ['--truth', join(directory, 'missing', 'truth.json')]
    const made = generate(args, { stdout, stderr: () => {}, env: {} })
    await expect(made).rejects.toMatchObject({ code: 'METER_DISK' })
    expect(stdout.blocks).toHaveLength(0)
  })

  test('never more than one block waits for a slow reader', async () => {
    let waiting = 0
    let most = 0
    const stdout = new Writable({
      highWaterMark: 1,
      write: (_block, _encoding, done) => setImmediate(done),
    })
    const write = stdout.write.bind(stdout) as (...args: unknown[]) => boolean
    stdout.write = ((block: Buffer, done: (error?: Error | null) => void) => {
      most = Math.max(most, ++waiting)
      return write(block, (error?: Error | null) => {
        waiting -= 1
        done(error)
      })
    }) as typeof stdout.write
    await generate(['--lines', '5000'], { stdout, stderr: () => {}, env: {} })
    expect(most).toBe(1)
  })
})
