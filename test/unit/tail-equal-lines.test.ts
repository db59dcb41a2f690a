// Logs whose lines are all equal, as a test or a health check writes them: content tells nothing
// apart, and yet every line is read once through rotation, compression, deletion and restarts.
// METER_FAST_SEEDS=N runs N seeds instead of the default.

import { appendFileSync, closeSync, openSync, readdirSync, unlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Dice } from '../reference/dice.ts'
import { at, directory, gzip, move, Reader } from './tail-reader.ts'

const SEEDS = Math.ceil(Number(process.env['METER_FAST_SEEDS'] ?? 300) / 30)
const LINE = 'one line like the other\n'
/** As the kubelet: so many files, of which all but the last rotated one are compressed. */
const FILES_MAX = 4

const rotatedNames = (): string[] =>
  readdirSync(directory)
    .filter((name) => name !== 'a.log')
    .sort()

async function rotate(number: number): Promise<void> {
  for (const name of rotatedNames()) if (!name.endsWith('.gz')) await gzip(name)
  for (const name of rotatedNames().slice(0, -(FILES_MAX - 2))) unlinkSync(at(name))
  await move('a.log', `a.log.${20_260_000 + number}`)
  closeSync(openSync(at('a.log'), 'a'))
}

test.each(Array.from({ length: SEEDS }, (_, seed) => [seed + 1]))('seed %i', async (seed) => {
  const dice = new Dice(seed)
  let reader = new Reader()
  let [written, read, rotations] = [0, 0, 0]
  const linesIn = (text: string): number => text.split(LINE).length - 1
  const write = (count: number): void => {
    appendFileSync(at('a.log'), LINE.repeat(count))
    written += count
  }
  write(2)
  for (let step = 0; step < 60; step += 1) {
    write(dice.below(dice.pick([3, 30, 120])))
    await reader.read(1 + dice.below(5))
    const isDown = dice.chance(0.4)
    if (isDown) {
      read += linesIn(reader.text)
      const records = await reader.stop()
      reader = new Reader(undefined, records)
    }
    if (!dice.chance(0.5)) continue
    // What is deleted was read: the rest would be a loss, and is tested elsewhere.
    if (!isDown) await reader.read(4)
    rotations += 1
    await rotate(rotations)
    // Of one line nobody can tell that it is one of many.
    write(2 + dice.below(3))
  }
  write(1)
  await reader.read(8)
  expect(read + linesIn(reader.text)).toBe(written)
  expect(reader.gaps()).toEqual([])
})
