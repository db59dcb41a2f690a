// What rotation does to files, whether the agent ran all the time, was stopped, or was killed:
// every byte is read once and in order, and nothing is missing.

import { copyFile, link, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { append, at, directory, gzip, lines, move, Reader } from './tail-reader.ts'
import { inEveryWay, play, type Row } from './tail-scenario.ts'

const start = { first: () => append('a.log', 'a1\n'), second: () => append('a.log', 'a2\n') }
const long = { first: () => append('a.log', lines('a')), second: () => append('a.log', 'a2\n') }

const ROTATED: readonly Row[] = [
  {
    name: 'renamed to a date, as the kubelet and dateext do',
    ...start,
    change: () => move('a.log', 'a.log.20260101-000000'),
    later: () => append('a.log', 'b1\n'),
    text: 'a1\na2\n|b1\n',
  },
  {
    name: 'renamed to a number, written on there until the writer reopens',
    ...start,
    change: async () => {
      await move('a.log', 'a.log.1')
      await append('a.log.1', 'a3\n')
    },
    later: async () => {
      await append('a.log.1', 'a4\n')
      await append('a.log', 'b1\n')
    },
    text: 'a1\na2\na3\na4\n|b1\n',
  },
  {
    name: 'rotated three times, with lines that nobody saw in each',
    ...start,
    change: async () => {
      await append('a.log', 'a3\n')
      await move('a.log', 'a.log.3')
      await append('a.log.2', 'b1\n')
      await append('a.log.1', 'c1\n')
      await append('a.log', 'd1\n')
    },
    text: 'a1\na2\na3\n|b1\n|c1\n|d1\n',
  },
  {
    name: 'rotated several times, the older files are compressed by then',
    ...long,
    change: async () => {
      await append('a.log', 'a3\n')
      await move('a.log', 'a.log.3')
      await gzip('a.log.3')
      await append('a.log.2', 'b1\n')
      await gzip('a.log.2')
      await append('a.log.1', 'c1\n')
      await append('a.log', 'd1\n')
    },
    text: `${lines('a')}a2\na3\n|b1\n|c1\n|d1\n`,
  },
  {
    name: 'renamed back, because the writer could not reopen',
    ...start,
    change: async () => {
      await move('a.log', 'a.log.20260101-000000')
      await append('a.log.20260101-000000', 'a3\n')
      await move('a.log.20260101-000000', 'a.log')
    },
    later: () => append('a.log', 'a4\n'),
    text: 'a1\na2\na3\na4\n',
  },
  {
    name: 'renamed back over the new file of a rotation that failed',
    ...start,
    change: async () => {
      await move('a.log', 'a.log.1')
      await append('a.log', '')
      await move('a.log.1', 'a.log')
    },
    later: () => append('a.log', 'a3\n'),
    text: 'a1\na2\na3\n',
  },
  {
    name: 'the same first lines in the old and in the new file',
    first: () => append('a.log', 'same\n'),
    second: () => append('a.log', 'a2\n'),
    change: async () => {
      await move('a.log', 'a.log.1')
      await append('a.log', 'same\n')
    },
    later: () => append('a.log', 'same\nb2\n'),
    text: 'same\na2\n|same\nsame\nb2\n',
  },
  {
    name: 'two files that begin with the same 1 KiB, one of which nobody saw',
    ...long,
    change: async () => {
      await move('a.log', 'a.log.2')
      await append('a.log.1', `${lines('a')}b1\n`)
      await append('a.log', 'c1\n')
    },
    text: `${lines('a')}a2\n|${lines('a')}b1\n|c1\n`,
  },
  {
    name: 'a hard link to the file, at a rotated name',
    ...start,
    change: () => link(at('a.log'), at('a.log.1')),
    later: () => append('a.log', 'a3\n'),
    text: 'a1\na2\na3\n',
  },
  {
    name: 'rotated by a link and an unlink',
    ...start,
    change: async () => {
      await link(at('a.log'), at('a.log.1'))
      await unlink(at('a.log'))
      await append('a.log', 'b1\n')
    },
    text: 'a1\na2\n|b1\n',
  },
  {
    name: '.tmp files, FIFOs, links and directories beside it',
    ...start,
    change: async () => {
      await append('a.log.1.tmp', 'half a copy\n')
      await append('elsewhere', 'secret\n')
      await symlink(at('elsewhere'), at('a.log.2'))
    },
    later: () => append('a.log', 'a3\n'),
    text: 'a1\na2\na3\n',
    problems: ['symlink'],
  },
]

const COMPRESSED: readonly Row[] = [
  {
    name: 'compressed while unread: by way of .tmp, as the kubelet does',
    ...long,
    change: async () => {
      await append('a.log', 'a3\n')
      await move('a.log', 'a.log.1')
      await append('a.log', 'b1\n')
      await gzip('a.log.1', 'a.log.1.tmp')
      await move('a.log.1.tmp', 'a.log.1.gz')
    },
    later: () => append('a.log', 'b2\n'),
    text: `${lines('a')}a2\na3\n|b1\nb2\n`,
  },
  {
    name: 'its .gz beside it, before it goes',
    ...long,
    change: async () => {
      await append('a.log', 'a3\n')
      await move('a.log', 'a.log.1')
      await copyFile(at('a.log.1'), at('kept'))
      await gzip('a.log.1')
      await copyFile(at('kept'), at('a.log.1'))
      await append('a.log', 'b1\n')
    },
    later: () => unlink(at('a.log.1')),
    text: `${lines('a')}a2\na3\n|b1\n`,
  },
  {
    name: 'compressed under another name after it was renamed',
    ...long,
    change: async () => {
      await append('a.log', 'a3\n')
      await move('a.log', 'a.log.1')
      await gzip('a.log.1', 'a.log-20260101.gz')
      await append('a.log', 'b1\n')
    },
    text: `${lines('a')}a2\na3\n|b1\n`,
  },
  {
    name: 'a copy of a rotated file that somebody keeps is no second file',
    ...long,
    change: async () => {
      await move('a.log', 'a.log.1')
      await append('a.log', 'b1\n')
    },
    later: async () => {
      await copyFile(at('a.log.1'), at('a.log.1.kept'))
      await copyFile(at('a.log.1'), at('kept'))
      await gzip('kept', 'a.log.kept.gz')
    },
    text: `${lines('a')}a2\n|b1\n`,
  },
  {
    name: 'a copy of the live file that somebody keeps is no second file',
    ...long,
    change: () => copyFile(at('a.log'), at('a.log.kept')),
    later: async () => {
      await append('a.log', 'a3\n')
      await move('a.log', 'a.log.1')
      await append('a.log', 'b1\n')
    },
    text: `${lines('a')}a2\na3\n|b1\n`,
  },
  {
    name: 'a copy of a short live file, as copytruncate begins',
    ...start,
    change: () => copyFile(at('a.log'), at('a.log.kept')),
    later: async () => {
      await append('a.log', 'a3\n')
      await move('a.log', 'a.log.1')
      await append('a.log', 'b1\n')
    },
    text: 'a1\na2\na3\n|b1\n',
  },
  {
    name: 'copied with its directory: a part of it that somebody kept is no second file',
    ...long,
    change: async () => {
      await append('a.log', 'a3\n')
      await copyFile(at('a.log'), at('a.log.2'))
      await unlink(at('a.log'))
      await writeFile(at('a.log.3'), lines('a', 80))
      await append('a.log', 'b1\n')
    },
    text: `${lines('a')}a2\na3\n|b1\n`,
  },
  {
    name: 'a copy that is not whole yet is no second file either',
    ...long,
    change: async () => {
      await move('a.log', 'a.log.1')
      await append('a.log', 'b1\n')
      await append('a.log.1.kept', lines('a').slice(0, 1100))
    },
    later: () => append('a.log.1.kept', lines('a').slice(1100)),
    text: `${lines('a')}a2\n|b1\n`,
  },
]

const ENDED: readonly Row[] = [
  {
    name: 'its container starts again while it is unread',
    attempt: 0,
    first: () => append('0.log', 'a1\n'),
    second: () => append('0.log', 'a2\n'),
    change: async () => {
      await append('0.log', 'a3\n')
      await append('1.log', 'b1\n')
    },
    text: 'a1\na2\na3\n|',
  },
  {
    name: 'its container starts again and its rotated files are compressed',
    attempt: 0,
    first: () => append('0.log', lines('a')),
    second: () => append('0.log', 'a2\n'),
    change: async () => {
      await append('0.log', 'a3\n')
      await move('0.log', '0.log.20260101-000000')
      await gzip('0.log.20260101-000000')
      await append('0.log', 'b1\n')
      await append('1.log', 'c1\n')
    },
    text: `${lines('a')}a2\na3\n|b1\n|`,
  },
  {
    name: 'its pod is deleted',
    attempt: 0,
    first: () => append('0.log', 'a1\n'),
    second: () => append('0.log', 'a2\n'),
    change: async () => {
      await append('0.log', 'a3\n')
      await rm(directory, { recursive: true })
    },
    text: { up: 'a1\na2\na3\n|', down: 'a1\na2\n|', else: 'a1\n|' },
    gaps: {
      up: [],
      down: ['vanished 0 0.log [6, ?) 0'],
      else: ['vanished 0 0.log [3, ?) 0'],
    },
  },
]

describe.each([
  ['a rotated file', ROTATED],
  ['a compressed or copied file', COMPRESSED],
  ['a stream that ends', ENDED],
])('%s', (_group, rows) => {
  test.each(inEveryWay(rows))('$name ($way)', ({ row, way }) => play(row, way))
})

test('an unlinked inode that is given to the next file does not pass on its position', async () => {
  let reader = new Reader()
  let expected = ''
  for (let round = 0; round < 5; round += 1) {
    await append('a.log', `${round} same length\n`)
    expected += round === 0 ? '' : '|'
    expected += `${round} same length\n`
    await reader.read()
    const [text, records] = [reader.text, await reader.stop()]
    expect(text).toBe(round === 0 ? expected : `|${round} same length\n`)
    await unlink(at('a.log'))
    reader = new Reader(undefined, records)
  }
})

test('a file of a rotation that is renamed into place from elsewhere is a new one', async () => {
  const reader = new Reader()
  await append('a.log', 'a1\n')
  await reader.read()
  await writeFile(at('prepared'), 'b1\n')
  await move('a.log', 'a.log.1')
  await rename(at('prepared'), at('a.log'))
  expect(await reader.read()).toBe('a1\n|b1\n')
})
