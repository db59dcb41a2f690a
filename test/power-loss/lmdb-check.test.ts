// What the check of a state finds before LMDB may open it. The damage is such that LMDB itself
// would crash, or read and write on without a word.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { openState, openStateReader } from '../../src/durable/store.ts'
import { stateNative } from '../../src/native.ts'
import { Dice } from '../reference/dice.ts'
import { nodeOffsets, PAGE_BYTES, type PageKind, pageKinds } from './picture.ts'
import { scratch } from './places.ts'
import { markOf, type StoredState, storeState } from './stored-state.ts'

let state: StoredState
let kinds: PageKind[]
beforeAll(async () => {
  state = await storeState(scratch(), new Dice(1), 20)
  kinds = pageKinds(state.file)
})

/** The offset of the first page of a kind. */
function page(kind: PageKind): number {
  const number = kinds.indexOf(kind)
  if (number < 0) throw new Error(`the state has no ${kind} page`)
  return number * PAGE_BYTES
}

/** Changes the bytes, or gives others. */
type Damage = (file: Buffer) => unknown

/** Opens a copy of the state after `damage`. */
async function opened(damage: Damage): Promise<Map<string, string>> {
  const directory = join(scratch(), 'state')
  mkdirSync(directory, { mode: 0o700 })
  const file = Buffer.from(state.file)
  const given = damage(file)
  writeFileSync(join(directory, 'state.mdb'), Buffer.isBuffer(given) ? given : file)
  const store = await openState(directory, stateNative)
  const marks = new Map(Array.from(store.entries(''), ([key, value]) => [key, markOf(value)]))
  await store.close()
  return marks
}

const addTo = (file: Buffer, at: number, number: number): number =>
  file.writeUInt16LE(file.readUInt16LE(at) + number, at)

const swap = (file: Buffer, one: number, other: number, bytes: number): void => {
  const kept = Buffer.from(file.subarray(one, one + bytes))
  file.copyWithin(one, other, other + bytes)
  kept.copy(file, other)
}

const firstNode = (file: Buffer, kind: PageKind, index: number): number =>
  nodeOffsets(file, page(kind) / PAGE_BYTES)[index] ?? 0

/** Puts the number of a leaf in place of a single page's in the list of free pages. */
function freeAUsedPage(file: Buffer): void {
  for (let word = page('free list overflow') + 32; ; word += 8) {
    if (file.readBigInt64LE(word) <= 0n || file.readBigInt64LE(word - 8) < 0n) continue
    file.writeUInt32LE(page('leaf') / PAGE_BYTES, word)
    return
  }
}

/** Lets the tree of free pages be a leaf of the other tree. */
function freeValues(file: Buffer): void {
  const free = page('meta') + 48
  file.writeUInt16LE(1, free + 6)
  file.writeUInt32LE(page('leaf') / PAGE_BYTES, free + 40)
}

describe('a state is opened', () => {
  test('as it was left', async () => {
    expect(await opened(() => undefined)).toEqual(state.marks)
  })

  test('whatever is in pages that nobody uses', async () => {
    const fill: Damage = (file) => {
      for (const [number, kind] of kinds.entries()) {
        if (kind === 'free') file.fill(0xa5, number * PAGE_BYTES, (number + 1) * PAGE_BYTES)
      }
    }
    expect(await opened(fill)).toEqual(state.marks)
  })

  test('after any number of commits, of any kind', async () => {
    const dice = new Dice(7)
    for (let life = 0; life < 4; life += 1) {
      const directory = join(scratch(), 'state')
      const { marks } = await storeState(directory, dice, dice.below(40))
      const store = await openState(directory, stateNative)
      for (const [key, mark] of marks) expect(markOf(store.get(key) ?? Buffer.alloc(0))).toBe(mark)
      store.removePrefix('page/')
      await store.commit()
      await store.close()
      const again = await openState(directory, stateNative)
      expect([...again.entries('page/')]).toEqual([])
      await again.close()
    }
  })
})

