// The addons inside the standalone binary: unpacked to a file, because the system loads libraries
// from files only. Outside of the binary nothing here is used.
//
// The file's name carries the hash of its bytes, so that versions can share a directory, and it is
// compared with them before each load. It lies in a directory that only this user can write. Where
// that fails (a disk that is read-only, or mounted noexec) the next directory is tried; the error
// names them all.

import { createHash } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as sea from 'node:sea'
import { MeterFastError } from './errors.ts'

/** How long files of other versions stay. */
const KEPT_MS = 24 * 3_600_000

/** The directory of the agent's state, once somebody knows it. */
let stateDirectory: string | undefined

/** Is this process the standalone binary? */
export const isStandalone: boolean = sea.isSea()

/** Names a directory that is preferred to the temporary one, where it exists. */
export function unpackInto(directory: string): void {
  stateDirectory = directory
}

/**
 * Unpacks the addon `name` and loads it.
 * @throws {MeterFastError} METER_NATIVE_MISSING, with every directory that was tried
 */
export function loadEmbedded(name: string): unknown {
  const bytes = new Uint8Array(sea.getRawAsset(name) as ArrayBuffer)
  const problems: string[] = []
  for (const directory of directories()) {
    try {
      return load(unpack(name, bytes, directory))
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      if (isSystemTooOld(text)) throw tooOld(name, text)
      problems.push(`${directory}: ${reasonOf(text)}`)
    }
  }
  throw new MeterFastError(
    'METER_NATIVE_MISSING',
    `the native addon ${name} could not be unpacked and loaded.\n  ${problems.join('\n  ')}\n` +
      'Set METER_FAST_NATIVE_DIR to a directory that this user can write, on a file system that ' +
      'is not mounted noexec.',
  )
}

/** A text file inside the binary. */
export function embeddedText(name: string): string {
  return sea.getAsset(name, 'utf8')
}

/** Who names a directory wants that one and no other. */
function directories(): string[] {
  const named = process.env['METER_FAST_NATIVE_DIR']
  if (named) return [named]
  return stateDirectory === undefined ? [tmpdir()] : [stateDirectory, tmpdir()]
}

/** The path of a file with these bytes below `directory`. */
function unpack(name: string, bytes: Uint8Array, directory: string): string {
  const uid = process.geteuid?.() ?? 0
  const own = join(directory, `meter-fast-native-${uid}`)
  makePrivate(own)
  const found = lstatSync(own)
  if (!found.isDirectory() || found.uid !== uid) {
    throw new Error(`${own} is not a directory of user ${uid}`)
  }
  if ((found.mode & 0o077) !== 0) chmodSync(own, 0o700)
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  const file = join(own, `${name}-${hash}.node`)
  if (holds(file, bytes)) return file
  const unfinished = `${file}.${process.pid}`
  try {
    writeFileSync(unfinished, bytes, { mode: 0o500 })
    renameSync(unfinished, file)
  } finally {
    rmSync(unfinished, { force: true })
  }
  if (!holds(file, bytes)) throw new Error(`${file} was changed while it was written`)
  removeOlder(own, name)
  return file
}

/** What other versions unpacked, unless one may just be starting; each does it again if need be. */
function removeOlder(directory: string, name: string): void {
  for (const other of readdirSync(directory)) {
    const file = join(directory, other)
    const isOld = Date.now() - lstatSync(file).mtimeMs > KEPT_MS
    if (other.startsWith(`${name}-`) && isOld) rmSync(file, { force: true })
  }
}

/** Not its parents: a state directory is made by the state, which syncs its name. */
function makePrivate(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function holds(file: string, bytes: Uint8Array): boolean {
  try {
    return readFileSync(file).equals(bytes)
  } catch {
    return false
  }
}

function load(file: string): unknown {
  const module = { exports: {} }
  process.dlopen(module, file)
  return module.exports
}

function reasonOf(text: string): string {
  // What the system says when it may not make memory of the file executable.
  return /failed to map segment/.test(text) ? 'its file system is mounted noexec' : text
}

/** Does this message of the system's loader say that a library is missing or too old? */
export function isSystemTooOld(text: string): boolean {
  return /version [`'].+' not found|cannot open shared object file/.test(text)
}

/** No other directory helps then. */
function tooOld(name: string, text: string): MeterFastError {
  return new MeterFastError(
    'METER_NATIVE_MISSING',
    `the native addon ${name} does not load: ${text}. The binary needs glibc 2.34 and the ` +
      'libstdc++ of GCC 11, or newer (Debian 12, Ubuntu 22.04, RHEL 9).',
  )
}
