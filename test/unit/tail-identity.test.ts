// Generation identity as a table: facts in, verdict out. No files.

import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Candidate, identify, type KnownGeneration } from '../../src/tail/identity.ts'
import { guardOf, proofOf } from '../../src/tail/proof.ts'

const FIRST = 'first line of a file\n'
const MORE = Array.from({ length: 60 }, (_, i) => `another line, ${i}, of the same file\n`)
const LONG = `${FIRST}${MORE.join('')}`

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** A generation that had `content` and was read up to `offset`. */
function known(content: string, more: Partial<KnownGeneration> = {}): KnownGeneration {
  const proof = proofOf(Buffer.from(content))
  const offset = more.offset ?? content.length
  return {
    generation: 0,
    name: 'a.log',
    dev: '1',
    inode: '10',
    proof: proof?.hash ?? '',
    proofBytes: proof?.bytes ?? 0,
    lines: proof?.lines ?? [],
    guard: guardOf(Buffer.from(content.slice(Math.max(0, offset - 256), offset))),
    offset,
    finished: false,
    held: false,
    compressed: false,
    live: false,
    unlinked: false,
    readOffset: offset,
    guardOffset: offset,
    bootChanged: false,
    fresh: false,
    ...more,
  }
}

/** A file that has `content`; its guards are observed at every offset. */
function file(content: string, more: Partial<Candidate> = {}): Candidate {
  const guards = new Map<number, string>()
  for (let offset = 0; offset <= content.length; offset += 1) {
    guards.set(offset, guardOf(Buffer.from(content.slice(Math.max(0, offset - 256), offset))))
  }
  const head = Buffer.from(content.slice(0, 1024))
  const size = content.length
  const name = 'a.log.1'
  const twins = new Map()
  return { name, dev: '1', inode: '99', born: '7', size, live: false, head, guards, twins, ...more }
}

const gz = { size: undefined, name: 'a.log.1.gz' }

describe('proof', () => {
  test.each([
    ['no bytes', '', undefined],
    ['a torn first line', 'torn', undefined],
    ['complete lines only', 'one\ntwo\nto', 'one\ntwo\n'],
    ['lines up to 1 KiB', LONG, LONG.slice(0, LONG.lastIndexOf('\n', 1023) + 1)],
    ['the first 1 KiB of a longer line', 'x'.repeat(3000), 'x'.repeat(1024)],
    ['a line that ends just beyond 1 KiB', `${'x'.repeat(1024)}\n`, 'x'.repeat(1024)],
    ['a line that ends with 1 KiB', `${'x'.repeat(1023)}\ny\n`, `${'x'.repeat(1023)}\n`],
  ])('covers %s', (_, content, covered) => {
    const expected =
      covered === undefined ? undefined : { hash: sha256(covered), bytes: covered.length }
    const proof = proofOf(Buffer.from(content))
    expect(proof && { hash: proof.hash, bytes: proof.bytes }).toEqual(expected)
  })

  test('a finished file has no line to wait for', () => {
    const expected = { hash: sha256('torn'), bytes: 4, lines: [], repeats: false, isWhole: true }
    expect(proofOf(Buffer.from('torn'), true)).toEqual(expected)
  })
})

