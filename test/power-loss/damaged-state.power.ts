// Files of a state that are cut short, foreign, missing or not to be written: `run` says what is
// wrong and what to do, exits with 74 and leaves everything as it is; or nothing is wrong, and the
// bill is right.

import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { open } from 'lmdb'
import { beforeAll, describe, expect, test } from 'vitest'
import { difference, SAME } from '../agent/bills.ts'
import { steadyLog } from '../agent/steady-log.ts'
import { at, meterFast, useCommand } from '../cli/command.ts'
import { Dice } from '../reference/dice.ts'
import { slowEvents } from '../reference/slow-events.ts'
import { PAGE_BYTES, pageKinds } from './picture.ts'

const START_MS = Date.UTC(2026, 10, 2, 12)
const ZEROS = '\0'.repeat(9_999)

useCommand()

let log: Buffer
/** What a run leaves that read the first part of the log. */
let state: Buffer
beforeAll(async () => {
  // The second part begins in a later window: the end of the first run closes none in the middle.
  const [early, late] = [0, 60_000].map((aheadMs) => {
    const startMs = START_MS + aheadMs
    return steadyLog(new Dice(1), { lines: 150, startMs, endMs: startMs + 20_000 })
  }) as [Buffer, Buffer]
  log = Buffer.concat([early, late])
  write('base/access.log', early)
  write('base/config.json', configText('base'))
  const { code, stderr } = await meterFast(['run', '--once', '-c', 'base/config.json'])
  expect(code, stderr).toBe(0)
  write('base/access.log', log)
  state = readFileSync(at('base/state/state.mdb'))
}, 120_000)

function write(name: string, bytes: string | Buffer): void {
  mkdirSync(dirname(at(name)), { recursive: true })
  writeFileSync(at(name), bytes)
}

function configText(place: string): string {
  const files = [at('base/access.log')]
  return JSON.stringify({
    streams: [{ files, source_id: 'n1', envelope: 'raw', format: 'datum' }],
    sink: { type: 'file', path: at(`${place}/usage.ndjson`) },
    state: { dir: at(`${place}/state`), reserve_bytes: 0 },
    window: '1s',
  })
}

let places = 0

/** Runs in a copy of the first run's directory, with `change` made to it. */
async function runIn(change: (path: (name: string) => string) => void, before: string[] = []) {
  places += 1
  const place = `place-${places}`
  const path = (name: string): string => at(`${place}/${name}`)
  cpSync(at('base'), path(''), { recursive: true })
  chmodSync(path('state'), 0o700)
  write(`${place}/config.json`, configText(place))
  const usageBefore = readFileSync(path('usage.ndjson'))
  change(path)
  const filesBefore = readdirSync(path('state')).sort()
  const { code, stderr } = await meterFast(['run', '--once', '-c', path('config.json')], { before })
  return {
    code,
    stderr,
    usage: readFileSync(path('usage.ndjson')),
    usageBefore,
    files: readdirSync(path('state')).sort(),
    filesBefore,
    path,
  }
}

const withState = (bytes: Buffer | string) => (path: (name: string) => string) => {
  writeFileSync(path('state/state.mdb'), bytes)
}

const cutTo = (bytes: () => number) => () => withState(state.subarray(0, bytes()))

function lastUsedByte(): number {
  const page = pageKinds(state).findLastIndex((kind) => kind !== 'free')
  return (page + 1) * PAGE_BYTES - 1
}

const zeroed =
  (...pages: number[]) =>
  () => {
    const file = Buffer.from(state)
    for (const page of pages) file.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
    return withState(file)
  }

/** A file that LMDB made with other options than ours. */
async function foreignLmdb(options: object): Promise<Buffer> {
  const path = at(`foreign-${Object.keys(options).join('-')}.mdb`)
  const database = open<string, string>({ path, noSubdir: true, ...options })
  await database.put('stream/x', 'y')
  await database.close()
  return readFileSync(path)
}

/** As a big-endian machine has it: every field the other way round. */
function otherEndian(): Buffer {
  return Buffer.from(state)
    .subarray(0, Math.floor(state.length / 8) * 8)
    .swap64()
}

