// Opening and inflating single files: regular files only, and of a .gz the bytes it was made of.

import { execFileSync } from 'node:child_process'
import { mkdtemp, open, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openGenerationFile } from '../../src/tail/generation-file.ts'
import { openGenerationStream } from '../../src/tail/inflate.ts'
import type { TailProblem } from '../../src/tail/problem.ts'
import { guardOf } from '../../src/tail/proof.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tail-inflate-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

/** What a stream gave, and the code it failed with. */
async function inflate(bytes: Uint8Array, offset = 0): Promise<{ text: string; code: unknown }> {
  const path = join(directory, 'a.gz')
  await writeFile(path, bytes)
  const file = await open(path)
  let text = ''
  let code: unknown
  try {
    for await (const chunk of openGenerationStream(file, offset, path)) {
      text += Buffer.from(chunk).toString()
    }
  } catch (error) {
    code = (error as NodeJS.ErrnoException).code
    expect((error as Error).message).toContain(path)
  }
  await file.close()
  return { text, code }
}

const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} ${(i * 7919) % 1013}\n`).join('')

describe('openGenerationStream', () => {
  test.each([0, 1, 16_384, 100_003, lines.length - 1, lines.length, lines.length + 9])(
    'gives every byte from uncompressed offset %i on',
    async (offset) => {
      expect(await inflate(gzipSync(lines), offset)).toEqual({
        text: lines.slice(offset),
        code: undefined,
      })
    },
  )

  test('several members are one file', async () => {
    const bytes = Buffer.concat([gzipSync('one\n'), gzipSync('two\n')])
    expect(await inflate(bytes, 2)).toEqual({ text: 'e\ntwo\n', code: undefined })
  })

  test('a wrong checksum costs no byte before it', async () => {
    const bytes = gzipSync(lines)
    bytes.writeUInt32LE(1, bytes.length - 8)
    expect(await inflate(bytes)).toEqual({ text: lines, code: 'METER_INPUT_DAMAGED' })
    expect(await inflate(bytes, 7)).toEqual({ text: lines.slice(7), code: 'METER_INPUT_DAMAGED' })
  })

  test('a cut file gives what it has, then an error', async () => {
    const bytes = gzipSync(lines)
    const { text, code } = await inflate(bytes.subarray(0, bytes.length >> 1))
    expect(code).toBe('METER_INPUT_DAMAGED')
    expect(lines.startsWith(text)).toBe(true)
    expect(text.length).toBeGreaterThan(lines.length / 3)
  })

  test('what is no gzip at all is damaged', async () => {
    expect(await inflate(Buffer.from('plain\n'))).toEqual({ text: '', code: 'METER_INPUT_DAMAGED' })
  })
})

describe('openGenerationFile', () => {
  test('opens no link and no FIFO, and does not wait for one', async () => {
    const problems: TailProblem[] = []
    await writeFile(join(directory, 'real'), 'line\n')
    await symlink(join(directory, 'real'), join(directory, 'link'))
    execFileSync('mkfifo', [join(directory, 'fifo')])
    for (const name of ['link', 'fifo', '.', 'gone']) {
      const file = await openGenerationFile(join(directory, name), (told) => problems.push(told))
      expect(file).toBeUndefined()
    }
    expect(problems.map(({ reason }) => reason)).toEqual(['symlink', 'not_a_file', 'not_a_file'])
  })

  test('head and guard are the same for a file and its .gz, wherever they are moved', async () => {
    const paths = [join(directory, 'a'), join(directory, 'b.gz')]
    await writeFile(paths[0] ?? '', lines)
    await writeFile(paths[1] ?? '', gzipSync(lines))
    for (const path of paths) {
      const file = await openGenerationFile(path, () => undefined)
      await rename(path, `${path}.moved`)
      expect(Buffer.from((await file?.head()) ?? []).toString()).toBe(lines.slice(0, 1024))
      for (const offset of [0, 100, 256, 70_000, lines.length]) {
        const before = Buffer.from(lines.slice(Math.max(0, offset - 256), offset))
        expect(await file?.guardAt(offset)).toBe(guardOf(before))
      }
      expect(await file?.guardAt(lines.length + 1)).toBeUndefined()
      await file?.close()
    }
  })
})
