// What the state needs from the addon, made from JavaScript and the flock command, so that tests
// of the state need no compiler. The locks are real: the kernel frees them at kill -9.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StateNative } from '../../src/durable/store.ts'

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

export const standIn: StateNative = {
  crc32c(bytes, seed) {
    let crc = ~seed
    for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0)
    return ~crc >>> 0
  },
  // The lock belongs to the open file that both processes share, and stays when flock ends.
  lockFile(path) {
    const fd = openSync(path, 'r')
    const { status } = spawnSync('flock', ['-n', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
    })
    if (status === 0) return fd
    closeSync(fd)
    if (status === 1) return null
    throw new Error(`flock failed with ${status}`)
  },
  unlockFile(handle) {
    closeSync(handle)
  },
  allocateRoom() {
    return true
  },
}

/** A new directory below the system's temporary one, and how to remove it. */
export function temporaryDirectory(): { directory: string; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'meter-fast-'))
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}

/** Runs a TypeScript file of this folder in a process of its own, below `shell` limits. */
export function startScript(name: string, args: string[], limits = 'true'): ChildProcess {
  const path = join(import.meta.dirname, name)
  const load = `const { runnerImport } = await import('vite')
await runnerImport(${JSON.stringify(path)}, { configFile: false, logLevel: 'error' })`
  return spawn(
    'sh',
    [
      '-c',
      `${limits}; exec "$@"`,
      'sh',
      process.execPath,
      '--input-type=module',
      '-e',
      load,
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
}
