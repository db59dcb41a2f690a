// The model test in CI: what it does and how is in sequence.ts and verdict.ts. It is a command,
// because it replaces the clock and the file system of its process. METER_FAST_SEQUENCES=N runs N;
// `npm run test:model` runs many more.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const SEQUENCES = process.env['METER_FAST_SEQUENCES'] ?? '500'
const LIMIT_MS = 20 * 60_000

test(`an agent keeps every invariant in ${SEQUENCES} sequences of what can happen to it`, {
  timeout: LIMIT_MS,
}, async () => {
  const { code, output } = await command('--sequences', SEQUENCES)
  console.log(output)
  expect(code).toBe(0)
  expect(output).toContain(`sequences hold`)
})

test('a sequence count that is no number is refused', async () => {
  expect((await command('--sequences', 'many')).code).toBe(64)
})

async function command(...args: string[]): Promise<{ code: number | null; output: string }> {
  const run = join(import.meta.dirname, 'run.mjs')
  const child = spawn(process.execPath, [run, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, output }
}
