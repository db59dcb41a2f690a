// Rules of the sinks that write lines: what a crash leaves is repaired, nothing else is touched.

import {
  appendFile,
  type FileHandle,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FileSink } from '../../src/deliver/file-sink.ts'
import { StdoutSink } from '../../src/deliver/stdout-sink.ts'
import { NEVER, testBatch } from '../sink/batches.ts'

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meter-fast-lines-'))
  path = join(directory, 'usage.ndjson')
})
afterEach(() => rm(directory, { recursive: true }))

const content = (batch: { texts: readonly string[] }) =>
  batch.texts.map((text) => `${text}\n`).join('')

/** Delivers once with a sink of its own, as a process does that has just begun. */
async function deliverAnew(batch = testBatch(1, 3)) {
  const sink = new FileSink(path)
  const answer = await sink.deliver(batch, NEVER)
  await sink.close()
  return answer
}

describe('the file sink, begun anew', () => {
  test('does not write a batch again that is whole in the file', async () => {
    await deliverAnew()
    await deliverAnew()
    expect(await readFile(path, 'utf8')).toBe(content(testBatch(1, 3)))
  })

  test('completes a batch of which a crash left any number of bytes', async () => {
    const batch = testBatch(2, 2, 3)
    const before = content(testBatch(1, 3))
    const whole = Buffer.from(before + content(batch))
    for (let end = Buffer.byteLength(before); end <= whole.length; end += 7) {
      await writeFile(path, whole.subarray(0, end))
      expect(await deliverAnew(batch)).toMatchObject({ kind: 'accepted' })
      expect(await readFile(path, 'utf8')).toBe(whole.toString())
    }
  })

  test('cuts off the zeros that a lost write leaves', async () => {
    await writeFile(path, `${content(testBatch(1, 3))}${'\0'.repeat(5000)}`)
    await deliverAnew(testBatch(2, 1, 3))
    expect(await readFile(path, 'utf8')).toBe(content(testBatch(1, 4)))
  })

  test('takes out lines in which a power loss left zeros, and keeps whole ones', async () => {
    const before = content(testBatch(1, 3))
    const batch = testBatch(2, 5, 3)
    const whole = Buffer.from(before + content(batch))
    const lines = batch.texts.map((text) => `${text}\n`)
    const at = Buffer.byteLength(before)
    for (let from = at; from < whole.length; from += 97) {
      for (const bytes of [1, 300, 900]) {
        const torn = Buffer.from(whole)
        torn.fill(0, from, Math.min(whole.length, from + bytes))
        for (const cut of [0, 5]) {
          await writeFile(path, torn.subarray(0, whole.length - cut))
          expect(await deliverAnew(batch)).toMatchObject({ kind: 'accepted' })
          const text = await readFile(path, 'utf8')
          expect(text.startsWith(before), `${bytes} bytes at ${from}, ${cut} cut off`).toBe(true)
          const after = text.slice(before.length).split('\n').slice(0, -1)
          expect(after.map((line) => `${line}\n`).sort()).toEqual([...lines].sort())
        }
      }
    }
  })

  test('finds the last batch behind more than 1 MiB of others', async () => {
    const old = content(testBatch(1, 1000)).repeat(5)
    await writeFile(path, old)
    await deliverAnew(testBatch(2, 100, 900))
    expect((await readFile(path, 'utf8')).length).toBe(old.length)
  })

  test('touches no file whose last line is not ours, and says so', async () => {
    for (const foreign of [
      '127.0.0.1 localhost',
      '{"other":1}',
      'a\n{"specversion":"0.3"',
      'x'.repeat(2_000_000),
      `\x7fELF\0\0\n${content(testBatch(1, 1))}`,
      `a line\n${'\0'.repeat(99)}\na line\n`,
      `${'x'.repeat(1_100_000)}\0\n${content(testBatch(1, 1))}`,
    ]) {
      await writeFile(path, foreign)
      const answer = await deliverAnew()
      expect(answer).toMatchObject({ kind: 'misconfigured' })
      expect(answer.text).toContain('no usage event')
      expect(await readFile(path, 'utf8')).toBe(foreign)
    }
  })

  test('appends to other whole lines', async () => {
    await writeFile(path, 'a line of somebody else\n')
    await deliverAnew()
    expect(await readFile(path, 'utf8')).toBe(
      `a line of somebody else\n${content(testBatch(1, 3))}`,
    )
  })

  test.each([
    ['a directory that is not there', () => join(directory, 'missing', 'usage.ndjson')],
    ['a directory', () => directory],
    ['a device', () => '/dev/null'],
    ['a link that leads to itself', () => join(directory, 'loop')],
  ])('holds for %s', async (_name, target) => {
    await symlink(join(directory, 'loop'), join(directory, 'loop'))
    const sink = new FileSink(target())
    expect(await sink.deliver(testBatch(1, 1), NEVER)).toMatchObject({ kind: 'misconfigured' })
    await sink.close()
  })
})

