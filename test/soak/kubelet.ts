// Rotates a log by the kubelet's rules, in its order: clean up, delete the oldest, gzip what was
// rotated before, rename, reopen. See pkg/kubelet/logs/container_log_manager.go of Kubernetes.

import { createReadStream, createWriteStream, existsSync, readdirSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { createGzip } from 'node:zlib'

export interface RotationHooks {
  /** Makes the writer open the live name anew. */
  readonly reopen: () => void | Promise<void>
  /** Called with a rotated file, complete by now, before it is compressed. */
  readonly onComplete?: (path: string) => void
  /** Between rename and reopen, in ms: the writer goes on in the renamed file. */
  readonly pauseMs: () => number
}

export class KubeletRotation {
  rotations = 0
  deleted = 0
  readonly #path: string
  readonly #filesMax: number
  readonly #hooks: RotationHooks
  #lastStamp = ''

  /** `filesMax` counts the live file, as `containerLogMaxFiles` does. */
  constructor(path: string, filesMax: number, hooks: RotationHooks) {
    this.#path = path
    this.#filesMax = filesMax
    this.#hooks = hooks
  }

  async rotate(): Promise<void> {
    await this.#cleanUp()
    const rotated = this.#rotated()
    for (const path of rotated.slice(0, Math.max(0, rotated.length - (this.#filesMax - 2)))) {
      if (!path.endsWith('.gz')) this.#hooks.onComplete?.(path)
      await rm(path)
      this.deleted += 1
    }
    for (const path of this.#rotated().filter((one) => !one.endsWith('.gz'))) {
      this.#hooks.onComplete?.(path)
      await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.tmp`))
      await rename(`${path}.tmp`, `${path}.gz`)
      await rm(path)
    }
    await rename(this.#path, `${this.#path}.${await this.#stamp()}`)
    await delay(this.#hooks.pauseMs())
    await this.#hooks.reopen()
    this.rotations += 1
  }

  /** Rotated files, oldest first, and the live one. */
  get files(): string[] {
    return [...this.#rotated(), ...(existsSync(this.#path) ? [this.#path] : [])]
  }

  async #cleanUp(): Promise<void> {
    const rotated = this.#rotated(true)
    for (const path of rotated) {
      if (path.endsWith('.tmp') || rotated.includes(`${path}.gz`)) await rm(path)
    }
  }

  #rotated(unfinished = false): string[] {
    const [directory, name] = [dirname(this.#path), basename(this.#path)]
    return readdirSync(directory)
      .filter((other) => other.startsWith(`${name}.`) && (unfinished || !other.endsWith('.tmp')))
      .sort()
      .map((other) => join(directory, other))
  }

  /** Of one second: two rotations within one would have the same name. */
  async #stamp(): Promise<string> {
    for (;;) {
      const [day, time] = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').split('T')
      const stamp = `${day}-${time}`
      if (stamp !== this.#lastStamp) {
        this.#lastStamp = stamp
        return stamp
      }
      await delay(100)
    }
  }
}
