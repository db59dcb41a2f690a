// A state on disk with every kind of page that LMDB has: branches, leaves, long values, and a list
// of free pages that is itself longer than a page.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openState } from '../../src/durable/store.ts'
import { crc32c, stateNative } from '../../src/native.ts'
import type { Dice } from '../reference/dice.ts'

export interface StoredState {
  readonly file: Buffer
  /** Length and checksum of each value. */
  readonly marks: ReadonlyMap<string, string>
}

/** Makes a state in `directory` with `commits` commits of values put and removed. */
export async function storeState(
  directory: string,
  dice: Dice,
  commits: number,
): Promise<StoredState> {
  const store = await openState(directory, stateNative)
  const marks = new Map<string, string>()
  const put = (key: string, bytes: number): void => {
    const value = Buffer.from(dice.hex(bytes))
    store.put(key, value)
    marks.set(key, markOf(value))
  }
  const remove = (key: string): void => {
    store.remove(key)
    marks.delete(key)
  }
  // Every second of these is removed again: so many single pages are a long list.
  for (let page = 0; page < 700; page += 1) put(`page/${page}`, 3_000)
  await store.commit()
  for (let page = 0; page < 700; page += 2) remove(`page/${page}`)
  await store.commit()
  for (let commit = 0; commit < commits; commit += 1) {
    for (let change = 0; change < 20; change += 1) {
      const key = `event/${dice.hex(2)}/${'x'.repeat(dice.below(40))}`
      if (dice.chance(0.3)) remove(key)
      else put(key, 1 + dice.below(900))
    }
    put(`long/${commit % 8}`, 4_000 + dice.below(20_000))
    await store.commit()
  }
  await store.close()
  return { file: readFileSync(join(directory, 'state.mdb')), marks }
}

/** What the trials compare instead of values. */
export function markOf(value: Uint8Array): string {
  return `${value.length}:${crc32c(value, 0)}`
}
