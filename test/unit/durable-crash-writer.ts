// Commits until it is killed or a commit fails. After commit s the state is a function of s alone:
// forty pages that say s, the last ten items, and a body that moves pages about in the file.
// Each line on stdout is the number of a commit that was acknowledged.

import { writeSync } from 'node:fs'
import { openState } from '../../src/durable/store.ts'
import { standIn } from './durable-stand-in.ts'

const directory = process.argv.at(-1) ?? ''
const store = await openState(directory, standIn)
for (;;) {
  const sequence = store.sequence + 1
  for (let page = 0; page < 40; page++) store.put(`page/${page}`, Buffer.from(`${sequence}`))
  store.put(`item/${sequence}`, Buffer.from(`${sequence}`))
  store.remove(`item/${sequence - 10}`)
  store.put('body', Buffer.alloc((sequence % 20) * 1000, sequence & 0xff))
  try {
    await store.commit()
  } catch (error) {
    await reportFailure(error)
    break
  }
  writeSync(1, `${sequence}\n`)
}

/** Says how every later call fails, and what a new store of the same process finds. */
async function reportFailure(error: unknown): Promise<void> {
  const later: unknown[] = []
  for (const call of [
    () => store.get('body'),
    () => store.put('body', new Uint8Array()),
    () => [...store.entries('')],
    () => store.commit(),
  ]) {
    try {
      await call()
      later.push('no error')
    } catch (again) {
      later.push(again === error ? 'the same error' : String(again))
    }
  }
  await store.close()
  const reopened = await openState(directory, standIn)
  const { sequence } = reopened
  await reopened.close()
  const { code, message } = error as Error & { code?: string }
  writeSync(1, `${JSON.stringify({ code, message, later, sequence })}\n`)
}