describe('run is refused with 74, says what to do and changes nothing', () => {
  test.each<[string, () => (path: (name: string) => string) => void, RegExp]>([
    ['cut to 100 bytes', cutTo(() => 100), /does not begin as/],
    ['cut to a page', cutTo(() => PAGE_BYTES), /does not begin as/],
    ['cut to its first two pages', cutTo(() => 2 * PAGE_BYTES), /it ends before page \d+/],
    ['cut to a half', cutTo(() => Math.floor(state.length / 2)), /it ends before page \d+/],
    ['cut in the last page that it uses', cutTo(lastUsedByte), /it ends before page \d+/],
    ['with zeros in its first page', zeroed(0), /does not begin as/],
    ['with zeros in its second page', zeroed(1), /does not begin as/],
    ['with zeros in both of them', zeroed(0, 1), /does not begin as/],
    ['that is text', () => withState('this is no state at all\n'.repeat(999)), /begin as/],
    ['that is another database', () => withState(`SQLite format 3${ZEROS}`), /begin as/],
    ['of a big-endian machine', () => withState(otherEndian()), /does not begin as/],
  ])('a state %s', async (_what, change, message) => {
    const { code, stderr, usage, usageBefore, files, filesBefore } = await runIn(change())
    expect(stderr).toMatch(/METER_STATE_CORRUPT: state "[^"]*state\.mdb" is damaged: /)
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/Check the disk, keep a copy of the directory, move it away/)
    expect(code).toBe(74)
    expect(usage.equals(usageBefore)).toBe(true)
    expect(files).toEqual(filesBefore)
  })

  test.each([
    ['pages of 16 KiB', { pageSize: 16_384 }],
    ['overlapping syncs', { overlappingSync: true, pageSize: PAGE_BYTES }],
    ['named databases', { name: 'events', pageSize: PAGE_BYTES }],
  ])('an LMDB file with %s', async (_what, options) => {
    const { code, stderr } = await runIn(withState(await foreignLmdb(options)))
    expect(stderr).toMatch(/state\.mdb" is damaged: .*move it away|holds "stream\/x"/)
    expect(code).toBe(74)
  })

  test.each<[string, (path: (name: string) => string) => void, RegExp]>([
    [
      'that is a directory',
      (path) => {
        rmSync(path('state/state.mdb'))
        mkdirSync(path('state/state.mdb'))
      },
      /state\.mdb" cannot be read: EISDIR/,
    ],
    [
      'behind a link that leads nowhere',
      (path) => {
        rmSync(path('state/state.mdb'))
        symlinkSync(path('nowhere/at/all'), path('state/state.mdb'))
      },
      /state\.mdb" cannot be read: /,
    ],
  ])('a state %s', async (_what, change, message) => {
    const { code, stderr } = await runIn(change)
    expect(stderr).toMatch(message)
    expect(code).toBe(74)
  })

  test('a directory that may not be written', async () => {
    // Root may write everywhere, unless it gives that up.
    const before =
      process.getuid?.() === 0
        ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--']
        : []
    const { code, stderr, path } = await runIn((name) => {
      for (const file of readdirSync(name('state'))) chmodSync(name(join('state', file)), 0o400)
      chmodSync(name('state'), 0o500)
    }, before)
    chmodSync(path('state'), 0o700)
    expect(stderr).toMatch(/state" cannot be used: EACCES.*Check its path, its owner and the disk/)
    expect(code).toBe(74)
  })
})

describe('run goes on and delivers what the whole log says', () => {
  const oracle = () => {
    return slowEvents([log], { stream: 'file/n1/access.log', windowMs: 1000, envelope: 'raw' })
  }
  test.each<[string, (path: (name: string) => string) => void]>([
    ['as it is', () => undefined],
    ['that is missing', (path) => rmSync(path('state/state.mdb'))],
    ['that is empty, as a new one', (path) => writeFileSync(path('state/state.mdb'), '')],
    [
      'without its lock files',
      (path) => {
        rmSync(path('state/lock'))
        rmSync(path('state/state.mdb-lock'))
      },
    ],
    [
      'with garbage in its lock files',
      (path) => {
        writeFileSync(path('state/lock'), Buffer.alloc(5_000, 0xa5))
        writeFileSync(path('state/state.mdb-lock'), Buffer.alloc(20_000, 0xa5))
      },
    ],
    [
      'with empty lock files',
      (path) => {
        writeFileSync(path('state/lock'), '')
        writeFileSync(path('state/state.mdb-lock'), '')
      },
    ],
  ])('a state %s', async (_what, change) => {
    const { code, stderr, usage } = await runIn(change)
    expect(code, stderr).toBe(0)
    const texts = usage.toString().split('\n').slice(0, -1)
    expect(difference(texts, oracle())).toEqual(SAME)
  })
})
