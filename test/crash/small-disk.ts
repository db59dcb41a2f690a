// A disk of a few MiB, and what fills it to the last byte.

import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MIB = 1024 * 1024
const UID = process.getuid?.() ?? 0

/** Mounts need root, or sudo without a password. */
function asRoot(program: string, ...args: string[]): boolean {
  const sudo = UID === 0 ? [] : ['sudo', '-n']
  const [first = '', ...rest] = [...sudo, program, ...args]
  return spawnSync(first, rest).status === 0
}

export class SmallDisk {
  readonly directory: string
  readonly #around: string

  private constructor(around: string) {
    this.#around = around
    this.directory = join(around, 'disk')
  }

  /** Undefined where nothing may be mounted. */
  static async mount(mebibytes: number): Promise<SmallDisk | undefined> {
    const disk = new SmallDisk(await mkdtemp(join(tmpdir(), 'meter-fast-disk-')))
    mkdirSync(disk.directory)
    const options = `size=${mebibytes}m,mode=700,uid=${UID}`
    if (asRoot('mount', '-t', 'tmpfs', '-o', options, 'meter-fast', disk.directory)) return disk
    await rm(disk.#around, { recursive: true })
    return undefined
  }

  /** Leaves no room for a single page. */
  fill(): void {
    const file = openSync(this.#ballast, 'w')
    for (const bytes of [MIB, 4096]) {
      const piece = Buffer.alloc(bytes)
      let isFull = false
      while (!isFull) isFull = !fits(file, piece)
    }
    closeSync(file)
  }

  /** Takes away again what fill() wrote. */
  free(): void {
    rmSync(this.#ballast)
  }

  async unmount(): Promise<void> {
    asRoot('umount', '--lazy', this.directory)
    await rm(this.#around, { recursive: true, force: true })
  }

  get #ballast(): string {
    return join(this.directory, 'ballast')
  }
}

function fits(file: number, piece: Buffer): boolean {
  try {
    return writeSync(file, piece) === piece.length
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}