describe('a generation from a commit is looked for', () => {
  const short = known(FIRST)
  const long = known(LONG, { offset: 900 })
  const goesOn = { kind: 'continue', generation: 0 }
  const tornProof = { proof: sha256('torn'), proofBytes: 4 }
  const torn = known('torn', { ...tornProof, finished: true, born: '6' })
  test.each<[string, KnownGeneration, Candidate, object]>([
    ['same content, other name and inode', long, file(LONG), goesOn],
    ['a short proof and a file that grew', short, file(LONG), goesOn],
    ['same inode, other content', short, file('other\n', { inode: '10' }), { kind: 'new' }],
    [
      'same first line, then other content',
      known(`${FIRST}a\nb\n`),
      file(`${FIRST}x\ny\nz\n`),
      { kind: 'new' },
    ],
    [
      'same proof, other guard',
      long,
      file(`${LONG.slice(0, 850)}${'?'.repeat(900)}`.slice(0, 1800)),
      { kind: 'new' },
    ],
    [
      'shorter than the position, same inode',
      known(LONG),
      file(LONG.slice(0, 1500), { inode: '10' }),
      { kind: 'shrunk', generation: 0 },
    ],
    [
      'shorter than the position, other inode',
      known(LONG),
      file(LONG.slice(0, 1500)),
      { kind: 'shrunk', generation: 0 },
    ],
    ['emptied', short, file('', { inode: '10' }), { kind: 'new' }],
    ['emptied, at the live name', short, file('', { inode: '10', live: true }), { kind: 'new' }],
    ['its .gz', long, file(LONG, gz), goesOn],
    [
      'its .gz when it is finished, without a guard',
      known(LONG, { finished: true }),
      file(LONG, { ...gz, guards: new Map() }),
      goesOn,
    ],
    [
      'a .gz that ends before the position',
      long,
      file(LONG, { ...gz, guards: new Map() }),
      { kind: 'shrunk', generation: 0 },
    ],
    [
      'a .gz with another guard',
      long,
      file(LONG, { ...gz, guards: new Map([[900, 'x']]) }),
      { kind: 'new' },
    ],
    [
      'nothing was proven, same inode',
      known('torn', { offset: 0 }),
      file(LONG, { inode: '10' }),
      goesOn,
    ],
    [
      'nothing was proven, same inode, but a .gz',
      known('torn', { offset: 0 }),
      file(LONG, { ...gz, inode: '10' }),
      { kind: 'new' },
    ],
    [
      'nothing was proven, and the inode was given to another file',
      known('torn', { offset: 0, born: '6' }),
      file(LONG, { inode: '10' }),
      { kind: 'new' },
    ],
    [
      'nothing was proven, and it was lost: its file is another one now',
      known('torn', { offset: 0, lost: true }),
      file(LONG, { inode: '10' }),
      { kind: 'new' },
    ],
    ['nothing was proven, other inode', known('torn', { offset: 0 }), file(LONG), { kind: 'new' }],
    ['it ended within its first line, and its copy is found', torn, file('torn'), goesOn],
    [
      'it ended within its first line, and a file begins alike',
      torn,
      file(`torn${LONG}`, { inode: '10' }),
      { kind: 'new' },
    ],
    [
      'finished while empty, same inode, now with content',
      known('', { finished: true }),
      file(LONG, { inode: '10' }),
      { kind: 'new' },
    ],
  ])('%s', (_, record, candidate, verdict) => {
    expect(identify([record], candidate)).toEqual(verdict)
  })

  test('content wins over the inode of a generation that nothing is known of', () => {
    const both = [known('', { inode: '11' }), known(FIRST, { generation: 1, inode: '12' })]
    expect(identify(both, file(FIRST, { inode: '11' }))).toEqual({
      kind: 'continue',
      generation: 1,
    })
  })

  test('of equal ones, the same inode wins over the order', () => {
    const twins = [known(FIRST), known(FIRST, { generation: 1, inode: '11' })]
    expect(identify(twins, file(FIRST, { inode: '11' }))).toEqual({
      kind: 'continue',
      generation: 1,
    })
    expect(identify(twins, file(FIRST, { inode: '12' }))).toEqual(goesOn)
  })
})

describe('beside an open generation', () => {
  const live = known(LONG, { held: true, live: true })
  const rotated = known(LONG, { held: true, name: 'a.log.1' })
  const copy = { kind: 'copy', generation: 0 }
  test.each<[string, KnownGeneration, Candidate, object]>([
    [
      'a new live file with the same lines is new',
      rotated,
      file(LONG, { live: true }),
      { kind: 'new' },
    ],
    ['a plain twin of a rotated file is new', rotated, file(LONG), { kind: 'new' }],
    [
      'the plain file beside its .gz is its copy',
      { ...rotated, compressed: true },
      file(LONG),
      copy,
    ],
    ['at the live name nothing is a copy', live, file(LONG, { live: true }), { kind: 'new' }],
    ['a plain twin of the live file is its copy', live, file(LONG), copy],
    ['the .gz of its name is its copy', rotated, file(LONG, gz), copy],
    [
      'the .gz of another name is new',
      rotated,
      file(LONG, { ...gz, name: 'a.log.2.gz' }),
      { kind: 'new' },
    ],
    [
      'any .gz is its copy once it has no name',
      { ...rotated, unlinked: true },
      file(LONG, { ...gz, name: 'a.log.2.gz' }),
      copy,
    ],
    ['a torn file is new where no live file can be copied', rotated, file('torn'), { kind: 'new' }],
    ['a .gz without a line is waited for', rotated, file('', gz), { kind: 'waiting' }],
    ['a torn file is waited for', live, file('torn'), { kind: 'waiting' }],
  ])('%s', (_, record, candidate, verdict) => {
    expect(identify([record], candidate)).toEqual(verdict)
  })
})

describe('an open generation is looked at again', () => {
  const open = known(LONG, { held: true, live: true })
  const own = { inode: '10', live: true }
  test.each<[string, KnownGeneration, Candidate, string]>([
    ['grown', open, file(`${LONG}more\n`, own), 'continue'],
    ['emptied', open, file('', own), 'truncated'],
    ['written anew, shorter', open, file('new\n', own), 'truncated'],
    ['written anew, longer', open, file(`new\n${LONG}`, own), 'truncated'],
    ['cut behind its proof', open, file(LONG.slice(0, 1400), own), 'shrunk'],
    [
      'a torn line that is gone',
      known('', { held: true, readOffset: 4 }),
      file('', own),
      'truncated',
    ],
  ])('%s: %s', (_, record, candidate, kind) => {
    expect(identify([record], candidate)).toEqual({ kind, generation: 0 })
  })
})
