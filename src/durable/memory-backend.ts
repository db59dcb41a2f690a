// A state that lives as long as its process: for `--dry-run` and for tests. It keeps every rule of
// the state on disk except durability.

import type { Backend, Changes } from './staged-store.ts'

export class MemoryBackend implements Backend {
  readonly path = 'in memory'
  readonly #values = new Map<string, Uint8Array>()
  /** Keys in order; undefined when a write has changed them. */
  #ordered: string[] | undefined

  encode(_key: string, bytes: Uint8Array): Uint8Array {
    return new Uint8Array(bytes)
  }

  decode(_key: string, stored: Uint8Array): Uint8Array {
    return new Uint8Array(stored)
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key)
  }

  range(prefix: string): Iterable<readonly [string, Uint8Array]> {
    this.#ordered ??= [...this.#values.keys()].sort()
    const picture: (readonly [string, Uint8Array])[] = []
    for (const key of this.#ordered) {
      const value = key.startsWith(prefix) ? this.#values.get(key) : undefined
      if (value) picture.push([key, value])
    }
    return picture
  }

  write(changes: Changes): Promise<void> {
    for (const [key, value] of changes) {
      if (value) this.#values.set(key, value)
      else this.#values.delete(key)
    }
    this.#ordered = undefined
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
