// Rotation of the file sink, and how far back it knows what it has written: no event is lost or
// written twice, wherever a crash comes.

import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileSink, REMEMBERED_MAX } from '../../src/deliver/file-sink.ts'
import { type FrozenBatch, freezeBatch } from '../../src/deliver/sink.ts'
import { NEVER, testBatch } from '../sink/batches.ts'

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meter-fast-rotation-'))
  path = join(directory, 'usage.ndjson')
})
afterEach(() => rm(directory, { recursive: true }))

const content = (...batches: { texts: readonly string[] }[]) =>
  batches.flatMap(({ texts }) => texts.map((text) => `${text}\n`)).join('')

/** Room for two batches of three events and a bit, never for three. */
const FILE_BYTES_MAX = Math.floor(Buffer.byteLength(content(testBatch(1, 3))) * 2.5)

/** Delivers with a sink of its own, as a process does that has just begun. */
async function deliverAnew(...batches: FrozenBatch[]): Promise<void> {
  const sink = new FileSink(path, { fileBytesMax: FILE_BYTES_MAX })
  for (const batch of batches) {
    expect(await sink.deliver(batch, NEVER)).toMatchObject({ kind: 'accepted' })
  }
  await sink.close()
}

/** Names of the files and what they hold, in the order in which they were written. */
async function files(): Promise<[string, string][]> {
  const names = (await readdir(directory)).sort()
  const [live, ...rotated] = names
  const ordered = [...rotated, ...(live === undefined ? [] : [live])]
  return Promise.all(
    ordered.map(async (name) => [name, await readFile(join(directory, name), 'utf8')] as const),
  ) as Promise<[string, string][]>
}

async function everything(): Promise<string> {
  return (await files()).map(([, text]) => text).join('')
}

const batches = Array.from({ length: 7 }, (_, index) => testBatch(index + 1, 3, 3 * index))

describe('rotation', () => {
  test('comes before the file would grow beyond its bound, and divides no batch', async () => {
    await deliverAnew(...batches)
    const [a, b, c, d, e, f, g] = batches as [FrozenBatch, ...FrozenBatch[]]
    expect(await files()).toEqual([
      ['usage.ndjson.000001', content(a, b as FrozenBatch)],
      ['usage.ndjson.000002', content(c as FrozenBatch, d as FrozenBatch)],
      ['usage.ndjson.000003', content(e as FrozenBatch, f as FrozenBatch)],
      ['usage.ndjson', content(g as FrozenBatch)],
    ])
  })

  test('does not come without a bound', async () => {
    const sink = new FileSink(path)
    for (const batch of batches) await sink.deliver(batch, NEVER)
    await sink.close()
    expect(await files()).toEqual([['usage.ndjson', content(...batches)]])
  })

  test('leaves a batch above the bound whole, in a file of its own', async () => {
    const large = testBatch(8, 100, 21)
    await deliverAnew(testBatch(1, 3), large, testBatch(9, 3, 121))
    expect((await files()).map(([, text]) => text)).toEqual([
      content(testBatch(1, 3)),
      content(large),
      content(testBatch(9, 3, 121)),
    ])
  })

  test('goes on counting after the greatest number, and overwrites no other file', async () => {
    for (const name of ['000041', '7', 'gz', '00000050', '999']) {
      await writeFile(`${path}.${name}`, 'of somebody else\n')
    }
    await deliverAnew(...batches.slice(0, 3))
    expect(await readFile(`${path}.000042`, 'utf8')).toBe(content(...batches.slice(0, 2)))
    const foreign = await Promise.all(
      ['000041', '7', 'gz', '00000050', '999'].map((name) => readFile(`${path}.${name}`, 'utf8')),
    )
    expect(new Set(foreign)).toEqual(new Set(['of somebody else\n']))
  })

  test('is not put off by directories and links with such names', async () => {
    await mkdir(`${path}.000008`)
    await symlink('/dev/zero', `${path}.000007`)
    await deliverAnew(...batches.slice(0, 2))
    expect(await readFile(path, 'utf8')).toBe(content(...batches.slice(0, 2)))
  })
})

describe('a crash', () => {
  const [first, second, third] = batches as [FrozenBatch, FrozenBatch, FrozenBatch]

  test('between the new name and the new file costs nothing and doubles nothing', async () => {
    await deliverAnew(first, second)
    await rename(path, `${path}.000001`)
    await deliverAnew(first, second, third)
    expect(await everything()).toBe(content(first, second, third))
  })

  test('after the new file was made costs nothing and doubles nothing', async () => {
    await deliverAnew(first, second)
    await rename(path, `${path}.000001`)
    await writeFile(path, '')
    await deliverAnew(first, second, third)
    expect(await everything()).toBe(content(first, second, third))
  })

  test('within the first write to the new file leaves whole lines, each once', async () => {
    await deliverAnew(first, second)
    await rename(path, `${path}.000001`)
    const whole = Buffer.from(content(third))
    for (let end = 0; end <= whole.length; end += 53) {
      await writeFile(path, whole.subarray(0, end))
      await deliverAnew(second, third)
      expect(await everything()).toBe(content(first, second, third))
    }
  })

  test('after rotations since the last commit doubles nothing', async () => {
    await deliverAnew(...batches)
    await deliverAnew(...batches)
    expect(await everything()).toBe(content(...batches))
  })
})

describe('what is in doubt after a crash', () => {
  // One commit makes the attempts of 256 batches durable, and acceptances only with the next one.
  const BATCHES = 256
  const EVENTS = 100
  const many = Array.from({ length: BATCHES }, (_, number) =>
    freezeBatch(
      number,
      Array.from({ length: EVENTS }, (_, index) => {
        const id = String(number * EVENTS + index).padStart(26, '0')
        const padding = 'x'.repeat(250)
        return { id, text: `{"specversion":"1.0","id":"${id}","data":"${padding}"}` }
      }),
    ),
  )

  test.each([
    ['one file', Number.POSITIVE_INFINITY],
    ['many files', 1024 * 1024],
  ])('is in %s and is not written again', async (_name, fileBytesMax) => {
    expect(REMEMBERED_MAX).toBeGreaterThanOrEqual(BATCHES * EVENTS)
    for (const _ of [1, 2]) {
      const sink = new FileSink(path, { fileBytesMax })
      for (const batch of many) {
        expect(await sink.deliver(batch, NEVER)).toMatchObject({ kind: 'accepted' })
      }
      await sink.close()
    }
    const text = await everything()
    expect(text === content(...many)).toBe(true)
    expect(text.length).toBeGreaterThan(7 * 1024 * 1024)
  })
})
