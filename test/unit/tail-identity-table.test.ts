// Files that are not what they were: emptied, written anew, copied and truncated, gone. What is
// read then, and which gap records say what was not; whether the agent ran all the time, was
// stopped, or was killed. Nothing is ever read twice because of it.

import { copyFile, rename, truncate, unlink, utimes, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { append, at, directory, gzip, lines, move, Reader } from './tail-reader.ts'
import { inEveryWay, play, type Row } from './tail-scenario.ts'

const A = lines('a')
const start = { first: () => append('a.log', 'a1\n'), second: () => append('a.log', 'a2\n') }
const long = { first: () => append('a.log', A), second: () => append('a.log', 'a2\n') }

const REPLACED: readonly Row[] = [
  {
    name: 'written anew under the same inode',
    ...start,
    change: () => writeFile(at('a.log'), 'another file\n'),
    later: () => append('a.log', 'b2\n'),
    text: { killed: 'a1\n|another file\nb2\n', else: 'a1\na2\n|another file\nb2\n' },
    gaps: {
      up: ['truncated 0 a.log [6, ?) 0'],
      down: ['vanished 0 a.log [6, ?) 0'],
      else: ['vanished 0 a.log [3, ?) 0'],
    },
  },
  {
    name: 'deleted, and a new file at its name, most likely with its inode',
    ...start,
    change: async () => {
      await append('a.log', 'a3\n')
      await unlink(at('a.log'))
      await append('a.log', 'b1\n')
    },
    text: {
      up: 'a1\na2\na3\n|b1\n',
      down: 'a1\na2\n|b1\n',
      else: 'a1\n|b1\n',
    },
    gaps: {
      up: [],
      down: ['vanished 0 a.log [6, ?) 0'],
      else: ['vanished 0 a.log [3, ?) 0'],
    },
  },
  {
    name: 'the same first 1 KiB and other bytes before the position',
    ...long,
    change: () => writeFile(at('a.log'), `${A.slice(0, -400)}${'other\n'.repeat(100)}`),
    later: () => append('a.log', 'b2\n'),
    text: {
      killed: `${A}|${A.slice(0, -400)}${'other\n'.repeat(100)}b2\n`,
      else: `${A}a2\n|${A.slice(0, -400)}${'other\n'.repeat(100)}b2\n`,
    },
    gaps: {
      up: [`truncated 0 a.log [${A.length + 3}, ?) 0`],
      down: [`vanished 0 a.log [${A.length + 3}, ?) 0`],
      else: [`vanished 0 a.log [${A.length}, ?) 0`],
    },
  },
  {
    name: 'emptied and filled beyond the position between two looks',
    ...start,
    change: async () => {
      await truncate(at('a.log'))
      await append('a.log', lines('b'))
    },
    later: () => append('a.log', 'b2\n'),
    text: { killed: `a1\n|${lines('b')}b2\n`, else: `a1\na2\n|${lines('b')}b2\n` },
    gaps: {
      up: ['truncated 0 a.log [6, ?) 0'],
      down: ['vanished 0 a.log [6, ?) 0'],
      else: ['vanished 0 a.log [3, ?) 0'],
    },
  },
  {
    name: 'emptied, then the same content again: it was read before',
    ...long,
    change: () => truncate(at('a.log')),
    later: () => writeFile(at('a.log'), `${A}a2\na3\n`),
    text: { killed: `${A}|a2\na3\n`, else: `${A}a2\n|a3\n` },
    gaps: {
      up: [`truncated 0 a.log [${A.length + 3}, ?) 0`],
      down: [`vanished 0 a.log [${A.length + 3}, ?) 0`],
      else: [`vanished 0 a.log [${A.length}, ?) 0`],
    },
  },
  {
    name: 'moved away for a while, then back',
    ...long,
    change: async () => {
      await rename(at('a.log'), at('elsewhere'))
      await append('a.log', 'b1\n')
    },
    later: async () => {
      await append('elsewhere', 'a3\n')
      await rename(at('elsewhere'), at('a.log.1'))
      await move('a.log', 'a.log.0')
      await append('a.log', 'c1\n')
    },
    text: {
      up: `${A}a2\n|b1\n|c1\n`,
      down: `${A}a2\n|b1\n|a3\n|c1\n`,
      else: `${A}|b1\n|a2\na3\n|c1\n`,
    },
    gaps: {
      up: [`late 0 a.log.1 [${A.length + 3}, ${A.length + 6}) 3`],
      down: [`vanished 0 a.log [${A.length + 3}, ?) 0`],
      else: [`vanished 0 a.log [${A.length}, ?) 0`],
    },
  },
]

const COPYTRUNCATED: readonly Row[] = [
  {
    name: 'the copy is kept: what was not read of the old content is read there',
    ...long,
    change: async () => {
      await append('a.log', 'a3\n')
      await copyFile(at('a.log'), at('a.log.1'))
      await truncate(at('a.log'))
      await append('a.log', 'b1\n')
    },
    later: () => append('a.log', 'b2\n'),
    text: `${A}a2\na3\n|b1\nb2\n`,
    gaps: { up: [`truncated 0 a.log.1 [${A.length + 6}, ?) 0`], else: [] },
  },
  {
    name: 'the copy is compressed at once',
    ...long,
    change: async () => {
      await append('a.log', 'a3\n')
      await copyFile(at('a.log'), at('a.log.1'))
      await truncate(at('a.log'))
      await gzip('a.log.1')
      await append('a.log', 'b1\n')
    },
    text: `${A}a2\na3\n|b1\n`,
    gaps: { up: [`truncated 0 a.log.1.gz [${A.length + 3}, ?) 0`], else: [] },
  },
  {
    name: 'the copy was made before the last lines that were read',
    ...long,
    change: async () => {
      await writeFile(at('a.log.1'), A.slice(0, -30))
      await truncate(at('a.log'))
      await append('a.log', 'b1\n')
    },
    text: { up: `${A}a2\n|b1\n`, down: `${A}a2\n||b1\n`, else: `${A}||b1\n` },
    gaps: {
      up: [`truncated 0 a.log.1 [${A.length + 3}, ?) 0`],
      down: [`shrunk 0 a.log.1 [${A.length - 30}, ${A.length + 3}) 0`],
      else: [`shrunk 0 a.log.1 [${A.length - 30}, ${A.length}) 0`],
    },
  },
  {
    name: 'no copy is kept: what was not read is a gap',
    ...long,
    change: async () => {
      await append('a.log', 'a3\n')
      await truncate(at('a.log'))
      await append('a.log', 'b1\n')
    },
    text: { killed: `${A}|b1\n`, else: `${A}a2\n|b1\n` },
    gaps: {
      up: [`truncated 0 a.log [${A.length + 3}, ?) 0`],
      down: [`vanished 0 a.log [${A.length + 3}, ?) 0`],
      else: [`vanished 0 a.log [${A.length}, ?) 0`],
    },
  },
]

describe.each([
  ['a file that was replaced', REPLACED],
  ['copytruncate', COPYTRUNCATED],
])('%s', (_group, rows) => {
  test.each(inEveryWay(rows))('$name ($way)', ({ row, way }) => play(row, way))
})

test('a copy that was seen before the file was emptied has the rest', async () => {
  const reader = new Reader()
  await append('a.log', A)
  await reader.read()
  await append('a.log', 'a2\n')
  await copyFile(at('a.log'), at('a.log.1'))
  // Looks that read nothing, as while the spool is full.
  await reader.follower.refresh()
  await reader.follower.refresh()
  await truncate(at('a.log'))
  await append('a.log', 'b1\n')
  expect(await reader.read(6)).toBe(`${A}a2\n|b1\n`)
  expect(reader.gaps()).toEqual([`truncated 0 a.log [${A.length + 3}, ?) 0`])
})

test('emptied and filled to the very size that it had', async () => {
  const reader = new Reader()
  await append('a.log', 'a1\n')
  await reader.read()
  await writeFile(at('a.log'), 'b1\n')
  const later = new Date(Date.now() + 2_000)
  await utimes(at('a.log'), later, later)
  expect(await reader.read(6)).toBe('a1\n|b1\n')
  expect(reader.gaps()).toEqual(['truncated 0 a.log [3, ?) 0'])
})

test('a line that began and is another one now is read from its beginning', async () => {
  const reader = new Reader()
  await append('a.log', 'began')
  await reader.read()
  await writeFile(at('a.log'), 'another line\n')
  expect(await reader.read(6)).toBe('began|another line\n')
  expect(reader.gaps()).toEqual([])
})

test('what was seen, not read, and then emptied is counted', async () => {
  const reader = new Reader()
  await append('a.log', A)
  await reader.follower.refresh()
  await truncate(at('a.log'))
  await append('a.log', 'b1\n')
  expect(await reader.read(6)).toBe('b1\n')
  expect(reader.gaps()).toEqual([`truncated 0 a.log [0, ?) ${A.length}`])
})

test('a directory that is moved away and back is the same directory', async () => {
  let reader = new Reader()
  await append('a.log.1', A)
  await append('a.log', 'b1\n')
  await reader.read()
  for (const way of ['up', 'down']) {
    const before = way === 'down' ? await reader.stop() : undefined
    await rename(directory, `${directory}.away`)
    if (before !== undefined) reader = new Reader(undefined, before)
    await reader.read(8)
    await rename(`${directory}.away`, directory)
    await append('a.log', `${way}\n`)
    await reader.read(8)
    expect(reader.follower.ended).toBe(false)
    expect(reader.gaps()).toEqual([])
  }
  expect(reader.text).toBe('down\n')
})