describe('the file sink, while it runs', () => {
  test('goes on in a new file when the old one is renamed, and writes no event twice', async () => {
    const sink = new FileSink(path)
    await sink.deliver(testBatch(1, 2), NEVER)
    await rename(path, `${path}.1`)
    await sink.deliver(testBatch(1, 3), NEVER)
    await sink.close()
    expect(await readFile(`${path}.1`, 'utf8')).toBe(content(testBatch(1, 2)))
    expect(await readFile(path, 'utf8')).toBe(content(testBatch(2, 1, 2)))
  })

  test('appends at the end when somebody else has cut or written the file', async () => {
    const sink = new FileSink(path)
    await sink.deliver(testBatch(1, 2), NEVER)
    await truncate(path, 0)
    await appendFile(path, 'foreign\n')
    await sink.deliver(testBatch(2, 1, 2), NEVER)
    await sink.close()
    expect(await readFile(path, 'utf8')).toBe(`foreign\n${content(testBatch(2, 1, 2))}`)
  })

  test('leaves only whole lines on a full disk, and goes on when there is room', async () => {
    const sink = new FileSink(path)
    await sink.deliver(testBatch(1, 2), NEVER)
    const handle = await fileHandlePrototype()
    const write = vi.spyOn(handle, 'appendFile').mockImplementationOnce(async (text) => {
      await appendFile(path, `${text}`.slice(0, 500))
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    })
    const failed = await sink.deliver(testBatch(2, 3, 2), NEVER)
    expect(failed).toMatchObject({ kind: 'unknown', text: 'no space left on device' })
    expect(await readFile(path, 'utf8')).toBe(content(testBatch(1, 2)))
    expect(await sink.deliver(testBatch(2, 3, 2), NEVER)).toMatchObject({ kind: 'accepted' })
    expect(await readFile(path, 'utf8')).toBe(content(testBatch(1, 5)))
    write.mockRestore()
    await sink.close()
  })

  test('writes every byte again after a failed sync', async () => {
    const sink = new FileSink(path)
    await sink.deliver(testBatch(1, 2), NEVER)
    const handle = await fileHandlePrototype()
    const sync = vi.spyOn(handle, 'datasync').mockRejectedValueOnce(new Error('input/output error'))
    const write = vi.spyOn(handle, 'appendFile')
    const batch = testBatch(2, 3, 2)
    expect(await sink.deliver(batch, NEVER)).toMatchObject({ kind: 'unknown' })
    expect(await readFile(path, 'utf8')).toBe(content(testBatch(1, 2)))
    expect(await sink.deliver(batch, NEVER)).toMatchObject({ kind: 'accepted' })
    expect(write.mock.calls).toEqual([[content(batch)], [content(batch)]])
    sync.mockRestore()
    write.mockRestore()
    await sink.close()
  })
})

/** What all file handles share: spying on it stands in for a disk that fails. */
async function fileHandlePrototype(): Promise<FileHandle> {
  const file = await open(path, 'r')
  await file.close()
  return Object.getPrototypeOf(file) as FileHandle
}

describe('the stdout sink', () => {
  test('accepts a batch only when the stream has taken it', async () => {
    let take = () => undefined as unknown
    const stream = new Writable({
      write: (_chunk, _encoding, done) => {
        take = done
      },
    })
    let settled = false
    const answer = new StdoutSink(stream).deliver(testBatch(1, 1), NEVER).finally(() => {
      settled = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(settled).toBe(false)
    take()
    expect(await answer).toMatchObject({ kind: 'accepted' })
  })

  test('ends at once when it is stopped while the stream is full', async () => {
    const stop = new AbortController()
    const stream = new Writable({ write: () => undefined })
    const answer = new StdoutSink(stream).deliver(testBatch(1, 1), stop.signal)
    stop.abort()
    expect(await answer).toMatchObject({ kind: 'unknown' })
  })

  test('holds, attempt after attempt, when the reader has gone', async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
    const sink = new StdoutSink(stream)
    for (let attempt = 0; attempt < 3; attempt++) {
      const answer = await sink.deliver(testBatch(1, 1), NEVER)
      expect(answer).toMatchObject({
        kind: 'misconfigured',
        text: 'standard output is closed: EPIPE',
      })
    }
  })
})
