// A process that dies, and a disk that is full, in the middle of commits.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openState } from '../../src/durable/store.ts'
import { standIn, startScript, temporaryDirectory } from './durable-stand-in.ts'

let directory: string
let remove: () => void
beforeEach(() => {
  ;({ directory, remove } = temporaryDirectory())
})
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  remove()
})

function startWriter(limits?: string): ChildProcess {
  const child = startScript('durable-crash-writer.ts', [directory], limits)
  children.push(child)
  return child
}

/** Lines that the writer printed; it is killed after `killAfter` of them. */
async function run(child: ChildProcess, killAfter: number): Promise<string[]> {
  const lines: string[] = []
  const errors: string[] = []
  child.stderr?.on('data', (data) => errors.push(String(data)))
  if (!child.stdout) throw new Error('no stdout')
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length === killAfter) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  if (lines.length === 0) throw new Error(`the writer did nothing: ${errors.join('')}`)
  return lines
}

/** The state must be that of one whole commit; gives its number. */
async function wholeSequence(): Promise<number> {
  const store = await openState(directory, standIn)
  const { sequence } = store
  const texts = new Map<string, string>()
  for (const [key, value] of store.entries(''))
    texts.set(key, Buffer.from(value).toString('latin1'))
  await store.close()
  const expected = new Map<string, string>()
  for (let page = 0; page < 40; page++) expected.set(`page/${page}`, `${sequence}`)
  for (let i = Math.max(1, sequence - 9); i <= sequence; i++) expected.set(`item/${i}`, `${i}`)
  const body = Buffer.alloc((sequence % 20) * 1000, sequence & 0xff)
  expected.set('body', body.toString('latin1'))
  expect(texts).toEqual(expected)
  return sequence
}

test('kill -9 in the middle of commits loses nothing that was acknowledged', async () => {
  for (const killAfter of [1, 7, 40, 150, 333]) {
    const child = startWriter()
    const acknowledged = await run(child, killAfter)
    expect(child.signalCode).toBe('SIGKILL')
    expect(await wholeSequence()).toBeGreaterThanOrEqual(Number(acknowledged.at(-1)))
  }
})

test('the lock of a process that was killed is free, and that of a living one is not', async () => {
  const child = startWriter()
  if (!child.stdout) throw new Error('no stdout')
  await once(child.stdout, 'data')
  await expect(openState(directory, standIn)).rejects.toEqual(
    expect.objectContaining({
      code: 'METER_STATE_LOCKED',
      message: expect.stringContaining(`in use by process ${child.pid}.`),
    }),
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  await (await openState(directory, standIn)).close()
})

test('a write that fails ends the store, and the last commit before it is whole', async () => {
  const child = startWriter('ulimit -f 120')
  const lines = await run(child, Number.POSITIVE_INFINITY)
  const report = JSON.parse(lines.at(-1) ?? '')
  const acknowledged = Number(lines.at(-2))
  expect(report).toEqual({
    code: 'METER_DISK',
    message: expect.stringMatching(/state\.mdb": a commit could not be written \(File too large/),
    later: Array(4).fill('the same error'),
    sequence: acknowledged,
  })
  expect(await wholeSequence()).toBe(acknowledged)
})
