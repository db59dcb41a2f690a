// Every `sh` block of the documents runs as it stands, one after another, in a directory that has
// what the document says: with `meter-fast` in PATH, and nothing of this machine's METER_FAST_*.
// Blocks of other languages (`console`) need a cluster, and are not run.

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { line } from './agent/bills.ts'
import { build, MAIN } from './cli/build.ts'

const ROOT = dirname(import.meta.dirname)
const START_MS = Date.UTC(2026, 10, 2, 12)
const MINUTE_MS = 60_000

let bin = ''
let directory = ''
beforeAll(async () => {
  await build()
  bin = mkdtempSync(join(tmpdir(), 'meter-fast-bin-'))
  writeFileSync(join(bin, 'meter-fast'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`)
  chmodSync(join(bin, 'meter-fast'), 0o755)
})
afterAll(() => rmSync(bin, { recursive: true }))

function blocksOf(path: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')
  return [...readFileSync(join(ROOT, path), 'utf8').matchAll(fence)].map(([, text = '']) => text)
}

/** Runs one block in the directory; its standard output. @throws with what it said on stderr */
function run(block: string): string {
  const env = { PATH: `${bin}:${process.env['PATH']}`, METER_FAST_STATE: 'state' }
  const options = { cwd: directory, env, encoding: 'utf8', stdio: 'pipe' } as const
  return execFileSync('sh', ['-euc', block], options)
}

/** A node that has metered: usage of two projects, some of nobody, a bad line, an archive. */
function prepareNode(): void {
  mkdirSync(join(directory, 'logs'))
  const unowned = { project: null, route: 'httproute/ns-b/api/rule/0', sent: 7 }
  const log = [
    line(START_MS, { sent: 100 }),
    line(START_MS, unowned),
    '{"project_name":"p-a","bytes_sent":-1}\n',
    line(START_MS + MINUTE_MS, { project: 'p-b', sent: 1 }),
    line(START_MS + 2 * MINUTE_MS, { sent: 3 }),
  ].join('')
  writeFileSync(join(directory, 'logs/access.log'), log)
  const config = {
    streams: [{ files: ['logs/access.log'], source_id: 'node-1', format: 'datum' }],
    state: { dir: 'state' },
    sink: { type: 'file', path: 'usage.ndjson' },
  }
  writeFileSync(join(directory, 'meter-fast.yaml'), JSON.stringify(config))
  run('meter-fast run -c meter-fast.yaml --once 2>&1')
  cpSync(join(directory, 'logs'), join(directory, 'archive'), { recursive: true })
}

/** For each document what is there before its commands, and what some of them must print. */
const DOCUMENTS: readonly {
  readonly path: string
  readonly prepare: () => void
  readonly prints: readonly (readonly [command: string, output: RegExp])[]
}[] = [
  {
    path: 'docs/operations.md',
    prepare: prepareNode,
    prints: [
      ['check', /^meter-fast\.yaml: ok/m],
      ['cp -a "$METER_FAST_STATE" state-before-upgrade', /5 read = 3 metered/],
      ['--unattributed  ', /"reason":"no_project".*ns-b\/api/],
      ['--unattributed --namespaces', /"replay":"unattributed","pieces":1,"requests":1/],
      ['--accepted', /"replay":"accepted","events":[1-9]/],
      ['verify', /^no difference$/m],
      ['explain', /^p-a at 2026-11-02T12:00:00/m],
      ["grep '^spool'", /^spool +\d+ events wait/],
      ['release', /^0$/m],
    ],
  },
]

describe.each(DOCUMENTS)('$path', ({ path, prepare, prints }) => {
  const blocks = blocksOf(path, 'sh')

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'meter-fast-docs-'))
    prepare()
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  test('its commands work, in their order', () => {
    const seen = blocks.map((block) => [block, run(block)] as const)
    for (const [command, output] of prints) {
      const printed = seen.filter(([block]) => block.includes(command)).map(([, text]) => text)
      expect(printed, `${command} is in one block`).toHaveLength(1)
      expect(printed[0], command).toMatch(output)
    }
  })

  test('every command that is named exists, and every script', () => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const help = run('meter-fast --help')
    for (const [, name = ''] of text.matchAll(/meter-fast ([a-z]+)\b(?=[ `\n])/g)) {
      if (existsSync(join(ROOT, `src/cli/${name}.ts`))) expect(help).toContain(`  ${name} `)
    }
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    for (const [, name = ''] of text.matchAll(/npm run ([a-z0-9:-]+)/g)) {
      expect(Object.keys(scripts)).toContain(name)
    }
  })

  test('every link leads to a file or to a heading of it', () => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    )
    for (const [, target = ''] of text.matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith('#')) expect(anchors).toContain(target.slice(1))
      else expect(existsSync(join(ROOT, dirname(path), target)), target).toBe(true)
    }
  })
})

test('how long logs last is what the formula of docs/operations.md gives, and kubelet does', () => {
  const text = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
  const rows = [...text.matchAll(/^\| ([\d,]+) \| [\d.]+ [kM]B \| (.*) \|$/gm)]
  const settings = [
    [10, 5],
    [100, 5],
    [1024, 10],
    [4096, 10],
  ] as const
  expect(rows).toHaveLength(4)
  for (const [, rate = '', cells = ''] of rows) {
    const bytesPerSecond = 436 * Number(rate.replaceAll(',', ''))
    const spans = settings.map(([mebibytes, files]) => {
      const looks = Math.ceil((mebibytes * 1024 * 1024) / bytesPerSecond / 10)
      const seconds = (files - 1) * 10 * looks
      expect(shortestLife(bytesPerSecond, mebibytes * 1024 * 1024, files)).toBe(seconds)
      return spanText(seconds)
    })
    expect(cells.split(' | ')).toEqual(spans)
  }
})

/**
 * A kubelet, second by second: every 10 s it looks at the live file, and when that is large enough
 * deletes old files until `filesMax - 2` rotated ones are left, then renames it. Gives the shortest
 * time between the last byte of a file and its deletion.
 */
function shortestLife(bytesPerSecond: number, sizeMax: number, filesMax: number): number {
  const rotatedAt: number[] = []
  let live = 0
  let shortest = Number.POSITIVE_INFINITY
  for (let second = 10, deleted = 0; deleted < 20; second += 10) {
    live += 10 * bytesPerSecond
    if (live < sizeMax) continue
    for (; rotatedAt.length > filesMax - 2; deleted += 1) {
      shortest = Math.min(shortest, second - (rotatedAt.shift() ?? 0))
    }
    rotatedAt.push(second)
    live = 0
  }
  return shortest
}

/** Rounded down: who plans with it has at least that. */
function spanText(seconds: number): string {
  if (seconds < 600) return `${seconds} s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`
  return `${(Math.floor(seconds / 360) / 10).toFixed(1)} h`
}
