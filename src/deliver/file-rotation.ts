// Names of a rotated NDJSON file: `usage.ndjson.000001`, `usage.ndjson.000002` and so on, the
// oldest first, so that a glob lists them in the order in which they were written. Whoever collects
// the files keeps the newest: after it is deleted its number is given again.
//
// No file is ever deleted here: it is what somebody pays for.

import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const DIGITS = 6

/** The rotated files of `path`, the newest first. */
export async function rotatedFiles(path: string): Promise<string[]> {
  const entries = await readdir(dirname(path), { withFileTypes: true })
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  return numbersOf(names, path)
    .sort((a, b) => b - a)
    .map((number) => rotatedName(path, number))
}

/** The name that `path` gets when it is rotated now. */
export async function nextRotatedName(path: string): Promise<string> {
  const numbers = numbersOf(await readdir(dirname(path)), path)
  return rotatedName(path, 1 + numbers.reduce((most, number) => Math.max(most, number), 0))
}

function numbersOf(names: readonly string[], path: string): number[] {
  const prefix = `${basename(path)}.`
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter((end) => /^\d{6,15}$/.test(end) && rotatedEnd(Number(end)) === end)
    .map(Number)
}

function rotatedName(path: string, number: number): string {
  return join(dirname(path), `${basename(path)}.${rotatedEnd(number)}`)
}

function rotatedEnd(number: number): string {
  return String(number).padStart(DIGITS, '0')
}