describe('a state is refused, and what is wrong is said', () => {
  test.each<[string, RegExp, Damage]>([
    ['another page size', /does not begin as/, (file) => file.writeUInt32LE(16_384, 48)],
    ['commits that do not follow', /which do not follow/, (file) => file.writeUInt8(99, 152)],
    [
      'a last page that is none',
      /page \d+ is the last one/,
      (f) => f.writeUInt8(1, page('meta') + 150),
    ],
    ['a root elsewhere', /its tree says/, (f) => f.writeUInt8(3, page('meta') + 136)],
    ['a wrong depth', /wrong header/, (f) => f.writeUInt16LE(1, page('meta') + 102)],
    ['a wrong count', /should have \d+ entries/, (f) => addTo(f, page('meta') + 128, 1)],
    ['a page of another number', /wrong header/, (f) => addTo(f, page('leaf'), 1)],
    ['a page of the future', /wrong header/, (f) => f.writeUInt8(1, page('leaf') + 14)],
    ['a leaf that says branch', /wrong header/, (f) => f.writeUInt16LE(1, page('leaf') + 18)],
    ['a node too few', /bytes of nodes/, (f) => addTo(f, page('leaf') + 20, -2)],
    ['a node too many', /node outside|bytes of nodes/, (f) => addTo(f, page('leaf') + 20, 2)],
    ['a node elsewhere', /node outside|bytes of nodes/, (f) => addTo(f, page('leaf') + 24, 512)],
    [
      'a long key',
      /node outside|bytes of nodes/,
      (f) => addTo(f, firstNode(f, 'leaf', 1) + 6, 2048),
    ],
    [
      'a long value',
      /node outside|bytes of nodes/,
      (f) => f.writeUInt8(1, firstNode(f, 'leaf', 1) + 2),
    ],
    ['keys out of order', /out of order/, (f) => swap(f, page('leaf') + 24, page('leaf') + 26, 2)],
    [
      'a child twice',
      /used twice|after it/,
      (f) =>
        f.copyWithin(
          firstNode(f, 'branch', 1),
          firstNode(f, 'branch', 2),
          firstNode(f, 'branch', 2) + 4,
        ),
    ],
    [
      'two children changed',
      /out of order|after it/,
      (f) => swap(f, firstNode(f, 'branch', 1), firstNode(f, 'branch', 2), 4),
    ],
    [
      'a child outside',
      /outside of the file/,
      (f) => f.writeUInt8(1, firstNode(f, 'branch', 1) + 3),
    ],
    ['a changed value', /fails its checksum/, (f) => addTo(f, page('body') + 99, 1)],
    [
      'a changed key',
      /checksum|out of order|after it/,
      (f) => addTo(f, firstNode(f, 'leaf', 0) + 8, 1),
    ],
    ['a run that says another length', /wrong header/, (f) => addTo(f, page('overflow') + 20, 1)],
    ['a used page in the free list', /used twice/, freeAUsedPage],
    ['values in place of the free list', /not well-formed/, freeValues],
    [
      'a free list too long',
      /not well-formed/,
      (f) => f.writeUInt8(1, page('free list overflow') + 27),
    ],
    ['a file cut short', /it ends before page \d+/, (file) => file.subarray(0, 9 * PAGE_BYTES)],
    [
      'a page of zeros',
      /its tree says 0/,
      (f) => f.fill(0, page('branch'), page('branch') + PAGE_BYTES),
    ],
  ])('%s', async (_what, message, damage) => {
    const damaged = opened(damage)
    await expect(damaged).rejects.toMatchObject({ code: 'METER_STATE_CORRUPT' })
    await expect(damaged).rejects.toThrow(/state\.mdb" is damaged: .*move it away and start again/)
    await expect(damaged).rejects.toThrow(message)
  })
})

describe('a file that a power loss left before the first commit is new', () => {
  const newFile = async (): Promise<Buffer> => {
    const directory = join(scratch(), 'state')
    await (await openState(directory, stateNative)).close()
    return readFileSync(join(directory, 'state.mdb'))
  }

  test.each<[string, (file: Buffer) => Buffer]>([
    ['empty', (file) => file.subarray(0, 0)],
    ['as it was made', (file) => file],
    ['zeros', (file) => file.fill(0)],
    ['zeros in place of the first page', (file) => file.fill(0, 0, PAGE_BYTES)],
    ['zeros in place of the second page', (file) => file.fill(0, PAGE_BYTES)],
    ['one sector', (file) => file.subarray(0, 512)],
  ])('%s', async (_what, damage) => {
    const made = await newFile()
    expect(made.length).toBe(2 * PAGE_BYTES)
    expect(await opened(() => damage(made))).toEqual(new Map())
  })

  test.each([
    ['empty', 0],
    ['zeros', 2 * PAGE_BYTES],
  ])('%s, for a reader: it is told that there is nothing yet', async (_what, bytes) => {
    const directory = scratch()
    writeFileSync(join(directory, 'state.mdb'), Buffer.alloc(bytes))
    await expect(openStateReader(directory, stateNative)).rejects.toMatchObject({
      code: 'METER_INPUT_MISSING',
      message: expect.stringMatching(/state\.mdb" is empty: its agent has not begun/),
    })
  })

  test('but one that had a commit is not', async () => {
    const cut = opened((file) => file.subarray(0, 2 * PAGE_BYTES))
    await expect(cut).rejects.toThrow(/it ends before page/)
    const zeros = opened((file) => file.fill(0, 0, 2 * PAGE_BYTES))
    await expect(zeros).rejects.toThrow(/does not begin as/)
  })
})
