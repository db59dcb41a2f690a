// Rotation against the clock: another process renames, compresses and writes as fast as it can
// while the follower looks, reads and restarts. Every line is read once, whatever is hit.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { directory, Reader } from './tail-reader.ts'

/** Numbered lines through a hundred rotations as logrotate does them; prints how many lines. */
const WRITER = `
const fs = require('node:fs'), { gzipSync } = require('node:zlib')
const name = (i) => process.argv[1] + (i === 0 ? '/a.log' : '/a.log.' + i)
let lines = 0
for (let rotation = 1; rotation <= 100; rotation += 1) {
  const fd = fs.openSync(name(0), 'a')
  for (let i = rotation % 7; i > 0; i -= 1) fs.writeSync(fd, lines++ + '\\n')
  for (let i = rotation - 1; i >= 0; i -= 1) {
    for (const end of ['', '.gz']) {
      if (fs.existsSync(name(i) + end)) fs.renameSync(name(i) + end, name(i + 1) + end)
    }
  }
  fs.writeSync(fd, lines++ + '\\n')
  fs.closeSync(fd)
  if (fs.existsSync(name(3))) {
    fs.writeFileSync(name(3) + '.tmp', gzipSync(fs.readFileSync(name(3))))
    fs.renameSync(name(3) + '.tmp', name(3) + '.gz')
    fs.unlinkSync(name(3))
  }
}
fs.writeFileSync(name(0), lines++ + '\\n')
console.log(lines)
`

test('every line is read once through fast rotation, compression and restarts', async () => {
  const writer = spawn(process.execPath, ['-e', WRITER, directory])
  let printed = ''
  writer.stdout.on('data', (text) => {
    printed += text
  })
  const ended = once(writer, 'exit')
  let reader = new Reader()
  let text = ''
  for (let look = 1; writer.exitCode === null; look += 1) {
    await reader.read(1)
    await sleep(2)
    if (look % 10 !== 0) continue
    text += reader.text
    expect(reader.follower.takeGaps()).toEqual([])
    reader = new Reader(undefined, await reader.stop())
  }
  await ended
  text += await reader.read(8)
  expect(reader.follower.takeGaps()).toEqual([])
  const read = text.replaceAll('|', '').trim().split('\n').map(Number)
  const written = Array.from({ length: Number(printed) }, (_, line) => line)
  expect(written.length).toBeGreaterThan(300)
  expect(read.sort((a, b) => a - b)).toEqual(written)
})
