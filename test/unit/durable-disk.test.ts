// What only the state on disk promises: restarts, one writer, readers beside it, damage found.

import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { directoryProblem } from '../../src/durable/directory.ts'
import { Framing } from '../../src/durable/frame.ts'
import { LmdbBackend } from '../../src/durable/lmdb-backend.ts'
import { openState, openStateReader } from '../../src/durable/store.ts'
import { standIn, temporaryDirectory } from './durable-stand-in.ts'

let directory: string
let remove: () => void
beforeEach(() => {
  ;({ directory, remove } = temporaryDirectory())
})
afterEach(() => remove())

const code = (name: string, message: RegExp) =>
  expect.objectContaining({ code: name, message: expect.stringMatching(message) })

async function write(values: Record<string, string>): Promise<void> {
  const store = await openState(directory, standIn)
  for (const [key, value] of Object.entries(values)) store.put(key, Buffer.from(value))
  await store.commit()
  await store.close()
}

test('the CRC of the stand-in is CRC-32C', () => {
  expect(standIn.crc32c(Buffer.from('123456789'), 0)).toBe(0xe3069283)
  expect(standIn.crc32c(Buffer.from('6789'), standIn.crc32c(Buffer.from('12345'), 0))).toBe(
    0xe3069283,
  )
})

describe('restart', () => {
  test('committed values and the sequence come back, staged ones do not', async () => {
    for (let round = 1; round <= 3; round++) {
      const store = await openState(directory, standIn)
      expect(store.sequence).toBe(round - 1)
      expect(Array.from(store.entries('k/')).length).toBe(round - 1)
      expect(store.get('staged')).toBeUndefined()
      store.put(`k/${round}`, Buffer.from('x'))
      await store.commit()
      store.put('staged', Buffer.from('x'))
      await store.close()
    }
  })
})

describe('the directory', () => {
  test('is made with its parents for its user only, and so are its files', async () => {
    directory = join(directory, 'a', 'b')
    await write({ k: 'x' })
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    for (const file of ['state.mdb', 'state.mdb-lock', 'lock']) {
      expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600)
    }
  })

  test('is refused when every user may write into it', async () => {
    chmodSync(directory, 0o777)
    await expect(openState(directory, standIn)).rejects.toEqual(
      code('METER_CONFIG_INVALID', /may be written by every user.*chmod o-w/),
    )
  })

  test.each([
    ['own and private', { uid: 7, mode: 0o40700, fileSystem: 0xef53 }, undefined],
    ['writable by its group', { uid: 7, mode: 0o40770, fileSystem: 0xef53 }, undefined],
    ['writable by all', { uid: 7, mode: 0o40772, fileSystem: 0xef53 }, /every user/],
    ['of another user', { uid: 8, mode: 0o40700, fileSystem: 0xef53 }, /belongs to user 8/],
    ['on NFS', { uid: 7, mode: 0o40700, fileSystem: 0x6969 }, /NFS/],
  ])('%s', (_name, facts, problem) => {
    const found = directoryProblem(facts, 7)
    if (problem) expect(found).toMatch(problem)
    else expect(found).toBeUndefined()
  })

  test('that is a file is an error with its path', async () => {
    writeFileSync(join(directory, 'file'), '')
    await expect(openState(join(directory, 'file'), standIn)).rejects.toEqual(
      code('METER_DISK', /file" cannot be used: EEXIST/),
    )
  })
})

describe('the lock', () => {
  test('a second writer is refused and told the pid of the first', async () => {
    const first = await openState(directory, standIn)
    await expect(openState(directory, standIn)).rejects.toEqual(
      code('METER_STATE_LOCKED', new RegExp(`in use by process ${process.pid}\\.`)),
    )
    await first.close()
    const second = await openState(directory, standIn)
    await second.close()
  })

  test('is free again when opening failed after it was taken', async () => {
    writeFileSync(join(directory, 'state.mdb'), 'this is no state at all, '.repeat(1000))
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(openState(directory, standIn)).rejects.toEqual(
        code('METER_STATE_CORRUPT', /state\.mdb" is damaged.*move it away/),
      )
    }
  })
})

