// A picture of the state: what verify and explain read while an agent goes on committing.

import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { openState, openStatePicture, type StateReader } from '../../src/durable/store.ts'
import { standIn, temporaryDirectory } from '../unit/durable-stand-in.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

const bytes = (text: string) => Buffer.from(text)

function seen(state: StateReader, prefix = ''): string[] {
  return Array.from(state.entries(prefix), ([key, value]) => `${key}=${Buffer.from(value)}`)
}

test('it shows one commit for as long as it is open, whatever is committed meanwhile', async () => {
  const { directory, remove } = temporaryDirectory()
  cleanups.push(remove)
  const writer = await openState(directory, standIn)
  writer.put('a/1', bytes('old'))
  writer.put('a/2', bytes('old'))
  await writer.commit()
  const picture = await openStatePicture(directory, standIn)
  const walk = picture.entries('a/')[Symbol.iterator]()
  expect(walk.next().value).toEqual(['a/1', new Uint8Array(bytes('old'))])
  for (let round = 0; round < 50; round += 1) {
    writer.put('a/1', bytes(`new ${round}`))
    writer.remove('a/2')
    writer.put(`a/${3 + round}`, Buffer.alloc(10_000, 'x'))
    await writer.commit()
    await turn()
    expect(picture.sequence).toBe(1)
    expect(seen(picture, 'a/')).toEqual(['a/1=old', 'a/2=old'])
    expect(Buffer.from(picture.get('a/2') ?? []).toString()).toBe('old')
    expect(picture.get('a/3')).toBeUndefined()
  }
  expect(walk.next().value).toEqual(['a/2', new Uint8Array(bytes('old'))])
  expect(walk.next().done).toBe(true)
  const later = await openStatePicture(directory, standIn)
  expect(later.sequence).toBe(51)
  expect([...later.keys('a/')].length).toBe(51)
  await picture.close()
  expect(later.get('a/2')).toBeUndefined()
  await later.close()
  await writer.close()
})
