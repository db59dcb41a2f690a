// The directory of a state: made private, refused when others could write into it, and locked, so
// that a state has one live writer. The lock is an flock: the kernel frees it when its process
// ends, also after kill -9, so a lock file that is left over never stops a start.

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { MeterFastError } from '../errors.ts'
import type { StateNative } from './state.ts'

const NFS_MAGIC = 0x6969
const WORLD_WRITABLE = 0o002

/** Makes `directory` (0700) when it is missing. @throws METER_CONFIG_INVALID, METER_DISK */
export function prepareDirectory(directory: string): void {
  const facts = onDisk(directory, () => {
    makeDurably(resolve(directory))
    const { uid, mode } = statSync(directory)
    return { uid, mode, fileSystem: statfsSync(directory).type }
  })
  const problem = directoryProblem(facts, process.geteuid?.() ?? facts.uid)
  if (problem) {
    throw new MeterFastError('METER_CONFIG_INVALID', `state.dir "${directory}" ${problem}`)
  }
}

/** Why a directory must not hold a state, and what to do; undefined when it may. */
export function directoryProblem(
  facts: { readonly uid: number; readonly mode: number; readonly fileSystem: number },
  ownUid: number,
): string | undefined {
  if (facts.uid !== ownUid) {
    const whose = `belongs to user ${facts.uid}, not to user ${ownUid} who runs meter-fast`
    return `${whose}: name a directory of its own, or chown this one.`
  }
  if (facts.mode & WORLD_WRITABLE) {
    const risk = 'may be written by every user, who could change what is billed'
    return `${risk}: run "chmod o-w" on it, or name a directory inside it.`
  }
  if (facts.fileSystem === NFS_MAGIC) {
    return 'is on NFS, where locks and syncs do not hold what they promise: name a local directory.'
  }
  return undefined
}

/** Locks `directory` for this process; gives the function that frees it. */
export function lockDirectory(directory: string, native: StateNative): () => void {
  const path = join(directory, 'lock')
  const handle = onDisk(directory, () => {
    closeSync(openSync(path, 'a', 0o600))
    return native.lockFile(path)
  })
  if (handle === null) {
    const holder = onDisk(directory, () => readFileSync(path, 'latin1').trim())
    const who = /^\d+$/.test(holder) ? `process ${holder}` : 'another process'
    throw new MeterFastError(
      'METER_STATE_LOCKED',
      `state directory "${directory}" is in use by ${who}. ` +
        'Stop it, or give this one a state.dir of its own.',
    )
  }
  noteHolder(path, `${process.pid}\n`)
  return () => {
    noteHolder(path, '')
    native.unlockFile(handle)
  }
}

/** Says who holds the lock. The same file is written, not replaced: the lock is on the file. */
function noteHolder(path: string, holder: string): void {
  try {
    writeFileSync(path, holder)
  } catch {
    // Only the message to a second process needs it, and a full disk must not stop a start:
    // what is in the spool can still be delivered, which makes room.
  }
}

/** Makes the names in `directory` survive a power loss: fsync of a file does not cover its name. */
export function syncDirectory(directory: string): void {
  onDisk(directory, () => syncNames(directory))
}

function makeDurably(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  const top = dirname(first)
  for (let parent = dirname(directory); ; parent = dirname(parent)) {
    syncNames(parent)
    if (parent === top) return
  }
}

function syncNames(directory: string): void {
  const fd = openSync(directory, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function onDisk<T>(directory: string, action: () => T): T {
  try {
    return action()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MeterFastError(
      'METER_DISK',
      `state directory "${directory}" cannot be used: ${reason}. ` +
        'Check its path, its owner and the disk.',
      { cause },
    )
  }
}