describe('a reader', () => {
  test('sees whole commits while the writer goes on, also new ones', async () => {
    const store = await openState(directory, standIn)
    store.put('a', Buffer.from('1'))
    await store.commit()
    const reader = await openStateReader(directory, standIn)
    expect(reader.sequence).toBe(1)
    store.put('a', Buffer.from('2'))
    expect(reader.get('a')).toEqual(Uint8Array.from(Buffer.from('1')))
    await store.commit()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(reader.sequence).toBe(2)
    expect(reader.get('a')).toEqual(Uint8Array.from(Buffer.from('2')))
    await reader.close()
    await store.close()
  })

  test('says that there is no state instead of making one', async () => {
    mkdirSync(join(directory, 'empty'))
    await expect(openStateReader(join(directory, 'empty'), standIn)).rejects.toEqual(
      code('METER_INPUT_MISSING', /there is no state/),
    )
  })
})

describe('damage', () => {
  /** Flips one bit in every copy of `needle` that the file holds. */
  function flip(needle: string, offset: number): void {
    const path = join(directory, 'state.mdb')
    const file = readFileSync(path)
    let copies = 0
    for (let at = file.indexOf(needle); at >= 0; at = file.indexOf(needle, at + 1)) {
      file[at + offset] = (file[at + offset] ?? 0) ^ 0x04
      copies += 1
    }
    expect(copies).toBeGreaterThan(0)
    writeFileSync(path, file)
  }

  test.each([
    ['a value', 'totals of b', 7, /"page\/b" fails its checksum.*move it away/],
    ['a key', 'page/b', 5, /"page\/f" fails its checksum/],
  ])(
    'a flipped bit in %s refuses the start, and the key is named',
    async (_what, text, at, name) => {
      await write({ 'page/a': 'totals of a', 'page/b': 'totals of b' })
      flip(text, at)
      await expect(openState(directory, standIn)).rejects.toEqual(code('METER_STATE_CORRUPT', name))
    },
  )

  test('a flipped bit in a value is found when a reader asks for it', async () => {
    await write({ 'page/a': 'totals of a', 'page/b': 'totals of b' })
    flip('totals of b', 7)
    const reader = await openStateReader(directory, standIn)
    const corrupt = code('METER_STATE_CORRUPT', /"page\/b" fails its checksum.*move it away/)
    expect(reader.get('page/a')).toEqual(Uint8Array.from(Buffer.from('totals of a')))
    expect(() => reader.get('page/b')).toThrow(corrupt)
    expect(() => [...reader.entries('page/')]).toThrow(corrupt)
    await reader.close()
  })

  test('a flipped bit in what every start reads refuses the start', async () => {
    await write({ k: 'x' })
    flip('meta/version', 'meta/version'.length + 8)
    await expect(openState(directory, standIn)).rejects.toEqual(
      code('METER_STATE_CORRUPT', /"meta\/version" fails its checksum/),
    )
  })

  test('every single flipped bit of a framed value is found', () => {
    const framing = new Framing('x', standIn)
    const framed = framing.frame('key', Buffer.from('value'))
    expect(Buffer.from(framing.unframe('key', framed)).toString()).toBe('value')
    for (let bit = 0; bit < framed.length * 8; bit++) {
      const damaged = Uint8Array.from(framed)
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => framing.unframe('key', damaged), `bit ${bit}`).toThrow(
        expect.objectContaining({ code: 'METER_STATE_CORRUPT' }),
      )
    }
    expect(() => framing.unframe('other', framed)).toThrow(/"other" fails its checksum/)
    expect(() => framing.unframe('key', framed.subarray(0, 5))).toThrow(/fails its checksum/)
  })

  test.each([
    ['of a newer format', { 'meta/version': '3' }, /has format 3.*Run that version/],
    ['without a version', { 'page/a': 'x' }, /holds "page\/a" but no "meta\/version"/],
  ])('a state %s is refused', async (_name, values, message) => {
    const path = join(directory, 'state.mdb')
    const options = { readOnly: false, afterClose: () => undefined }
    const backend = new LmdbBackend(path, standIn, options)
    const changes = Object.entries(values).map(
      ([key, value]) => [key, backend.encode(key, Buffer.from(value))] as const,
    )
    await backend.write(new Map(changes))
    await backend.close()
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(openState(directory, standIn)).rejects.toEqual(
        code('METER_STATE_CORRUPT', message),
      )
    }
  })
})
