// A host that has the binary and nothing else of ours: PATH is empty, the user is not root. Mounts
// are made in a mount namespace of the command's own, so that nobody else sees them.

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const BINARY = join(ROOT, 'build/binary/meter-fast')
/** The user `nobody` of Debian; any number does, it needs no name. */
export const USER = 65534

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Circumstances {
  /** Shell commands, run as root in a namespace of their own before the binary starts. */
  readonly mounts?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export class Host {
  /** Belongs to the user; the only thing that does. Not below /tmp, which tests mount over. */
  readonly directory: string
  readonly #root = mkdtempSync('/var/tmp/meter-fast-binary-')
  readonly #binary = join(this.#root, 'meter-fast')

  constructor() {
    chmodSync(this.#root, 0o755)
    copyFileSync(BINARY, this.#binary)
    chmodSync(this.#binary, 0o755)
    this.directory = this.makeDirectory('own')
    this.makeDirectory('tmp')
  }

  /** A directory of the user's. */
  makeDirectory(name: string): string {
    const path = join(this.#root, name)
    mkdirSync(path, { mode: 0o700 })
    chownSync(path, USER, USER)
    return path
  }

  /** A file that everybody can read. */
  write(name: string, text: string): string {
    const path = join(this.#root, name)
    writeFileSync(path, text)
    return path
  }

  /** Runs `meter-fast` to its end. */
  run(args: readonly string[], { mounts = [], env = {} }: Circumstances = {}): Ended {
    const user = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups']
    const isolated = [
      ...['unshare', '--mount', '--propagation=private', 'sh', '-ec'],
      [...mounts, 'exec "$@"'].join('\n'),
      'sh',
    ]
    // Tests that mount decide about /tmp; the others leave the real one alone.
    const temporary = mounts.length > 0 ? '/tmp' : join(this.#root, 'tmp')
    const all = { PATH: '/nonexistent', TMPDIR: temporary, ...env }
    const variables = Object.entries(all).map((pair) => pair.join('='))
    const [program = '', ...rest] = [
      ...(mounts.length > 0 ? isolated : []),
      ...user,
      ...['env', '-i', ...variables, this.#binary],
      ...args,
    ]
    const limits = { timeout: 50_000, maxBuffer: 64 << 20 }
    const ended = spawnSync(program, rest, { cwd: '/', encoding: 'utf8', ...limits })
    if (ended.error) throw ended.error
    return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr }
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true })
  }
}

/** Nothing can be written but what lies below `directory`. */
export function readOnlyBut(directory: string): string[] {
  return [
    `mount --bind '${directory}' '${directory}'`,
    'mount -o remount,bind,ro /',
    // What is mounted below the root keeps flags of its own.
    'for at in /var/tmp /dev/shm /run; do',
    '  if mountpoint -q "$at"; then mount -o remount,bind,ro "$at"; fi',
    'done',
    // Empty, so that nothing is found there that was unpacked before.
    'mount -t tmpfs -o ro,mode=1777 tmpfs /tmp',
  ]
}

/** /tmp as hardened hosts mount it. */
export const NOEXEC_TMP = ['mount -t tmpfs -o noexec,mode=1777 tmpfs /tmp']
