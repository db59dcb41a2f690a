// Files that lost their end: cut while they were open or closed, or with the power, because writers
// of logs do not sync and our state does. Reading goes on where new bytes are, what was billed is
// never read again, and a gap record says what is not in the file any more.

import { copyFile, rename, truncate, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { append, at, gzip, lines, move, Reader } from './tail-reader.ts'
import { inEveryWay, play, type Row } from './tail-scenario.ts'

const A = lines('a')
const start = { first: () => append('a.log', 'a1\n'), second: () => append('a.log', 'a2\n') }
const long = { first: () => append('a.log', A), second: () => append('a.log', 'a2\n') }
/** Bytes of `lines` up to the line `count`. */
const upTo = (count: number): number => lines('a', count).length

const CUT: readonly Row[] = [
  {
    name: 'cut below the position: goes on at the end of the file',
    ...long,
    change: () => truncate(at('a.log'), upTo(80)),
    later: () => append('a.log', 'a3\n'),
    text: { killed: `${A}|a3\n`, else: `${A}a2\n|a3\n` },
    gaps: {
      killed: [`shrunk 0 a.log [${upTo(80)}, ${A.length}) 0`],
      else: [`shrunk 0 a.log [${upTo(80)}, ${A.length + 3}) 0`],
    },
  },
  {
    name: 'a small file, cut below the position while it is open',
    ways: ['up'],
    ...start,
    change: () => truncate(at('a.log'), 3),
    later: () => append('a.log', 'a3\n'),
    text: 'a1\na2\n|a3\n',
    gaps: ['shrunk 0 a.log [3, 6) 0'],
  },
]

const POWER_LOST: readonly Row[] = [
  {
    name: 'shorter than the position',
    reboots: true,
    ...long,
    change: () => truncate(at('a.log'), upTo(80)),
    later: () => append('a.log', 'fresh\n'),
    text: { killed: `${A}|fresh\n`, else: `${A}a2\n|fresh\n` },
    gaps: {
      killed: [`shrunk 0 a.log [${upTo(80)}, ${A.length}) 0 after a boot`],
      else: [`shrunk 0 a.log [${upTo(80)}, ${A.length + 3}) 0 after a boot`],
    },
  },
  {
    name: 'cut in the middle of a line, which the next one then follows',
    reboots: true,
    ...long,
    change: () => truncate(at('a.log'), upTo(80) - 5),
    later: () => append('a.log', 'fresh\n'),
    text: { killed: `${A}|fresh\n`, else: `${A}a2\n|fresh\n` },
    gaps: {
      killed: [`shrunk 0 a.log [${upTo(80) - 5}, ${A.length}) 0 after a boot`],
      else: [`shrunk 0 a.log [${upTo(80) - 5}, ${A.length + 3}) 0 after a boot`],
    },
  },
  {
    name: 'shorter than its own proof: its first line tells',
    reboots: true,
    first: () => append('a.log', 'a1\na2\na3\n'),
    second: () => append('a.log', 'a4\n'),
    change: () => truncate(at('a.log'), 5),
    later: () => append('a.log', 'fresh\n'),
    text: { killed: 'a1\na2\na3\n|fresh\n', else: 'a1\na2\na3\na4\n|fresh\n' },
    gaps: {
      killed: ['shrunk 0 a.log [5, 9) 0 after a boot'],
      else: ['shrunk 0 a.log [5, 12) 0 after a boot'],
    },
  },
  {
    name: 'not even its first line is left: what is there is new',
    reboots: true,
    ...start,
    change: async () => {
      await truncate(at('a.log'), 1)
      await append('a.log', '?\nfresh\n')
    },
    text: { killed: 'a1\n|a?\nfresh\n', else: 'a1\na2\n|a?\nfresh\n' },
    gaps: {
      killed: ['vanished 0 a.log [3, ?) 0 after a boot'],
      else: ['vanished 0 a.log [6, ?) 0 after a boot'],
    },
  },
  {
    name: 'shorter, and its inode is another one by now',
    reboots: true,
    ...long,
    change: async () => {
      await truncate(at('a.log'), upTo(80))
      await copyFile(at('a.log'), at('restored'))
      await rename(at('restored'), at('a.log'))
    },
    later: () => append('a.log', 'fresh\n'),
    text: { killed: `${A}|fresh\n`, else: `${A}a2\n|fresh\n` },
    gaps: {
      killed: [`shrunk 0 a.log [${upTo(80)}, ${A.length}) 0 after a boot`],
      else: [`shrunk 0 a.log [${upTo(80)}, ${A.length + 3}) 0 after a boot`],
    },
  },
  {
    name: 'cut, then grown past the position: goes on at the next line',
    reboots: true,
    ...long,
    change: async () => {
      await truncate(at('a.log'), upTo(80))
      await append('a.log', `${lines('b', 50)}`)
    },
    later: () => append('a.log', 'fresh\n'),
    text: {
      killed: `${A}|${lineStartsFrom(upTo(80), lines('b', 50), A.length)}fresh\n`,
      else: `${A}a2\n|${lineStartsFrom(upTo(80), lines('b', 50), A.length + 3)}fresh\n`,
    },
    gaps: {
      killed: [regrown(lines('b', 50), A.length)],
      else: [regrown(lines('b', 50), A.length + 3)],
    },
  },
  {
    name: 'a small file that was cut and has grown past its proof and its position',
    reboots: true,
    first: () => append('a.log', 'a1\na2\na3\n'),
    change: async () => {
      await truncate(at('a.log'), 6)
      await append('a.log', 'bbbbbbbb1\nb2\n')
    },
    text: 'a1\na2\na3\n|b2\n',
    gaps: ['shrunk 0 a.log [6, 16) 7 after a boot'],
  },
  {
    name: 'cut, grown past the position, rotated and compressed',
    reboots: true,
    ...long,
    change: async () => {
      await truncate(at('a.log'), upTo(80))
      await append('a.log', `${lines('b', 50)}`)
      await move('a.log', 'a.log.1')
      await gzip('a.log.1')
      await append('a.log', 'c1\n')
    },
    text: {
      killed: `${A}|${lineStartsFrom(upTo(80), lines('b', 50), A.length)}|c1\n`,
      else: `${A}a2\n|${lineStartsFrom(upTo(80), lines('b', 50), A.length + 3)}|c1\n`,
    },
    gaps: {
      killed: [regrown(lines('b', 50), A.length, 'a.log.1.gz')],
      else: [regrown(lines('b', 50), A.length + 3, 'a.log.1.gz')],
    },
  },
  {
    name: 'zeros where its end was',
    reboots: true,
    ...long,
    change: async () => {
      await truncate(at('a.log'), upTo(80))
      await truncate(at('a.log'), A.length + 100)
      await append('a.log', 'glued to the zeros\nb2\n')
    },
    text: { killed: `${A}|b2\n`, else: `${A}a2\n|b2\n` },
    gaps: {
      killed: [`shrunk 0 a.log [${proofBytes()}, ${A.length + 119}) 119 after a boot`],
      else: [`shrunk 0 a.log [${proofBytes()}, ${A.length + 119}) 116 after a boot`],
    },
  },
  {
    name: 'untouched: goes on as if nothing had happened',
    reboots: true,
    ...long,
    change: () => append('a.log', 'a3\n'),
    text: `${A}a2\na3\n`,
  },
]

/** Of `content` that begins at `offset`, the lines that do not begin before `from`. */
function lineStartsFrom(offset: number, content: string, from: number): string {
  return content.slice(content.indexOf('\n', from - 1 - offset) + 1)
}

function proofBytes(): number {
  return A.lastIndexOf('\n', 1023) + 1
}

function regrown(content: string, position: number, name = 'a.log'): string {
  const end = upTo(80) + content.length - lineStartsFrom(upTo(80), content, position).length
  return `shrunk 0 ${name} [${proofBytes()}, ${end}) ${end - position} after a boot`
}

describe.each([
  ['a file that was cut', CUT],
  ['a file after the power failed', POWER_LOST],
])('%s', (_group, rows) => {
  test.each(inEveryWay(rows))('$name ($way)', ({ row, way }) => play(row, way))
})

test('a state that knows no boot goes on as if the machine had not been started anew', async () => {
  const first = new Reader(undefined, [], 'boot 1')
  await append('a.log', A)
  await first.read()
  const records = (await first.stop()).map(({ boot, born, lines: _, ...old }) => old)
  await writeFile(at('a.log'), `${A.slice(0, -400)}${'other\n'.repeat(100)}`)
  const second = new Reader(undefined, records, 'boot 2')
  expect(await second.read(6)).toBe(`|${A.slice(0, -400)}${'other\n'.repeat(100)}`)
  expect(second.gaps()).toEqual([`vanished 0 a.log [${A.length}, ?) 0`])
})

test('what was seen, not read, and then cut off is counted', async () => {
  const reader = new Reader()
  await append('a.log', A)
  await reader.follower.refresh()
  expect(reader.follower.current()).toMatchObject({ offset: 0, unread: true })
  await truncate(at('a.log'), upTo(80))
  expect(await reader.read()).toBe(lines('a', 80))
  expect(reader.gaps()).toEqual([
    `shrunk 0 a.log [${upTo(80)}, ${A.length}) ${A.length - upTo(80)}`,
  ])
})
